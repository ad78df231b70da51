"""What other people install: the contract of both services, a client of the Backend and the `dataops` command."""

__version__ = "0.1.0"  # of everything here; CHANGELOG.md has a section of its own for each
