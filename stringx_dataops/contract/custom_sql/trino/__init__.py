"""Trino's dialect of custom SQL. `dialect.py` is what `dialects.py` takes; nothing else imports from here."""
