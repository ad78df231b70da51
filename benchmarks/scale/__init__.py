"""What 10,000 tables with 20 rules each cost beside 10: `python -m benchmarks.scale`."""
