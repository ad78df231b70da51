"""Flask plumbing that both services share: keys, problems, strict bodies, OpenAPI, health. No route of a service lives here."""
