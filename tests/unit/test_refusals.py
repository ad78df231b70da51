"""What could never do what it was written for is refused when it is configured, with words that say what to write."""

from typing import Any

import pytest

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.postgres.patterns import fault_of_pattern
from stringx_dataops.contract.custom_sql.postgres.type_names import BUILT_IN, fault_of_type_name
from stringx_dataops.contract.documents.datasets import DatasetDocument, parse_dataset
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import plain_judge

CATALOGUE = Catalogue.load(ROOT / "stringx")
TABLE = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders"}
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "db", "dbname": "d", "user": "u"}
DATASET = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "sales", "target": "shop", "tables": ["public.orders"]}


def rule(rule_type: str, column: str | None = "c", /, **arguments: Any) -> TableDocument:
    written = {"id": "r", "type": rule_type, "arguments": arguments} | ({"column": column} if column else {})
    return parse_table(TABLE | {"rules": [written]}, CATALOGUE, plain_judge)


def refused(make: Any, /, *given: Any, **named: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        make(*given, **named)
    return [(error.pointer.removeprefix("/rules/0/arguments"), error.message) for error in raised.value.errors]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bSSN\b", r"write \y"),
        (r"(a|\bb)", r"write \y"),
        (r"\\\b", r"write \y"),
        (r"[[:alpha:]]\b", r"write \y"),
        (r"[]\b]\b", r"write \y"),
        (r"[^]]\b", r"write \y"),
        (r"***:\b", r"write \y"),
        (r"(?i)\bx", r"write \y"),
        (r"x\By", r"write \Y"),
    ],
)
def test_a_word_boundary_of_other_engines_is_refused(pattern: str, words: str) -> None:
    [(pointer, message)] = refused(rule, "regex", pattern=pattern)
    assert pointer == "/pattern"
    assert words in message


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"\\b",
        r"\\\\b",
        r"[\b]",
        r"[a\]\b]",
        r"[[.\.]\b]",
        r"\y\Y\m\M",
        "b",
        "\\",
        "[",
        r"***=\b",
        r"(?q)\b",
        r"[[:alpha:]\b]",
    ],
)
def test_what_is_no_word_boundary(pattern: str) -> None:
    assert fault_of_pattern(pattern) is None


def test_a_pattern_in_a_condition_is_judged_too() -> None:
    for operator in ("~", "~*", "!~", "!~*"):
        assert refused(rule, "expression", None, sql=rf"c {operator} '\bx'")[0][0] == "/sql"
        assert rule("expression", None, sql=rf"c {operator} '\yx'")
    for call in (r"regexp_match(f(c, 1), '\bx') is null", r"substring(c from '\bx') = 'x'", r"regexp_replace(c, '\b', '') = ''"):
        assert refused(rule, "expression", None, sql=call.replace("f(", "concat("))[0][0] == "/sql"
    assert refused(rule, "sql", None, query=r"select 1 from public.a where t ~ 'x\b'")[0][0] == "/query"
    assert rule("expression", None, sql=r"c like '\b%' or c ~~ '\b' or c = '\b' or replace(c, '\b', 'x') = 'y'")


@pytest.mark.parametrize(
    ("type", "arguments", "pointer"),
    [
        ("no_gaps", {"every": "0s"}, "/every"),
        ("no_gaps", {"every": "0.000d"}, "/every"),
        ("freshness", {"max_age": "0m"}, "/max_age"),
        ("freshness", {"warn": {"max_age": "0h"}}, "/warn/max_age"),
    ],
)
def test_a_period_of_no_time_is_refused(type: str, arguments: dict[str, Any], pointer: str) -> None:
    [(found, message)] = refused(rule, type, **arguments)
    assert (found, message) == (pointer, "must be longer than 0s")


def test_a_lag_or_tolerance_of_no_time_is_none() -> None:
    assert rule("max_lag", other_column="d", at_most="0s")
    assert rule("not_in_future", tolerance="0s")


@pytest.mark.parametrize(
    ("type", "arguments", "pointer"),
    [
        ("freshness", {"max_age": "12h", "warn": {"max_age": "24h"}}, "/warn/max_age"),
        ("freshness", {"max_age": "1d", "warn": {"max_age": "24h"}}, "/warn/max_age"),
        ("row_count", {"min": 10, "warn": {"min": 10}}, "/warn/min"),
        ("row_count", {"min": 10, "warn": {"min": 5}}, "/warn/min"),
        ("row_count", {"max": 10, "warn": {"max": 11}}, "/warn/max"),
        ("column_count", {"min": 3, "max": 5, "warn": {"min": 4, "max": 6}}, "/warn/max"),
        ("aggregate", {"function": "avg", "max": "1.50", "warn": {"max": 1.5}}, "/warn/max"),
        ("aggregate", {"function": "max", "max": "2024-01-01", "warn": {"max": "2024-01-02"}}, "/warn/max"),
        (
            "aggregate",
            {"function": "min", "min": 5, "exclusive_min": True, "warn": {"min": 5, "exclusive_min": True}},
            "/warn/min",
        ),
        ("aggregate", {"function": "min", "min": 5, "exclusive_min": True, "warn": {"min": 5}}, "/warn/min"),
        ("row_count_matches", {"other_table": "a.b", "tolerance": 5, "warn": {"tolerance": 5}}, "/warn/tolerance"),
        (
            "aggregate_matches",
            {"other_table": "a.b", "function": "sum", "tolerance": "1%", "warn": {"tolerance": "1.5 %"}},
            "/warn/tolerance",
        ),
    ],
)
def test_a_bound_that_can_never_warn_is_refused(type: str, arguments: dict[str, Any], pointer: str) -> None:
    column = None if type.startswith(("row_count", "column_count")) else "c"
    [(found, message)] = refused(rule, type, column, **arguments)
    assert found == pointer
    assert "can never warn" in message


@pytest.mark.parametrize(
    ("type", "arguments"),
    [
        ("freshness", {"max_age": "24h", "warn": {"max_age": "12h"}}),
        ("freshness", {"warn": {"max_age": "12h"}}),
        ("row_count", {"min": 10, "warn": {"min": 11}}),
        ("row_count", {"min": 10, "warn": {"max": 5}}),
        ("aggregate", {"function": "min", "min": 5, "warn": {"min": 5, "exclusive_min": True}}),
        ("aggregate", {"function": "max", "max": "b", "warn": {"max": "c"}}),
        ("row_count_matches", {"other_table": "a.b", "tolerance": 5, "warn": {"tolerance": "1%"}}),
        ("row_count_matches", {"other_table": "a.b", "warn": {"tolerance": 5}}),
    ],
)
def test_a_bound_that_may_warn_is_taken(type: str, arguments: dict[str, Any]) -> None:
    assert rule(type, None if type.startswith("row_count") else "c", **arguments)


@pytest.mark.parametrize(
    "name", ["public.*", "public.orders_*", "*.orders", "public.order?", "public.${TABLE}", "${SCHEMA}.orders"]
)
def test_no_pattern_or_variable_stands_for_a_table(name: str) -> None:
    assert refused(parse_table, TABLE | {"table": name}, CATALOGUE, plain_judge)[0][0] == "/table"
    if "$" in name:  # patterns stand for tables of a dataset alone
        assert refused(parse_dataset, DATASET | {"tables": ["public.a", name]})[0][0] == "/tables/1"
    assert refused(rule, "relationship", to_table=name, to_column="c")[0][0] == "/to_table"
    for model, document in ((TableDocument, TABLE | {"table": name}), (DatasetDocument, DATASET | {"tables": [name]})):
        assert model.model_validate(document), "what an earlier release has stored can still be read"


@pytest.mark.parametrize("name", ["public.?", "public./* c */", "public.$x", "public.{x}"])
def test_an_odd_name_of_a_table_is_taken(name: str) -> None:
    assert parse_table(TABLE | {"table": name}, CATALOGUE, plain_judge).table == name


def test_no_variable_stands_in_a_target() -> None:
    found = refused(parse_target, TARGET | {"host": "${HOST}", "user": "a${USER}", "allow_functions": ["a.${F}"], "port": 0})
    assert sorted(pointer for pointer, _ in found) == ["/allow_functions/0", "/host", "/port", "/user"]
    assert all("${" in message for pointer, message in found if pointer != "/port")
    assert parse_target(TARGET | {"user": "$a{b}"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [("intger", "integer"), ("varchr(10)", "varchar"), ("time stamp", "timestamp"), ("timestamp with timezone", "timestamp with time zone"),
     ("bigin[]", "bigint"), ("pg_catalog.intger", "integer"), ("DATETIME", "timestamp"), ("string", "text"), ("double", "double precision")],
)  # fmt: skip
def test_a_misspelt_type_is_refused(name: str, meant: str) -> None:
    assert [(pointer, f"did you mean {meant}?" in message) for pointer, message in refused(rule, "column_type", type=name)] == [
        ("/type", True)
    ]
    assert refused(rule, "column_type", types=["text", name])[0][0] == "/types/1"


@pytest.mark.parametrize(
    "name",
    [*sorted(BUILT_IN), "VARCHAR(10)", "numeric (10, 2)", "integer[]", "text[3][]", "int4 array", "timestamp(3) with time zone", "interval day to second(3)",
     "_int4", '"char"', "citext", "public.intger", '"intger"', "order_status", "mood", "geometry(Point, 4326)"],
)  # fmt: skip
def test_a_type_that_there_is_or_may_be_is_taken(name: str) -> None:
    assert fault_of_type_name(name) is None


def test_a_gate_that_no_check_is_new_enough_for_is_refused() -> None:
    assert refused(parse_table, TABLE | {"gate": {"max_age": "0s"}}, CATALOGUE, plain_judge)[0][0] == "/gate/max_age"
    assert refused(parse_dataset, DATASET | {"gate": {"max_age": "0h"}})[0][0] == "/gate/max_age"


@pytest.mark.parametrize("number", [b"5", b"007", b"1e3", b"true", b"True"])
def test_a_number_or_word_where_a_text_is_needed_is_to_be_quoted(number: bytes) -> None:
    [written] = read_yaml(b"{owner: " + number + b", rules: [{id: " + number + b", type: not_null, column: c}]}")
    assert refused(parse_table, TABLE | written, CATALOGUE, plain_judge) == [
        ("/owner", "must be a text; quote it"),
        ("/rules/0/id", "must be a text; quote it"),
    ]


@pytest.mark.parametrize("rule_type", ["aggregate", "aggregate_matches"])
def test_a_percentile_is_of_the_function_percentile_alone(rule_type: str) -> None:
    more = {"max": 5} if rule_type == "aggregate" else {"other_table": "public.b"}
    assert rule(rule_type, function="percentile", p=0.5, **more)
    for function in ("max", "median", "distinct_count"):
        said = [("/p", "is for the function percentile alone; leave it out")]
        assert refused(rule, rule_type, function=function, p=0.5, **more) == said


def nested(word: str) -> str:
    """Parsing took twice as long for each more of them."""
    return f"{f'{word}(' * 40}a{')' * 40} is null"


@pytest.mark.parametrize(
    "sql",
    [
        f"{'(' * 3000}true{')' * 3000}", f"{'not ' * 3000}true", nested("varchar"), nested("timestamptz"), nested("bpchar"),
        f"a::{nested('numeric')}", f"a = any (array[{'character varying(' * 40}1{')' * 40}])",
    ],
)  # fmt: skip
def test_sql_that_is_nested_too_deeply_is_called_so(sql: str) -> None:
    [(pointer, message)] = refused(rule, "expression", None, sql=sql)
    assert (pointer, message) == ("/sql", "is nested too deeply; write it flatter, or make a view of it")
    [(pointer, message)] = refused(rule, "sql", None, query=f"select 1 from t where {sql}")
    assert (pointer, message) == ("/query", "is nested too deeply; write it flatter, or make a view of it")


def test_the_digits_of_a_share_have_a_bound_that_is_named() -> None:
    with pytest.raises(Invalid, match="at most 12 decimals"):
        parse_table(
            TABLE | {"rules": [{"id": "r", "type": "not_null", "column": "c", "fail_above": "0.0099999999999999%"}]},
            CATALOGUE,
            plain_judge,
        )
