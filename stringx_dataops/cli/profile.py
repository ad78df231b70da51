"""`dataops profile`: what the columns of a table look like, and rules that fit them."""

import json
from pathlib import Path

import click

from stringx_dataops.answers import Request
from stringx_dataops.cli import completing
from stringx_dataops.cli.options import AS_JSON, TargetName, example
from stringx_dataops.cli.output import plural, say, show, show_list
from stringx_dataops.cli.profile_lines import lines
from stringx_dataops.cli.progress import POLL_S, Line
from stringx_dataops.client import PATIENCE_S, Client, TableProfile, Undecided
from stringx_dataops.following import LONGEST_POLL_S

_SECONDS = click.IntRange(1, 86400)


def _names(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[str]:
    """Of columns, which may stand in one option with commas between them."""
    return [name for text in given for name in text.split(",") if name]


@click.command(
    epilog=example(
        "dataops profile nyc public.flights",
        "dataops profile nyc public.flights --suggest flights.yml",
    )
)
@click.argument("target", type=TargetName())
@click.argument("table", shell_complete=completing.tables)
@click.option("--columns", multiple=True, callback=_names, metavar="NAMES", help="only these columns; commas between them")
@click.option("--sample-rows", type=click.IntRange(1), metavar="N", help="read about so many rows (above 5 million: 1 million)")
@click.option(
    "--show", "shown", multiple=True, callback=_names, metavar="NAMES", help="columns whose values may be shown (scope configure)"
)
@click.option(
    "--suggest",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="write the table's document with suggested rules to FILE, each below its reason",
)
@click.option("--force", is_flag=True, help="replace FILE if it holds something else")
@click.option("--timeout", "timeout_s", type=_SECONDS, metavar="SECONDS", help="the budget of the reading (600)")
@click.option("--wait", type=_SECONDS, default=PATIENCE_S, show_default=True, help="seconds to wait for the end")
@AS_JSON
@click.pass_obj
def profile(
    server: str | None,
    target: str,
    table: str,
    columns: list[str],
    sample_rows: int | None,
    shown: list[str],
    file: Path | None,
    force: bool,
    timeout_s: int | None,
    wait: int,
    as_json: bool,
) -> int:
    """Measure the columns of TABLE (schema.table) of TARGET, and suggest rules.

    The table need not be configured. Only aggregates leave the database, and values of columns that samples may show.
    """
    if file is not None:
        from stringx_dataops.cli import suggesting

        suggesting.require_writable(file, target, table, force)
    client = Client.from_environment(server)
    found = _measured(client, target, table, columns, sample_rows, shown, timeout_s, wait)
    if as_json:
        show(json.dumps(found.raw, ensure_ascii=False))
    elif file is None or not found:
        show_list(lines(found))
    if not found:
        return 3
    if file is not None and found.suggestions_fault is not None:
        say(f"{file} is not written: {found.suggestions_fault}")
        return 3
    if file is not None:
        number = suggesting.write(client, file, found, force)
        words = f"wrote {file}: the document of {found.table} with {plural(number, 'suggested rule')}"
        say(f"{words}; look at them, then: dataops rules apply {file}")
    return 0


def _measured(
    client: Client,
    target: str,
    table: str,
    columns: list[str],
    sample_rows: int | None,
    shown: list[str],
    timeout_s: int | None,
    wait: int,
) -> TableProfile:
    """The profile after its end. Undecided if that takes longer than `wait`."""
    with Line(table) as line:

        def follow(request: Request) -> None:
            line.follow(request.progress)

        try:
            return client.profile(
                target, table, columns=columns, sample_rows=sample_rows, sample_columns=shown, timeout_s=timeout_s, wait=wait,
                on_wait=follow, poll_s=POLL_S if line.active else LONGEST_POLL_S,
            )  # fmt: skip
        except Undecided as undecided:
            if isinstance(undecided.answer, TableProfile):
                asked = undecided.answer
                words = f"it goes on as request {asked.request_id}: dataops requests cancel {asked.request_id}"
                raise Undecided(f"not finished within {wait} s; {words}", asked) from None
            raise
