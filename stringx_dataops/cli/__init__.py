"""The `dataops` command, a client of the Backend's API."""
