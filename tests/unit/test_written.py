"""Numbers and words of a document: their text where they are values or bounds, their value anywhere else."""

import json
from typing import Any

import pytest

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.reading import read_json
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import plain_judge

CATALOGUE = Catalogue.load(ROOT / "stringx")
HEAD = "apiVersion: stringx/v1\ntarget: shop\ntable: public.orders\n"


def table(text: str) -> TableDocument:
    [document] = read_yaml((HEAD + text).encode())
    return parse_table(document, CATALOGUE, plain_judge)


def arguments(type: str, written: str, column: str = "column: c, ") -> dict[str, Any]:
    return table(f"rules:\n  - {{id: r, type: {type}, {column}arguments: {written}}}\n").rules[0].arguments


def faults(type: str, written: str, column: str = "column: c, ") -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        arguments(type, written, column)
    return [(error.pointer.removeprefix("/rules/0/arguments"), error.message) for error in raised.value.errors]


@pytest.mark.parametrize("type", ["accepted_values", "rejected_values", "distinct_values", "most_common_value"])
def test_values_are_texts_as_they_were_written(type: str) -> None:
    written = (
        "[02134, 10001, 1.10, 2.5, 1e3, 010, True, true, 0x1F, 1_000, 12:30, yes, 2013-01-01, +5, -0, 12345678901234567.89, .nan]"
    )
    assert arguments(type, f"{{values: {written}}}")["values"] == [
        "02134",
        10001,
        "1.10",
        2.5,
        "1e3",
        "010",
        "True",
        True,
        "0x1F",
        "1_000",
        "12:30",
        "yes",
        "2013-01-01",
        "+5",
        "-0",
        "12345678901234567.89",
        ".nan",
    ]


@pytest.mark.parametrize(
    ("type", "written", "read"),
    [
        ("between", "{min: 1.0, max: 2e3, exclusive_min: True}", {"min": "1.0", "max": "2e3", "exclusive_min": True}),
        ("between", "{max: 12345678901234567.89}", {"max": "12345678901234567.89"}),
        ("between", "{min: 5, max: 7.5}", {"min": 5, "max": 7.5}),
        (
            "aggregate",
            "{function: max, max: 12345678901234567.89, warn: {max: 1.50}}",
            {"function": "max", "max": "12345678901234567.89", "warn": {"max": "1.50"}},
        ),
        ("aggregate", "{function: percentile, p: 0.950, min: 1}", {"function": "percentile", "p": "0.950", "min": 1}),
        ("outliers", "{method: iqr, limit: 3.0}", {"method": "iqr", "limit": "3.0"}),
        (
            "aggregate_matches",
            "{function: sum, other_table: a.b, tolerance: 0.10}",
            {"function": "sum", "other_table": "a.b", "tolerance": "0.10"},
        ),
        ("length", "{min: 1e0, max: 5.0}", {"min": 1, "max": 5}),
        (
            "dbt",
            "{test: t, arguments: {a: 1.0, b: True, c: [1e3], d: 1.10}}",
            {"test": "t", "arguments": {"a": 1.0, "b": True, "c": [1000.0], "d": 1.1}},
        ),
    ],
)
def test_bounds_keep_their_text_and_other_arguments_their_value(type: str, written: str, read: dict[str, Any]) -> None:
    found = arguments(type, written)
    assert json.dumps(found, sort_keys=True) == json.dumps(read, sort_keys=True)


def test_whole_numbers_may_be_written_as_decimals() -> None:
    found = table(
        """
sample_rows: 1e1
rules:
  - {id: a, type: row_count, arguments: {min: 1e3, max: 2000.0, warn: {min: 1.5e3}}, active: True}
  - {id: b, type: row_count_matches, arguments: {other_table: a.b, tolerance: 1e1}}
  - {id: c, type: not_null, column: c, fail_above: 1e2, active: FALSE}
"""
    )
    assert found.sample_rows == 10
    assert found.rules[0].arguments == {"min": 1000, "max": 2000, "warn": {"min": 1500}}
    assert found.rules[1].arguments["tolerance"] == 10
    assert found.rules[2].fail_above == 100
    assert [rule.active for rule in found.rules] == [True, True, False]


@pytest.mark.parametrize(
    ("type", "written", "pointer", "words"),
    [
        ("accepted_values", "{values: [a, NULL]}", "/values/1", "line 5: 'NULL' is null; leave it out, or quote it"),
        ("accepted_values", "{values: [~]}", "/values/0", "quote it"),
        (
            "dbt",
            "{test: t, arguments: {max_value: 010}}",
            "/arguments/max_value",
            "line 5: 010 is another number for dbt; quote it",
        ),
        ("between", "{min: .nan}", "/min", "NaN"),
        ("between", '{min: "NaN"}', "/min", "NaN"),
        ("between", "{max: -.inf}", "/max", "infinity"),
        ("aggregate", "{function: avg, max: 1, warn: {max: nan}}", "/warn/max", "NaN"),
        ("between", "{min: 1e3, max: 999.99}", "/min", "above max"),
        ("between", '{min: "10", max: 9}', "/min", "above max"),
        ("between", "{min: 2013-02-01, max: 2013-01-31}", "/min", "above max"),
        ("aggregate", "{function: percentile, p: 1.50, min: 1}", "/p", "at most 1"),
        ("aggregate", "{function: percentile, p: half, min: 1}", "/p", "must be a number"),
        ("outliers", "{method: iqr, limit: 0.0}", "/limit", "above 0"),
        ("outliers", "{method: iqr, limit: NaN}", "/limit", "must be a number"),
        ("length", "{min: 1.5}", "/min", "must be a whole number"),
        ("length", "{min: many}", "/min", "must be a whole number"),
        ("freshness", "{max_age: 5}", "/max_age", "is no duration; write a number and a unit"),
    ],
)
def test_what_is_refused(type: str, written: str, pointer: str, words: str) -> None:
    [(found, message)] = faults(type, written)
    assert found == pointer
    assert words in message


@pytest.mark.parametrize("tolerance", ["0.05", "1.5", "'0.05'"])
def test_there_is_no_fraction_of_a_row(tolerance: str) -> None:
    of_values = f"other_table: a.b, function: distinct_count, warn: {{tolerance: {tolerance}}}, tolerance: 2"
    [(pointer, message)] = faults("row_count_matches", f"{{other_table: a.b, tolerance: {tolerance}}}", "")
    [(below, same)] = faults("aggregate_matches", f"{{{of_values}}}")
    assert (pointer, below) == ("/tolerance", "/warn/tolerance")
    assert "whole number" in message
    assert "whole number" in same


def test_json_is_read_the_same() -> None:
    body = b'{"id": "r", "type": "accepted_values", "column": "c", "arguments": {"values": [1.0, 1, 1e2, -0]}}'
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "rules": [read_json(body)]}
    assert parse_table(document, CATALOGUE, plain_judge).rules[0].arguments["values"] == ["1.0", 1, "1e2", "-0"]


def test_a_window_keeps_the_text_of_its_bounds() -> None:
    body = read_json(
        b'{"target": "shop", "table": "a.b", "wait_s": 1e1, "window": {"column": "c", "from": 1.10, "to": 12345678901234567.89}}'
    )
    request = parse_model(CheckRequest, body)
    assert request.wait_s == 10
    assert request.window is not None
    assert request.window.as_json() == {"column": "c", "from": "1.10", "to": "12345678901234567.89"}
