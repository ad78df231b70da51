"""`dataops rules`: its commands, each in a module of its own."""

import click

from stringx_dataops.cli.lazy import LazyGroup

_COMMANDS = {
    "apply": (
        "stringx_dataops.cli.applying:apply",
        "Apply all documents of FILES, or none; tables that are not in them are left alone.",
    ),
    "import": (
        "stringx_dataops.cli.exchange:import_",
        "Take up the rules in PATHS (files or folders of another tool) and print them as documents of tables.",
    ),
    "try": ("stringx_dataops.cli.trials:try_", "Check the tables of FILES by their documents there, and print every rule."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def rules() -> None:
    """Change the configuration."""
