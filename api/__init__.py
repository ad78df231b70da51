"""The DataOps service: accepts quality checks, runs dbt, posts the results to the Backend."""
