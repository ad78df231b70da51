"""`dataops incidents`: list them, show the story of one, acknowledge it, assign it, write something down, sum up."""

import json
from collections.abc import Iterator
from typing import Any

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.moments import moment_ahead
from stringx_dataops.cli.options import AS_JSON, AS_JSON_LINES, FOR_TARGET, OneOf, example, limit
from stringx_dataops.cli.output import plural, show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns, folded, plain, state
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject

COLORS = {"open": "red", "closed": "green"}  # of an incident; of a gate they are the other way round
_COLUMNS = (
    Column("state", is_state=True, colors=COLORS),
    Column("target", drops=1),
    Column("name", keeps_end=True, least=12),
    Column("opened", is_time=True),
    Column("lasted", drops=2),
    Column("owner", drops=5),
    Column("assignee", drops=3),
    Column("acknowledged by", drops=4),
    Column("rules", least=12, drops=6),
    Column("incident"),
)
_TIMES = (
    Column("name", least=12),
    Column("opened"),
    Column("still open"),
    Column("acknowledged", drops=2),
    Column("mean to acknowledge", drops=1),
    Column("mean to close"),
    Column("longest", drops=3),
)
_FIELDS = ("id", "state", "opened_at", "rules", "acknowledged")
_EXAMPLE_ID = "0190f2a4-5240-77db-ba2c-2075931ff54b"


@click.group()
def incidents() -> None:
    """Look at incidents, acknowledge one, write something down."""


@incidents.command("list", epilog=example("dataops incidents list --state open", "dataops incidents list --mine --json"))
@FOR_TARGET
@click.option("--table", shell_complete=completing.tables, help="only those of this table (schema.table)")
@click.option("--dataset", shell_complete=completing.datasets, help="only those of this dataset")
@click.option("--state", type=OneOf(("open", "closed")), help="only those that are open, or over")
@click.option("--kind", type=OneOf(("closed", "missed")), help="only gates that closed, or checks that were missed")
@click.option("--owner", help="only those of this owner")
@click.option("--assignee", help="only those that are assigned to this name")
@click.option("--acknowledged", type=OneOf(("true", "false")), help="only those that somebody is at, or that nobody is")
@click.option("--from", "from_", metavar="TIME", help="opened not before this RFC 3339 time")
@click.option("--to", metavar="TIME", help="opened before this RFC 3339 time")
@click.option("--mine", is_flag=True, help="only those whose owner or assignee has the name of your key")
@limit(50, "open ones first")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, mine: bool, from_: str | None, **filters: str | None) -> int:
    """Incidents: open ones first, then the newest first."""
    filters |= {"from": from_, "mine": "true" if mine else None}
    found = listing.items(Client.from_environment(server), "incidents", filters, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_COLUMNS, [_row(item) for item in found]), "no incident")
    return 0


@incidents.command("show", epilog=example(f"dataops incidents show {_EXAMPLE_ID}"))
@click.argument("incident_id", shell_complete=completing.incidents)
@AS_JSON
@click.pass_obj
def show_one(server: str | None, incident_id: str, as_json: bool) -> int:
    """An incident with its story: rules, checks, changes, waivers, messages, notes, by the time of each."""
    client = Client.from_environment(server)
    found = require(client, client.get(path_of("incidents", incident_id)), *_FIELDS, "checks", "entries")
    if as_json:
        show(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        show_list(folded(line, 4) for line in _story(found))
    return 0


@incidents.command(epilog=example(f"dataops incidents acknowledge {_EXAMPLE_ID} \\", "    --note 'at it' --until 4h"))
@click.argument("incident_id", shell_complete=completing.incidents)
@click.option("--note", help="what is being done")
@click.option("--assignee", help="whose it is from now on")
@click.option("--until", metavar="DURATION|TIME", help="4h, a date (its beginning, UTC) or an RFC 3339 time; at most 90 days")
@AS_JSON
@click.pass_obj
def acknowledge(
    server: str | None, incident_id: str, note: str | None, assignee: str | None, until: str | None, as_json: bool
) -> int:
    """Say that somebody is at it: messages are not repeated. The gate stays as it is."""
    said = {"note": note, "assignee": assignee, "until": moment_ahead(until) if until is not None else None}
    return _act(server, incident_id, "acknowledge", {name: value for name, value in said.items() if value is not None}, as_json)


@incidents.command(epilog=example(f"dataops incidents unacknowledge {_EXAMPLE_ID}"))
@click.argument("incident_id", shell_complete=completing.incidents)
@AS_JSON
@click.pass_obj
def unacknowledge(server: str | None, incident_id: str, as_json: bool) -> int:
    """Take an acknowledgement back: messages are repeated again."""
    return _act(server, incident_id, "unacknowledge", None, as_json)


@incidents.command(epilog=example(f"dataops incidents assign {_EXAMPLE_ID} data-platform"))
@click.argument("incident_id", shell_complete=completing.incidents)
@click.argument("assignee", required=False)
@click.option("--nobody", is_flag=True, help="it is nobody's from now on")
@AS_JSON
@click.pass_obj
def assign(server: str | None, incident_id: str, assignee: str | None, nobody: bool, as_json: bool) -> int:
    """Say whose an incident is."""
    if (assignee is None) != nobody:
        raise click.UsageError("give either ASSIGNEE or --nobody")
    return _act(server, incident_id, "assign", {"assignee": assignee}, as_json)


@incidents.command(epilog=example(f"dataops incidents note {_EXAMPLE_ID} \\", "    'the source sent Monday twice'"))
@click.argument("incident_id", shell_complete=completing.incidents)
@click.argument("text")
@AS_JSON
@click.pass_obj
def note(server: str | None, incident_id: str, text: str, as_json: bool) -> int:
    """Write something down about an incident, also after it is over."""
    return _act(server, incident_id, "note", {"text": text}, as_json)


@incidents.command(epilog=example("dataops incidents summary --by owner --from 2026-01-01T00:00:00Z"))
@click.option("--by", type=OneOf(("target", "owner")), default="target", show_default=True, help="what to sum up by")
@FOR_TARGET
@click.option("--owner", help="only those of this owner")
@click.option("--from", "from_", metavar="TIME", help="opened not before this RFC 3339 time (default: 30 days before)")
@click.option("--to", metavar="TIME", help="opened before this RFC 3339 time (default: now)")
@AS_JSON
@click.pass_obj
def summary(
    server: str | None, by: str, target: str | None, owner: str | None, from_: str | None, to: str | None, as_json: bool
) -> int:
    """How long incidents lasted, and how soon somebody acknowledged them."""
    client = Client.from_environment(server)
    if target is not None:
        listing.require_target(client, target)
    query = {"by": by, "target": target, "owner": owner, "from": from_, "to": to}
    given = {name: value for name, value in query.items() if value is not None}
    found = require(client, client.get(path_of("incidents", "summary"), given), "items", "total", "more")
    if as_json:
        show(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    rows = [_times(item["name"] or f"(no {by})", item) for item in found["items"]]
    show_list(columns(_TIMES, [*rows, _times("all", found["total"])]))
    return 0


def _act(server: str | None, incident_id: str, action: str, body: JsonObject | None, as_json: bool) -> int:
    """Do something with an incident, and say in one line how it stands then."""
    client = Client.from_environment(server)
    path = path_of("incidents", incident_id, action)
    found = require(client, client.post(path, {}) if body is None else client.post_json(path, body), *_FIELDS)
    show(json.dumps(found, indent=2, ensure_ascii=False) if as_json else _line(found))
    return 0


def _row(item: JsonObject) -> tuple[str, ...]:
    by = item.get("acknowledged_by") or "" if item["acknowledged"] else ""
    named = (item.get("owner") or "", item.get("assignee") or "", by)
    return item["state"], str(item["target"]), _name(item), item["opened_at"], _lasted(item), *named, _rules(item), item["id"]


def _line(item: JsonObject) -> str:
    """An incident in one line."""
    parts = [f"{item['id']}  {state(item['state'], colors=COLORS)}  {item['target']} {_name(item)}, for {_lasted(item)}"]
    if item["acknowledged"]:
        until = f" until {item['acknowledged_until']}" if item.get("acknowledged_until") else ""
        parts.append(f"acknowledged by {plain(item.get('acknowledged_by'))}{until}")
    if item.get("assignee"):
        parts.append(f"assigned to {plain(item['assignee'])}")
    return "; ".join(parts)


def _story(found: JsonObject) -> Iterator[str]:
    """The line of the incident, what is wrong, then everything that happened by its time."""
    yield _line(found)
    if found.get("owner"):
        yield f"  owner {plain(found['owner'])}"
    if found.get("runbook"):
        yield f"  runbook {plain(found['runbook'])}"
    for rule in found["rules"]:
        words = (found.get("findings") or {}).get(rule["table"], {}).get(rule["id"], "")
        place = f"{rule['table']}: " if found.get("dataset") else ""
        yield f"  {state(rule['status'])}  {plain(place + rule['id'])}{f': {plain(words)}' if words else ''}"
    if found.get("rules_more"):
        yield f"  and {plural(found['rules_more'], 'more rule')}"
    for at, words in sorted(_happened(found), key=lambda each: each[0]):
        yield f"  {at}  {plain(words)}"


def _happened(found: JsonObject) -> Iterator[tuple[str, str]]:
    if found.get("kind") == "missed":
        yield found["opened_at"], "opened: no check had come"
    for each in found["checks"]:
        yield each["at"], f"check {each['check_id']}: {each['verdict']}"
    for each in found.get("events", ()):
        yield each["at"], f"gate: {', '.join(each['kinds'])}"
    for each in found["entries"]:
        yield each["at"], _entry(each)
    for each in found.get("changes", ()):
        done = "deleted" if each["deleted"] else f"version {each['version']}"
        yield each["at"], f"{each['kind']} {each['name']}: {done} by {each['by']}"
    for each in found.get("waivers", ()):
        yield (
            each["created_at"],
            f"waiver of {each['table']} {each['rule']} by {each['by']} until {each['until']}: {each['reason']}",
        )
    for each in found.get("messages", ()):
        yield each["at"], f"message to {each['channel']} ({each['said']}): {each['state']}"


def _entry(entry: JsonObject) -> str:
    details: dict[str, Any] = entry["details"]
    words = [] if entry["action"] == "assigned" else [entry["action"]]
    if "assignee" in details:
        words.append(f"assigned to {details['assignee'] or 'nobody'}")
    if "until" in details:
        words.append(f"until {details['until']}")
    said = details.get("text") or details.get("note")
    return f"{', '.join(words)} by {entry['by']}{f': {said}' if said else ''}"


def _times(name: str, item: JsonObject) -> tuple[str, ...]:
    numbers = (str(item[field]) for field in ("opened", "still_open", "acknowledged"))
    spans = (_span(item[field]) for field in ("mean_to_acknowledge_s", "mean_to_close_s", "longest_s"))
    return name, *numbers, *spans


def _name(item: JsonObject) -> str:
    return str(item["table"]) if item.get("table") else f"dataset {item.get('dataset')}"


def _rules(item: JsonObject) -> str:
    if item.get("kind") == "missed" and not item["rules"]:
        return "check missed"
    return ", ".join(dict.fromkeys(str(rule["id"]) for rule in item["rules"]))  # of a dataset, many tables have the same


def _lasted(item: JsonObject) -> str:
    return _span(item.get("duration_s"))


def _span(seconds: float | None) -> str:
    """Such as 2d 4h, 3h 20m, 5m or 12s; empty for none."""
    if seconds is None:
        return ""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m" if minutes else f"{int(seconds)}s"
