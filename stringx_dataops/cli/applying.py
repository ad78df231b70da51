"""`dataops rules apply`: documents of files become the configuration."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import click

from stringx_dataops.cli import render
from stringx_dataops.cli.answers import ChangesAnswer
from stringx_dataops.cli.files import count_documents, read_text
from stringx_dataops.cli.output import show
from stringx_dataops.client import Client, Refused, require


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="say what would change, change nothing")
@click.pass_obj
def apply(server: str | None, files: Sequence[Path], dry_run: bool) -> int:
    """Apply all documents of FILES, or none; tables that are not in them are left alone."""
    client = Client.from_environment(server)
    texts = [read_text(file) for file in files]
    numbers = [count_documents(file, text) for file, text in zip(files, texts, strict=True)]
    places = [(file, index + 1) for file, number in zip(files, numbers, strict=True) for index in range(number)]
    stream = "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts)
    try:
        answer = client.post_yaml("/api/v1/configuration", stream, {"dry_run": "true" if dry_run else "false"})
    except Refused as refused:
        lines = [_place(error, places) for error in refused.errors]
        raise Refused(lines or [str(refused)], refused.errors) from refused
    show(render.changes(cast(ChangesAnswer, require(client, answer, "dry_run", "changes"))))
    return 0


def _place(error: dict[str, str], places: Sequence[tuple[Path, int]]) -> str:
    """`FILE: document N: /pointer: message` for an error whose pointer begins with the document's index in the stream."""
    head, _, rest = error["pointer"].removeprefix("/").partition("/")
    if not head.isdigit() or int(head) >= len(places):
        return f"{error['pointer']}: {error['message']}"
    file, number = places[int(head)]
    return f"{file}: document {number}: {'/' + rest + ': ' if rest else ''}{error['message']}"
