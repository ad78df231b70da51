"""Checks: accepted once, claimed by a worker, finished once. The table of checks is the queue."""
