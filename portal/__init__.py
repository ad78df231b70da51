"""The docs portal: one dbt project per target, with its configured tables as sources; generated, and served on port 8001."""
