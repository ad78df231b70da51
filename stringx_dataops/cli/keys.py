"""`dataops keys` and `dataops audit`. A new key stands alone on standard output, so that it can be piped; all else that is said
about it goes to standard error."""

import json
from typing import Any, cast

import click

from stringx_dataops.cli import listing
from stringx_dataops.cli.answers import AuditAnswer, KeyAnswer
from stringx_dataops.cli.options import AS_JSON_LINES, MOST, YES, TargetName, confirm, example, limit
from stringx_dataops.cli.output import show_json, show_list
from stringx_dataops.cli.terminal import Column, columns
from stringx_dataops.client import Client, path_of
from stringx_dataops.connection import require
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.keys import SCOPES

_MADE = ("name", "key", "scopes", "targets", "expires_at")
_KEY_COLUMNS = (
    Column("name"),
    Column("prefix", drops=2),
    Column("scopes", least=8),
    Column("targets", least=11),
    Column("until", is_time=True),
    Column("used", is_time=True, drops=1),
    Column("made by", drops=3),
)
_VERDICT_KEY_COLUMNS = (
    Column("kid"),
    Column("state"),
    Column("signs from", is_time=True),
    Column("signs until", is_time=True),
    Column("made by", drops=1),
)
_AUDIT_COLUMNS = (
    Column("at", is_time=True),
    Column("actor", least=8),
    Column("action"),
    Column("subject", keeps_end=True, least=24),
    Column("from", drops=2),
    Column("details", least=16, drops=1),
)


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke keys (scope admin)."""


@keys.command(epilog=example("dataops keys create airflow --scope read --scope trigger --target nyc > key"))
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


@keys.command("list", epilog=example("dataops keys list --target nyc"))
@click.option("--target", type=TargetName(), metavar="TARGET", help="only those that may see this target")
@limit(MOST, "by name")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, target: str | None, limit: int, as_json: bool) -> int:
    """Every key by name, those that have ended included."""
    client = Client.from_environment(server)
    found = [cast(KeyAnswer, item) for item in listing.items(client, "keys", {}, MOST)]
    if target is not None:
        listing.require_target(client, target)
        found = [item for item in found if item["targets"] is None or target in item["targets"]]
    if as_json:
        show_json(found[:limit])
    else:
        rows = [_key_row(item) for item in found[:limit]]
        show_list(columns(_KEY_COLUMNS, rows), "no key")
    return 0


@keys.command(epilog=example("dataops keys rotate airflow --overlap 24h > key"))
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


@keys.command(epilog=example("dataops keys revoke airflow"))
@click.argument("name")
@YES
@click.pass_obj
def revoke(server: str | None, name: str, yes: bool) -> int:
    """End the key NAME, from the next request on."""
    client = Client.from_environment(server)
    if not yes:
        confirm(f"Revoke key {name}? Whoever uses it is refused from the next request on.")
    client.delete(path_of("keys", name))
    click.echo(f"key {name}: revoked")
    return 0


@keys.command(epilog=example("dataops keys verdicts"))
@AS_JSON_LINES
@click.pass_obj
def verdicts(server: str | None, as_json: bool) -> int:
    """The keys that sign verdicts, the newest first, and what each does now."""
    client = Client.from_environment(server)
    found = require(client, client.get(path_of("verdict-keys")), "items")["items"]
    if as_json:
        show_json(found)
    else:
        rows = [
            (each["kid"], each["state"], _second(each["signs_from"]), _second(each["signs_until"]), each["created_by"])
            for each in found
        ]
        show_list(columns(_VERDICT_KEY_COLUMNS, rows), "no key yet")
    return 0


@keys.command("rotate-verdicts", epilog=example("dataops keys rotate-verdicts"))
@click.option("--withdraw", is_flag=True, help="also trust nothing any more that the keys before have signed, as after a leak")
@YES
@click.pass_obj
def rotate_verdicts(server: str | None, withdraw: bool, yes: bool) -> int:
    """Sign verdicts with a new key from now on. Whoever verifies has to fetch the public keys again."""
    client = Client.from_environment(server)
    if withdraw and not yes:
        confirm("Withdraw all keys of signed verdicts? Verdicts that are on their way are not trusted any more.")
    query = {"withdraw": "true"} if withdraw else {}
    made = require(client, client.post(f"{path_of('verdict-keys')}/rotate", query), "kid", "signs_until")
    click.echo(f"verdicts are signed by {made['kid']} now, until {_second(made['signs_until'])}")
    return 0


@click.command(epilog=example("dataops audit --target nyc --action table.updated", "dataops audit --actor airflow --json"))
@click.option("--target", type=TargetName(), metavar="TARGET", help="only what was done to this target or a table of it")
@click.option("--actor", help="only what this key or person did")
@click.option("--action", help="only this, such as table.updated")
@click.option("--subject", help="only what was done to this, such as table:nyc/public.flights")
@click.option("--from", help="not before this RFC 3339 time")
@click.option("--to", help="before this RFC 3339 time")
@limit(50, "the newest first")
@AS_JSON_LINES
@click.pass_obj
def audit(server: str | None, /, limit: int, as_json: bool, target: str | None, **filters: str | None) -> int:
    """Who did what, the newest first (scope admin)."""
    client = Client.from_environment(server)
    if target is not None:
        listing.require_target(client, target)
    found = listing.items(client, "audit", filters, limit, lambda item: target is None or _is_of(item, target))
    if as_json:
        show_json(found)
    else:
        rows = [_audit_row(cast(AuditAnswer, item)) for item in found]
        show_list(columns(_AUDIT_COLUMNS, rows), "no entry")
    return 0


def _is_of(item: JsonObject, target: str) -> bool:
    """Whether its subject, or its details, name the target."""
    name = str(item["subject"]).partition(":")[2]
    return target in (name, name.partition("/")[0], item["details"].get("target"))


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


def _key_row(item: KeyAnswer) -> tuple[str, ...]:
    until = "revoked" if item["revoked_at"] else _second(item["expires_at"]) or "no end"
    targets = "all targets" if item["targets"] is None else ", ".join(item["targets"])
    used = _second(item["last_used_at"]) or "not used"
    return item["name"], item["prefix"] or "-", ", ".join(item["scopes"]), targets, until, used, item.get("created_by") or ""


def _audit_row(item: AuditAnswer) -> tuple[str, ...]:
    details = "; ".join(
        f"{name.replace('_', ' ')} {_words(value)}" for name, value in item["details"].items() if value is not None
    )
    return item["at"], item["actor"], item["action"], item["subject"], item["address"] or "", details


def _words(value: Any) -> str:
    """A value of an entry's details."""
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _second(moment: str | None) -> str:
    """A time without the parts of a second."""
    return "" if moment is None else f"{moment.partition('.')[0].removesuffix('Z')}Z"
