"""`dataops rules`: the configuration as files."""

import click

from stringx_dataops.cli.rules.apply import apply
from stringx_dataops.cli.rules.trials import try_
from stringx_dataops.cli.rules.validate import validate


@click.group()
def rules() -> None:
    """Rules as code: check files, compare them with the Backend, apply them, take them back."""


for command in (validate, try_, apply):
    rules.add_command(command)
