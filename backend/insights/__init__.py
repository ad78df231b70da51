"""What the Backend knows, read alike for lists, the command line and metrics. Nothing here changes anything."""
