"""Column types: which values are generated, how PostgreSQL reads them, and when two of them are equal or in order."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = [
    "a", "A", "b", "", " ", "it's", 'qu"ote', "100%", "{{ env_var('HOME') }}", "{% raw %}", "back\\slash", "NULL", "🐘", "a b ",
    "%(x)s", "$1", "--", ";", "$stringx$", ":x", "\u00a0", "é", "\n", "x" * 60,
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")


@dataclass(frozen=True)
class Endless:
    """A date or timestamp of 'infinity' or '-infinity'."""

    sign: int

    def __str__(self) -> str:
        return "infinity" if self.sign > 0 else "-infinity"


@dataclass(frozen=True)
class Kind:
    """One column type. `text` is what PostgreSQL reads a value from, `key` is equal for equal values and sorts as PostgreSQL does."""

    name: str
    sql: str
    values: st.SearchStrategy[Any]
    text: Callable[[Any], str] = str
    key: Callable[[Any], Any] = lambda value: value
    argument: Callable[[Any], list[Any]] | None = None
    ordered: bool = True

    def __repr__(self) -> str:
        return self.name

    def arguments(self, value: Any) -> list[Any]:
        """Ways to write the value in a document."""
        return [self.text(value), *(self.argument(value) if self.argument else [])]


def _number_key(value: Any) -> Any:
    return (1, 0) if value != value else (0, value)  # NaN is equal to itself and above everything


def _moment_key(value: Any) -> Any:
    return (value.sign, 0) if isinstance(value, Endless) else (0, value)


def _iso(value: Any) -> str:
    return str(value) if isinstance(value, Endless) else str(value.isoformat())


def _plain_float(value: Any) -> list[Any]:
    fits = value == value and abs(value) < 1e15 and Decimal(repr(float(value))) == value
    return [float(value)] if fits else []


def _array_text(value: list[Any]) -> str:
    def item(part: Any) -> str:
        return "NULL" if part is None else '"' + str(part).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ",".join(map(item, value)) + "}"


def _json_key(value: Any) -> Any:
    if isinstance(value, dict):
        return ("object", tuple(sorted((name, _json_key(part)) for name, part in value.items())))
    if isinstance(value, list):
        return ("array", tuple(map(_json_key, value)))
    return (type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else "number", value)


def _whole(bits: int) -> st.SearchStrategy[int]:
    top = 2 ** (bits - 1)
    return st.one_of(st.integers(-5, 20), st.integers(-1000, 1000), st.sampled_from([-top, top - 1]), st.integers(-top, top - 1))


def decimals(places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**7), 10**7).map(lambda n: Decimal(n).scaleb(-places))


DYADIC = st.integers(-4000, 4000).map(lambda n: n / 4)  # sums of these are exact in binary
FLOATS = st.one_of(
    DYADIC, st.sampled_from([0.1, 0.3, -0.0, 1e22, 1e-9, float("nan"), float("inf"), -float("inf")]), st.floats(width=64)
)
DATES = st.one_of(
    st.dates(date(2025, 12, 20), date(2026, 4, 10)),
    st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.sampled_from([Endless(1), Endless(-1)]),
)
NAIVE = st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 20))
STAMPS = st.one_of(
    NAIVE,
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    st.sampled_from([Endless(1), Endless(-1)]),
)
ZONED = STAMPS.map(lambda moment: moment if isinstance(moment, Endless) else moment.replace(tzinfo=UTC))
TEXTS = st.one_of(st.sampled_from(ODD_TEXTS), st.text(CHARACTERS, max_size=6))
WORDS = st.text("abcXYZ019_é", min_size=1, max_size=5)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 1.25]), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=4,
)
MOODS = ["sad", "ok", "very happy", "it's"]

SMALLINT = Kind("smallint", "smallint", _whole(16), key=_number_key, argument=lambda v: [v])
INTEGER = Kind("integer", "integer", _whole(32), key=_number_key, argument=lambda v: [v])
BIGINT = Kind("bigint", "bigint", _whole(64), key=_number_key, argument=lambda v: [v])
NUMERIC = Kind(
    "numeric", "numeric", st.one_of(decimals(), st.sampled_from([Decimal("NaN"), Decimal("1E+30"), Decimal("1.10"), Decimal("1.1")])),
    key=_number_key, argument=_plain_float,
)  # fmt: skip
MONEY = Kind("money", "numeric(12,2)", decimals(2), key=_number_key, argument=_plain_float)
DOUBLE = Kind("double", "double precision", FLOATS, text=repr, key=_number_key, argument=lambda v: [v] if abs(v) < 1e300 else [])
TEXT = Kind("text", "text", TEXTS)
VARCHAR = Kind("varchar", "varchar(60)", TEXTS)
CHAR = Kind("char", "char(6)", TEXTS.map(lambda text: text[:6].rstrip(" ")))
BOOLEAN = Kind("boolean", "boolean", st.booleans(), text=lambda v: "true" if v else "f", argument=lambda v: [v])
DATE = Kind("date", "date", DATES, text=_iso, key=_moment_key)
TIMESTAMP = Kind("timestamp", "timestamp", STAMPS, text=_iso, key=_moment_key)
TIMESTAMPTZ = Kind(
    "timestamptz", "timestamp with time zone", ZONED, text=_iso, key=_moment_key,
    argument=lambda v: [] if isinstance(v, Endless) else [_iso(v).replace("+00:00", "Z"), _iso(v + timedelta(hours=2)).replace("+00:00", "+02:00")],
)  # fmt: skip
UUID = Kind("uuid", "uuid", st.uuids(), argument=lambda v: [str(v).upper()])
TEXT_ARRAY = Kind(
    "text[]", "text[]", st.lists(st.one_of(TEXTS, st.none()), max_size=3), text=_array_text, ordered=False,
    key=lambda v: tuple((part is None, part or "") for part in v),
)  # fmt: skip
INTEGER_ARRAY = Kind(
    "integer[]", "integer[]", st.lists(st.integers(-9, 9), max_size=3), text=_array_text, key=tuple, ordered=False
)
JSONB = Kind("jsonb", "jsonb", JSON.filter(lambda value: value is not None), text=json.dumps, key=_json_key, ordered=False)
MOOD = Kind("enum", '"Mo""od"', st.sampled_from(MOODS), ordered=False)
DOMAIN = Kind("domain", "small", st.integers(0, 99), key=_number_key, argument=lambda v: [v])

EVERY = [
    INTEGER, TEXT, NUMERIC, DOUBLE, BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, BIGINT, SMALLINT, MONEY, VARCHAR, CHAR, TEXT_ARRAY, INTEGER_ARRAY,
    JSONB, MOOD, DOMAIN,
]  # fmt: skip
ORDERED = [kind for kind in EVERY if kind.ordered and kind is not UUID and kind is not BOOLEAN and kind is not CHAR]
MANY_VALUED = [kind for kind in EVERY if kind not in (BOOLEAN, MOOD)]
TEXTUAL = [TEXT, VARCHAR]

TYPES = f"create type {MOOD.sql} as enum ('sad', 'ok', 'very happy', 'it''s'); create domain small as integer check (value between 0 and 99)"


def zero_uuid(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)
