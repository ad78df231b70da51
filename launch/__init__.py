"""Starts everything: the roles (`python -m launch ROLE`), checks before the start, supervised processes and the first start."""
