"""`dataops schedules`: list them, show the runs of one, pause and resume it, have it run now."""

import json
from collections.abc import Iterator

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.moments import moment_ahead
from stringx_dataops.cli.options import AS_JSON, AS_JSON_LINES, FOR_TARGET, example, limit
from stringx_dataops.cli.output import plural, show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns, folded, plain, state
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject

_COLORS = {"active": "green", "paused": "yellow"}
_COLUMNS = (
    Column("state", is_state=True, colors=_COLORS),
    Column("schedule", least=8),
    Column("target", drops=1),
    Column("checks", least=12, drops=4),
    Column("cron", drops=3),
    Column("zone", drops=5),
    Column("next", is_time=True),
    Column("last", is_time=True, drops=2),
)
_STATE = ("next_times", "paused_at", "paused_until", "last_run")
_RUN = ("id", "due_at", "kind", "counts", "skipped_because", "refused")
_VERDICTS = ("passed", "warned", "failed", "errored")
_NAME = click.argument("name", shell_complete=completing.schedules)


@click.group()
def schedules() -> None:
    """Look at schedules, pause, resume or run one."""


@schedules.command("list", epilog=example("dataops schedules list --target nyc"))
@FOR_TARGET
@limit(50, "by name")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, /, target: str | None, limit: int, as_json: bool) -> int:
    """Schedules by name, with their next and last run."""
    found = listing.items(Client.from_environment(server), "schedules", {"target": target}, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_COLUMNS, [_row(item) for item in found]), "no schedule")
    return 0


@schedules.command("show", epilog=example("dataops schedules show nightly --runs 20"))
@_NAME
@click.option("--runs", type=click.IntRange(1, 1000), default=10, show_default=True, help="how many runs, the latest first")
@AS_JSON
@click.pass_obj
def show_one(server: str | None, name: str, runs: int, as_json: bool) -> int:
    """A schedule: what it checks and when, its next five times, its pause, its last runs and what was refused."""
    client = Client.from_environment(server)
    document = require(client, client.get(path_of("schedules", name)), "target", "cron")
    standing = require(client, client.get(path_of("schedules", name, "state")), *_STATE)
    page = require(client, client.get(path_of("schedules", name, "runs"), {"limit": str(runs)}), "items")
    if as_json:
        show(json.dumps(document | standing | {"runs": page["items"]}, indent=2, ensure_ascii=False))
    else:
        show_list(folded(line, 4) for line in _shown(name, document, standing, page["items"]))
    return 0


@schedules.command(epilog=example("dataops schedules pause nightly --until 3d"))
@_NAME
@click.option("--until", metavar="DURATION|TIME", help="3d, a date (its beginning, UTC) or an RFC 3339 time; at most 366 days")
@AS_JSON
@click.pass_obj
def pause(server: str | None, name: str, until: str | None, as_json: bool) -> int:
    """From now on it begins no check; without --until, until somebody resumes it."""
    return _act(server, name, "pause", {"until": moment_ahead(until)} if until is not None else {}, as_json)


@schedules.command(epilog=example("dataops schedules resume nightly"))
@_NAME
@AS_JSON
@click.pass_obj
def resume(server: str | None, name: str, as_json: bool) -> int:
    """End its pause; what was due meanwhile does not happen."""
    return _act(server, name, "resume", None, as_json)


@schedules.command(epilog=example("dataops schedules run nightly"))
@_NAME
@AS_JSON
@click.pass_obj
def run(server: str | None, name: str, as_json: bool) -> int:
    """Have it run now, also if it is paused or not active."""
    client = Client.from_environment(server)
    made = require(client, client.post(path_of("schedules", name, "run"), {}), *_RUN)
    show(json.dumps(made, indent=2, ensure_ascii=False) if as_json else _run(made))
    return 0


def _act(server: str | None, name: str, action: str, body: JsonObject | None, as_json: bool) -> int:
    """Do something with a schedule, and say in one line how it stands then."""
    client = Client.from_environment(server)
    path = path_of("schedules", name, action)
    found = require(client, client.post(path, {}) if body is None else client.post_json(path, body), *_STATE)
    show(json.dumps(found, indent=2, ensure_ascii=False) if as_json else _line(name, found))
    return 0


def _row(item: JsonObject) -> tuple[str, ...]:
    following, last = item["next_times"], item["last_run"]
    times = (following[0] if following else "", last["due_at"] if last else "")
    return _word(item), str(item["name"]), str(item["target"]), _what(item), str(item["cron"]), _zone(item), *times


def _what(item: JsonObject) -> str:
    """What it checks: a table, patterns or a dataset."""
    return str(item.get("table") or ", ".join(item.get("tables") or ()) or f"dataset {item.get('dataset')}")


def _zone(item: JsonObject) -> str:
    return str(item.get("timezone") or "UTC")


def _word(item: JsonObject) -> str:
    if item.get("active") is False:
        return "inactive"
    return "paused" if item["paused_at"] else "active"


def _line(name: str, item: JsonObject) -> str:
    """How a schedule stands, in one line."""
    pause = ""
    if item["paused_at"]:
        until = f" until {item['paused_until']}" if item["paused_until"] else ""
        pause = f"paused by {plain(item.get('paused_by'))}{until}; "
    following = item["next_times"]
    if item.get("active") is False:
        return f"{plain(name)}: {pause}inactive"
    return f"{plain(name)}: {pause}{f'next run {following[0]}' if following else 'no next run'}"


def _shown(name: str, document: JsonObject, standing: JsonObject, runs: list[JsonObject]) -> Iterator[str]:
    yield _line(name, document | standing)
    yield f"  checks {plain(_what(document))} of {document['target']} at {plain(document['cron'])} {_zone(document)}"
    for at in standing["next_times"][1:]:
        yield f"  then {at}"
    for each in runs:
        yield f"  {_run(each)}"
        for refused in each["refused"]:
            yield f"    {plain(refused['name'])}: {plain(refused['reason'])}"


def _run(item: JsonObject) -> str:
    """A run in one line."""
    by = f" by {plain(item['asked_by'])}" if item.get("asked_by") else ""
    begin = f"{item['due_at']}  {item['kind']}{by}: "
    if item["skipped_because"]:
        return f"{begin}{state('skipped')}: {plain(item['skipped_because'])}"
    counts = item["counts"]
    parts = [f"{counts[word]} {word}" for word in (*_VERDICTS, "refused", "waiting", "running") if counts.get(word)]
    return f"{begin}{plural(counts['checks'], 'check')}{': ' if parts else ''}{', '.join(parts)}"
