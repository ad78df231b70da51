"""`dataops badges`: make, list and revoke images of how a gate is."""

import json

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.options import (
    AS_JSON,
    AS_JSON_LINES,
    FOR_TARGET,
    YES,
    TargetName,
    confirm,
    example,
    limit,
    require_subject,
)
from stringx_dataops.cli.output import show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns, plain
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject

_COLUMNS = (
    Column("target", drops=2),
    Column("table or dataset", keeps_end=True, least=8),
    Column("label", least=8, drops=3),
    Column("created", is_time=True, drops=1),
    Column("address"),
    Column("badge"),
)
_FIELDS = ("id", "target", "label", "path")


@click.group()
def badges() -> None:
    """Make, list and revoke badges: images of how a gate is, for anybody who knows their address (scope configure)."""


@badges.command(epilog=example("dataops badges create nyc public.flights --label flights"))
@click.argument("target", type=TargetName())
@click.argument("table", required=False, shell_complete=completing.tables)
@click.option("--dataset", metavar="NAME", shell_complete=completing.datasets, help="this dataset, in place of TABLE")
@click.option("--label", help="what stands on its left (default: gate)")
@AS_JSON
@click.pass_obj
def create(server: str | None, target: str, table: str | None, dataset: str | None, label: str | None, as_json: bool) -> int:
    """Make a badge of TABLE (schema.table), or of a dataset, of TARGET, and print its address."""
    require_subject(table, dataset)
    given = {"target": target, "table": table, "dataset": dataset, "label": label}
    client = Client.from_environment(server)
    body = {name: value for name, value in given.items() if value is not None}
    made = require(client, client.post_json(path_of("badges"), body), *_FIELDS)
    if as_json:
        show(json.dumps(made, indent=2, ensure_ascii=False))
    else:
        show(f"{made['id']}  {_address(client, made)}\n{_markdown(client, made)}")
    return 0


@badges.command("list", epilog=example("dataops badges list --target nyc"))
@FOR_TARGET
@click.option("--table", shell_complete=completing.tables, help="only those of this table (schema.table)")
@click.option("--dataset", shell_complete=completing.datasets, help="only those of this dataset")
@limit(50, "the newest first")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Badges with their addresses, the newest first."""
    client = Client.from_environment(server)
    found = listing.items(client, "badges", filters, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_COLUMNS, [_row(client, item) for item in found]), "no badge")
    return 0


@badges.command(epilog=example("dataops badges revoke 0190f2a4-5240-77db-ba2c-2075931ff54b"))
@click.argument("badge_id")
@YES
@click.pass_obj
def revoke(server: str | None, badge_id: str, yes: bool) -> int:
    """Revoke a badge: from now on its address shows nothing."""
    client = Client.from_environment(server)
    if not yes:
        confirm(f"Revoke badge {badge_id}? Its address shows nothing any more.")
    client.delete(path_of("badges", badge_id))
    show(f"badge {badge_id} is revoked")
    return 0


def _row(client: Client, item: JsonObject) -> tuple[str, ...]:
    name = item.get("table") or item.get("dataset") or ""
    return item["target"], name, item["label"], item.get("created_at", ""), _address(client, item), item["id"]


def _address(client: Client, item: JsonObject) -> str:
    """Where people see it; without PUBLIC_URL, where this command reached the Backend."""
    return str(item.get("url") or f"{client.server}{item['path']}")


def _markdown(client: Client, item: JsonObject) -> str:
    label = plain(item["label"]).replace("[", "\\[").replace("]", "\\]")
    return f"![{label}]({_address(client, item)})"
