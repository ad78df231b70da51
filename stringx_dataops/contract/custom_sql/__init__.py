"""Custom SQL in rules: what it may call and read, decided before it reaches a database."""
