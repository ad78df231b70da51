"""Marks of points: what a person says of a point of a rule that is judged by its own earlier points."""
