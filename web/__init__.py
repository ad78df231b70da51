"""Flask code that all services share: keys, problems, strict bodies and queries, OpenAPI, health. It has no service's routes."""
