"""What other people install: the contract of both services, a client of the Backend and the `dataops` command."""
