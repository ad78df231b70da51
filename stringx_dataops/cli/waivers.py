"""`dataops waive` and `dataops waivers`: make, list and end waivers."""

import json

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.moments import moment_ahead
from stringx_dataops.cli.options import AS_JSON, AS_JSON_LINES, FOR_TARGET, YES, OneOf, TargetName, confirm, example, limit
from stringx_dataops.cli.output import show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject

_COLUMNS = (
    Column("state", is_state=True, drops=1),
    Column("target", drops=2),
    Column("table", keeps_end=True, least=8),
    Column("rule", least=8),
    Column("at most", drops=4),
    Column("until", is_time=True),
    Column("by", drops=5),
    Column("reason", least=16, drops=3),
    Column("waiver"),
)
_FIELDS = ("id", "target", "table", "rule", "until", "state")


@click.command(
    epilog=example(
        "dataops waive nyc public.flights dep_time_not_null --until 14d \\",
        "    --at-most 3% --reason 'loader 4.2 drops canceled flights, fixed in 4.3'",
    )
)
@click.argument("target", type=TargetName())
@click.argument("table", shell_complete=completing.tables)
@click.argument("rule", shell_complete=completing.rules)
@click.option("--reason", required=True, help="why it fails, and when that will be mended")
@click.option("--until", required=True, metavar="DURATION|TIME", help="14d, a date (its beginning, UTC) or an RFC 3339 time")
@click.option("--at-most", metavar="N|SHARE", help="failures up to which it holds: a count, or a share such as 2%")
@AS_JSON
@click.pass_obj
def waive(
    server: str | None, target: str, table: str, rule: str, reason: str, until: str, at_most: str | None, as_json: bool
) -> int:
    """Have the failing RULE of TABLE (schema.table) of TARGET warn for a while, within limits."""
    body: JsonObject = {"target": target, "table": table, "rule": rule, "reason": reason, "until": moment_ahead(until)}
    if at_most is not None:
        body["at_most"] = int(at_most) if at_most.isdecimal() else at_most
    client = Client.from_environment(server)
    made = require(client, client.post_json(path_of("waivers"), body), *_FIELDS)
    show(json.dumps(made, indent=2, ensure_ascii=False) if as_json else f"{_line(made)}\n{made.get('note', '')}".rstrip())
    return 0


@click.group()
def waivers() -> None:
    """Look at waivers, end one."""


@waivers.command("list", epilog=example("dataops waivers list --target nyc --state active"))
@FOR_TARGET
@click.option("--table", shell_complete=completing.tables, help="only those of this table (schema.table)")
@click.option("--rule", shell_complete=completing.rules, help="only those of the rule of this id")
@click.option("--state", type=OneOf(("active", "ended")), help="only those in this state")
@limit(50, "the newest first")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Waivers, the newest first."""
    found = listing.items(Client.from_environment(server), "waivers", filters, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_COLUMNS, [_row(item) for item in found]), "no waiver")
    return 0


@waivers.command(epilog=example("dataops waivers delete 0190f2a4-5240-77db-ba2c-2075931ff54b"))
@click.argument("waiver_id")
@YES
@click.pass_obj
def delete(server: str | None, waiver_id: str, yes: bool) -> int:
    """End a waiver; gates that lean on it close at once."""
    client = Client.from_environment(server)
    if not yes:
        confirm(f"End waiver {waiver_id}? Gates that lean on it close at once.")
    client.delete(path_of("waivers", waiver_id))
    show(f"waiver {waiver_id} has ended")
    return 0


def _row(item: JsonObject) -> tuple[str, ...]:
    ended = item["until"] if item["state"] == "active" else item.get("ended_because") or ""
    limit = "" if item.get("at_most") is None else str(item["at_most"])
    named = (str(item[name]) for name in ("target", "table", "rule"))
    return item["state"], *named, limit, ended, item.get("by") or "", item.get("reason", ""), item["id"]


def _line(item: JsonObject) -> str:
    """A waiver in one line, with its id."""
    limit = "" if item.get("at_most") is None else f" at most {item['at_most']},"
    ended = f" ({item['ended_because']})" if item.get("ended_because") else ""
    reason = " ".join(str(item.get("reason", "")).split())
    about = f"{item['target']} {item['table']} {item['rule']}"
    return f"{item['id']}  {item['state']}{ended}  {about}:{limit} until {item['until']}: {reason}"
