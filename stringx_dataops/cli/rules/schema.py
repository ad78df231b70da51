"""`dataops rules schema`: the JSON Schema of all documents, for editors."""

import click

from stringx_dataops.cli.offline import offline
from stringx_dataops.cli.options import example


@click.command(epilog=example("dataops rules schema > stringx.schema.json"))
@offline("rules schema")
def schema() -> int:
    """Print the JSON Schema of all documents, for editors; needs no service."""
    from stringx_dataops.cli.rules.checking import load_catalogue  # takes half a second, which --help need not
    from stringx_dataops.contract.documents.json_schema import as_text

    click.echo(as_text(load_catalogue()), nl=False)
    return 0
