{#- No macro: a portal of DuckDB has no catalog, because a database file that is open cannot be written meanwhile. -#}
