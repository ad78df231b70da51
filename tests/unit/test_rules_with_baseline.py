"""Rules that compare with earlier checks, as documents: what is refused, what changes the hash, what is tighter, what points belong to."""

from typing import Any

import pytest

from api.baselines.definitions import definition_of
from stringx_dataops.contract.adapters import ADAPTERS, Adapter
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.effects import effect_of_rule
from stringx_dataops.contract.documents.tables import TableDocument
from tests.support.documents import CATALOGUE, errors, rule

AVERAGE = {"function": "avg", "column": "c"}


def of_type(type: str, **arguments: Any) -> TableDocument:
    of = {} if type == "schema_change" else {"of": "row_count"}
    return rule(type=type, column=None, arguments=of | arguments)


@pytest.mark.parametrize(
    ("type", "arguments", "pointer", "words"),
    [
        ("change", {"max_increase": 1, "of": "rows"}, "/of", "must be row_count, or an aggregate such as {function: avg, column: amount}"),
        ("change", {"max_increase": 1, "of": {"function": "avg"}}, "/of", "the argument 'column' is missing"),
        ("change", {"max_increase": 1, "of": {"function": "mean", "column": "c"}}, "/of/function", "must be one of min, max"),
        ("change", {"max_increase": 1, "of": {"function": "percentile", "column": "c"}}, "/of", "the argument 'p' is missing"),
        ("change", {"max_increase": 1, "of": AVERAGE | {"p": 0.5}}, "/of/p", "is for the function percentile alone"),
        ("change", {"max_increase": 1, "of": {"function": "avg", "column": "c" * 64}}, "/of/column", "63"),
        ("change", {}, "", "give max_increase, max_decrease, or both, or one of them under warn"),
        ("change", {"max_increase": -1}, "/max_increase", "must be a number that is not negative, or a share such as 20%"),
        ("change", {"max_decrease": "a lot"}, "/max_decrease", "must be a number that is not negative"),
        ("change", {"max_increase": 1, "against": "yesterday"}, "/against", "must be previous, same_weekday, or an average"),
        ("change", {"max_increase": 1, "against": {"average": 1}}, "/against/average", "2"),
        ("change", {"max_increase": 1, "against": {"average": 101}}, "/against/average", "100"),
        ("change", {"max_decrease": "20%", "warn": {"max_decrease": "50%"}}, "/warn/max_decrease", "can never warn, as max_decrease fails first"),
        ("change", {"max_increase": 5, "warn": {"max_increase": 5}}, "/warn/max_increase", "it must lie below 5"),
        ("change", {"warn": {}}, "/warn", "give max_increase, max_decrease or both"),
        ("schema_change", {"allow": ["added", "removed", "retyped"]}, "/allow", "takes at most 2"),
        ("unusual", {"sensitivity": 10**400}, "/sensitivity", "is too large a number"),
        ("unusual", {"season": "year"}, "/season", "must be one of auto, none, weekday, hour"),
        ("unusual", {"learn": 4}, "/learn", "5"),
        ("unusual", {"holidays": ["Christmas"]}, "/holidays/0", "is no date; write it as 2026-12-25"),
        ("unusual", {"holidays": ["2026-02-30"]}, "/holidays/0", "is no date; write it as 2026-12-25"),
        ("unusual", {"min_change": "-5%"}, "/min_change", "must be a number that is not negative"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place(type: str, arguments: dict[str, Any], pointer: str, words: str) -> None:
    found = errors(of_type, type=type, **arguments)
    assert [each for each in found if each[0] == f"/rules/0/arguments{pointer}" and words in each[1]], found


@pytest.mark.parametrize(
    ("arguments", "pointer", "words"),
    [
        ({"test": "kl", "weights": {"a": 0.5, "b": 10**400}, "max": 1}, "/weights", "must be a mapping of"),
        (
            {"test": "kl", "weights": [1], "bins": [0, 1], "tail_weights": [0.5, 10**400], "max": 1},
            "/tail_weights/1",
            "is too large",
        ),
        (
            {"test": "ks", "expected": {"uniform": {"min": 0.5, "max": 10**400}}, "max": 0.1},
            "/expected/uniform/max",
            "is too large",
        ),
        ({"test": "ks", "weights": [1], "bins": [0, 1], "max": 2}, "/max", "maximum of 1"),
        ({"test": "ks", "weights": [1], "bins": [0, 1], "warn": {"max": 1}}, "/warn/max", "maximum of 1"),
    ],
)
def test_numbers_that_no_macro_can_compute_with_and_distances_beyond_one_are_refused(
    arguments: dict[str, Any], pointer: str, words: str
) -> None:
    found = errors(rule, type="distribution", column="c", arguments=arguments)
    assert [each for each in found if each[0] == f"/rules/0/arguments{pointer}" and words in each[1]], found


@pytest.mark.parametrize(
    ("type", "arguments"),
    [
        ("change", {"max_increase": "20%"}),
        ("change", {"of": AVERAGE, "against": {"average": 7}, "warn": {"max_decrease": "0.5"}}),
        ("change", {"of": {"function": "percentile", "p": 0.9, "column": "c"}, "against": "same_weekday", "max_decrease": 1.5}),
        ("change", {"max_decrease": "50%", "warn": {"max_decrease": "20%", "max_increase": 5}}),
        ("unusual", {}),
        ("unusual", {"season": "hour", "sensitivity": 5, "min_change": 10, "learn": 30, "adapt": 3, "holidays": ["2026-12-25"]}),
    ],
)
def test_what_makes_sense_is_taken(type: str, arguments: dict[str, Any]) -> None:
    assert of_type(type, **arguments)


def test_severity_is_of_what_is_unusual_and_thresholds_are_of_neither() -> None:
    change = {"type": "change", "column": None, "arguments": {"of": "row_count", "max_increase": 1}}
    unusual = {"type": "unusual", "column": None, "arguments": {"of": "row_count"}}
    assert errors(rule, **change, severity="warn") == [
        ("/rules/0/severity", "change is measured; put its bounds under arguments.warn")
    ]
    assert rule(**unusual, severity="error")
    assert rule(**unusual, severity="warn")
    assert errors(rule, **unusual, fail_above=1)[0][0] == "/rules/0/fail_above"
    assert errors(rule, **unusual, per="c")[0][0] == "/rules/0/per"
    assert errors(rule, **unusual | {"column": "c"})[0][0] == "/rules/0/column"


def test_the_hash_follows_what_decides() -> None:
    def hashed(**changes: Any) -> str:
        return rules_hash(
            rule(type="unusual", column=None, arguments={"of": "row_count"} | changes.pop("with_", {}), **changes), CATALOGUE
        )

    assert hashed() == hashed(severity="warn") == hashed(with_={"season": "auto", "learn": 20, "min_change": "5%"})
    others = [{"severity": "error"}, {"with_": {"learn": 21}}, {"with_": {"season": "hour"}}, {"with_": {"of": AVERAGE}}]
    assert len({hashed(), *(hashed(**other) for other in others)}) == 5


@pytest.mark.parametrize(
    ("type", "before", "now", "effect"),
    [
        ("change", {"max_increase": "20%"}, {"max_increase": "10%"}, "tightened"),
        ("change", {"max_decrease": 5}, {"max_decrease": 6}, "loosened"),
        ("change", {"max_decrease": 5}, {"max_decrease": "5%"}, ""),
        ("change", {"max_decrease": 5}, {"max_decrease": 5, "max_increase": 5}, "tightened"),
        (
            "change",
            {"max_decrease": 5, "warn": {"max_decrease": 1}},
            {"max_decrease": 5, "warn": {"max_decrease": 2}},
            "loosened",
        ),
        ("change", {"max_decrease": 5}, {"max_decrease": 5, "against": "same_weekday"}, ""),
        ("change", {"max_decrease": 5}, {"max_decrease": 5, "against": "previous"}, ""),
        ("change", {"max_decrease": 5}, {"max_decrease": 4, "of": AVERAGE}, ""),
        ("unusual", {"sensitivity": 4}, {}, "tightened"),
        ("unusual", {"min_change": "1%"}, {}, "loosened"),
        ("unusual", {"learn": 30}, {"learn": 20}, ""),
    ],
)
def test_what_is_tighter(type: str, before: dict[str, Any], now: dict[str, Any], effect: str) -> None:
    written = [{"id": "r", "type": type, "arguments": {"of": "row_count"} | arguments} for arguments in (before, now)]
    assert effect_of_rule(*written, CATALOGUE) == effect


def test_a_severity_of_error_is_tighter() -> None:
    plain = {"id": "r", "type": "unusual", "arguments": {"of": "row_count"}}
    assert effect_of_rule(plain, plain | {"severity": "error"}, CATALOGUE) == "tightened"
    assert effect_of_rule(plain | {"severity": "error"}, plain | {"severity": "warn"}, CATALOGUE) == "loosened"
    assert effect_of_rule(plain, plain | {"severity": "warn"}, CATALOGUE) == ""


def test_points_belong_to_what_is_measured() -> None:
    def defined(type: str = "change", where: str | None = None, **arguments: Any) -> str:
        limits = {"max_increase": 1} if type == "change" else {}
        (found,) = rule(type=type, column=None, where=where, arguments={"of": "row_count"} | limits | arguments).rules
        rule_type = CATALOGUE.get(type)
        assert rule_type is not None
        return definition_of(found, rule_type)

    assert (
        defined()
        == defined(max_increase=7)
        == defined(against={"average": 3})
        == defined("unusual")
        == defined("unusual", learn=9)
    )
    others = [
        defined(where="a > 1"),
        defined(of=AVERAGE),
        defined(of=AVERAGE | {"column": "d"}),
        defined(of={"function": "sum", "column": "c"}),
    ]
    assert len({defined(), *others}) == 5


def test_a_state_is_of_the_engine_that_left_it() -> None:
    def defined(type: str, adapter: Adapter, **fields: Any) -> str:
        (found,) = rule(type=type, column=None, **fields).rules
        rule_type = CATALOGUE.get(type)
        assert rule_type is not None
        return definition_of(found, rule_type, adapter)

    kept = {defined("schema_change", adapter, arguments={}) for adapter in ADAPTERS}
    assert len(kept) == len(ADAPTERS)
    points = {defined("change", adapter, arguments={"of": "row_count", "max_increase": 1}) for adapter in ADAPTERS}
    assert len(points) == 1, "points are numbers, on every engine the same"
