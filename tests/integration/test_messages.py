"""What a result says of each rule: names and numbers of what it compares, in one sentence, on real tables."""

import json
from typing import Any

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from api.worker.rule_sentences import message
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target
from tests.support.documents import plain_judge
from tests.support.engine import Engine

CATALOGUE = Catalogue.load(ROOT / "stringx")


def said(
    engine: Engine, target: Target, *rules: dict[str, Any], table: str = "public.t", **settings: Any
) -> list[tuple[str, str]]:
    """Status and message of each rule, in order."""
    numbered = [{"id": f"r{number}", **rule} for number, rule in enumerate(rules)]
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": table, "rules": numbered, **settings}
    parsed = parse_table(document, CATALOGUE, plain_judge)
    connection = parse_target(target.document())
    request = CheckOrder.model_validate({"target": "shop", "table": table})
    scope = InScope(Configured(parsed, connection, 1, ""), parsed.rules)
    answer = engine.answer(target, build(request, connection, [scope], CATALOGUE, 60))
    assert answer.outcome is not None, answer.message
    found = json.loads(answer.outcome)["tables"][0]["rules"]
    return [(one["status"], message(rule, CATALOGUE.get(rule.type), one)) for rule, one in zip(parsed.rules, found, strict=True)]


def column_type(column: str, *types: str) -> dict[str, Any]:
    return {
        "type": "column_type",
        "column": column,
        "arguments": {"type": types[0]} if len(types) == 1 else {"types": list(types)},
    }


# a column's type, spellings of it, spellings of others
SPELLINGS = [
    ("numeric(10)", ["numeric(10)", "numeric( 10 , 0 )", "decimal(10,0)", "DEC(10)", "numeric", "pg_catalog.numeric(10)", '"numeric"(10)'], ["numeric(10,2)", "numeric(11)", "integer"]),
    ("numeric(10, 2)", ["numeric(10,2)", "decimal"], ["numeric(10)"]),
    ("real", ["float(24)", "float(1)", "float4", "real", "pg_catalog.float4"], ["float", "float(25)", "double precision"]),
    ("double precision", ["float(53)", "float(25)", "float", "float8", "Double  Precision"], ["float(24)", "real"]),
    ("timestamp(3) with time zone", ["timestamptz(3)", "timestamp(3) with time zone", "timestamp ( 3 )  WITH time zone", "timestamptz", "timestamp with time zone"], ["timestamptz(2)", "timestamp(3)", "timestamp"]),
    ("timestamp", ["timestamp without time zone", "timestamp"], ["timestamp(6)", "timestamptz", "date"]),
    ("timestamp(6)", ["timestamp(6)", "timestamp(9) without time zone"], ["timestamp(5)"]),
    ("time(0)", ["time(0)", "time (0) without time zone"], ["time(1)", "timetz"]),
    ("timetz", ["time with time zone", "timetz"], ["time"]),
    ("varchar(20)", ["character varying(20)", "char varying(20)", "varchar", "national character varying (20)"], ["varchar(21)", "char(20)", "text"]),
    ("varchar", ["varchar", "character varying"], ["varchar(20)"]),
    ("char", ["char(1)", "character(1)", "nchar(1)", "bpchar(1)", "char"], ["char(2)", '"char"']),
    ('"char"', ['"char"'], ["char"]),
    ("bit(3)", ["bit(3)", "bit"], ["bit(4)", "bit varying(3)"]),
    ("bit varying(5)", ["varbit(5)", "bit varying(5)"], ["bit(5)"]),
    ("interval", ["interval"], ["interval(3)", "interval day"]),
    ("interval(3)", ["interval(3)", "interval"], ["interval second(3)", "interval"][:1]),
    ("interval day to second(3)", ["interval day to second(3)", "INTERVAL DAY TO SECOND (3)", "interval"], ["interval day to second", "interval hour to second(3)"]),
    ("integer[]", ["int[]", "integer[3][4]", "int4 array", "integer ARRAY[2]", "_int4"], ["integer", "bigint[]"]),
    ("numeric(4,1)[]", ["numeric(4,1)[]", "numeric[]"], ["numeric(4)[]", "numeric(4,1)"]),
    ("timestamptz(3)[]", ["timestamp(3) with time zone[]"], ["timestamp(3)[]"]),
    ("interval year to month array", ["interval year to month[]"], ["interval year[]"]),
]  # fmt: skip


OF_A_SCHEMA = [
    ('other."Mo""od"', ['other."Mo""od"', '"Mo""od"'], ["text"]),
    ("other.small", ["other.small", "small", "Small"], ["integer"]),
    ("other.date", ["other.date"], ["date"]),
]  # fmt: skip


def test_a_type_of_a_schema_is_found_with_and_without_it(engine: Engine, target: Target, admin: Admin) -> None:
    admin.run(
        """create schema other; create type other."Mo""od" as enum ('a'); create domain other.small as integer; create domain other.date as text;
        grant usage on schema other to public""",
        target.dbname,
    )
    check_spellings(engine, target, OF_A_SCHEMA)


def test_a_type_is_what_the_server_makes_of_its_spelling(engine: Engine, target: Target) -> None:
    check_spellings(engine, target, SPELLINGS)


def check_spellings(engine: Engine, target: Target, cases: list[tuple[str, list[str], list[str]]]) -> None:
    columns = ", ".join(f"c{number} {declared}" for number, (declared, _, _) in enumerate(cases))
    target.execute(f"create table t ({columns})")
    asked = [
        (declared, spelling, right, column_type(f"c{number}", spelling))
        for number, (declared, same, others) in enumerate(cases)
        for right, spellings in ((True, same), (False, others))
        for spelling in spellings
    ]
    found = said(engine, target, *(rule for *_, rule in asked), on_empty="pass")
    wrong = [
        (declared, spelling, words)
        for (declared, spelling, right, _), (status, words) in zip(asked, found, strict=True)
        if status != ("pass" if right else "fail")
    ]
    assert wrong == []


NO_TYPES = [
    "no_such", "numeric(0)", "numeric(1001)", "varchar(0)", "float(54)", "float(0)", "varchar(2,3)", "character(3) varying", "timestamp with time zone(3)", "setof integer",
    "no.such", "integer; drop table t", "interval year(3)", "numeric()", "", "'x'", "a b c", "select", "interval fortnight", "no_such[]",
]  # fmt: skip


def test_a_type_that_does_not_exist_is_an_error_that_names_it(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer)")
    named = [spelling for spelling in NO_TYPES if spelling]
    found = said(engine, target, *(column_type("id", spelling) for spelling in named), on_empty="pass")
    assert found == [("error", f"could not be decided: there is no type {spelling}") for spelling in named]
    assert said(engine, target, column_type("id", "integer", "no_such"), on_empty="pass")[0][0] == "error"
    ((status, words),) = said(engine, target, column_type("id", "integer(3)"), on_empty="pass")
    assert (status, "integer(3): this type takes no length" in words) == ("error", True)


def test_what_is_wrong_with_columns_and_types_is_named(engine: Engine, target: Target) -> None:
    target.execute("create table t as select 1 as id, 2.5::numeric(4,1) as price, 'x'::text as \"sur nmae\"")
    found = said(
        engine,
        target,
        {"type": "columns", "arguments": {"names": ["id", "surname", "price"]}},
        {"type": "columns", "arguments": {"names": ["price", "id", "sur nmae"], "mode": "ordered"}},
        {"type": "columns", "arguments": {"names": ["id", "gone", "lost"], "mode": "contains"}},
        {"type": "columns", "arguments": {"names": ["sur nmae", "price", "id"]}},
        {"type": "columns", "arguments": {"names": ["id"] + [f"c{number}" for number in range(30)], "mode": "contains"}},
        column_type("id", "bigint"),
        column_type("id", "bigint", "smallint"),
        column_type("id", "bigint", "int"),
        column_type("price", "numeric(4)"),
        {"type": "column_count", "arguments": {"max": 2}},
    )
    assert found == [
        ("fail", "2 columns missing, unexpected or out of place; missing: surname; unexpected: sur nmae; fails above 0"),
        ("fail", "2 columns missing, unexpected or out of place; out of place: price, id; fails above 0"),
        ("fail", "2 columns missing, unexpected or out of place; missing: gone, lost; fails above 0"),
        ("pass", "0 columns missing, unexpected or out of place"),
        (
            "fail",
            "30 columns missing, unexpected or out of place; missing: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …; fails above 0",
        ),
        ("fail", "the type of id is integer, not bigint"),
        ("fail", "the type of id is integer, none of bigint, smallint"),
        ("pass", "the type of id is integer"),
        ("fail", "the type of price is numeric(4,1), not numeric(4)"),
        ("fail", "the number of columns is 3; fails unless at most 2"),
    ]


def test_a_message_names_what_it_compares(engine: Engine, target: Target) -> None:
    target.execute(
        """create table other as select n, 1.5 * n as amount from generate_series(1, 4) n;
        create table t as select n as id, n + 1 as next, 'x' || n as code, now() - interval '10 days' as at, 1.5 * n as amount, date '2026-01-01' + n as day
        from generate_series(1, 9) n"""
    )
    freshness = {"type": "freshness", "column": "at"}
    aggregate = {"type": "aggregate"}
    found = said(
        engine,
        target,
        {"type": "compare", "column": "next", "arguments": {"operator": "<=", "other_column": "id"}},
        {"type": "max_lag", "column": "at", "arguments": {"other_column": "day", "at_most": "2h"}, "fail_above": "100%"},
        {"type": "relationship", "column": "id", "arguments": {"to_table": "public.other", "to_column": "n"}},
        {"type": "monotonic", "column": "id", "arguments": {"order_by": "code", "direction": "decreasing"}},
        freshness | {"arguments": {"max_age": "24h"}},
        freshness | {"arguments": {"warn": {"max_age": "24h"}}},
        {"type": "row_count_matches", "arguments": {"other_table": "public.other", "tolerance": "10%"}},
        {"type": "row_count_matches", "arguments": {"other_table": "public.other", "tolerance": 5}},
        {"type": "aggregate_matches", "column": "amount", "arguments": {"function": "sum", "other_table": "public.other", "tolerance": "1%"}},
        {"type": "aggregate_matches", "column": "day", "arguments": {"function": "max", "other_table": "public.t", "tolerance": "1%"}},
        {"type": "dbt", "column": "id", "arguments": {"test": "not_null"}},
        {"type": "not_in_future", "column": "at"},
        {"type": "not_in_future", "column": "at", "arguments": {"tolerance": "5m"}},
        {"type": "outliers", "column": "id", "arguments": {"method": "iqr", "limit": 1.5}},
        aggregate | {"column": "id", "arguments": {"function": "max", "max": 5}},
        aggregate | {"column": "id", "arguments": {"function": "percentile", "p": 0.9, "max": 5}},
        aggregate | {"column": "code", "arguments": {"function": "max", "max": "x5"}},
        aggregate | {"column": "day", "arguments": {"function": "min", "max": "2026-05-05"}},
        aggregate | {"column": "id", "where": "id > 100", "arguments": {"function": "distinct_count", "min": 1}},
        {"type": "most_common_value", "column": "id", "arguments": {"values": [1], "ties": "fail"}},
        {"type": "most_common_value", "column": "id", "arguments": {"values": [1]}},
    )  # fmt: skip
    assert found == [
        ("fail", "9 of 9 rows (100.00%) do not meet next <= id; fails above 0"),
        ("pass", found[1][1]),
        ("fail", "5 of 9 rows (55.56%) have a value of id that public.other (n) lacks; fails above 0"),
        ("fail", "8 of 9 rows (88.89%) have a id out of order (decreasing by code); fails above 0"),
        ("fail", "the age of the latest at is 10d 0h; fails unless at most 24h"),
        ("warn", "the age of the latest at is 10d 0h; warns unless at most 24h"),
        ("fail", "the number of rows (9) differs from that of public.other (4) by 5; fails unless at most 10% of 4"),
        ("pass", "the number of rows (9) differs from that of public.other (4) by 5; must be at most 5"),
        ("fail", "the sum of amount differs from that of public.other by 52.5; fails unless at most 1% of 15"),
        found[9],
        ("pass", "0 failures are found by the dbt test not_null on id"),
        ("pass", "0 of 9 rows have a at in the future"),
        ("pass", "0 of 9 rows have a at in the future by more than 5m"),
        ("pass", "0 of 9 rows have an outlying id (iqr beyond 1.5)"),
        ("fail", "the max of id is 9; fails unless at most 5"),
        ("fail", "the percentile 0.9 of id is 8.2; fails unless at most 5"),
        ("fail", "the max of code is out of bounds; fails unless at most x5"),
        ("pass", "the min of day is within bounds; must be at most 2026-05-05"),
        ("pass", "passes, as there is no row under its `where`"),
        ("fail", "the most frequent id is not in the list (ties fail)"),
        ("pass", "the most frequent id is in the list (ties pass)"),
    ]
    assert "have a day more than 2h after at" in found[1][1]
    assert "2026" not in found[9][1]


def test_a_format_says_which_list_it_means(engine: Engine, target: Target) -> None:
    target.execute("create table t as select 'x'::text as c")
    forms = ("currency", "country_alpha2", "email")
    found = said(engine, target, *({"type": "format", "column": "c", "arguments": {"format": form}} for form in forms))
    names = ("currency (ISO 4217)", "country_alpha2 (ISO 3166-1 alpha-2)", "email")
    assert found == [("fail", f"1 of 1 rows (100.00%) have a c that is no {name}; fails above 0") for name in names]


def test_missing_periods_are_named(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t as select timestamptz '2026-01-01 00:00Z' + h * interval '1 hour' as at from unnest(array[0, 1, 3, 7]) h"
    )
    target.execute("insert into t values ('2999-01-01'), ('infinity')")
    ((status, words),) = said(
        engine, target, {"type": "no_gaps", "column": "at", "arguments": {"every": "1h"}}, timezone="Asia/Kolkata"
    )
    assert (status, words) == (
        "fail",
        "4 of 8 periods (50.00%) of at have no row: 2026-01-01 07:00+05:30, 2026-01-01 09:00+05:30 to 2026-01-01 11:00+05:30;"
        " values later than now, not looked at: 1; infinite values, not looked at: 1; fails above 0",
    )
