"""Documents as tests of dbt. Beside dbt itself: tests/exchange/test_dbt_truth.py."""

from typing import Any

import pytest
import yaml

from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.exchange.dbt.writing import FILE, write
from stringx_dataops.exchange.model import Written
from stringx_dataops.exchange.offline import own_catalogue
from tests.support.documents import plain_judge

CATALOGUE = own_catalogue()


def written(*rules: JsonObject, **fields: Any) -> Written:
    numbered = [{"id": f"r{number}", **rule} for number, rule in enumerate(rules)]
    document = {
        "apiVersion": "stringx/v1",
        "target": "nyc",
        "table": "public.orders",
        "on_empty": "pass",
        **fields,
        "rules": numbered,
    }
    return write([parse_table(document, CATALOGUE, plain_judge)], CATALOGUE)


def declared(made: Written) -> list[JsonObject]:
    (source,) = yaml.safe_load(made.files[FILE])["sources"]
    (table,) = source["tables"]
    found: list[JsonObject] = table["data_tests"]
    return found


@pytest.mark.parametrize(
    ("rule", "name", "said"),
    [
        ({"type": "not_null", "column": "A b"}, "stringx_rule", {"arguments": {"type": "not_null", "columns": ["A b"]}}),
        (
            {"type": "not_null", "column": "a", "severity": "warn", "where": "b > 1", "active": False},
            "stringx_rule",
            {
                "arguments": {"type": "not_null", "columns": ["a"], "only_where": "b > 1", "warn_above": 0},
                "config": {"enabled": False},
            },
        ),
        (
            {
                "type": "between",
                "column": "a",
                "arguments": {"min": 1},
                "warn_above": "1%",
                "fail_above": "2%",
                "description": "So.",
            },
            "stringx_rule",
            {
                "description": "So.",
                "arguments": {
                    "type": "between",
                    "columns": ["a"],
                    "settings": {"min": 1},
                    "warn_above": "1%",
                    "fail_above": "2%",
                },
            },
        ),
        (
            {"type": "freshness", "column": "a[?]", "arguments": {"max_age": "1h"}},
            "stringx_rule",
            {"arguments": {"type": "freshness", "columns": ["a?"], "settings": {"max_age": "1h"}, "on_empty": "pass"}},
        ),
        (
            {"type": "sql", "arguments": {"query": "select 1"}, "warn_above": 1, "fail_above": 3},
            "stringx_query",
            {"arguments": {"query": "select 1"}, "config": {"severity": "error", "warn_if": "> 1", "error_if": "> 3"}},
        ),
        (
            {
                "type": "dbt",
                "column": "a",
                "where": "b",
                "arguments": {"test": "p.odd", "arguments": {"n": 1}, "config": {"limit": 2}},
            },
            "p.odd",
            {"arguments": {"column_name": '"a"', "n": 1}, "config": {"limit": 2, "where": "b"}},
        ),
    ],
)
def test_a_rule_becomes_a_test(rule: JsonObject, name: str, said: JsonObject) -> None:
    made = written(rule)
    ((found, given),) = declared(made)[0].items()
    assert (found.removeprefix("stringx."), given, made.losses) == (name, {"name": "public_orders_r0", **said}, [])


@pytest.mark.parametrize(
    ("rule", "fields", "words"),
    [
        ({"type": "regex", "column": "a", "arguments": {"pattern": "{{3}}"}}, {}, "holds Jinja"),
        ({"type": "sql", "arguments": {"query": "select '{%'"}}, {}, "holds Jinja"),
        ({"type": "dbt", "arguments": {"test": "odd", "arguments": {"to": {"ref": "m"}}}}, {}, "names relations"),
        ({"type": "dbt", "where": "a = '{{ b }}'", "arguments": {"test": "odd"}}, {}, "holds Jinja"),
        ({"type": "not_null", "column": "a", "description": "{{ x }}"}, {}, "its description holds Jinja"),
        ({"type": "not_null", "column": "a"}, {"description": "{% raw %}"}, "its description holds Jinja"),
        ({"type": "not_null", "column": "?"}, {}, "column ?: dbt takes no patterns"),
        ({"type": "not_null", "columns": ["a", "*_id"]}, {}, "column *_id: dbt takes no patterns"),
        ({"type": "not_null", "column": "a", "verify": "constraint"}, {}, "dbt reads the rows"),
        ({"type": "not_null", "column": "a", "per": ["b", "c"]}, {}, "per b, c: dbt's tests decide all rows together"),
        ({"type": "not_null", "column": "a"}, {"timezone": "Europe/Berlin"}, "in the time zone of its session"),
        ({"type": "not_null", "column": "a"}, {"gate": {"max_age": "1d"}}, "gate has no counterpart"),
        ({"type": "change", "arguments": {"of": "row_count", "max_increase": 1}}, {}, "change compares with earlier checks"),
        ({"type": "unusual", "arguments": {"of": "row_count"}}, {}, "unusual compares with earlier checks"),
    ],
)
def test_what_dbt_cannot_say_is_a_loss(rule: JsonObject, fields: JsonObject, words: str) -> None:
    (loss,) = written(rule, **fields).losses
    assert words in loss.words


@pytest.mark.parametrize(
    ("on_empty", "rules", "settings"),
    [
        ("fail", [{"type": "not_null", "column": "a"}], {"min": 1}),
        ("warn", [{"type": "not_null", "column": "a"}], {"warn": {"min": 1}}),
        ("pass", [{"type": "not_null", "column": "a"}], None),
        ("fail", [{"type": "row_count", "arguments": {"min": 5}}], None),
        ("fail", [], None),
    ],
)
def test_an_empty_table_is_judged_as_the_document_says(
    on_empty: str, rules: list[JsonObject], settings: JsonObject | None
) -> None:
    more = declared(written(*rules, on_empty=on_empty))[len(rules) :]
    assert [each["stringx.stringx_rule"]["arguments"]["settings"] for each in more] == ([settings] if settings else [])


def test_the_package_has_a_test_for_every_type() -> None:
    macro = (ROOT / "stringx" / "macros" / "dbt" / "exported.sql").read_text()
    types = {rule_type.name for rule_type in CATALOGUE} - {"dbt", "sql"}
    assert {name for name in types if f"stringx_rule__{name}(rule, scope)" in macro} == types
    measured = {rule_type.name for rule_type in CATALOGUE if rule_type.measured}
    assert all(f"'{name}'" in macro.split("set measured = type in (")[1].split(")")[0] for name in measured)


def test_no_two_tests_of_a_project_have_the_same_name() -> None:
    rules = {"public.a_b": "c", "public.a": "b_c"}
    documents = [
        {"apiVersion": "stringx/v1", "target": "nyc", "table": table, "on_empty": "pass",
         "rules": [{"id": rule, "type": "not_null", "column": "a"}]}
        for table, rule in rules.items()
    ]  # fmt: skip
    made = write([parse_table(each, CATALOGUE, plain_judge) for each in documents], CATALOGUE)
    (source,) = yaml.safe_load(made.files[FILE])["sources"]
    names = [test["stringx.stringx_rule"]["name"] for table in source["tables"] for test in table["data_tests"]]
    assert names == ["public_a_b_c", "public_a_b_c_2"]
