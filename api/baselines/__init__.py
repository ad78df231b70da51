"""What is usual for the values that rules measure, by their earlier points. Pure functions, the standard library alone."""
