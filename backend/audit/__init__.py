"""The audit log as it is read; `database/audit.py` writes it."""
