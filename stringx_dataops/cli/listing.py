"""Lists of the API as commands print them: every page of them up to a limit, and no silence about names that are wrong."""

import sys
from collections.abc import Callable, Mapping
from itertools import islice

import click

from stringx_dataops.cli.options import MOST, meant
from stringx_dataops.cli.output import say
from stringx_dataops.client import Client, Refused, path_of
from stringx_dataops.contract.json_types import JsonObject

_PAGE = 1000  # items


def items(
    client: Client,
    name: str | tuple[str, ...],
    filters: Mapping[str, str | None],
    limit: int,
    belongs: Callable[[JsonObject], bool] = lambda _: True,
) -> list[JsonObject]:
    """So many items of a list (its name, or the parts of its path), page by page, of those that `belongs` takes. On a terminal,
    says if there are more. Raises Refused if nothing is found because the target that is asked for does not exist."""
    query = {field: value for field, value in filters.items() if value is not None}
    query["limit"] = str(min(limit + 1, _PAGE))
    found = list(islice(filter(belongs, client.items(path_of(*([name] if isinstance(name, str) else name)), query)), limit + 1))
    if not found and query.get("target"):
        require_target(client, query["target"])
    if len(found) > limit and sys.stdout.isatty():
        click.get_current_context().call_on_close(lambda: say(f"there are more than {limit}; give --limit"))  # after the list
    return found[:limit]


def require_target(client: Client, name: str) -> None:
    """Raises Refused if no target has the name, or the key does not see it."""
    names = [str(target["name"]) for target in targets(client, MOST)]
    if name not in names:
        raise Refused([f"there is no target {name!r}{meant(name, names)}"])


def targets(client: Client, limit: int) -> list[JsonObject]:
    """The documents of targets."""
    return list(islice(client.items(path_of("targets")), limit))
