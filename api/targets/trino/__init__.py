"""Trino as an engine of targets. `engine.py` is what the registry takes; nothing else imports from here."""
