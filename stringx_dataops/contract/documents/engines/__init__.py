"""The documents of targets, one module per engine. `base.py` has what all of them share."""
