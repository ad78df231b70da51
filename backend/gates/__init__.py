"""The gate of a table or dataset: open or closed, and why."""
