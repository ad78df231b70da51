"""Ten million rows of Parquet, beside SQL by hand, dbt-duckdb and Soda."""
