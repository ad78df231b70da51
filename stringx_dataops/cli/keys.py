"""`dataops keys` and `dataops audit`. A new key stands alone on standard output, so that it can be piped; all else that is said
about it goes to standard error."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import click

from stringx_dataops.cli.answers import AuditAnswer, KeyAnswer
from stringx_dataops.client import Client, path_of
from stringx_dataops.connection import require
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.keys import SCOPES

_MADE = ("name", "key", "scopes", "targets", "expires_at")
_PAGE = 1000  # items
_JSON_LINES = "print one JSON object per line"


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke keys (scope admin)."""


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="what it may do; several times")
@click.option("--target", "targets", multiple=True, help="only for this target; several times; without it for all")
@click.option("--expires-in", help="how long it is valid, such as 90d; without it, it does not end")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer, which holds the key")
@click.pass_obj
def create(
    server: str | None, name: str, scopes: tuple[str, ...], targets: tuple[str, ...], expires_in: str | None, as_json: bool
) -> int:
    """Make the key NAME and print it, this once."""
    if not scopes:
        raise click.UsageError(f"Missing option '--scope'; give one or several of {', '.join(SCOPES)}")
    client = Client.from_environment(server)
    body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
    body |= {"targets": list(targets)} if targets else {}
    body |= {"expires_in": expires_in} if expires_in is not None else {}
    made = cast(KeyAnswer, require(client, client.post_json(path_of("keys"), body), *_MADE))
    _show_key(made, as_json)
    return 0


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help=_JSON_LINES)
@click.pass_obj
def list_(server: str | None, as_json: bool) -> int:
    """Every key by name, those that have ended included."""
    client = Client.from_environment(server)
    for item in client.items(path_of("keys"), {"limit": str(_PAGE)}):
        click.echo(json.dumps(item, ensure_ascii=False) if as_json else _key_line(cast(KeyAnswer, item)))
    return 0


@keys.command()
@click.argument("name")
@click.option("--overlap", default="24h", show_default=True, help="how long the secret before works; 0s if it has leaked")
@click.option("--json", "as_json", is_flag=True, help="print the API's answer, which holds the key")
@click.pass_obj
def rotate(server: str | None, name: str, overlap: str, as_json: bool) -> int:
    """Give the key NAME a new secret and print it, this once."""
    client = Client.from_environment(server)
    answer = client.post(f"{path_of('keys', name)}/rotate", {"overlap": overlap})
    _show_key(cast(KeyAnswer, require(client, answer, *_MADE)), as_json)
    return 0


@keys.command()
@click.argument("name")
@click.pass_obj
def revoke(server: str | None, name: str) -> int:
    """End the key NAME, from the next request on."""
    client = Client.from_environment(server)
    client.delete(path_of("keys", name))
    click.echo(f"key {name}: revoked")
    return 0


@click.command()
@click.option("--actor", help="only what this key or person did")
@click.option("--action", help="only this, such as table.updated")
@click.option("--subject", help="only what was done to this, such as table:nyc/public.flights")
@click.option("--from", help="not before this RFC 3339 time")
@click.option("--to", help="before this RFC 3339 time")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="how many, the newest first")
@click.option("--json", "as_json", is_flag=True, help=_JSON_LINES)
@click.pass_obj
def audit(server: str | None, /, limit: int, as_json: bool, **filters: str | None) -> int:
    """Who did what, the newest first (scope admin)."""
    client = Client.from_environment(server)
    given = {name: value for name, value in filters.items() if value is not None}
    for item in _items(client, "audit", given, limit):
        click.echo(json.dumps(item, ensure_ascii=False) if as_json else _audit_line(cast(AuditAnswer, item)))
    return 0


def _items(client: Client, path: str, query: dict[str, str], limit: int) -> Iterator[JsonObject]:
    """At most so many items of a list."""
    return islice(client.items(path_of(path), query | {"limit": str(min(limit, _PAGE))}), limit)


def _show_key(made: KeyAnswer, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    click.echo(f"{_key_line(made)}\nKeep the key below; it is not shown again.", err=True)
    click.echo(made["key"])


def _key_line(item: KeyAnswer) -> str:
    state = "revoked" if item["revoked_at"] else f"until {item['expires_at']}" if item["expires_at"] else "no end"
    targets = "all targets" if item["targets"] is None else ", ".join(item["targets"])
    used = f"used {item['last_used_at']}" if item["last_used_at"] else "not used"
    return f"{item['name']}  {item['prefix'] or '-'}  {', '.join(item['scopes'])}  {targets}  {state}  {used}"


def _audit_line(item: AuditAnswer) -> str:
    details = json.dumps(item["details"], ensure_ascii=False) if item["details"] else ""
    address = f"  from {item['address']}" if item["address"] else ""
    return f"{item['at']}  {item['actor']}  {item['action']}  {item['subject']}{address}  {details}".rstrip()
