"""What a profile measures is what Python computes from the same rows, for odd types and odd values."""

import ipaddress
import json
import math
import re
import statistics
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import Engine
from tests.support.profiles import measured

NOW = datetime.now(UTC).replace(microsecond=0)
TEXTS = [
    "a@b.example", "a.b+c@x-y.example.org", "@", "a@b", "", " ", "\t\n", " padded", "padded ", "https://example.com/a?b=c", "ftp://x", "http://",
    "6fa459ea-ee8a-3ca4-894e-db77e160355e", "6fa459eaee8a3ca4894edb77e160355e", "10.0.0.1", "256.1.1.1", "::1", "2001:db8::ff00:42:8329", "1:2:3",
    "2024-02-29", "2023-02-29", "2024-1-1", "2024-01-01T10:00:00Z", "2024-01-01 10:00", "+4915112345678", "+0123", "DE", "de", "EUR", "eur",
    '{"a": [1, 2]}', "[]", "{", "1", "-42", " 7 ", "1.5", "1e3", "NaN", "true", "no", "t", "null", "ünïcödé", "漢字", "x" * 300, "it's", 'say "hi"',
    "99999999999999999999", "\u00a0",
]  # fmt: skip
ROWS: dict[str, tuple[str, list[Any]]] = {
    "id": ("bigint", list(range(60))),
    "small": ("smallint", [0, -1, 32767, -32768, None, 0]),
    "exact": ("numeric", ["0", "-0.10", "1.50", "1.5", "NaN", "1e30", None, "123456789.987654321"]),
    "floating": ("double precision", ["0", "-0", "NaN", "Infinity", "-Infinity", "1.5", "-2.25", None]),
    "half": ("real", ["0.1", "0.2", "0.1", None, "Infinity"]),
    "flag": ("boolean", [True, False, None, True]),
    "day": (
        "date",
        ["infinity", "-infinity", str(NOW.date()), str(NOW.date() + timedelta(days=2)), "0044-03-15 BC", "2020-02-29", None],
    ),
    "at": (
        "timestamptz",
        [str(NOW + timedelta(days=1)), *(str(NOW - timedelta(minutes=m)) for m in (5, 90, 3000, 20000, 90000)), "infinity", None],
    ),
    "local": ("timestamp", ["2020-01-01", "2020-01-01", "9999-12-31", None]),
    "text": ("text", [*TEXTS, "a@b.example", None]),
    "code": ("varchar(40)", ["a", "b", "a", None, ""]),
    "fixed": ("character(5)", ["ab", "ab", "", None, "12345"]),
    "bits": ("bytea", [b"", b"\x00\x01", None, b"abc"]),
    "many": ("integer[]", [[], [1], [1, 2, 3], None, [1]]),
    "json": ("json", ['{"a": 1}', "{}", "null", '" "', "[]", None, "3"]),
    "jsonb": ("jsonb", ['{"a": 1}', "{}", '{"a":1}', None, "[0]"]),
    "mood": ("mood", ["happy", "sad", "happy", None]),
    "ident": ("uuid", [str(uuid.UUID(int=n % 3)) for n in range(5)] + [None]),
    "net": ("inet", ["10.0.0.1", "10.0.0.1", "::1", None]),
    "span": ("interval", ["1 day", "24 hours", "1 month", None]),
    "range": ("int4range", ["empty", "[1,3)", "[1,2]", None]),
    "pair": ("pair", ["(1,x)", "(,)", "(1,x)", None]),
    "point": ("point", ["(1,2)", "(1,2)", None]),
    "posint": ("posint", [1, 2, 2, None]),
    "we\"ird 'col": ("text", ["x", "y", None]),
    "v": ("integer", [5, 5, None]),
    "n": ("text", ["n", "v"]),
}
DDL = """
create type mood as enum ('sad', 'ok', 'happy');
create domain posint as integer check (value > 0);
create type pair as (a integer, b text);
"""
BLANK = " \t\n\v\f\r"
SHOWN = ("small", "exact", "floating", "day", "text", "mood", "posint", "local", "v")


@pytest.fixture(scope="module")
def module_target(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


@pytest.fixture(scope="module")
def profile(module_target: Target, engine: Engine) -> Profile:
    def name(column: str) -> str:
        return '"' + column.replace('"', '""') + '"'

    columns = ", ".join(f"{name(column)} {kind}" for column, (kind, _) in ROWS.items())
    module_target.execute(f"{DDL} create table odd ({columns})")
    for number in range(60):
        row = {
            column: values[number] for column, (_, values) in ROWS.items() if number < len(values) and values[number] is not None
        }
        given = ", ".join(f"cast(%({index})s as {ROWS[column][0]})" for index, column in enumerate(row))
        parameters = {str(index): value for index, value in enumerate(row.values())}
        module_target.execute(f"insert into odd ({', '.join(map(name, row))}) values ({given})", parameters)
    return measured(engine, module_target, "odd", shown=SHOWN)


def column(profile: Profile, name: str) -> ColumnProfile:
    found = profile.column(name)
    assert found is not None
    assert found.error is None, found.error
    return found


def values(name: str) -> list[Any]:
    return [value for value in ROWS[name][1] if value is not None]


def test_the_table_itself(profile: Profile) -> None:
    assert (profile.row_count, profile.relation, profile.sample, profile.is_estimated) == (60, "table", None, False)
    assert [each.name for each in profile.columns] == list(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_nulls_of_each_column(profile: Profile, name: str) -> None:
    assert column(profile, name).nulls == 60 - len(values(name))


def same_jsonb(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def seconds(text: str) -> int:
    """PostgreSQL compares months as 30 days."""
    return {"1 day": 86400, "24 hours": 86400, "1 month": 30 * 86400}[text]


# How Python tells values of a type apart, as PostgreSQL does.
EQUAL: dict[str, Callable[[Any], Any]] = {
    "exact": lambda text: "NaN" if text == "NaN" else Decimal(text),
    "floating": lambda text: "NaN" if text == "NaN" else float(text),
    "half": float,
    "fixed": str.rstrip,
    "many": tuple,
    "jsonb": same_jsonb,
    "span": seconds,
    "range": lambda text: {"[1,3)": "[1,3)", "[1,2]": "[1,3)", "empty": "empty"}[text],
    "net": ipaddress.ip_address,
}


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("json", "point")])
def test_distinct_values(profile: Profile, name: str) -> None:
    counted = Counter(EQUAL.get(name, lambda value: value)(value) for value in values(name))
    found = column(profile, name)
    expected = (len(counted), sum(number == 1 for number in counted.values()), max(counted.values()), True)
    assert (found.distinct, found.singles, found.most_common, found.is_distinct_exact) == expected


@pytest.mark.parametrize("name", ["json", "point"])
def test_what_cannot_be_compared_has_no_distinct_values(profile: Profile, name: str) -> None:
    found = column(profile, name)
    assert (found.distinct, found.singles, found.most_common) == (None, None, None)


@pytest.mark.parametrize("name", ["small", "exact", "floating", "half", "id", "posint", "v"])
def test_numbers(profile: Profile, name: str) -> None:
    found, numbers = column(profile, name), [float(value) for value in values(name)]
    finite = [Decimal(str(value)) for value in values(name) if math.isfinite(float(value))]
    assert (found.zeros, found.negatives) == (numbers.count(0), sum(number < 0 for number in numbers))
    if name in ("exact", "floating", "half"):
        assert (found.nan, found.infinities) == (sum(map(math.isnan, numbers)), sum(map(math.isinf, numbers)))
    assert found.mean == pytest.approx(float(sum(finite) / len(finite)), rel=1e-6)
    assert found.stddev == pytest.approx(float(statistics.stdev(finite)), rel=1e-5)


@pytest.mark.parametrize("name", ["day", "at", "local"])
def test_moments(profile: Profile, name: str) -> None:
    found, snapshot = column(profile, name), profile.snapshot_at

    def moment(text: str) -> datetime:
        if text.endswith("infinity") or "BC" in text:
            return datetime.min.replace(tzinfo=UTC) if text.startswith("-") or "BC" in text else datetime.max.replace(tzinfo=UTC)
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    moments = [moment(text) for text in values(name)]
    assert found.future == sum(each > snapshot for each in moments)
    assert found.infinities == sum(text.endswith("infinity") for text in values(name))
    for span, length in {"1h": 1, "1d": 24, "7d": 168, "30d": 720}.items():
        assert found.recent is not None
        assert found.recent[span] == sum(snapshot - timedelta(hours=length) < each <= snapshot for each in moments), span


def test_texts(profile: Profile) -> None:
    found, texts = column(profile, "text"), values("text")
    assert found.blanks == sum(text.strip(BLANK) == "" for text in texts)
    assert found.padded == sum(text.startswith(" ") or text.endswith(" ") for text in texts)
    lengths = [len(text) for text in texts]
    assert found.length is not None
    assert (found.length.min, found.length.max) == (min(lengths), max(lengths))
    assert found.length.mean == pytest.approx(statistics.mean(lengths))
    assert found.formats == {
        "email": 3, "url": 2, "uuid": 1, "ipv4": 1, "ipv6": 2, "date": 1, "timestamp": 2, "e164": 1, "country_alpha2": 1, "currency": 1,
        "json": sum(map(is_json, texts)),
    }  # fmt: skip
    assert found.castable is not None
    assert found.castable["bigint"] == sum(bool(re.fullmatch(r"[ ]*[+-]?[0-9]+[ ]*", text)) and len(text) < 19 for text in texts)
    assert found.castable["boolean"] == len({"1", "true", "no", "t"})


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=int)
    except ValueError:
        return False
    return True


def test_lengths_and_blanks_of_other_types(profile: Profile) -> None:
    found = {name: column(profile, name) for name in ("bits", "many", "json", "jsonb", "range")}
    assert {name: each.blanks for name, each in found.items()} == {"bits": 1, "many": 1, "json": 4, "jsonb": 1, "range": 1}
    assert [(each.length.min, each.length.max, each.length.mean) for name, each in found.items() if each.length] == [
        (0, 3, pytest.approx(5 / 3)),
        (0, 3, 1.25),
    ]


def test_values_are_there_for_the_columns_that_may_be_shown_alone(profile: Profile) -> None:
    for each in profile.columns:
        assert each.values_hidden == (each.name not in SHOWN)
        if each.values_hidden:
            assert (each.min, each.max, each.quantiles, each.top) == (None, None, None, None), each.name
    small, text, mood = (column(profile, name) for name in ("small", "text", "mood"))
    assert (small.min, small.max) == ("-32768", "32767")
    assert small.quantiles is not None
    assert (small.quantiles["0.01"], small.quantiles["0.5"], small.quantiles["0.99"]) == ("-32768", "0", "32767")
    assert (mood.min, mood.max, mood.enum) == ("sad", "happy", ["sad", "ok", "happy"])
    assert [(each.value, each.count) for each in mood.top or ()] == [("happy", 2), ("sad", 1)]
    assert text.top is not None
    assert (text.top[0].value, text.top[0].count, len(text.top)) == ("a@b.example", 2, 50)
    assert all(len(each.value) <= 200 for each in text.top)
    assert column(profile, "day").max == "infinity"


def test_a_day_is_compared_with_today_in_the_documents_zone(module_target: Target, engine: Engine) -> None:
    zone, hours = "Pacific/Kiritimati", 14
    there = (datetime.now(UTC) + timedelta(hours=hours)).date()
    module_target.execute("create table days (d date)")
    for day in (there - timedelta(days=1), there, there + timedelta(days=1)):
        module_target.execute("insert into days values (%s)", (day,))
    found = measured(engine, module_target, "days", timezone=zone)
    today = (found.snapshot_at + timedelta(hours=hours)).date()
    days = (there - timedelta(days=1), there, there + timedelta(days=1))
    assert column(found, "d").future == sum(day > today for day in days)


def test_numbers_too_large_for_a_standard_deviation_are_measured_but_for_that(module_target: Target, engine: Engine) -> None:
    module_target.execute("create table huge as select x::double precision, 1 as y from unnest(array[1e300, -1e300, 0]) x")
    found = measured(engine, module_target, "huge")
    x, y = found.columns
    assert (x.error, x.stddev, x.zeros, x.negatives, x.distinct) == ("numeric value out of range (SQLSTATE 22003)", None, 1, 1, 3)
    assert (y.error, y.mean, y.distinct) == (None, 1, 1)
