"""What rule types mean for columns of other types than numbers and texts, and for values that are no numbers."""

from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import CATALOGUE, Engine, gate, rule

# Type of the column, a value of it, one that holds nothing or none.
FAMILIES: dict[str, tuple[str, str, str | None]] = {
    "text": ("text", "abc", "  "), "integer": ("integer", "7", None), "decimal": ("numeric", "7.5", None), "float": ("float8", "7.5", None),
    "money": ("money", "7.5", None), "boolean": ("boolean", "true", None), "date": ("date", "2026-01-02", None),
    "timestamp": ("timestamptz", "2026-01-02 03:04Z", None), "time": ("time", "03:04", None), "interval": ("interval", "1 day", None),
    "uuid": ("uuid", "00000000-0000-0000-0000-000000000001", None), "network": ("inet", "10.0.0.1", None), "bytes": ("bytea", "\\x0102", "\\x"),
    "bit": ("bit varying", "10", ""), "json": ("jsonb", '{"a": 1}', "null"), "array": ("integer[]", "{1,2}", "{}"), "range": ("int4range", "[1,3)", "empty"),
    "enum": ("mood", "sad", None), "composite": ("pair", "(1,x)", None), "other": ("point", "(1,2)", None),
}  # fmt: skip
MAKE = "create type mood as enum ('sad', 'ok'); create type pair as (n integer, t text);"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_type_means_what_the_catalogue_says_or_is_refused_for_a_type(engine: Engine, target: Target, family: str) -> None:
    type_name, value, empty = FAMILIES[family]
    target.execute(f"{MAKE} create table t (id integer, a {type_name}, b {type_name})")
    target.execute("insert into t values (1, %(v)s, %(v)s), (2, %(e)s, %(e)s), (3, null, null)", {"v": value, "e": empty})
    arguments: dict[str, dict[str, Any]] = {
        "length": {"min": 1}, "regex": {"pattern": "."}, "like": {"pattern": "%"}, "format": {"format": "ipv4"}, "not_in_future": {},
        "max_lag": {"other_column": "b", "at_most": "1h"}, "outliers": {"method": "iqr", "limit": 3}, "no_gaps": {"every": "1d"}, "not_blank": {}, "not_null": {},
        "freshness": {"max_age": "1h"}, "quantiles": {"bounds": [{"p": 0.5, "warn": {"max": value}}]}, "correlation": {"other_column": "b", "min": 0},
        "distribution": {"test": "kl", "weights": {value: 1}, "max": 1},
    }  # fmt: skip
    found = engine.rules(target, gate("t", *(rule(name, name, "a", **given) for name, given in arguments.items())))
    for name in arguments:
        entry = CATALOGUE.get(name)
        assert entry is not None
        if entry.accepts is not None and family not in entry.accepts:
            assert found[name]["status"] == "error"
            assert found[name]["reason"].startswith(f"{name} means nothing for a column of type "), found[name]
            assert found[name]["reason"].endswith(": a")
        else:
            assert "means nothing" not in (found[name]["reason"] or ""), found[name]
    holds_nothing = 0 if empty is None else 1
    assert found["not_null"]["failures"] == 2 - holds_nothing
    assert found["not_blank"]["failures"] == 2
    if "length" in found and found["length"]["status"] != "error":
        assert found["length"]["failures"] == (0 if family == "text" else holds_nothing)


@pytest.mark.parametrize(
    ("value", "blank"),
    [
        ("null", 1),
        ('""', 1),
        ('" \\t"', 1),
        ("{}", 1),
        ("[ ]", 1),
        ("0", 0),
        ("false", 0),
        ('"x"', 0),
        ('{"a": null}', 0),
        ('"{}"', 0),
        ('"[ ]"', 0),
    ],
)
@pytest.mark.parametrize("type_name", ["json", "jsonb"])
def test_json_that_holds_nothing_is_blank_and_not_null(
    engine: Engine, target: Target, type_name: str, value: str, blank: int
) -> None:
    target.execute(f"create table t (a {type_name})")
    target.execute("insert into t values (%s)", [value])
    found = engine.rules(target, gate("t", rule("blank", "not_blank", "a"), rule("null", "not_null", "a")))
    assert (found["blank"]["failures"], found["null"]["failures"]) == (blank, 0)


def test_values_beside_a_composite_column_are_of_its_type(engine: Engine, target: Target) -> None:
    target.execute(f"{MAKE} create table t (a pair); insert into t values ('(1,x)'), ('(1,)'), ('(2,x)'), (null)")
    tested = [
        rule("accepted", "accepted_values", "a", values=["(1,x)", "(1,)"]),
        rule("rejected", "rejected_values", "a", values=["(1,)"]),
        rule("between", "between", "a", min="(1,x)", max="(1,)"),
        rule("distinct", "distinct_values", "a", values=["(1,x)", "(1,)"]),
        rule("none", "accepted_values", "a", values=["(x,1)"]),
    ]
    found = engine.rules(target, gate("t", *tested))
    assert {key: one["failures"] for key, one in found.items()} == {
        "accepted": 1, "rejected": 1, "between": 1, "distinct": 1, "none": None,
    }  # fmt: skip
    assert found["none"]["status"] == "error"


def test_a_host_address_is_what_postgresql_shows(engine: Engine, target: Target) -> None:
    target.execute("create table t (a inet); insert into t values ('10.0.0.1'), ('10.0.0.0/8'), ('::1'), (null)")
    found = engine.rules(
        target,
        gate(
            "t",
            rule("ends", "regex", "a", pattern="[.]1$"),
            rule("like", "like", "a", pattern="10.0.0.1"),
            rule("cast", "like", "a", pattern="%/32", negate=True),
            rule("listed", "rejected_values", "a", values=["10.0.0.1"], case_sensitive=False),
            rule("distinct", "distinct_values", "a", values=["10.0.0.1", "10.0.0.0/8", "::1"], mode="equal"),
        ),
    )
    assert {key: one["failures"] for key, one in found.items()} == {"ends": 2, "like": 2, "cast": 0, "listed": 1, "distinct": 0}


def test_a_composite_value_of_nulls_is_a_value(engine: Engine, target: Target) -> None:
    target.execute(
        f"{MAKE} create table t (a pair); insert into t values (row(null, null)), (row(1, null)), (row(1, null)), (null)"
    )
    tested = [
        rule("null", "not_null", "a"),
        rule("is", "is_null", "a"),
        rule("unique", "unique", "a"),
        rule("self", "relationship", "a", to_table="public.t", to_column="a"),
        rule("blank", "not_blank", "a"),
        rule("none", "accepted_values", "a", values=[]),
    ]
    found = engine.rules(target, gate("t", *tested))
    assert {key: one["failures"] for key, one in found.items()} == {
        "null": 1,
        "is": 3,
        "unique": 1,
        "self": 0,
        "blank": 1,
        "none": 3,
    }


@pytest.mark.parametrize(("type_name", "bound", "failures"), [
    ("timestamp", "2024-03-01T12:00:00+09:00", 3),  # 04:00 in Berlin
    ("timestamp", "2024-03-01 03:00Z", 3),
    ("timestamp", "2024-03-01 04:00", 3),
    ("timestamp", "2024-03-01 03:00 UTC", 3),
    ("timestamptz", "2024-03-01T12:00:00+09:00", 3),
    ("timestamptz", "2024-03-01T04:00:00", 3),
    ("date", "2024-03-01", 0),
    ("date", "2024-03-02T00:00:00+01:00", 23),
    ("date", "2024-03-01T23:30:00Z", 23),
    ("date", "2024-03-01T00:00:00", 0),
    ("time", "04:00+01:00", 3),
])  # fmt: skip
def test_a_bound_with_an_offset_is_the_same_moment_in_the_documents_zone(
    engine: Engine, target: Target, type_name: str, bound: str, failures: int
) -> None:
    target.execute(
        "set timezone = 'Europe/Berlin'; create table t as select n as id, (timestamp '2024-03-01 00:00' + n * interval '1 hour') as moment from generate_series(1, 23) n;"
        f" alter table t alter moment type {type_name} using moment::{type_name}"
    )
    window = {"column": "moment", "from": bound, "to": None}
    spec = gate("t", rule("min", "between", "moment", min=bound), timezone="Europe/Berlin")
    assert engine.rules(target, spec)["min"]["failures"] == failures
    windowed = gate("t", rule("rows", "row_count", fail_above=None, min=1), timezone="Europe/Berlin", window=window)
    assert engine.outcome(target, windowed)["row_count"] == 23 - failures


def test_a_domain_over_an_enum_is_the_enum(engine: Engine, target: Target) -> None:
    target.execute(
        f"{MAKE} create domain feeling as mood; create table t (a feeling, b mood); insert into t values ('sad', 'ok'), ('ok', 'ok')"
    )
    tested = [
        rule("in", "accepted_values", "a", values=["sad"]),
        rule("above", "between", "a", min="ok"),
        rule("pair", "compare", "a", operator="=", other_column="b"),
        rule("to", "relationship", "a", to_table="public.t", to_column="b"),
        rule("values", "distinct_values", "a", values=["sad", "ok"], mode="equal"),
    ]
    found = engine.rules(target, gate("t", *tested))
    assert {key: one["failures"] for key, one in found.items()} == {"in": 1, "above": 1, "pair": 1, "to": 1, "values": 0}


def test_a_lag_is_absolute_time_where_the_clocks_change(engine: Engine, target: Target) -> None:
    """In New York 01:30 and 03:00 of that day are half an hour apart, without a zone as with one."""
    target.execute(
        "create table t (a timestamp, b timestamp, c timestamptz);"
        " insert into t values ('2024-03-10 01:30', '2024-03-10 03:00', '2024-03-10 03:00-04'), ('2024-03-11 01:30', '2024-03-11 03:00', '2024-03-11 03:00-04')"
    )
    tested = [rule(name, "max_lag", "a", other_column=name, at_most="45m") for name in ("b", "c")]
    found = engine.rules(target, gate("t", *tested, timezone="America/New_York"))
    assert [found[name]["failures"] for name in ("b", "c")] == [1, 1]
