"""`dataops rules`: the configuration as files."""

import click

from stringx_dataops.cli.lazy import LazyGroup

_HERE = "stringx_dataops.cli.rules"
COMMANDS = {
    "validate": (f"{_HERE}.validate", "validate", "Say what is wrong with files; needs no service."),
    "try": (f"{_HERE}.trials", "try_", "Check tables by the files and print every rule; nothing is stored."),
    "apply": (f"{_HERE}.apply", "apply", "Store the documents of files, all or none."),
}


@click.group(cls=LazyGroup, commands_by_name=COMMANDS)
def rules() -> None:
    """Rules as code: check files, compare them with the Backend, apply them, take them back."""
