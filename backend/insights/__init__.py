"""Requests with their results, as routes list and show them, and totals for the metrics. Nothing here changes anything."""
