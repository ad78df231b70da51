{#- No macro: a portal of Trino has no catalog, because dbt would read the columns of whole catalogs for it. -#}
