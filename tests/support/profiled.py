"""A table of many types that every engine has, and what Python computes of its rows: the truth beside an engine's profile."""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.messages.profiles import QUANTILES, ColumnProfile, Profile

NUMBER = 60  # rows
NOW = datetime.now(UTC).replace(microsecond=0)
TEXTS = [
    "a@b.example", "a.b+c@x-y.example.org", "@", "a@b", "", " ", "\t\n", " padded", "padded ", "https://example.com/a?b=c", "ftp://x", "http://",
    "6fa459ea-ee8a-3ca4-894e-db77e160355e", "6fa459eaee8a3ca4894edb77e160355e", "10.0.0.1", "256.1.1.1", "::1", "2001:db8::ff00:42:8329", "1:2:3",
    "2024-02-29", "2023-02-29", "2024-1-1", "2024-01-01T10:00:00Z", "2024-01-01 10:00", "+4915112345678", "+0123", "DE", "de", "EUR", "eur",
    '{"a": [1, 2]}', "[]", "1", "-42", " 7 ", "1.5", "1e3", "true", "ünïcödé", "ÜNÏ", "漢字", "x" * 300, "it's", 'say "hi"', "Ã¼ber", "Ã¼ber", "Zoë",
    "\u00a0", "\ufffd", "mid\x01dle", "\U0001f600 smile", "a@b.example", "z",
]  # fmt: skip
FORMATS = {
    "email": 3,
    "url": 2,
    "uuid": 1,
    "ipv4": 1,
    "ipv6": 2,
    "date": 1,
    "timestamp": 2,
    "e164": 1,
    "country_alpha2": 1,
    "currency": 1,
}
# By column: its type on each engine, and its values as texts that all of them can cast to it; the rest of the rows is NULL.
ROWS: dict[str, tuple[dict[Adapter, str], list[str | None]]] = {
    "id": ({"postgres": "bigint", "duckdb": "bigint", "trino": "bigint"}, [str(n) for n in range(NUMBER)]),
    "small": ({"postgres": "smallint", "duckdb": "smallint", "trino": "smallint"}, ["0", "-1", "32767", "-32768", None, "0"]),
    "exact": (
        {"postgres": "numeric(18,9)", "duckdb": "decimal(18,9)", "trino": "decimal(18,9)"},
        ["0", "-0.1", "1.5", "1.5", None, "123456789.987654321"],
    ),
    "floating": (
        {"postgres": "double precision", "duckdb": "double", "trino": "double"},
        ["0", "-0", "NaN", "Infinity", "-Infinity", "1.5", "-2.25", None, "NaN", "1e30"],
    ),
    "half": ({"postgres": "real", "duckdb": "float", "trino": "real"}, ["0.1", "0.2", "0.1", None, "Infinity"]),
    "flag": ({"postgres": "boolean", "duckdb": "boolean", "trino": "boolean"}, ["true", "false", None, "true"]),
    "day": (
        {"postgres": "date", "duckdb": "date", "trino": "date"},
        [str(NOW.date()), str(NOW.date() + timedelta(days=2)), str(NOW.date() - timedelta(days=3)), "2020-02-29", None, "2020-02-29"],
    ),
    "at": (
        {"postgres": "timestamptz(3)", "duckdb": "timestamptz", "trino": "timestamp(3) with time zone"},
        [f"{NOW - timedelta(minutes=n):%Y-%m-%d %H:%M:%S}+00:00" for n in (-1440, 5, 90, 3000, 20000, 90000)],
    ),
    "local": (
        {"postgres": "timestamp(6)", "duckdb": "timestamp", "trino": "timestamp(6)"},
        ["2020-01-01 00:00:00", "2020-01-01 00:00:00", "9999-12-31 10:00:00.5", None, f"{NOW - timedelta(minutes=9):%Y-%m-%d %H:%M:%S}"],
    ),
    "text": ({"postgres": "text", "duckdb": "varchar", "trino": "varchar"}, [*TEXTS, None]),
    "code": ({"postgres": "varchar(40)", "duckdb": "varchar", "trino": "varchar(40)"}, ["a", "b", "a", None, ""]),
    "ident": (
        {"postgres": "uuid", "duckdb": "uuid", "trino": "uuid"},
        [*(f"00000000-0000-0000-0000-00000000000{n % 3}" for n in range(5)), None],
    ),
    "we\"ird 'col": ({"postgres": "text", "duckdb": "varchar", "trino": "varchar"}, ["x", "y", None]),
    "v": ({"postgres": "integer", "duckdb": "integer", "trino": "integer"}, ["5", "5", None]),
    "n": ({"postgres": "text", "duckdb": "varchar", "trino": "varchar"}, ["n", "v"]),
}  # fmt: skip
SHOWN = ("small", "exact", "floating", "day", "text", "at", "local", "v", "code")
NUMBERS, MOMENTS, WORDS = ("id", "small", "exact", "floating", "half", "v"), ("day", "at", "local"), ("text", "code", "n")
BLANK = " \t\n\v\f\r"


def name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def columns(adapter: Adapter) -> str:
    """The columns of a new table."""
    return ", ".join(f"{name(column)} {types[adapter]}" for column, (types, _) in ROWS.items())


def rows(adapter: Adapter) -> str:
    """The rows as SQL of VALUES."""
    return ", ".join(f"({', '.join(_cells(adapter, number))})" for number in range(NUMBER))


def _cells(adapter: Adapter, number: int) -> Iterator[str]:
    for types, values in ROWS.values():
        value = values[number] if number < len(values) else None
        written = "null" if value is None else "'" + value.replace("'", "''") + "'"
        yield f"cast({written} as {types[adapter]})"


def of(profile: Profile, column: str) -> ColumnProfile:
    found = profile.column(column)
    assert found is not None
    assert found.error is None, (column, found.error)
    return found


def values(column: str) -> list[str]:
    return [value for value in ROWS[column][1] if value is not None]


def require_true(profile: Profile) -> None:
    """What was measured of each column is what Python computes from the same values."""
    assert (profile.row_count, profile.relation, profile.sample, profile.is_estimated) == (NUMBER, "table", None, False)
    assert [each.name for each in profile.columns] == list(ROWS)
    for column in ROWS:
        _require_counts(profile, column)
    for column in NUMBERS:
        _require_numbers(profile, column)
    for column in MOMENTS:
        _require_moments(profile, column)
    for column in WORDS:
        _require_texts(profile, column)
    assert of(profile, "text").formats is not None
    formats = dict(of(profile, "text").formats or {})
    formats.pop("json", None)
    assert formats == FORMATS
    assert of(profile, "flag").zeros == 1
    for each in profile.columns:
        assert each.values_hidden == (each.name not in SHOWN)
        if each.values_hidden:
            assert (each.min, each.max, each.quantiles, each.top) == (None, None, None, None), each.name


def _value(column: str, text: str) -> Any:
    if column in ("id", "small", "v"):
        return int(text)
    if column in ("floating", "half"):
        return "NaN" if text == "NaN" else float(text)
    return Decimal(text) if column == "exact" else text


def _require_counts(profile: Profile, column: str) -> None:
    found, counted = of(profile, column), Counter(_value(column, value) for value in values(column))
    assert found.nulls == NUMBER - len(values(column)), column
    expected = (len(counted), sum(number == 1 for number in counted.values()), max(counted.values()), True)
    assert (found.distinct, found.singles, found.most_common, found.is_distinct_exact) == expected, column
    if column in SHOWN:
        assert found.top is not None, column
        assert [each.count for each in found.top] == sorted(counted.values(), reverse=True)[:50], column


def _require_numbers(profile: Profile, column: str) -> None:
    found, numbers = of(profile, column), [float(value) for value in values(column)]
    finite = [Decimal(value) for value in values(column) if math.isfinite(float(value))]
    assert (found.zeros, found.negatives) == (numbers.count(0), sum(number < 0 for number in numbers)), column
    if column in ("exact", "floating", "half"):
        assert (found.nan, found.infinities) == (sum(map(math.isnan, numbers)), sum(map(math.isinf, numbers))), column
    assert found.mean == pytest.approx(float(sum(finite) / len(finite)), rel=1e-6), column
    assert found.stddev == pytest.approx(float(statistics.stdev(finite)), rel=1e-5), column
    if column in SHOWN:
        ordered = sorted(numbers, key=lambda number: (math.isnan(number), number))
        assert found.quantiles is not None
        for share, text in found.quantiles.items():
            place = max(math.ceil(Decimal(share) * len(ordered)) - 1, 0)
            assert float(text) == pytest.approx(ordered[place], nan_ok=True), (column, share)
        assert set(found.quantiles) == set(QUANTILES)
        assert float(found.min or "") == ordered[0]
        assert float(found.max or "") == pytest.approx(ordered[-1], nan_ok=True)


def _require_moments(profile: Profile, column: str) -> None:
    found, snapshot = of(profile, column), profile.snapshot_at

    def moment(text: str) -> datetime:
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    moments = [moment(text) for text in values(column)]
    limit = datetime.combine(snapshot.date(), datetime.min.time(), UTC) if column == "day" else snapshot
    assert found.future == sum(each > limit for each in moments), column
    for span, hours in {"1h": 1, "1d": 24, "7d": 168, "30d": 720}.items():
        earliest = snapshot - timedelta(hours=hours)
        earliest = datetime.combine(earliest.date(), datetime.min.time(), UTC) if column == "day" else earliest
        assert found.recent is not None
        assert found.recent[span] == sum(earliest < each <= limit for each in moments), (column, span)
    read = date.fromisoformat if column == "day" else datetime.fromisoformat
    least, most = ((read(text) if text else None) for text in (found.min, found.max))
    assert (str(least)[:10], str(most)[:10]) == (str(min(moments))[:10], str(max(moments))[:10]), column


def _require_texts(profile: Profile, column: str) -> None:
    found, texts = of(profile, column), values(column)
    assert found.blanks == sum(text.strip(BLANK) == "" for text in texts), column
    assert found.padded == sum(text.startswith(" ") or text.endswith(" ") for text in texts), column
    lengths = [len(text) for text in texts]
    assert found.length is not None
    assert (found.length.min, found.length.max) == (min(lengths), max(lengths)), column
    assert found.length.mean == pytest.approx(statistics.mean(lengths)), column
    assert found.shapes == {shape: sum(map(holds, texts)) for shape, holds in SHAPES.items()}, column
    if column in SHOWN:
        assert (found.min, found.max) == (min(texts)[:200], max(texts)[:200]), column


def _is_clean(text: str) -> bool:
    if any(ord(letter) < 0x20 or letter in "\x7f\ufffd" for letter in text) or "\u00e2\u20ac" in text:
        return False
    pairs = itertools.pairwise(text)
    return not any(one in "\u00c2\u00c3" and not (next_.isascii() and (next_.isalpha() or next_ == " ")) for one, next_ in pairs)


SHAPES = {
    "ascii": lambda text: all(" " <= letter <= "~" for letter in text),
    "alphanumeric": lambda text: text != "" and all(letter.isascii() and letter.isalnum() for letter in text),
    "digits": lambda text: text != "" and all(letter in "0123456789" for letter in text),
    "upper": lambda text: not any("a" <= letter <= "z" for letter in text),
    "lower": lambda text: not any("A" <= letter <= "Z" for letter in text),
    "capital": lambda text: not ("a" <= text[:1] <= "z"),
    "clean": _is_clean,
}
