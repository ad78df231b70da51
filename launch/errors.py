"""The error of a start that cannot go on."""


class StartError(Exception):
    """Each of its `args` is a line for the user."""
