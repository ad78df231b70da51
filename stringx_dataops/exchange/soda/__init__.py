"""Soda: SodaCL checks (version 3) and data contracts (version 4)."""
