"""Answers of the Backend as values, and its lists page by page."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from stringx_dataops.arguments import checked
from stringx_dataops.connection import Connection, require
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.errors import Undecided

_T = TypeVar("_T")


class Reading(Connection):
    """A connection whose answers are read."""

    @checked
    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[JsonObject]:
        """The items of any list of the API, page by page."""
        asked = dict(query or {})
        while True:
            page = require(self, self.get(path, asked), "items", "next_cursor")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            asked["cursor"] = page["next_cursor"]

    def _as(self, read: Callable[[JsonObject], _T], answer: JsonObject, *fields: str) -> _T:
        """Undecided if the answer is none of the Backend."""
        try:
            return read(require(self, answer, *fields))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            raise Undecided(f"an answer of the Backend is not as expected ({cause}); is it of the same release?") from error


def as_text(value: Any) -> Any:
    """Times as the API reads them; it refuses those without a zone where it needs one."""
    return value.isoformat() if isinstance(value, date) else value
