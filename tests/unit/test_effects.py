"""A rule that is called tightened can only fail more, a loosened one only less, whatever the data: held against a small model of
outcomes."""

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stringx_dataops.contract.documents.effects import effect_of_rule, effect_of_setting
from tests.support.documents import CATALOGUE

PASS, WARN, FAIL = range(3)
OPPOSITE = {"tightened": "loosened", "loosened": "tightened", "": ""}
THRESHOLD = st.sampled_from([None, 0, 1, 3, "0%", "20%", "50%", "100%"])
BOUND = st.one_of(st.none(), st.integers(0, 6))


def counted(draw: Any, **fields: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": "r", "type": "not_null", "column": "c"} | fields
    if draw(st.booleans()):
        rule |= {name: value for name in ("warn_above", "fail_above") if (value := draw(THRESHOLD)) is not None}
    elif draw(st.booleans()):
        rule["severity"] = draw(st.sampled_from(["warn", "error"]))
    if draw(st.integers(0, 5)) == 0:
        rule["active"] = draw(st.sampled_from([False, True, "shadow"]))
    return rule


def outcome_of_count(rule: dict[str, Any], failures: int, total: int) -> int:
    if rule.get("active", True) is not True:
        return PASS
    warn, fail = rule.get("warn_above"), rule.get("fail_above")
    if rule.get("severity") == "warn":
        warn, fail = 0, None
    elif warn is None and fail is None:
        fail = 0

    def trips(threshold: Any) -> bool:
        if isinstance(threshold, str):
            return total > 0 and Fraction(failures, total) > Fraction(threshold.rstrip("%")) / 100
        return threshold is not None and failures > threshold

    return FAIL if trips(fail) else WARN if trips(warn) else PASS


def bounds(draw: Any) -> dict[str, Any]:
    found = {name: value for name in ("min", "max") if (value := draw(BOUND)) is not None}
    return found | {name: True for name in ("exclusive_min", "exclusive_max") if draw(st.integers(0, 3)) == 0}


def is_outside(value: int, given: dict[str, Any]) -> bool:
    low, high = given.get("min"), given.get("max")
    below = low is not None and (value < low or (value == low and given.get("exclusive_min", False)))
    above = high is not None and (value > high or (value == high and given.get("exclusive_max", False)))
    return below or above


def assert_only(effect: str, before: list[int], now: list[int]) -> None:
    if effect == "tightened":
        assert all(old <= new for old, new in zip(before, now, strict=True))
    elif effect == "loosened":
        assert all(old >= new for old, new in zip(before, now, strict=True))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_thresholds_and_activity(data: st.DataObject) -> None:
    before, now = counted(data.draw), counted(data.draw)
    effect = effect_of_rule(before, now, CATALOGUE)
    facts = [(failures, total) for total in range(11) for failures in range(total + 1)]
    assert_only(effect, *[[outcome_of_count(rule, *fact) for fact in facts] for rule in (before, now)])
    assert effect_of_rule(now, before, CATALOGUE) == OPPOSITE[effect]
    changed = {"where": "c > 1"} if data.draw(st.booleans()) else {"column": "d"}
    if before.get("active", True) is now.get("active", True):
        assert effect_of_rule(before, now | changed, CATALOGUE) == "", "what is looked at is another thing"


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_bounds_of_measured_rules(data: st.DataObject) -> None:
    def drawn() -> dict[str, Any]:
        return {
            "id": "r",
            "type": "row_count",
            "arguments": bounds(data.draw) | ({"warn": bounds(data.draw)} if data.draw(st.booleans()) else {}),
        }

    def outcome(rule: dict[str, Any], value: int) -> int:
        given = rule["arguments"]
        return FAIL if is_outside(value, given) else WARN if is_outside(value, given.get("warn", {})) else PASS

    before, now = drawn(), drawn()
    effect = effect_of_rule(before, now, CATALOGUE)
    assert_only(effect, *[[outcome(rule, value) for value in range(-1, 9)] for rule in (before, now)])
    assert effect_of_rule(now, before, CATALOGUE) == OPPOSITE[effect]


def test_a_tolerance_that_is_left_out_is_none_unless_a_warning_stands_alone() -> None:
    def outcome(rule: dict[str, Any], difference: int) -> int:
        fail, warn = rule["arguments"].get("tolerance"), rule["arguments"].get("warn", {}).get("tolerance")
        fail = 0 if fail is None and warn is None else fail
        return FAIL if fail is not None and difference > fail else WARN if warn is not None and difference > warn else PASS

    made = [
        {"id": "r", "type": "row_count_matches", "arguments": {"other_table": "public.b"} | given | warn}
        for given in ({}, {"tolerance": 0}, {"tolerance": 3})
        for warn in ({}, {"warn": {"tolerance": 0}}, {"warn": {"tolerance": 2}})
    ]
    for before, now in product(made, made):
        assert_only(
            effect_of_rule(before, now, CATALOGUE), *[[outcome(rule, value) for value in range(6)] for rule in (before, now)]
        )


@pytest.mark.parametrize(
    ("rule_type", "before", "now", "effect"),
    [
        ("accepted_values", {"values": [1, "a"]}, {"values": [1]}, "tightened"),
        ("accepted_values", {"values": [1]}, {"values": [2]}, ""),
        ("rejected_values", {"values": ["a"]}, {"values": ["a", "b"]}, "tightened"),
        ("max_lag", {"other_column": "o", "at_most": "2h"}, {"other_column": "o", "at_most": "90m"}, "tightened"),
        ("max_lag", {"other_column": "o", "at_most": "2h"}, {"other_column": "p", "at_most": "90m"}, ""),
        ("expression", {"sql": "a"}, {"sql": "a", "null_passes": False}, "tightened"),
        ("expression", {"sql": "a"}, {"sql": "a", "null_passes": True}, ""),
        ("monotonic", {"order_by": "a", "strict": True}, {"order_by": "a"}, "loosened"),
        ("not_in_future", {}, {"tolerance": "5m"}, "loosened"),
        ("freshness", {"max_age": "1d"}, {"max_age": "24h", "warn": {"max_age": "2h"}}, "tightened"),
        ("freshness", {"max_age": "1d"}, {"max_age": "2h", "tolerance": "1h"}, ""),
        ("between", {"min": 1}, {"min": 1, "exclusive_min": True}, "tightened"),
        ("quantiles", {"bounds": [{"p": 0.5, "max": 9}]}, {"bounds": [{"p": 0.5, "max": 9}, {"p": 1, "max": 10}]}, "tightened"),
        ("quantiles", {"bounds": [{"p": 0.5, "max": 9}, {"p": 1, "max": 9}]}, {"bounds": [{"p": "1.0", "max": 8}, {"p": 0.5, "max": 9, "warn": {"max": 7}}]}, "tightened"),
        ("quantiles", {"bounds": [{"p": 0.5, "max": 9}]}, {"bounds": [{"p": 0.9, "max": 9}]}, ""),
        ("quantiles", {"bounds": [{"p": 0.5, "max": 9, "min": 1}]}, {"bounds": [{"p": 0.5, "max": 8, "min": 0}]}, ""),
        ("quantiles", {"bounds": [{"p": 0.5, "max": 9}]}, {"bounds": [{"p": 0.5, "max": 8}, {"p": 0.5, "max": 9}]}, ""),
        ("correlation", {"other_column": "o", "min": 0.5}, {"other_column": "o", "min": "0.6"}, "tightened"),
        ("distribution", {"test": "kl", "weights": {"a": 1}, "max": 0.2}, {"test": "kl", "weights": {"a": 1}, "max": 0.1}, "tightened"),
        ("distribution", {"test": "chi_square", "weights": {"a": 1}, "min_p": 0.2}, {"test": "chi_square", "weights": {"a": 1}, "min_p": 0.1}, "loosened"),
        ("distribution", {"test": "kl", "weights": {"a": 1}, "max": 0.2}, {"test": "kl", "weights": {"a": 1, "b": 1}, "max": 0.2}, ""),
        ("between", {"min": "2020-01-01"}, {"min": "2021-01-01"}, "tightened"),
        ("between", {"min": "a"}, {"min": "b"}, ""),
        ("outliers", {"method": "iqr", "limit": 3}, {"method": "zscore", "limit": 2}, ""),
        ("outliers", {"method": "iqr", "limit": 3}, {"method": "iqr", "limit": "2.5"}, "tightened"),
        ("no_such_type", {"max": 3}, {"max": 2}, ""),
        ("schema_change", {}, {"allow": ["added"]}, "loosened"),
        ("schema_change", {"allow": ["added", "removed"]}, {"allow": ["removed"]}, "tightened"),
        ("schema_change", {"allow": ["added"]}, {"allow": ["removed"]}, ""),
        ("compare_rows", {"other_table": "a.b", "key": "k"}, {"other_table": "a.b", "key": "k", "tolerance": 1}, "loosened"),
    ],
)  # fmt: skip
def test_arguments(rule_type: str, before: dict[str, Any], now: dict[str, Any], effect: str) -> None:
    rules = [{"id": "r", "type": rule_type, "column": "c", "arguments": given} for given in (before, now)]
    assert effect_of_rule(*rules, CATALOGUE) == effect
    words = {"description": "x", "tags": ["a"], "runbook": "u", "columns": ["c"], "column": None}
    assert effect_of_rule(rules[0], rules[1] | words, CATALOGUE) == effect, "words change nothing"


def test_thresholds_of_a_dbt_test_may_be_its_own() -> None:
    rule = {"id": "r", "type": "dbt", "column": "c", "arguments": {"test": "not_null"}}
    assert effect_of_rule(rule, rule | {"fail_above": 5}, CATALOGUE) == ""


@pytest.mark.parametrize(
    ("path", "before", "now", "effect"),
    [
        (("gate", "on_warn"), None, "closed", "tightened"),
        (("gate", "on_error"), None, "open", "loosened"),
        (("gate", "on_error"), "closed", None, ""),
        (("gate", "on_changed_rules"), None, "keep", "loosened"),
        (("gate", "max_age"), None, "1d", "tightened"),
        (("gate", "max_age"), "1d", "2d", "loosened"),
        (("gate", "decided_by"), None, "window", ""),
        (("on_empty",), None, "warn", "loosened"),
        (("on_empty",), "pass", "warn", "tightened"),
        (("tables",), ["a"], ["a", "b"], "tightened"),
        (("timezone",), None, "Europe/Berlin", ""),
    ],
)
def test_settings(path: tuple[str, ...], before: Any, now: Any, effect: str) -> None:
    assert effect_of_setting(path, before, now) == effect
