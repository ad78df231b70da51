"""dbt: tests of schema.yml files and of manifest.json."""
