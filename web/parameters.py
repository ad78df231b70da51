"""Query parameters, each declared with its operation; names and ids in paths; the header `Idempotency-Key`."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from flask import g, request

from stringx_dataops.contract.documents.fields import did_you_mean, parse_model
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.json_types import JsonSchema
from stringx_dataops.contract.messages.checks import MAX_WAIT_S, CheckRequest
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.pages import MOST, Page, Pages, Position
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

T = TypeVar("T")
W = TypeVar("W", bound=str)
D = TypeVar("D", bound=str | None)
R = TypeVar("R", bound=CheckRequest)
_MOST_PARAMETERS = 100
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_UNESCAPED_OFFSET = re.compile(r" ([0-9]{2}:[0-9]{2})$")
_SHOWN = 100


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """A query parameter. `parse` returns its value, or raises ValueError with a sentence about the text."""

    name: str
    description: str
    parse: Callable[[str], T]
    default: T
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    def value(self) -> T:
        """The value in the current request, or the default. KeyError if the view's operation does not declare the parameter."""
        value: T = g.query[self.name]
        return value


def read_query(declared: Sequence[Parameter[Any]]) -> None:
    """Parse the query of the current request for `Parameter.value`.

    Raises Invalid with every fault: parameters that are not declared, given twice or malformed.
    """
    pairs, known = _pairs(), {parameter.name: parameter for parameter in declared}
    faults, values = [], {parameter.name: parameter.default for parameter in declared}
    times = Counter(name for name, _ in pairs)
    for name, text in dict(pairs).items():
        try:
            values[name] = _value(name, text, known, times[name])
        except ValueError as error:
            faults.append(FieldError(f"/query/{escape_pointer(name)}", str(error)))
    if faults:
        raise invalid(faults)
    g.query = values


def _pairs() -> list[tuple[str, str]]:
    """Names and values in the order of the query, decoded strictly as UTF-8."""
    try:
        text = request.query_string.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError as error:
        raise invalid([FieldError("/query", "is not UTF-8; escape it as UTF-8")]) from error
    except ValueError as error:
        raise invalid([FieldError("/query", f"has more than {_MOST_PARAMETERS} parameters")]) from error


def _value(name: str, text: str, known: Mapping[str, Parameter[Any]], times: int) -> Any:
    if name not in known:
        hint = did_you_mean(name, known) or (f"; it takes {', '.join(known)}" if known else "; it takes none")
        raise ValueError(f"is no parameter of this endpoint{hint}")
    if times > 1:
        raise ValueError(f"is given {times} times; keep one")
    if not text:
        raise ValueError("is empty; give a value, or leave the parameter out")
    if "\0" in text:
        raise ValueError("contains a NUL character, which PostgreSQL cannot hold")
    return known[name].parse(text)


def _seconds(text: str) -> float:
    seconds = float(text) if _SECONDS.fullmatch(text) else -1.0
    if not 0 <= seconds <= MAX_WAIT_S:
        raise ValueError(f"is {text[:_SHOWN]!r}; give seconds from 0 to {MAX_WAIT_S}")
    return seconds


def _flag(text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise ValueError(f"is {text[:_SHOWN]!r}; give true or false")
    return text in ("true", "1")


def _limit(text: str) -> int:
    number = int(text) if _WHOLE.fullmatch(text) else 0
    if not 1 <= number <= MOST:
        raise ValueError(f"is {text[:_SHOWN]!r}; give a whole number from 1 to {MOST}")
    return number


def _moment(text: str) -> datetime:
    return parse_moment(_UNESCAPED_OFFSET.sub(r"+\1", text))  # a + that was not escaped arrives as a space


def wait(default: float) -> Parameter[float]:
    """The parameter `wait`."""
    bounds = {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": default}
    return Parameter("wait", f"seconds to wait for the end, 0 to {MAX_WAIT_S}", _seconds, default, bounds)


WAIT = wait(0)


def flag(name: str, description: str) -> Parameter[bool]:
    """A parameter that is `true` or `false` (or 1, 0), false by default."""
    return Parameter(name, description, _flag, False, {"type": "boolean", "default": False})


def choice(name: str, description: str) -> Parameter[bool | None]:
    """A parameter that is `true` or `false` (or 1, 0), and without a default."""
    return Parameter(name, description, _flag, None, {"type": "boolean"})


def moment(name: str, description: str) -> Parameter[datetime | None]:
    """A parameter that is an RFC 3339 time with its offset."""
    return Parameter(name, description, _moment, None, {"type": "string", "format": "date-time"})


def word(name: str, description: str, choices: Sequence[W], default: D) -> Parameter[W | D]:
    """A parameter that is one of `choices`."""

    def parse(text: str) -> W:
        choice = next((each for each in choices if each == text), None)
        if choice is None:
            hint = did_you_mean(text, choices) or f"; give one of {', '.join(choices)}"
            raise ValueError(f"is {text[:_SHOWN]!r}{hint}")
        return choice

    schema: JsonSchema = {"type": "string", "enum": list(choices)} | ({"default": default} if default else {})
    return Parameter(name, description, parse, default, schema)


def text(name: str, description: str, check: Callable[[str], str]) -> Parameter[str | None]:
    """A text parameter. `check` returns it in its canonical spelling, or raises ValueError."""
    return Parameter(name, description, check, None)


@dataclass(frozen=True)
class Paging:
    """The parameters `limit` and `cursor` of an endpoint that lists items."""

    limit: Parameter[int]
    cursor: Parameter[Position | None]

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        """Both, to be declared with the operation."""
        return (self.limit, self.cursor)

    def page(self) -> Page:
        """The page that the current request asks for."""
        return Page(self.limit.value(), self.cursor.value())


def paging(pages: Pages) -> Paging:
    """Parameters for a list; its cursor is refused if another list made it."""
    bounds = {"type": "integer", "minimum": 1, "maximum": MOST, "default": pages.default}
    limit = Parameter("limit", f"items of a page, 1 to {MOST}", _limit, pages.default, bounds)
    cursor: Parameter[Position | None] = Parameter("cursor", "next_cursor of the page before", pages.position, None)
    return Paging(limit, cursor)


def names(name: str, description: str, check: Callable[[str], str], most: int) -> Parameter[list[str] | None]:
    """A parameter that holds names, with commas between them. `check` as for `text`."""

    def parse(text: str) -> list[str]:
        found = [check(part) for part in text.split(",")]
        if len(found) > most:
            raise ValueError(f"holds {len(found):,} names; give at most {most:,}")
        return found

    return Parameter(name, description, parse, None, {"type": "string"})


def canonical(table: str) -> str:
    """The canonical spelling of a table's name in a path, which is the stored one. Raises Invalid if it is no table name."""
    try:
        return str(TableName.parse(table))
    except ValueError as error:
        raise invalid([FieldError("/table", f"{table!r} {error}")]) from error


def uuid_of(text: str, refusal: str) -> str:
    """The usual spelling of an id in a path. Raises NotFound with this sentence if it is no UUID."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise NotFound(refusal) from error


def header_key() -> str | None:
    """The header `Idempotency-Key`, if there is one. Raises Invalid if it is not UTF-8."""
    header = request.headers.get("Idempotency-Key")
    try:
        return header.encode("latin-1").decode("utf-8") if header is not None else None  # WSGI passes bytes as Latin-1
    except UnicodeDecodeError as error:
        raise invalid([FieldError("/request_id", "the header Idempotency-Key is not UTF-8")]) from error


def idempotency_key(check_request: R) -> R:
    """The request with the header `Idempotency-Key` as its request_id. Raises Invalid if both are given and differ."""
    key = header_key()
    if key is None:
        return check_request
    if check_request.request_id is not None and check_request.request_id != key:
        raise invalid([FieldError("/request_id", "differs from the header Idempotency-Key; send one of them")])
    return parse_model(type(check_request), check_request.model_dump(by_alias=True) | {"request_id": key})
