"""`dataops rules diff`: what applying the files would change, rule by rule."""

import json
from collections.abc import Sequence

import click

from stringx_dataops.cli.options import example
from stringx_dataops.cli.rules.apply import SOURCE
from stringx_dataops.cli.rules.checking import check, load_catalogue
from stringx_dataops.cli.rules.comparing import as_answer, as_text, changes, hidden
from stringx_dataops.cli.rules.documents import load
from stringx_dataops.cli.rules.paths import PATHS, read_files
from stringx_dataops.cli.rules.stored import configuration
from stringx_dataops.cli.rules.validate import ENV, refused
from stringx_dataops.client import Client, Refused


@click.command(epilog=example("dataops rules diff rules/ --source shop-rules"))
@PATHS
@SOURCE
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@ENV
@click.pass_obj
def diff(server: str | None, paths: Sequence[str], source: str | None, as_json: bool, fills_in: bool) -> int:
    """Say per rule what files would add, remove, tighten, loosen or change on the Backend.

    Exit code 0 if nothing differs, 1 if something does. With --source, documents that --prune would delete are named, too.
    """
    catalogue = load_catalogue()
    checked = check(load(read_files(paths), fills_in=fills_in), catalogue, None)
    if checked.faults:
        raise Refused(refused(checked.faults), [])
    stored = configuration(Client.from_environment(server))
    found, unseen = changes(checked, stored, source, catalogue), hidden(checked, stored)
    if as_json:
        click.echo(json.dumps(as_answer(found, unseen), indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(found, len(checked.documents.values), unseen))
    return 1 if found else 0
