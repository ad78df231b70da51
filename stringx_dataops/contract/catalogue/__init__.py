"""The catalogue of rule types, which the dbt project defines."""
