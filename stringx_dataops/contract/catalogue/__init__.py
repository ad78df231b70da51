"""The rule types, as the dbt project defines them."""
