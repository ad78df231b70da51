"""Months in fast time: a world whose gates close and open, the product that watches it, and an independent account of who must be told."""
