"""`dataops points`: what a rule's checks found and what was usual then; mark a point."""

import json

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.options import AS_JSON, AS_JSON_LINES, OneOf, TargetName, example, limit
from stringx_dataops.cli.output import show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns, plain
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject

_COLUMNS = (
    Column("at", is_time=True),
    Column("status", is_state=True),
    Column("measured"),
    Column("usual", least=10),
    Column("mark"),
    Column("by", drops=2),
    Column("note", least=10, drops=3),
    Column("check"),
)
_FIELDS = ("at", "check_id", "mark", "marked_by", "effect")
_RULE = ("nyc", "public.flights", "rows_as_usual")


@click.group()
def points() -> None:
    """Look at the points of a rule, say that one is expected or to be left out."""


@points.command("list", epilog=example(f"dataops points list {' '.join(_RULE)}"))
@click.argument("target", type=TargetName())
@click.argument("table", shell_complete=completing.tables)
@click.argument("rule", shell_complete=completing.rules)
@click.option("--from", "from_", metavar="TIME", help="not before this RFC 3339 time")
@click.option("--to", metavar="TIME", help="before this RFC 3339 time")
@limit(30, "the newest first")
@AS_JSON_LINES
@click.pass_obj
def list_(
    server: str | None, target: str, table: str, rule: str, limit: int, as_json: bool, from_: str | None, to: str | None
) -> int:
    """What the checks of TABLE (schema.table) of TARGET found for RULE, the newest first, and what was usual then."""
    path = ("tables", target, table, "rules", rule, "history")
    found = listing.items(Client.from_environment(server), path, {"from": from_, "to": to}, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_COLUMNS, [_row(item) for item in found]), "no point")
    return 0


@points.command(epilog=example(f"dataops points mark {' '.join(_RULE)} \\", "    0190f2a4-5240-77db-ba2c-2075931ff54b exclude"))
@click.argument("target", type=TargetName())
@click.argument("table", shell_complete=completing.tables)
@click.argument("rule", shell_complete=completing.rules)
@click.argument("check_id")
@click.argument("mark", type=OneOf(("expected", "exclude", "none")))
@click.option("--note", help="why")
@AS_JSON
@click.pass_obj
def mark(
    server: str | None, target: str, table: str, rule: str, check_id: str, mark: str, note: str | None, as_json: bool
) -> int:
    """Say of the point of a check that it is expected, or exclude it; none takes that back. It counts from the next check on."""
    body: JsonObject = {"mark": mark} | ({"note": note} if note is not None else {})
    client = Client.from_environment(server)
    path = path_of("tables", target, table, "rules", rule, "points", check_id)
    found = require(client, client.post_json(path, body), *_FIELDS)
    by = f" by {plain(found['marked_by'])}" if found["marked_by"] else ""
    line = f"{found['at']}  {found['mark'] or 'not marked'}{by}\n{found['effect']}"
    show(json.dumps(found, indent=2, ensure_ascii=False) if as_json else line)
    return 0


def _row(item: JsonObject) -> tuple[str, ...]:
    measured = item.get("failures") if item.get("measured") is None else item["measured"]
    marked = [item.get(name) or "" for name in ("mark", "marked_by", "note")]
    return (item["at"], item["status"], _number(measured), _usual(item.get("baseline")), *marked, item["check_id"])


def _usual(baseline: JsonObject | None) -> str:
    """From which to which value was usual; a side that was open is left out."""
    if baseline is None:
        return ""
    if learning := baseline.get("learning"):
        return f"learning {learning['have']} of {learning['need']}"
    low, high = baseline.get("low"), baseline.get("high")
    return " ".join(f"{word} {_number(value)}" for word, value in (("from", low), ("to", high)) if value is not None)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}" if value != int(value) else f"{int(value):,}"
