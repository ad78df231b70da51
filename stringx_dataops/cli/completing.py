"""Completion in shells: names from the Backend within a second, and silently nothing where there is no answer."""

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import click

_WITHIN_S = 0.9  # from the key that was pressed to the names
_MOST = 1000  # names


def items(values: Iterable[str]) -> list[Any]:
    """As click's completion takes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(value) for value in values]


def targets(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Names of targets."""

    def names(client: Any) -> Iterator[str]:
        return (str(item["name"]) for item in client.items("/api/v1/targets", {}))

    return _quickly(context, names, incomplete)


def tables(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Tables of the target that stands before; all if there is none."""
    return _found(context, "tables", _narrowed(context, incomplete), "table", incomplete)


def datasets(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Datasets of the target that stands before; all if there is none."""
    return _found(context, "datasets", _narrowed(context, incomplete), "dataset", incomplete)


def schedules(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Names of schedules."""
    return _found(context, "schedules", {}, "name", incomplete)


def channels(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Names of channels."""
    return _found(context, "channels", {}, "name", incomplete)


def routes(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Names of routes."""
    return _found(context, "routes", {}, "name", incomplete)


def notifications(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Ids of the newest messages."""
    return _found(context, "notifications", {}, "id", incomplete)


def incidents(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Ids of open incidents."""
    return _found(context, "incidents", {"state": "open"}, "id", incomplete)


def rules(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Ids of the rules of the table that stands before, those of rule sets included."""
    target, table = _given(context, "target"), _given(context, "table")
    if not target or not table:
        return []
    path = f"/api/v1/tables/{quote(str(target), safe='')}/{quote(str(table), safe='')}"

    def ids(client: Any) -> Iterator[str]:
        return (str(rule["id"]) for rule in client.get(path, {"effective": "true"})["rules"])

    return _quickly(context, ids, incomplete)


def _narrowed(context: click.Context, incomplete: str) -> dict[str, str]:
    target = _given(context, "target")
    return ({"target": str(target)} if target else {}) | ({"q": incomplete} if incomplete else {})


def _given(context: click.Context, name: str) -> Any:
    """The value of a parameter. Behind an option without a value, click leaves the arguments in `args`."""
    names = [each.name for each in context.command.params if isinstance(each, click.Argument)]
    left = dict(zip(names, context.args, strict=False))
    return context.params.get(name) or left.get(name)


def _found(context: click.Context, path: str, query: dict[str, str], field: str, incomplete: str) -> list[Any]:
    def names(client: Any) -> Iterator[str]:
        return (str(item[field]) for item in client.items(f"/api/v1/{path}", query))

    return _quickly(context, names, incomplete)


def _quickly(context: click.Context, read: Callable[[Any], Iterator[str]], incomplete: str) -> list[Any]:
    """In a thread of its own, because a name server may take longer than any timeout of a connection."""
    found: list[str] = []

    def ask() -> None:
        from stringx_dataops.client import Client

        try:
            client = Client(context.find_root().params.get("server"), timeout=_WITHIN_S)
            found.extend(islice((name for name in read(client) if name.startswith(incomplete)), _MOST))
        except Exception:  # noqa: S110 whatever it is, words would stand in the middle of the command that is typed
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_WITHIN_S)
    return items([] if thread.is_alive() else found)
