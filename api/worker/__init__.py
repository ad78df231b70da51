"""The worker process: it claims checks, runs each in a warm dbt child, and delivers results."""
