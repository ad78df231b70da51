"""Starts everything: `python -m launch ROLE`, the checks before it, the supervised processes and the first start."""
