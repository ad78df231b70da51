"""Rules with `per`, without a database: what they mean in documents, what a result says of them, and who does not see it."""

from typing import Any

import pytest

from api.worker.rule_sentences import message
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.effects import effect_of_rule
from stringx_dataops.contract.gate_test.outcome import RuleOutcome
from stringx_dataops.contract.messages.samples import hidden, without_samples
from tests.support.documents import CATALOGUE, rule

NOT_NULL: dict[str, Any] = {"id": "r", "type": "not_null", "column": "c"}


def test_one_column_may_be_a_list_and_another_column_is_another_rule() -> None:
    hashes = [rules_hash(rule(**fields), CATALOGUE) for fields in ({"per": "a"}, {"per": ["a"]}, {"per": "b"}, {})]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert rules_hash(rule(per="a", new_groups="warn"), CATALOGUE) not in hashes


def test_a_name_with_a_sign_is_written_as_elsewhere() -> None:
    assert rule(per="[*]").rules[0].group_columns == ["*"]


@pytest.mark.parametrize(
    ("before", "now", "effect"),
    [
        ({}, {"new_groups": "warn"}, "tightened"),
        ({"new_groups": "warn"}, {"new_groups": "fail"}, "tightened"),
        ({"new_groups": "fail"}, {"missing_groups": "fail"}, ""),
        ({"missing_groups": "fail"}, {}, "loosened"),
        ({"per": "a"}, {"per": "b"}, ""),
        ({"per": None}, {"per": "a"}, ""),
    ],
)
def test_whether_a_change_is_tighter(before: dict[str, Any], now: dict[str, Any], effect: str) -> None:
    assert effect_of_rule(NOT_NULL | {"per": "a"} | before, NOT_NULL | {"per": "a"} | now, CATALOGUE) == effect


def outcome(status: str, failures: int | None = 0, measured: Any = None, **groups: Any) -> RuleOutcome:
    found = {"count": 12, "failing": 0, "warning": 0, "new": 0, "missing": 0, "compared": True, "of_rows": status, "worst": []}
    return {"id": "r", "status": status, "failures": failures, "total": 100, "measured": measured, "groups": found | groups}  # type: ignore[typeddict-item,return-value]


@pytest.mark.parametrize(
    ("fields", "found", "words"),
    [
        ({}, outcome("pass"), "all 12 groups pass; in all 0 of 100 rows have no c"),
        ({"fail_above": "5%"}, outcome("fail", 9, failing=1), "1 of 12 groups fails; in all 9 of 100 rows (9.00%) have no c; fails above 5%"),
        ({"warn_above": 1, "fail_above": 3}, outcome("fail", 9, failing=2, warning=1),
         "2 of 12 groups fail, 1 warns; in all 9 of 100 rows (9.00%) have no c; fails above 3"),
        ({"severity": "warn"}, outcome("warn", 1, warning=1), "1 of 12 groups warns; in all 1 of 100 rows (1.00%) have no c; warns above 0"),
        ({"missing_groups": "fail"}, outcome("fail", failing=2, missing=2, of_rows="pass"),
         "2 of 14 groups fail; 2 missing since the check before; in all 0 of 100 rows have no c"),
        ({"new_groups": "warn"}, outcome("warn", warning=1, new=1, of_rows="pass"),
         "1 of 12 groups warns; 1 new since the check before; in all 0 of 100 rows have no c"),
        ({"new_groups": "warn"}, outcome("pass", compared=False), "all 12 groups pass; no check before to compare the groups with; in all 0 of 100 rows have no c"),
        ({}, outcome("pass", count=0), "there is no group"),
        ({"type": "aggregate", "arguments": {"function": "avg", "max": 5}}, outcome("fail", None, 7.5, failing=3),
         "3 of 12 groups fail; in the worst the avg of c is 7.5; fails unless at most 5"),
    ],
)  # fmt: skip
def test_the_sentence_has_the_groups_and_no_key(fields: dict[str, Any], found: RuleOutcome, words: str) -> None:
    tested = rule(per="shop", **fields).rules[0]
    assert message(tested, CATALOGUE.get(tested.type), found) == words


GROUPS = [
    {"key": {"shop": "a\x1b[31m", "land": None}, "status": "fail", "failures": 1200, "total": 3000, "measured": None},
    {"key": None, "status": "fail", "failures": None, "total": 0, "measured": None, "change": "missing"},
    {"key": {"shop": "b"}, "status": "warn", "failures": None, "total": 30, "measured": 2.5, "change": "new"},
    {"key": {"shop": "c"}, "status": "pass", "failures": 0, "total": 30, "measured": None},
]


def test_keys_are_as_secret_as_samples() -> None:
    result = {
        "rules": [{"id": "r", "sample": None, "groups": GROUPS}],
        "tables": [{"rules": [{"id": "s", "sample": None, "groups": GROUPS}]}],
    }
    for found in (hidden(result), without_samples(result)):
        assert found is not None
        rules = [*found["rules"], *found["tables"][0]["rules"]]
        assert [group["key"] for one in rules for group in one["groups"]] == [None] * 8
        assert [group["total"] for one in rules for group in one["groups"]] == [3000, 0, 30, 30] * 2
    assert without_samples(hidden(result)) is None
