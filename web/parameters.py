"""What a request says beside its body: the parameters of its query, each declared with its operation, and the idempotency key."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from flask import g, request

from stringx_dataops.contract.documents.fields import did_you_mean, parse_model
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.messages.checks import MAX_WAIT_S, CheckRequest
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.pages import MOST, Page, Pages, Position
from stringx_dataops.contract.problems import FieldError, invalid

T = TypeVar("T")
W = TypeVar("W", bound=str)
D = TypeVar("D", bound=str | None)
_MOST_PARAMETERS = 100
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_UNESCAPED_OFFSET = re.compile(r" ([0-9]{2}:[0-9]{2})$")
_SHOWN = 100


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """A parameter of the query: `parse` gives its value, or raises ValueError with what is wrong with the text."""

    name: str
    description: str
    parse: Callable[[str], T]
    default: T
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    def value(self) -> T:
        """What the request that is being handled says, or the default; the operation has to declare the parameter."""
        found: T = g.query[self.name]
        return found


def read_query(declared: Sequence[Parameter[Any]]) -> None:
    """Take in the request's parameters; Invalid, with every fault, where one is not declared, given twice, or malformed."""
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
    """Names and values in their order, decoded strictly."""
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


WAIT = Parameter(
    "wait",
    f"seconds to wait for the end, 0 to {MAX_WAIT_S}",
    _seconds,
    0.0,
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": 0},
)


def flag(name: str, description: str) -> Parameter[bool]:
    """`true` or `false` (or 1, 0); false where it is not given."""
    return Parameter(name, description, _flag, False, {"type": "boolean", "default": False})


def moment(name: str, description: str) -> Parameter[datetime | None]:
    """An RFC 3339 time with its offset."""
    return Parameter(name, description, _moment, None, {"type": "string", "format": "date-time"})


def word(name: str, description: str, words: Sequence[W], default: D) -> Parameter[W | D]:
    """One of some words."""

    def parse(text: str) -> W:
        found = next((each for each in words if each == text), None)
        if found is None:
            hint = did_you_mean(text, words) or f"; give one of {', '.join(words)}"
            raise ValueError(f"is {text[:_SHOWN]!r}{hint}")
        return found

    schema: dict[str, Any] = {"type": "string", "enum": list(words)} | ({"default": default} if default else {})
    return Parameter(name, description, parse, default, schema)


def text(name: str, description: str, check: Callable[[str], str]) -> Parameter[str | None]:
    """A text that `check` gives back in its one spelling, or refuses with ValueError."""
    return Parameter(name, description, check, None)


@dataclass(frozen=True)
class Paging:
    """The two parameters of a list."""

    limit: Parameter[int]
    cursor: Parameter[Position | None]

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        return (self.limit, self.cursor)

    def page(self) -> Page:
        """What the request that is being handled asks for."""
        return Page(self.limit.value(), self.cursor.value())


def paging(pages: Pages) -> Paging:
    bounds = {"type": "integer", "minimum": 1, "maximum": MOST, "default": pages.default}
    limit = Parameter("limit", f"items of a page, 1 to {MOST}", _limit, pages.default, bounds)
    cursor: Parameter[Position | None] = Parameter("cursor", "next_cursor of the page before", pages.position, None)
    return Paging(limit, cursor)


def idempotency_key(asked: CheckRequest) -> CheckRequest:
    """The request with the header `Idempotency-Key` as its request_id; Invalid where the two differ."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return asked
    try:
        key = header.encode("latin-1").decode("utf-8")  # WSGI hands on a header's bytes as Latin-1
    except UnicodeDecodeError as error:
        raise invalid([FieldError("/request_id", "the header Idempotency-Key is not UTF-8")]) from error
    if asked.request_id is not None and asked.request_id != key:
        raise invalid([FieldError("/request_id", "differs from the header Idempotency-Key; send one of them")])
    return parse_model(CheckRequest, asked.model_dump(by_alias=True) | {"request_id": key})
