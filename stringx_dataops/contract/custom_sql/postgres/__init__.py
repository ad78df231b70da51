"""Custom SQL as PostgreSQL reads it. Other code uses `dialect.py` in here, through `dialect_of`."""
