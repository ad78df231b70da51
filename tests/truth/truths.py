"""What each rule type means, in plain Python over the generated rows; and rules of each type to try it on.

A maker draws a rule for a table and returns it with a function from the rows looked at to what must come out. Nothing here is
shared with the macros or with our Python.
"""

import datetime as dt
import itertools
import math
import re
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.truth.tables import KINDS, Table, plain, quoted

Row = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """Counted rules have failures, measured ones a measure and whether it is out of bounds; others hold or not."""

    failures: int | None = None
    total: int | None = None
    measured: Any = None
    fails: bool | None = None
    warns: bool = False
    check_measured: bool = True


@dataclass(frozen=True)
class Made:
    """A rule of the specification without its thresholds, its truth, and the kinds of column that it is about."""

    columns: list[str]
    arguments: dict[str, Any]
    truth: Callable[[list[Row], dt.datetime], Truth]
    kinds: list[str] = field(default_factory=list)
    relations: list[list[str]] = field(default_factory=list)
    windowed: bool = True
    takes_where: bool = True
    shares: bool = True


Maker = Callable[[st.DrawFn, Table], Made]


def by_row(table: Table, kinds: list[str], arguments: dict[str, Any], violates: Callable[[Row], bool | None]) -> Made:
    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        return Truth(sum(bool(violates(row)) for row in rows), len(rows))

    return Made([table.columns[kind] for kind in kinds], arguments, truth, kinds)


def as_text(value: Any) -> Any:
    """How a value is written as an argument: as JSON has it, or as text."""
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, float):
        return value
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value)


def some_kind(draw: st.DrawFn, *kinds: str) -> str:
    return draw(st.sampled_from(kinds))


def some_values(draw: st.DrawFn, table: Table, kind: str) -> list[Any]:
    """Often values of the table, sometimes others, sometimes all that there are."""
    there = [row[kind] for row in table.rows if row[kind] is not None]
    pool = st.one_of(st.sampled_from(there), KINDS[kind].values) if there else KINDS[kind].values
    values = draw(st.lists(pool, max_size=5))
    return list(there) if there and draw(st.integers(0, 2)) == 0 else values


def bounds(
    draw: st.DrawFn, values: st.SearchStrategy[Any], write: Callable[[Any], Any] = as_text
) -> tuple[dict[str, Any], Callable[[Any], bool]]:
    """Bounds as arguments, and whether a value lies outside of them."""
    low, high = draw(st.one_of(st.none(), values)), draw(st.one_of(st.none(), values))
    if low is None and high is None:
        low = draw(values)
    if low is not None and high is not None and high < low:
        low, high = high, low
    no_low, no_high = draw(st.booleans()), draw(st.booleans())
    given = {"min": low, "max": high, "exclusive_min": no_low, "exclusive_max": no_high}

    def outside(value: Any) -> bool:
        below = low is not None and (value < low or (no_low and value == low))
        above = high is not None and (value > high or (no_high and value == high))
        return below or above

    written = {name: write(value) if name in ("min", "max") else value for name, value in given.items()}
    return {name: value for name, value in written.items() if value is not None and value is not False}, outside


# --- one row at a time


def not_null(draw: st.DrawFn, table: Table) -> Made:
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3, unique=True))
    return by_row(table, kinds, {}, lambda row: any(row[kind] is None for kind in kinds))


def is_null(draw: st.DrawFn, table: Table) -> Made:
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=2, unique=True))
    return by_row(table, kinds, {}, lambda row: any(row[kind] is not None for kind in kinds))


def not_blank(draw: st.DrawFn, table: Table) -> Made:
    kinds = draw(st.lists(st.sampled_from(["txt", "tx2", "int"]), min_size=1, max_size=2, unique=True))
    return by_row(
        table, kinds, {}, lambda row: any(row[kind] is None or str(row[kind]).strip(" \t\n\r\f\v") == "" for kind in kinds)
    )


LISTED = ("int", "big", "num", "flt", "txt", "tx2", "boo", "day", "mom", "uid", "arr")


def listed_values(draw: st.DrawFn, table: Table, inside: bool) -> Made:
    kind = some_kind(draw, *LISTED)
    values = some_values(draw, table, kind)
    folded = kind in ("txt", "tx2") and draw(st.booleans())

    def fold(value: Any) -> Any:
        return value.lower() if folded else plain(value)

    known = {fold(value) for value in values}
    arguments = {"values": [as_text(value) for value in values]} | ({"case_sensitive": False} if folded else {})
    return by_row(table, [kind], arguments, lambda row: row[kind] is not None and (fold(row[kind]) in known) == inside)


def accepted_values(draw: st.DrawFn, table: Table) -> Made:
    return listed_values(draw, table, inside=False)


def rejected_values(draw: st.DrawFn, table: Table) -> Made:
    return listed_values(draw, table, inside=True)


def between(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "int", "big", "num", "flt", "txt", "day", "loc", "mom")
    arguments, outside = bounds(draw, KINDS[kind].values)
    return by_row(table, [kind], arguments, lambda row: row[kind] is not None and outside(row[kind]))


def length(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "txt", "tx2", "int")
    arguments, outside = bounds(draw, st.integers(0, 4))
    return by_row(table, [kind], arguments, lambda row: row[kind] is not None and outside(len(str(row[kind]))))


PATTERNS = [("^a", r"\Aa"), ("b$", r"b\Z"), ("[0-9]+", "[0-9]+"), ("^$", r"\A\Z"), ("^.$", r"\A.\Z"), ("a|é", "a|é"), ("'", "'"), (r"\\", r"\\"), ("", ""), (r"^\s+$", r"\A\s+\Z"), ("%", "%")]  # fmt: skip


def regex(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "txt", "tx2", "int")
    pattern, python = draw(st.sampled_from(PATTERNS))
    negate = draw(st.booleans())
    found = re.compile(python, re.DOTALL | re.ASCII)
    return by_row(
        table,
        [kind],
        {"pattern": pattern, "negate": negate},
        lambda row: row[kind] is not None and bool(found.search(str(row[kind]))) == negate,
    )


def like(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "txt", "tx2", "int")
    pattern = draw(st.sampled_from(["a%", "%b", "_", "%", "", "a\\%b", "__%", "%a%", "100\\%", "a\\\\b", "it's", "A_"]))
    negate, sensitive = draw(st.booleans()), draw(st.booleans())

    def matches(text: str, pattern: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "%":
            return any(matches(text[n:], pattern[1:]) for n in range(len(text) + 1))
        literal = pattern[0] == "\\"
        wanted, rest = (pattern[1], pattern[2:]) if literal else (pattern[0], pattern[1:])
        return bool(text) and ((wanted == "_" and not literal) or text[0] == wanted) and matches(text[1:], rest)

    def violates(row: Row) -> bool:
        if row[kind] is None:
            return False
        text, wanted = (str(row[kind]), pattern) if sensitive else (str(row[kind]).lower(), pattern.lower())
        return matches(text, wanted) == negate

    return by_row(table, [kind], {"pattern": pattern, "negate": negate, "case_sensitive": sensitive}, violates)


# Texts that are of a format, and texts that are not.
FORMATS: dict[str, tuple[list[str], list[str]]] = {
    "email": (["a@example.org", "first.last+tag@sub.example.co", "x'y@a.bc"], ["a@b", "@example.org", "a b@c.de", "a@b..c", "a@-b.cd", "a@b.cd\n", ""]),
    "uuid": (["00000000-0000-7000-8000-000000000000", "ABCDEF01-2345-6789-abcd-ef0123456789"], ["00000000000070008000000000000000", "{0}", "0000000g-0000-7000-8000-000000000000"]),
    "url": (["https://example.org", "http://u:p@host.example:8080/a?b=c#d", "ftp://x.y/z"], ["example.org", "javascript:alert(1)", "http://", "http://a b", "https:///x", "mailto:a@b.cd"]),
    "ipv4": (["0.0.0.0", "255.255.255.255", "10.1.2.3"], ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4/8", " 1.2.3.4"]),
    "ipv6": (["::", "::1", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "1::"], ["1:2:3:4:5:6:7", ":::", "1::2::3", "12345::", "::1%eth0", "1:2:3:4:5:6:7:8:9"]),
    "date": (["2026-02-28", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"], ["2026-02-29", "1900-02-29", "2026-13-01", "2026-04-31", "26-01-01", "2026-1-1", "0000-01-01", "2026-01-01T00:00"]),
    "timestamp": (["2026-01-01T00:00", "2026-01-01 23:59:59.999Z", "2026-01-01T00:00:00+05:30", "2024-02-29T12:00:00-08"], ["2026-01-01", "2026-01-01T24:00", "2026-02-30T00:00", "2026-01-01T00:60", "2026-01-01T00:00:00+25:00"]),
    "json": (["{}", "[1, 2]", '"x"', "null", " 1e5 "], ["{", "{'a': 1}", "[1,]", "nul", ""]),
    "e164": (["+4930123456", "+1", "+123456789012345"], ["4930123456", "+0123", "+1234567890123456", "+49 30", "+"]),
    "country_alpha2": (["DE", "US", "TW"], ["de", "UK", "DEU", "XX", ""]),
    "currency": (["EUR", "USD", "CHF"], ["eur", "DEM", "E", "XYZ"]),
}  # fmt: skip
CASTS: dict[str, tuple[list[str], list[str]]] = {
    "integer": (["1", "-7", " 5 ", "2147483647"], ["1.0", "twelve", "2147483648", "", "1e3"]),
    "numeric": (["1.5", "-1e3", "NaN", "007"], ["1,5", "x", "", "1.2.3"]),
    "date": (["2026-02-28", "2026/01/02", "today"], ["2026-02-30", "x", ""]),
    "timestamp": (["2026-01-01 10:00", "2026-01-01T10:00:00Z", "infinity"], ["2026-01-01 25:00", "x", ""]),
    "boolean": (["true", "F", "yes", "0"], ["2", "maybe", ""]),
    "uuid": (["00000000000070008000000000000000", "{00000000-0000-7000-8000-000000000000}"], ["xyz", ""]),
    "json": (["{}", "[1]", "null"], ["{", "'a'"]),
}
TEXTS = {
    "format": {name: [*good, *bad] for name, (good, bad) in FORMATS.items()},
    "castable": {name: [*good, *bad] for name, (good, bad) in CASTS.items()},
}


def of_form(table: Table, argument: str, forms: dict[str, tuple[list[str], list[str]]], name: str) -> Made:
    good, _ = forms[name]
    return by_row(table, ["fmt"], {argument: name}, lambda row: row["fmt"] is not None and row["fmt"] not in good)


def not_in_future(draw: st.DrawFn, table: Table) -> Made:
    tolerance = draw(st.sampled_from([0, 36, 240]))

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        late = now + dt.timedelta(hours=tolerance)
        return Truth(sum(row["rec"] is not None and row["rec"] > late for row in rows), len(rows))

    return Made([table.columns["rec"]], {"tolerance": f"{tolerance}h"} if tolerance else {}, truth, ["rec"])


def compare(draw: st.DrawFn, table: Table) -> Made:
    left, right = draw(
        st.sampled_from(
            [("int", "big"), ("int", "num"), ("num", "int"), ("txt", "tx2"), ("day", "day"), ("big", "int"), ("boo", "boo")]
        )
    )
    operator = draw(st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]))
    passes = draw(st.booleans())
    holds = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "=": lambda a, b: a == b, "!=": lambda a, b: a != b, ">=": lambda a, b: a >= b, ">": lambda a, b: a > b}[operator]  # fmt: skip

    def violates(row: Row) -> bool:
        return not passes if row[left] is None or row[right] is None else not holds(row[left], row[right])

    return by_row(table, [left], {"operator": operator, "other_column": table.columns[right], "null_passes": passes}, violates)


def max_lag(draw: st.DrawFn, table: Table) -> Made:
    minutes, passes = draw(st.sampled_from([0, 10, 1500, 43200])), draw(st.booleans())

    def violates(row: Row) -> bool:
        if row["mom"] is None or row["rec"] is None:
            return not passes
        return row["rec"] > row["mom"] + dt.timedelta(minutes=minutes)

    return by_row(
        table, ["mom"], {"other_column": table.columns["rec"], "at_most": f"{minutes}m", "null_passes": passes}, violates
    )


def expression(draw: st.DrawFn, table: Table) -> Made:
    passes = draw(st.booleans())
    a, b, t = (quoted(table.columns[kind]) for kind in ("int", "num", "txt"))
    sql, holds = draw(
        st.sampled_from(
            [
                (f"{a} > 2", lambda row: None if row["int"] is None else row["int"] > 2),
                (f"{a} + {b} >= 1", lambda row: None if None in (row["int"], row["num"]) else row["int"] + row["num"] >= 1),
                (f"{t} is null or length({t}) < 3", lambda row: row["txt"] is None or len(row["txt"]) < 3),
                (f"{a} in (1, 2, 3) and {b} is not null", lambda row: None if row["int"] is None and row["num"] is not None else row["int"] in (1, 2, 3) and row["num"] is not None),
                ("true", lambda row: True),
                (f"case when {a} = 0 then false else coalesce({b}, 1) > 0 end", lambda row: False if row["int"] == 0 else (1 if row["num"] is None else row["num"]) > 0),
            ]
        )
    )  # fmt: skip

    def violates(row: Row) -> bool:
        found = holds(row)
        return not passes if found is None else not found

    return by_row(table, [], {"sql": sql, "null_passes": passes}, violates)


# --- rows among others


def unique(draw: st.DrawFn, table: Table) -> Made:
    kinds = draw(
        st.lists(
            st.sampled_from(["int", "txt", "tx2", "num", "boo", "uid", "arr", "mom", "jso", "key"]),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    equal = draw(st.booleans())

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        def key(row: Row) -> Any:
            return tuple(plain(row[kind]) for kind in kinds)

        counted = [row for row in rows if equal or None not in key(row)]
        times = Counter(key(row) for row in counted)
        inside = Counter(key(row) for row in counted if row["_in_window"])
        failures = sum(n - 1 if times[k] == n else n for k, n in inside.items() if times[k] > 1)
        return Truth(failures, sum(row["_in_window"] for row in rows), sum(times[k] > 1 for k in inside))

    return Made([table.columns[kind] for kind in kinds], {"nulls": "equal"} if equal else {}, truth, kinds)


def relationship(draw: st.DrawFn, table: Table) -> Made:
    kinds = draw(st.sampled_from([["int"], ["txt"], ["int", "txt"], ["num"]]))
    narrowed = draw(st.booleans())

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        there = [row for row in table.other_rows if not narrowed or row["key"] > 1]
        known = {tuple(row[kind] for kind in kinds) for row in there}
        keys = [tuple(row[kind] for kind in kinds) for row in rows]
        return Truth(sum(None not in key and key not in known for key in keys), len(rows))

    to = [table.other_columns[kind] for kind in kinds]
    arguments: dict[str, Any] = {"to_table": f"public.{table.other_name}"} | (
        {"to_column": to[0]} if len(to) == 1 else {"to_columns": to}
    )
    if narrowed:
        arguments["to_where"] = f"{quoted(table.other_columns['key'])} > 1"
    return Made([table.columns[kind] for kind in kinds], arguments, truth, kinds)


def outliers(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "int", "num", "flt")
    method = draw(st.sampled_from(["zscore", "iqr"]))
    limit = draw(st.sampled_from([0.71, 1.1, 2.3] if method == "zscore" else [0.25, 1, 1.5]))

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        values = sorted(float(row[kind]) for row in rows if row[kind] is not None)
        if method == "zscore":
            if len(values) < 2:
                return Truth(0, len(rows))
            mean, deviation = statistics.mean(values), statistics.stdev(values)
            return Truth(sum(abs(value - mean) > limit * deviation for value in values), len(rows))
        if not values:
            return Truth(0, len(rows))
        q1, q3 = percentile(values, 0.25), percentile(values, 0.75)
        return Truth(sum(value < q1 - limit * (q3 - q1) or value > q3 + limit * (q3 - q1) for value in values), len(rows))

    return Made([table.columns[kind]], {"method": method, "limit": limit}, truth, [kind])


def percentile(values: list[float], p: float) -> float:
    """Linear between the two nearest, as percentile_cont is defined."""
    place = p * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def monotonic(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, "int", "num", "day", "mom")
    order = draw(st.sampled_from([["key"], ["tx2"], ["boo", "key"], ["big"]]))
    partition = draw(st.sampled_from([[], ["boo"], ["tx2", "boo"]]))
    down, strict = draw(st.booleans()), draw(st.booleans())

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        groups: dict[Any, list[Row]] = {}
        for row in rows:
            if row[kind] is not None:
                groups.setdefault(tuple(row[k] for k in partition), []).append(row)
        wrong = 0
        for group in groups.values():
            group.sort(key=lambda row: row[kind], reverse=down)
            group.sort(key=lambda row: tuple((row[k] is None, row[k] if row[k] is not None else 0) for k in order))
            for before, after in itertools.pairwise(group):
                a, b = before[kind], after[kind]
                wrong += (b > a if down else b < a) or (strict and a == b)
        return Truth(wrong, len(rows))

    names = [table.columns[k] for k in order]
    arguments: dict[str, Any] = {"order_by": names if draw(st.booleans()) or len(names) > 1 else names[0], "strict": strict}
    arguments |= {"direction": "decreasing"} if down else {}
    arguments |= {"partition_by": [table.columns[k] for k in partition]} if partition else {}
    return Made([table.columns[kind]], arguments, truth, [kind])


def distinct_values(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, *LISTED)
    values = some_values(draw, table, kind)
    mode = draw(st.sampled_from(["in", "contain", "equal"]))

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        found = {plain(row[kind]) for row in rows if row[kind] is not None}
        listed = {plain(value) for value in values}
        failures = (len(found - listed) if mode != "contain" else 0) + (len(listed - found) if mode != "in" else 0)
        return Truth(failures, None, len(found))

    return Made(
        [table.columns[kind]], {"values": [as_text(value) for value in values], "mode": mode}, truth, [kind], shares=False
    )


def most_common_value(draw: st.DrawFn, table: Table) -> Made:
    kind = some_kind(draw, *LISTED)
    values = some_values(draw, table, kind)

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        times = Counter(plain(row[kind]) for row in rows if row[kind] is not None)
        top = {value for value, n in times.items() if n == max(times.values())}
        return Truth(None, len(rows), fails=not top & {plain(value) for value in values})

    return Made([table.columns[kind]], {"values": [as_text(value) for value in values]}, truth, [kind])


def no_gaps(draw: st.DrawFn, table: Table, zone: str = "UTC") -> Made:
    kind, every = draw(st.sampled_from([("day", "day"), ("day", "7d"), ("day", "month"), ("loc", "1h"), ("loc", "15m"), ("loc", "1d"), ("mom", "hour"), ("mom", "6h"), ("mom", "day"), ("mom", "week"), ("mom", "quarter"), ("day", "year")]))  # fmt: skip
    seconds = {"15m": 900, "1h": 3600, "hour": 3600, "6h": 21600, "1d": 86400, "day": 86400, "7d": 604800, "week": 604800}.get(
        every
    )

    def period(value: Any) -> int:
        local = value.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if kind == "mom" else value
        if isinstance(local, dt.datetime) is False:
            local = dt.datetime.combine(local, dt.time())
        if seconds is None:
            months = {"month": 1, "quarter": 3, "year": 12}[every]
            return (local.year * 12 + local.month - 1) // months
        if seconds < 86400 and kind == "mom":
            return int((value - dt.datetime(2001, 1, 1, tzinfo=ZoneInfo(zone))).total_seconds() // seconds)
        return int((local - dt.datetime(2001, 1, 1)) // dt.timedelta(seconds=seconds))

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        there = {period(row[kind]) for row in rows if row[kind] is not None}
        total = max(there) - min(there) + 1 if there else 0
        return Truth(total - len(there), total)

    return Made([table.columns[kind]], {"every": every}, truth, [kind])


# --- measures


def with_bounds(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[dict[str, Any], Callable[[Any], tuple[bool, bool]]]:
    """Failing bounds, warning bounds, or both; and whether a measure trips each."""
    fail, beyond = bounds(draw, values)
    warn, beyond_warn = bounds(draw, values)
    which = draw(st.sampled_from(["fail", "warn", "both"]))
    arguments = (fail if which != "warn" else {}) | ({"warn": warn} if which != "fail" else {})

    def judge(value: Any) -> tuple[bool, bool]:
        return which != "warn" and beyond(value), which != "fail" and beyond_warn(value)

    return arguments, judge


def measured(value: Any, rows: int | None, arguments: dict[str, Any], judge: Callable[[Any], tuple[bool, bool]]) -> Truth:
    if value is None:
        fails = any(name in arguments for name in ("min", "max", "max_age", "tolerance"))
        return Truth(None, rows, None, fails, True)
    return Truth(None, rows, value, *judge(value))


def row_count(draw: st.DrawFn, table: Table) -> Made:
    arguments, judge = with_bounds(draw, st.integers(0, 12))
    return Made([], arguments, lambda rows, now: measured(len(rows), len(rows), arguments, judge))


def aggregate_of(function: str, values: list[Any], rows: int, p: float = 0.5) -> Any:
    """The aggregate of the non-NULL values; numbers as fractions, floats or decimals."""
    match function:
        case "distinct_count":
            return len(set(values))
        case "null_ratio":
            return Fraction(rows - len(values), rows) if rows else None
    if not values:
        return None
    match function:
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "sum":
            return sum(Fraction(value) for value in values)
        case "avg":
            return sum(Fraction(value) for value in values) / len(values)
        case "stddev":
            return statistics.stdev([float(value) for value in values]) if len(values) > 1 else None
        case "median":
            return percentile(sorted(map(float, values)), 0.5)
        case "percentile":
            return percentile(sorted(map(float, values)), p)
        case "distinct_ratio":
            return Fraction(len(set(values)), len(values))
    raise AssertionError(function)


FUNCTIONS = ["min", "max", "sum", "avg", "stddev", "median", "percentile", "distinct_count", "distinct_ratio", "null_ratio"]


def aggregate(draw: st.DrawFn, table: Table) -> Made:
    function = draw(st.sampled_from(FUNCTIONS))
    kind = some_kind(draw, "int", "num", "flt", "day") if function in ("min", "max") else some_kind(draw, "int", "num", "flt")
    # Bounds that a measure meets exactly only where it is exact, too.
    values = (
        KINDS[kind].values
        if kind == "day"
        else st.integers(0, 4)
        if function == "distinct_count"
        else st.sampled_from([-3.03, 0.123, 0.51, 2.017, 7.7, 30.3])
    )
    if function in ("min", "max") and kind == "int":
        values = KINDS["int"].values
    arguments, judge = with_bounds(draw, values)
    p = draw(st.sampled_from([0, 0.1, 0.5, 0.9, 1])) if function == "percentile" else None

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        found = aggregate_of(function, [row[kind] for row in rows if row[kind] is not None], len(rows), p or 0)
        return measured(found, len(rows), arguments, judge)

    return Made([table.columns[kind]], {"function": function} | arguments | ({} if p is None else {"p": p}), truth, [kind])


def freshness(draw: st.DrawFn, table: Table) -> Made:
    fail, warn = draw(st.sampled_from([(2, None), (4, None), (None, 1), (4, 2), (1, None), (None, 4)]))
    arguments = ({"max_age": f"{fail * 24 + 1}h"} if fail else {}) | ({"warn": {"max_age": f"{warn * 24 + 1}h"}} if warn else {})

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        there = [row["rec"] for row in rows if row["rec"] is not None]
        age = (now - max(there)).total_seconds() if there else None
        return measured(age, len(rows), arguments, lambda age: (bool(fail) and age > (fail * 24 + 1) * 3600, bool(warn) and age > (warn * 24 + 1) * 3600))  # fmt: skip

    return Made([table.columns["rec"]], arguments, truth, ["rec"], windowed=False)


def within(draw: st.DrawFn) -> tuple[dict[str, Any], Callable[[Any, Any], tuple[bool, bool]]]:
    """Tolerances, and whether a difference exceeds them, given the other's value."""
    some = st.sampled_from([None, 0, 1, 2.5, "10%", "50 %", "200%"])
    fail, warn = draw(some), draw(some)
    arguments = ({} if fail is None else {"tolerance": fail}) | ({} if warn is None else {"warn": {"tolerance": warn}})
    if fail is None and warn is None:
        fail = 0

    def beyond(tolerance: Any, difference: Any, other: Any) -> bool:
        if tolerance is None:
            return False
        if isinstance(tolerance, str):
            return bool(difference > abs(other) * Fraction(tolerance.rstrip("% ")) / 100)
        return bool(difference > Fraction(tolerance))

    return arguments, lambda difference, other: (beyond(fail, difference, other), beyond(warn, difference, other))


def row_count_matches(draw: st.DrawFn, table: Table) -> Made:
    arguments, judge = within(draw)
    narrowed = draw(st.booleans())

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        other = sum(not narrowed or (row["int"] is not None and row["int"] > 2) for row in table.other_rows)
        difference = abs(len(rows) - other)
        return Truth(None, len(rows), difference, *judge(difference, other))

    where = {"other_where": f"{quoted(table.other_columns['int'])} > 2"} if narrowed else {}
    return Made([], {"other_table": f"public.{table.other_name}"} | where | arguments, truth, windowed=False)


def aggregate_matches(draw: st.DrawFn, table: Table) -> Made:
    function = draw(st.sampled_from(["min", "max", "sum", "avg", "distinct_count", "null_ratio", "median"]))
    kind = some_kind(draw, "int", "num")
    arguments, judge = within(draw)

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        def of(rows: list[Row]) -> Any:
            found = aggregate_of(function, [row[kind] for row in rows if row[kind] is not None], len(rows))
            return None if found is None else Fraction(found)

        ours, theirs = of(rows), of(table.other_rows)
        if ours is None or theirs is None:
            return Truth(None, len(rows), None, "tolerance" in arguments or "warn" not in arguments, True)
        return Truth(None, len(rows), abs(ours - theirs), *judge(abs(ours - theirs), theirs))

    given = {"function": function, "other_table": f"public.{table.other_name}", "other_column": table.other_columns[kind]}
    return Made([table.columns[kind]], given | arguments, truth, [kind], windowed=False)


# --- the shape of the table


def column_count(draw: st.DrawFn, table: Table) -> Made:
    arguments, judge = with_bounds(draw, st.integers(14, 18))
    return Made(
        [], arguments, lambda rows, now: measured(len(table.columns), None, arguments, judge), windowed=False, takes_where=False
    )


def columns(draw: st.DrawFn, table: Table) -> Made:
    mode = draw(st.sampled_from(["exact", "contains", "ordered"]))
    there = list(table.columns.values())
    names = draw(
        st.sampled_from(
            [there, there[::-1], there[1:], [*there, "missing"], ["missing", *there[2:]], [there[1], there[0], *there[2:]]]
        )
    )

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        missing, unexpected = set(names) - set(there), set(there) - set(names)
        here, wanted = [name for name in there if name in names], [name for name in names if name in there]
        moved = sum(a != b for a, b in zip(here, wanted, strict=True))
        failures = len(missing) + (len(unexpected) if mode != "contains" else 0) + (moved if mode == "ordered" else 0)
        return Truth(failures, None)

    return Made([], {"names": names, "mode": mode}, truth, windowed=False, takes_where=False, shares=False)


def column_type(draw: st.DrawFn, table: Table) -> Made:
    kind, types, holds = draw(
        st.sampled_from(
            [
                ("int", ["integer"], True), ("int", ["int4"], True), ("int", ["bigint", "text"], False), ("big", ["int8", "int"], True),
                ("num", ["numeric"], True), ("num", ["decimal(12, 2)"], True), ("num", ["numeric(12,3)"], False), ("tx2", ["varchar"], True),
                ("tx2", ["character varying(20)"], True), ("tx2", ["varchar(10)"], False), ("mom", ["timestamptz"], True),
                ("mom", ["timestamp"], False), ("mom", ["timestamp with time zone"], True), ("arr", ["int[]"], True), ("arr", ["int"], False),
                ("flt", ["float8", "real"], True), ("boo", ["bool"], True), ("txt", ["no_such_type"], False),
            ]
        )
    )  # fmt: skip
    arguments = {"type": types[0]} if len(types) == 1 else {"types": types}
    return Made(
        [table.columns[kind]],
        arguments,
        lambda rows, now: Truth(None, None, fails=not holds),
        [kind],
        windowed=False,
        takes_where=False,
    )


# --- SQL and dbt


def sql(draw: st.DrawFn, table: Table) -> Made:
    name = f"public.{quoted(table.name)}"
    a, t = quoted(table.columns["int"]), quoted(table.columns["txt"])
    query, count = draw(
        st.sampled_from(
            [
                (f"select * from {name} where {a} > 3", lambda rows: sum(row["int"] is not None and row["int"] > 3 for row in rows)),
                (f"select {t}, count(*) from {name} group by 1 having count(*) > 1", lambda rows: sum(n > 1 for n in Counter(row["txt"] for row in rows).values())),
                (f"with big as (select {a} as v from {name}) select v from big where v is null union all select 1 from big where v < 0", lambda rows: sum(row["int"] is None or row["int"] < 0 for row in rows)),
                (f"select * from (select {a}, row_number() over (partition by {a}) as n from {name}) as x where n > 1", lambda rows: sum(n - 1 for n in Counter(row["int"] for row in rows).values())),
                ("select 1 where false", lambda rows: 0),
            ]
        )
    )  # fmt: skip
    return Made([], {"query": query}, lambda rows, now: Truth(count(rows), None), relations=[["public", table.name]], windowed=False, takes_where=False, shares=False)  # fmt: skip


def dbt(draw: st.DrawFn, table: Table) -> Made:
    test = draw(st.sampled_from(["unique", "not_null", "accepted_values", "relationships"]))
    kind = some_kind(draw, "int", "tx2")
    values = draw(st.lists(KINDS[kind].values, min_size=1, max_size=4))
    arguments: dict[str, Any] = {}
    if test == "accepted_values":
        arguments = {"values": values, "quote": kind == "tx2"}
    elif test == "relationships":
        kind = "int"
        arguments = {"to": {"relation": f"public.{table.other_name}"}, "field": quoted(table.other_columns["int"])}

    def truth(rows: list[Row], now: dt.datetime) -> Truth:
        there = [row[kind] for row in rows]
        match test:
            case "unique":
                failures = sum(n > 1 for value, n in Counter(there).items() if value is not None)
            case "not_null":
                failures = there.count(None)
            case "accepted_values":
                failures = len({value for value in there if value is not None} - set(values))
            case _:
                known = {row["int"] for row in table.other_rows}
                failures = sum(value is not None and value not in known for value in there)
        return Truth(failures, None)

    return Made([table.columns[kind]], {"test": test} | ({"arguments": arguments} if arguments else {}), truth, [kind], windowed=False, shares=False)  # fmt: skip


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        not_null, not_blank, is_null, accepted_values, rejected_values, between, length, regex, like, not_in_future, compare, max_lag, expression,
        unique, relationship, outliers, monotonic, distinct_values, most_common_value, no_gaps, row_count, aggregate, freshness, row_count_matches,
        aggregate_matches, column_count, columns, column_type, sql, dbt,
    )
}  # fmt: skip
