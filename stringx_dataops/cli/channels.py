"""`dataops channels`, `dataops routes` and `dataops notifications`: where messages go, of what, and what became of them."""

import json

import click

from stringx_dataops.cli import completing, listing
from stringx_dataops.cli.options import AS_JSON, AS_JSON_LINES, OneOf, example, limit
from stringx_dataops.cli.output import say, show, show_json, show_list
from stringx_dataops.cli.terminal import Column, columns, plain
from stringx_dataops.client import Client, path_of, require
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.errors import Refused

_TEST_S = 75.0  # longer than the Backend lets a message take, twice if its process ends
_CHANNELS = (
    Column("name"),
    Column("type"),
    Column("address in", least=12),
    Column("active", drops=1),
    Column("digest", drops=2),
)
_ROUTES = (
    Column("route"),
    Column("channel"),
    Column("told when"),
    Column("of what", least=12),
    Column("repeats", drops=2),
    Column("quiet", drops=1),
    Column("active", drops=3),
)
_MESSAGES = (
    Column("state", is_state=True),
    Column("channel"),
    Column("planned", is_time=True),
    Column("tried", drops=2),
    Column("message", least=20),
    Column("last error", least=12, drops=1),
    Column("id"),
)
USUAL = ("closed", "opened", "missed")  # what a route is told of that does not say; reading documents would take pydantic
_EXAMPLE_ID = "0190f2a4-5240-77db-ba2c-2075931ff54b"


@click.group()
def channels() -> None:
    """Look at channels, send one a test message (scope admin)."""


@channels.command("list", epilog=example("dataops channels list"))
@limit(50, "by name")
@AS_JSON_LINES
@click.pass_obj
def list_(server: str | None, limit: int, as_json: bool) -> int:
    """Channels by name, with the variable or the file that holds the address."""
    found = listing.items(Client.from_environment(server), "channels", {}, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_CHANNELS, [_channel(item) for item in found]), "no channel")
    return 0


@channels.command(epilog=example("dataops channels test team-slack"))
@click.argument("name", shell_complete=completing.channels)
@AS_JSON
@click.pass_obj
def test(server: str | None, name: str, as_json: bool) -> int:
    """Send the channel NAME a message now, and say what became of it: exit code 0 if it was taken, 1 if not."""
    client = Client.from_environment(server)
    answer = client.post(f"{path_of('channels', name)}/test", {}, _TEST_S)
    found = require(client, answer, "id", "channel", "delivered", "status", "error")
    if as_json:
        show(json.dumps(found, indent=2, ensure_ascii=False))
    elif found["delivered"]:
        show(f"channel {name} took the message {found['id']}")
    else:
        say(f"channel {name} did not take the message {found['id']}: {found['error']}")
    return 0 if found["delivered"] else 1


@channels.command(epilog=example("dataops channels secret pipeline"))
@click.argument("name", shell_complete=completing.channels)
@click.pass_obj
def secret(server: str | None, name: str) -> int:
    """Print the secret with which messages to the webhook NAME are signed if its document names none. It is derived from the
    installation's (STRINGX_SIGNING_SECRET, or the file in STRINGX_HOME), and so is printed only where that one can be read."""
    from stringx_dataops.contract.settings import read_settings, signing_secrets
    from stringx_dataops.contract.signatures import of_channel

    client = Client.from_environment(server)
    document = require(client, client.get(path_of("channels", name)), "type")
    if document.get("type") != "webhook":
        raise Refused([f"channel {name} is no webhook; its messages are not signed"])
    if own := document.get("secret_env") or document.get("secret_file"):
        raise Refused([f"channel {name} has a signing secret of its own, in {own}"])
    show("\n".join(of_channel(each, name) for each in signing_secrets(read_settings())))
    return 0


@click.group()
def routes() -> None:
    """Look at routes: which changes of which tables a channel is told of (scope admin)."""


@routes.command("list", epilog=example("dataops routes list"))
@limit(50, "by name")
@AS_JSON_LINES
@click.pass_obj
def list_routes(server: str | None, limit: int, as_json: bool) -> int:
    """Routes by name: the channel of each, and what it is told of."""
    found = listing.items(Client.from_environment(server), "routes", {}, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_ROUTES, [_route(item) for item in found]), "no route")
    return 0


@click.group()
def notifications() -> None:
    """Look at messages to people, send one again (scope admin)."""


@notifications.command("list", epilog=example("dataops notifications list --state failed", "dataops notifications list --json"))
@click.option("--channel", shell_complete=completing.channels, help="only those of this channel")
@click.option("--state", type=OneOf(("waiting", "delivered", "failed", "withdrawn")), help="only those of which this became")
@click.option("--kind", type=OneOf(("change", "repeat", "digest", "test")), help="only those about this")
@click.option("--incident", shell_complete=completing.incidents, help="only those that tell of this incident")
@click.option("--from", "from_", metavar="TIME", help="planned not before this RFC 3339 time")
@click.option("--to", metavar="TIME", help="planned before this RFC 3339 time")
@limit(50, "the newest first")
@AS_JSON_LINES
@click.pass_obj
def list_messages(server: str | None, /, limit: int, as_json: bool, from_: str | None, **filters: str | None) -> int:
    """Messages, the newest first, and what became of them."""
    found = listing.items(Client.from_environment(server), "notifications", filters | {"from": from_}, limit)
    if as_json:
        show_json(found)
    else:
        show_list(columns(_MESSAGES, [_message(item) for item in found]), "no message")
    return 0


@notifications.command("show", epilog=example(f"dataops notifications show {_EXAMPLE_ID}"))
@click.argument("notification_id", shell_complete=completing.notifications)
@AS_JSON
@click.pass_obj
def show_one(server: str | None, notification_id: str, as_json: bool) -> int:
    """A message: what it says, and what became of it."""
    client = Client.from_environment(server)
    found = require(client, client.get(path_of("notifications", notification_id)), "id", "state", "title", "text", "channel")
    if as_json:
        show(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    error = f": {plain(found['last_error'])}" if found.get("last_error") else ""
    show_list([plain(found["title"]), f"{found['state']}, to channel {found['channel']}{error}", "", *found["text"].splitlines()])
    return 0


@notifications.command("send-again", epilog=example(f"dataops notifications send-again {_EXAMPLE_ID}"))
@click.argument("notification_id", shell_complete=completing.notifications)
@AS_JSON
@click.pass_obj
def send_again(server: str | None, notification_id: str, as_json: bool) -> int:
    """Send a message again, whatever became of it, under the same id; one that waits is tried at once."""
    client = Client.from_environment(server)
    answer = client.post(f"{path_of('notifications', notification_id)}/send-again", {})
    found = require(client, answer, "id", "channel")
    again = f"message {found['id']} is sent to channel {found['channel']} again"
    show(json.dumps(found, indent=2, ensure_ascii=False) if as_json else again)
    return 0


def _channel(item: JsonObject) -> tuple[str, ...]:
    digest = item.get("digest") or ""
    when = digest if isinstance(digest, str) else f"{digest.get('day', '')} {digest.get('time', '')}".strip()
    where = item.get("url_env") or item.get("url_file") or ""
    return item["name"], item["type"], where, "no" if item.get("active") is False else "yes", when


def _route(item: JsonObject) -> tuple[str, ...]:
    words = {"target": "target", "owner": "owner", "tables": "", "tags": "tags"}
    given = {name: item[name] for name in words if item.get(name)}
    parts = (f"{words[name]} {', '.join(value) if isinstance(value, list) else value}".strip() for name, value in given.items())
    quiet = item.get("quiet") or {}
    hours = f"{quiet['from']} to {quiet['to']} {quiet.get('timezone') or 'UTC'}" if quiet else ""
    told = ", ".join(item.get("on") or USUAL)
    active = "no" if item.get("active") is False else "yes"
    return item["name"], item["channel"], told, "; ".join(parts) or "everything", item.get("repeat_after") or "24h", hours, active


def _message(item: JsonObject) -> tuple[str, ...]:
    error = item["last_error"] or item["withdrawn_because"] or ""
    return item["state"], item["channel"], item["planned_at"], f"{item['attempts']}x", item["title"], error, item["id"]
