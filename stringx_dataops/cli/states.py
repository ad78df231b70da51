"""`dataops targets`, `tables` and `datasets`: what is configured, and how it stands."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from stringx_dataops.cli import listing
from stringx_dataops.cli.options import AS_JSON_LINES, FOR_TARGET, MOST, OneOf, TargetName, example, limit
from stringx_dataops.cli.output import show_json, show_list
from stringx_dataops.cli.terminal import Column, columns
from stringx_dataops.client import Client
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import Verdict

_Command = TypeVar("_Command", bound=Callable[..., Any])
_COLUMNS = (
    Column("state", is_state=True),
    Column("target", drops=1),
    Column("name", keeps_end=True, least=16),
    Column("verdict", is_state=True),
    Column("score", drops=3),
    Column("checked at", is_time=True, drops=2),
    Column("owner", drops=5),
    Column("tags", least=10, drops=4),
    Column("why", least=24),
)
_TARGET_COLUMNS = (Column("name"), Column("adapter", drops=1), Column("database", keeps_end=True, least=20))


@click.group()
def targets() -> None:
    """List the targets: the databases that are checked."""


@targets.command("list", epilog=example("dataops targets list --json"))
@click.option("--target", type=TargetName(), metavar="TARGET", help="only this one")
@limit(MOST, "by name")
@AS_JSON_LINES
@click.pass_obj
def list_targets(server: str | None, target: str | None, limit: int, as_json: bool) -> int:
    """Targets by name, with the database that each stands for; with --json their documents."""
    client = Client.from_environment(server)
    if target is not None:
        listing.require_target(client, target)
    found = [item for item in listing.targets(client, MOST) if target in (None, item["name"])][:limit]
    if as_json:
        show_json(found)
    else:
        show_list(columns(_TARGET_COLUMNS, [_target(item) for item in found]), "no target")
    return 0


def _filters(command: _Command) -> _Command:
    """The options of the API's filters."""
    for option in (
        AS_JSON_LINES,
        limit(MOST, "closed gates first"),
        click.option("--q", metavar="TEXT", help="only those with this text in their name"),
        click.option("--tag", help="only those with this tag"),
        click.option("--owner", help="only those of this owner"),
        click.option("--verdict", type=OneOf(get_args(Verdict)), help="only those whose last deciding check said so"),
        click.option("--gate", type=OneOf(("open", "closed")), help="only those whose gate is open, or closed for any reason"),
        FOR_TARGET,
    ):
        command = option(command)
    return command


@click.group()
def tables() -> None:
    """List the tables as they stand."""


@tables.command("list", epilog=example("dataops tables list --gate closed", "dataops tables list --target nyc --tag core --json"))
@_filters
@click.pass_obj
def list_tables(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Configured tables as they stand: closed gates first, then stale, never checked and open ones."""
    return _list(server, "tables", "table", filters, limit, as_json)


@click.group()
def datasets() -> None:
    """List the datasets as they stand."""


@datasets.command("list", epilog=example("dataops datasets list --gate closed"))
@_filters
@click.pass_obj
def list_datasets(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Configured datasets as they stand, in the same order as tables."""
    return _list(server, "datasets", "dataset", filters, limit, as_json)


def _list(server: str | None, name: str, field: str, filters: dict[str, str | None], limit: int, as_json: bool) -> int:
    found = listing.items(Client.from_environment(server), name, filters, limit)
    if as_json:
        show_json(found)
    else:
        rows = [_state(item, field) for item in found]
        show_list(columns(_COLUMNS, rows), f"no {field}")
    return 0


def _state(item: JsonObject, field: str) -> tuple[str, ...]:
    """Cells of a table or dataset. The first reason repeats the verdict, so the second one says more."""
    reasons = [reason for reason in item["reasons"] if not str(reason).startswith("verdict ")]
    checking = " (is being checked)" if item.get("checking") else ""
    score = "" if item["score"] is None else f"{item['score']:.3f}"
    return (
        item["state"], item["target"], f"{item[field]}{checking}", item["verdict"] or "", score, item["checked_at"] or "",
        item["owner"], ", ".join(item["tags"]), reasons[0] if reasons else "",
    )  # fmt: skip


def _target(item: JsonObject) -> tuple[str, ...]:
    if "dbname" in item:
        where = f"{item['user']}@{item['host']}:{item.get('port', 5432)}/{item['dbname']}"
    elif "catalog" in item:
        port = f":{item['port']}" if item.get("port") else ""
        where = f"{item['user']}@{item['host']}{port}/{item['catalog']}"
    else:
        of_csv = [each["files"] for each in (item.get("csv_locations") or {}).values()]
        where = ", ".join([*(item.get("locations") or {}).values(), *of_csv]) or str(item.get("path", ""))
    return item["name"], item.get("adapter", ""), where
