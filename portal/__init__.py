"""The docs portal: a dbt project a target whose sources are the configured tables, generated and served on port 8001."""
