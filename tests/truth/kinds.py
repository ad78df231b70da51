"""Column types: which values are generated, how PostgreSQL reads them, and when two of them are equal or in order."""

import ipaddress
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

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
class JsonNull:
    """JSON's null, which is a value."""


@dataclass(frozen=True)
class Kind:
    """One column type, of one of the catalogue's families. `text` is what PostgreSQL reads a value from, `key` is equal for equal values and
    sorts as PostgreSQL does (but where `sorts` is false); `ordered`: whether a condition may compare a column of it with a value."""

    name: str
    sql: str
    values: st.SearchStrategy[Any] = field(compare=False)
    family: str
    text: Callable[[Any], str] = str
    key: Callable[[Any], Any] = lambda value: value
    argument: Callable[[Any], list[Any]] | None = None
    in_zone: Callable[[Any, ZoneInfo], list[Any]] | None = None
    ordered: bool = True
    sorts: bool = True

    def __repr__(self) -> str:
        return self.name

    def arguments(self, value: Any, zone: ZoneInfo) -> list[Any]:
        """Ways to write the value in a document of that time zone."""
        return [
            self.text(value),
            *(self.argument(value) if self.argument else []),
            *(self.in_zone(value, zone) if self.in_zone else []),
        ]


NAN = (1, "NaN")  # the key of NaN: equal to itself and above everything


def _number_key(value: Any) -> Any:
    return NAN if value != value else (0, value)


def _moment_key(value: Any) -> Any:
    return (value.sign, 0) if isinstance(value, Endless) else (0, value)


def _day_key(value: Any) -> Any:
    """Of a date, as its midnight, or of a local time beside it."""
    return _moment_key(value if isinstance(value, (Endless, datetime)) else datetime.combine(value, time()))


def _iso(value: Any) -> str:
    return str(value) if isinstance(value, Endless) else str(value.isoformat())


def with_offsets(value: Any, zone: ZoneInfo) -> list[Any]:
    """A local time with offsets: the zone's own, UTC's, another one; none where the clocks leave it out."""
    if isinstance(value, Endless):
        return []
    there = value.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value or not 1900 < value.year < 2200:
        return []
    away = there.astimezone(ZoneInfo("Asia/Kathmandu"))
    return [there.isoformat(), there.astimezone(UTC).isoformat(" ").replace("+00:00", "Z"), away.isoformat(" ")]


def _midnights(value: Any, zone: ZoneInfo) -> list[Any]:
    if isinstance(value, Endless):
        return []
    return [f"{value.isoformat()}T00:00:00", *with_offsets(datetime.combine(value, time()), zone)]


def _locals(value: Any, zone: ZoneInfo) -> list[Any]:
    """A moment as a local time, where the clocks show that once."""
    if isinstance(value, Endless) or not 1900 < value.year < 2200:
        return []
    there = value.astimezone(zone).replace(tzinfo=None)
    both = {there.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return [there.isoformat(" ")] if both == {value} else []


def _plain_float(value: Any) -> list[Any]:
    fits = value == value and abs(value) < 1e15 and Decimal(repr(float(value))) == value
    return [float(value)] if fits else []


def _float_argument(value: float) -> list[Any]:
    return [value] if abs(value) < 1e300 else []


def _array_text(value: list[Any]) -> str:
    def item(part: Any) -> str:
        return "NULL" if part is None else '"' + str(part).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ",".join(map(item, value)) + "}"


def _json_key(value: Any) -> Any:
    if isinstance(value, JsonNull):
        return ("NoneType", None)
    if isinstance(value, dict):
        return ("object", tuple(sorted((name, _json_key(part)) for name, part in value.items())))
    if isinstance(value, list):
        return ("array", tuple(map(_json_key, value)))
    return (type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else "number", value)


def _json_text(value: Any) -> str:
    return "null" if isinstance(value, JsonNull) else json.dumps(value)


def _inet_key(value: Any) -> Any:
    """By family, by the network's bits, by the length of the mask, by the address."""
    bits = f"{int(value.ip):0{value.max_prefixlen}b}"
    return value.version, bits[: value.network.prefixlen], bits


def inet_text(value: Any) -> str:
    return str(value.ip) if value.network.prefixlen == value.max_prefixlen else str(value)


def shown(kind: "Kind", value: Any, zone: tzinfo = UTC) -> str:
    """The text that PostgreSQL shows of a value, in a session of that time zone."""
    match kind.family:
        case "boolean":
            return "true" if value else "false"
        case "float" if not math.isfinite(value):
            return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        case "float":
            return str(int(value)) if float(value).is_integer() else repr(value)
        case "decimal":
            return format(value, "f") if value.is_finite() else str(value)
        case "money":
            return f"{'-' if value < 0 else ''}${abs(value)}"
        case "timestamp" if isinstance(value, datetime):
            there = value.astimezone(zone) if value.tzinfo else value
            found = there.replace(tzinfo=None).isoformat(" ")
            found = found.rstrip("0") if there.microsecond else found
            offset = there.strftime("%z")
            return found + (f"{offset[:3]}:{offset[3:]}".removesuffix(":00") if offset else "")
        case "interval":
            days = f"{value.days} day{'' if value.days == 1 else 's'}" if value.days else ""
            hours = f"{value.seconds // 3600:02}:{value.seconds // 60 % 60:02}:{value.seconds % 60:02}"
            return " ".join(filter(None, [days, ("+" if value.days < 0 else "") + hours if value.seconds or not days else ""]))
        case "network":
            return inet_text(value)
    return kind.text(value)


def _range_text(value: tuple[int | None, int | None] | None) -> str:
    return "empty" if not value else f"[{'' if value[0] is None else value[0]},{'' if value[1] is None else value[1]})"


def _range_key(value: tuple[int | None, int | None] | None) -> Any:
    return (0,) if not value else (1, -math.inf if value[0] is None else value[0], math.inf if value[1] is None else value[1])


def _pair_text(value: tuple[int | None, str | None]) -> str:
    number, text = value
    quoted = "" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
    return f"({'' if number is None else number},{quoted})"


def _whole(bits: int) -> st.SearchStrategy[int]:
    top = 2 ** (bits - 1)
    return st.one_of(st.integers(-5, 20), st.integers(-1000, 1000), st.sampled_from([-top, top - 1]), st.integers(-top, top - 1))


def decimals(places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**7), 10**7).map(lambda n: Decimal(n).scaleb(-places))


DYADIC = st.integers(-4000, 4000).map(lambda n: n / 4)  # sums of these are exact in binary
FLOATS = st.one_of(DYADIC, st.sampled_from([0.1, 0.3, -0.0, 1e22, 1e-9, math.nan, math.inf, -math.inf]), st.floats(width=64))
REALS = st.one_of(DYADIC, st.sampled_from([-0.0, math.nan, math.inf, -math.inf]), st.floats(width=32))
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
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 1.25]), WORDS, st.sampled_from(["", " \t", "{}", "[ ]", "null"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=4,
).map(lambda value: JsonNull() if value is None else value)  # fmt: skip
MOODS = ["sad", "ok", "very happy", "it's"]
BITS = st.text("01", max_size=5)
ADDRESSES = st.one_of(
    st.builds(lambda number, bits: ipaddress.IPv4Interface(f"10.0.{number // 4}.{number % 4}/{bits}"), st.integers(0, 15), st.sampled_from([32, 32, 31, 24, 8])),
    st.builds(lambda number, bits: ipaddress.IPv6Interface(f"2001:db8::{number:x}/{bits}"), st.integers(1, 20), st.sampled_from([128, 64])),
)  # fmt: skip
INTERVALS = st.one_of(
    st.builds(timedelta, days=st.integers(0, 3), seconds=st.integers(0, 86399)), st.sampled_from([timedelta(days=30), timedelta(hours=24), timedelta(hours=-1)])
)  # fmt: skip
RANGES = st.one_of(
    st.none(), st.tuples(st.none(), st.integers(0, 5)), st.tuples(st.integers(0, 5), st.none()),
    st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1])),
).map(lambda value: value or ())  # fmt: skip
PAIR_VALUES = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.sampled_from(["x", "", "a b", 'q"', "it's", "back\\slash", "NULL"]))
)  # fmt: skip

SMALLINT = Kind("smallint", "smallint", _whole(16), "integer", key=_number_key, argument=lambda v: [v, f"{v}.0"])
INTEGER = Kind("integer", "integer", _whole(32), "integer", key=_number_key, argument=lambda v: [v, f"{v}.0", f"{v}e0"])
BIGINT = Kind("bigint", "bigint", _whole(64), "integer", key=_number_key, argument=lambda v: [v])
NUMERIC = Kind(
    "numeric", "numeric",
    st.one_of(decimals(), st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("1E+30"), Decimal("1.10"), Decimal("1.1")])),
    "decimal", key=_number_key, argument=_plain_float,
)  # fmt: skip
MONEY = Kind("money", "numeric(12,2)", decimals(2), "decimal", key=_number_key, argument=_plain_float)
REAL = Kind("real", "real", REALS, "float", text=repr, key=_number_key, argument=_float_argument)
DOUBLE = Kind("double", "double precision", FLOATS, "float", text=repr, key=_number_key, argument=_float_argument)
CASH = Kind("cash", "money", st.integers(-999, 999).map(lambda n: Decimal(n).scaleb(-2)), "money", ordered=False)
TEXT = Kind("text", "text", TEXTS, "text")
VARCHAR = Kind("varchar", "varchar(60)", TEXTS, "text")
CHAR = Kind("char", "char(6)", TEXTS.map(lambda text: text[:6].rstrip(" ")), "text")
BOOLEAN = Kind("boolean", "boolean", st.booleans(), "boolean", text=lambda v: "true" if v else "f", argument=lambda v: [v])
DATE = Kind("date", "date", DATES, "date", text=_iso, key=_day_key, in_zone=_midnights)
TIMESTAMP = Kind("timestamp", "timestamp", STAMPS, "timestamp", text=_iso, key=_moment_key, in_zone=with_offsets)
TIMESTAMPTZ = Kind(
    "timestamptz", "timestamp with time zone", ZONED, "timestamp", text=_iso, key=_moment_key, in_zone=_locals,
    argument=lambda v: [] if isinstance(v, Endless) else [_iso(v).replace("+00:00", "Z"), _iso(v + timedelta(hours=2)).replace("+00:00", "+02:00")],
)  # fmt: skip
TIME = Kind("time", "time", st.times().map(lambda value: value.replace(microsecond=0)), "time", text=_iso)
INTERVAL = Kind("interval", "interval", INTERVALS, "interval", text=lambda v: f"{v.days} days {v.seconds} seconds", ordered=False)
UUID = Kind("uuid", "uuid", st.uuids(), "uuid", argument=lambda v: [str(v).upper()])
INET = Kind("inet", "inet", ADDRESSES, "network", key=_inet_key, argument=lambda v: [inet_text(v)])
BYTEA = Kind("bytea", "bytea", st.binary(max_size=3), "bytes", text=lambda v: "\\x" + v.hex())
VARBIT = Kind("varbit", "bit varying", BITS, "bit", ordered=False)
TEXT_ARRAY = Kind(
    "text[]", "text[]", st.lists(st.one_of(TEXTS, st.none()), max_size=3), "array", text=_array_text, ordered=False,
    key=lambda v: tuple((part is None, part or "") for part in v),
)  # fmt: skip
INTEGER_ARRAY = Kind(
    "integer[]", "integer[]", st.lists(st.integers(-9, 9), max_size=3), "array", text=_array_text, key=tuple, ordered=False
)
RANGE = Kind("range", "int4range", RANGES, "range", text=_range_text, key=_range_key, ordered=False)
JSONB = Kind("jsonb", "jsonb", JSON, "json", text=_json_text, key=_json_key, ordered=False, sorts=False)
MOOD = Kind("enum", '"Mo""od"', st.sampled_from(MOODS), "enum", key=lambda v: MOODS.index(v), ordered=False)
PAIR = Kind(
    "composite", "pair", PAIR_VALUES, "composite", text=_pair_text, ordered=False,
    key=lambda v: tuple((part is None, part) for part in v),
)  # fmt: skip
DOMAIN = Kind("domain", "small", st.integers(0, 99), "integer", key=_number_key, argument=lambda v: [v])
# These have no equality.
PLAIN_JSON = Kind("json", "json", JSON, "json", text=_json_text, key=_json_key, ordered=False, sorts=False)
POINT = Kind(
    "point",
    "point",
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    "other",
    text=lambda v: f"({v[0]},{v[1]})",
    ordered=False,
    sorts=False,
)

EVERY = [
    INTEGER, TEXT, NUMERIC, DOUBLE, BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, BIGINT, SMALLINT, MONEY, REAL, VARCHAR, CHAR, TEXT_ARRAY, INTEGER_ARRAY,
    JSONB, MOOD, DOMAIN, PAIR, INET, BYTEA, VARBIT, RANGE, TIME, INTERVAL, CASH,
]  # fmt: skip
UNEQUAL = [PLAIN_JSON, POINT]
FEW = (BOOLEAN, MOOD)
# Values of numbers that are none.
ODD_NUMBERS: dict[str, list[Any]] = {
    "numeric": [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")], "real": [math.nan, math.inf, -math.inf], "double": [math.nan, math.inf, -math.inf],
}  # fmt: skip
MANY_VALUED = [kind for kind in EVERY if kind not in FEW]
ORDERED = [kind for kind in MANY_VALUED if kind.sorts and kind is not CHAR]
TEXTUAL = [TEXT, VARCHAR]

TYPES = f"""create type {MOOD.sql} as enum ('sad', 'ok', 'very happy', 'it''s'); create type pair as (n integer, t text);
create domain small as integer check (value between 0 and 99)"""
