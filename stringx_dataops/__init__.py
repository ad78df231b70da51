"""The installable package: the contract of both services, a client of the Backend and the `dataops` command."""

__version__ = "0.1.0"  # of the whole project; CHANGELOG.md has a section for each version
