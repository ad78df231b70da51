"""`dataops rules apply`: stores the documents of files, all of them or none."""

from collections.abc import Sequence
from typing import cast

import click

from stringx_dataops.cli import render
from stringx_dataops.cli.answers import ChangesAnswer
from stringx_dataops.cli.options import YES, confirm, example
from stringx_dataops.cli.rules.documents import Documents, load
from stringx_dataops.cli.rules.paths import PATHS, read_files
from stringx_dataops.cli.rules.validate import ENV, refused
from stringx_dataops.client import Client, Refused, require
from stringx_dataops.contract.problems import FieldError

SOURCE = click.option("--source", metavar="NAME", help="where the files come from, such as github.com/acme/rules")


@click.command(epilog=example("dataops rules apply rules/ --source shop-rules --prune --dry-run"))
@PATHS
@SOURCE
@click.option("--prune", is_flag=True, help="delete documents that were applied from --source and that no file holds any more")
@click.option("--dry-run", is_flag=True, help="say what would change, change nothing")
@YES
@ENV
@click.pass_obj
def apply(
    server: str | None, paths: Sequence[str], source: str | None, prune: bool, dry_run: bool, yes: bool, fills_in: bool
) -> int:
    """Apply all documents of files, folders (their *.yml and *.yaml) and - (standard input), or none of them.

    What is not in them is left alone, unless --prune is given.
    """
    if prune and not source:
        raise click.UsageError("--prune deletes what was applied from a source; say which with --source NAME")
    documents = load(read_files(paths), fills_in=fills_in)
    if documents.faults:
        raise Refused(refused(documents.faults), [])
    client = Client.from_environment(server)
    query = {"source": source} if source else {}
    if prune:
        query["prune"] = "true"
        if not dry_run and not yes and (gone := _pruned(send(client, documents, query | {"dry_run": "true"}))):
            confirm(f"{len(gone)} documents of {source} are in no file any more: {', '.join(gone)}. Delete them?")
    answer = send(client, documents, query | {"dry_run": "true" if dry_run else "false"})
    click.echo(render.changes(answer))
    for note in answer.get("notes", ()):
        found = documents.fault(FieldError(note["pointer"], note["message"]))
        click.echo(f"note: {found.text}", err=True)
    return 0


def send(client: Client, documents: Documents, query: dict[str, str]) -> ChangesAnswer:
    """What the Backend changes. Raises Refused with the places of the faults."""
    try:
        answer = client.post_yaml("/api/v1/configuration", documents.stream, query)
    except Refused as error:
        faults = [documents.refusal(each).text if _is_of_stream(each) else _of_query(each) for each in error.errors]
        raise Refused(faults or [str(error)], error.errors) from error
    return cast(ChangesAnswer, require(client, answer, "dry_run", "changes"))


def _pruned(answer: ChangesAnswer) -> list[str]:
    return [f"{item['kind']} {item['name']}" for item in answer["changes"] if item["change"] == "deleted"]


def _is_of_stream(error: dict[str, str]) -> bool:
    return error["pointer"].removeprefix("/").partition("/")[0].isdigit()


def _of_query(error: dict[str, str]) -> str:
    return f"{error['pointer']}: {error['message']}".removeprefix(": ")
