"""`dataops waive` and `dataops waivers`: make, list and end waivers."""

import json
from datetime import date, datetime, timedelta, timezone
from itertools import islice

import click

from stringx_dataops.cli.output import show
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.json_types import JsonObject

_FIELDS = ("id", "target", "table", "rule", "until", "state")


@click.command()
@click.argument("target")
@click.argument("table")
@click.argument("rule")
@click.option("--reason", required=True, help="why it fails, and when that will be mended")
@click.option("--until", required=True, metavar="DURATION|TIME", help="14d, a date (its beginning, UTC) or an RFC 3339 time")
@click.option("--at-most", metavar="N|SHARE", help="failures up to which it holds: a count, or a share such as 2%")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer")
@click.pass_obj
def waive(
    server: str | None, target: str, table: str, rule: str, reason: str, until: str, at_most: str | None, as_json: bool
) -> int:
    """Have the failing RULE of TABLE (schema.table) of TARGET warn for a while, within limits."""
    body: JsonObject = {"target": target, "table": table, "rule": rule, "reason": reason, "until": _moment(until)}
    if at_most is not None:
        body["at_most"] = int(at_most) if at_most.isdecimal() else at_most
    client = Client.from_environment(server)
    made = require(client, client.post_json(path_of("waivers"), body), *_FIELDS)
    show(json.dumps(made, indent=2, ensure_ascii=False) if as_json else f"{_line(made)}\n{made.get('note', '')}".rstrip())
    return 0


@click.group()
def waivers() -> None:
    """Look at waivers, end one."""


@waivers.command("list")
@click.option("--target", help="only those of this target")
@click.option("--table", help="only those of this table (schema.table)")
@click.option("--rule", help="only those of the rule of this id")
@click.option("--state", help="active or ended")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="how many, the newest first")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object per line")
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Waivers, the newest first."""
    client = Client.from_environment(server)
    query = {name: value for name, value in filters.items() if value is not None}
    for item in islice(client.items(path_of("waivers"), query), limit):
        show(json.dumps(item, ensure_ascii=False) if as_json else _line(item))
    return 0


@waivers.command()
@click.argument("waiver_id")
@click.pass_obj
def delete(server: str | None, waiver_id: str) -> int:
    """End a waiver; gates that lean on it close at once."""
    client = Client.from_environment(server)
    client.delete(path_of("waivers", waiver_id))
    show(f"waiver {waiver_id} has ended")
    return 0


def _line(item: JsonObject) -> str:
    """A waiver in one line, with its id."""
    limit = "" if item.get("at_most") is None else f" at most {item['at_most']},"
    ended = f" ({item['ended_because']})" if item.get("ended_because") else ""
    reason = " ".join(str(item.get("reason", "")).split())
    about = f"{item['target']} {item['table']} {item['rule']}"
    return f"{item['id']}  {item['state']}{ended}  {about}:{limit} until {item['until']}: {reason}"


def _moment(text: str) -> str:
    """From a duration, a date or a time to a time; the Backend refuses one that is none."""
    try:
        ahead = timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    else:
        return (datetime.now(timezone.utc) + ahead).isoformat()
    try:
        return f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if len(text) == len("2026-12-31") else text
    except ValueError:
        return text
