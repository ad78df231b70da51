"""The difference of two documents, rule by rule and in its direction."""

from typing import Any

import pytest

from stringx_dataops.contract.documents import differences
from stringx_dataops.contract.documents.differences import Difference, FieldChange
from tests.support.documents import CATALOGUE

RULE = {"id": "a", "type": "between", "column": "a", "arguments": {"min": 1, "max": 9}, "fail_above": "2%"}


def of(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": "Table", "table": "public.t", "rules": list(rules)} | fields


def difference(before: dict[str, Any], now: dict[str, Any]) -> Difference:
    return differences.difference(before, now, CATALOGUE)


def test_the_same_documents_do_not_differ() -> None:
    assert difference(of(RULE), of(dict(RULE))).is_none
    assert difference({}, {}).is_none
    assert not difference(of(RULE), of(RULE | {"active": True})).is_none, "a default that is written out is a change of the text"


def test_rules_are_added_removed_and_changed() -> None:
    found = difference(of(RULE, {"id": "b"}, {"id": "c"}), of({"id": "d"}, RULE | {"column": "z"}, {"id": "c"}))
    assert (found.ids("added"), found.ids("removed"), found.ids("changed")) == (["d"], ["b"], ["a"])
    assert found.rules[-1].fields == (FieldChange("column", "a", "z"),)
    assert not found.is_reordered


def test_another_order_of_rules_is_said() -> None:
    assert difference(of({"id": "a"}, {"id": "b"}), of({"id": "b"}, {"id": "a"})).is_reordered


def test_fields_of_the_table_come_and_go() -> None:
    found = difference(of(owner="x", gate={"max_age": "1d", "on_warn": "open"}), of(mode="sync", gate={"max_age": "24h"}))
    assert found.fields == (
        FieldChange("mode", None, "sync", is_new=True),
        FieldChange("gate.max_age", "1d", "24h"),
        FieldChange("gate.on_warn", "open", None, is_gone=True),
        FieldChange("owner", "x", None, is_gone=True),
    )


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"fail_above": "1%"}, "tightened"),
        ({"fail_above": "2.5%"}, "loosened"),
        ({"fail_above": 10}, ""),
        ({"arguments": {"min": 2, "max": 9}}, "tightened"),
        ({"arguments": {"min": 1, "max": "10.5"}}, "loosened"),
        ({"arguments": {"max": 9}}, "loosened"),
        ({"arguments": {"min": 1, "max": 9, "exclusive_max": True}}, "tightened"),
        ({"active": False}, "loosened"),
        ({"fail_above": "2%", "warn_above": "1%"}, "tightened"),
        ({"column": "b"}, ""),
        ({"arguments": {"min": "2020-01-01", "max": 9}}, ""),
        ({"arguments": {"min": 1, "max": 9, "max_age": "2h"}}, ""),
    ],
)
def test_a_change_says_whether_the_rule_became_tighter(change: dict[str, Any], effect: str) -> None:
    (found,) = difference(of(RULE), of(RULE | change)).rules
    assert [field.effect for field in found.fields] == [effect]
    assert found.effect == effect


def test_a_rule_whose_fields_pull_both_ways_is_neither_tightened_nor_loosened() -> None:
    (found,) = difference(of(RULE), of(RULE | {"fail_above": "1%", "arguments": {"max": 9}})).rules
    assert ([field.effect for field in found.fields], found.effect) == (["loosened", "tightened"], "")


def test_durations_are_compared_as_times() -> None:
    before, now = ({"id": "a", "type": "freshness", "column": "c", "arguments": {"max_age": age}} for age in ("90m", "1h"))
    assert difference(of(before), of(now)).rules[0].fields == (FieldChange("arguments.max_age", "90m", "1h", effect="tightened"),)


@pytest.mark.parametrize(
    ("before", "now", "was", "is_", "effect"),
    [
        ({}, {"max_age": "24h"}, {"max_age": "1h"}, {"max_age": "1h"}, "loosened"),
        ({"max_age": "24h"}, {}, {"max_age": "1h"}, {"max_age": "1h"}, "tightened"),
        ({"max_age": "24h"}, {}, {}, {}, "loosened"),
        ({"max_age": "24h"}, {}, {}, {"max_age": "1h"}, "tightened"),
        ({}, {"max_age": None}, {"max_age": "1h"}, {"max_age": "1h"}, "loosened"),
        ({}, {"on_warn": "open"}, {"on_warn": "closed"}, {"on_warn": "closed"}, "loosened"),
    ],
)
def test_a_setting_that_a_table_leaves_out_is_that_of_its_targets_defaults(
    before: dict[str, Any], now: dict[str, Any], was: dict[str, Any], is_: dict[str, Any], effect: str
) -> None:
    (field,) = differences.difference({"gate": before}, {"gate": now}, None, ({"gate": was}, {"gate": is_})).fields
    assert field.effect == effect
