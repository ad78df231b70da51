"""The worker process: it claims checks and has each run in a warm dbt child."""
