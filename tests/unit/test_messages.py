"""Messages in every status, shares and ages that never look like what they are not, and the gaps of the catalogue's sentences."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.worker.results import notes_of
from api.worker.rule_sentences import message
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.catalogue.words import MAX_ITEMS, age, check_template, decimal, filled, listed, number, share
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.scores import Scored, quotient, scores
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (8255, 336776, "2.45%"),
        (1, 2_100_000, "0.00005%"),
        (2_099_999, 2_100_000, "99.99995%"),
        (1, 10**15, "0.0000000000001%"),
        (0, 7, "0.00%"),
        (7, 7, "100.00%"),
        (1, 3, "33.33%"),
    ],
)
def test_a_share_is_0_or_100_percent_only_where_it_is(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_a_share_above_a_threshold_does_not_look_like_it() -> None:
    assert share(2001, 100_000, [Fraction(2)]) == "2.001%"
    assert share(2, 100, [Fraction(2)]) == "2.00%"


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.sampled_from([0, 1, 2, 50]))
def test_any_share_stands_on_its_side_of_a_threshold(whole: int, part: int, limit: int) -> None:
    part = min(part, whole)
    said, exact = Fraction(share(part, whole, [Fraction(limit)]).rstrip("%")), Fraction(100 * part, whole)
    for edge in (0, 100, limit):
        assert (said > edge, said < edge) == (exact > edge, exact < edge)


@pytest.mark.parametrize(
    ("value", "beside", "words"),
    [
        (336776, [], "336,776"),
        ("0.14285714285", [], "0.143"),
        (0.9999999, [], "0.9999999"),
        ("20.0004", [20], "20.0004"),
        ("20.0004", [], "20"),
        (0.1 + 0.2, ["0.3"], "0.30000000000000004"),
        ("0.00001234567", [], "0.0000123"),
        ("1.5886166700891948e-34", [], "1.59e-34"),
        ("1.5886e-34", ["1.59e-34"], "1.589e-34"),
        ("-2e-12", [], "-2.00e-12"),
        ("1e-9", [], "0.000000001"),
        (0, [], "0"),
        ("NaN", [], "NaN"),
        ("2026-01-01", [], "2026-01-01"),
        (True, [], "True"),
    ],
)
def test_a_number_keeps_the_digits_that_matter(value: Any, beside: list[Any], words: str) -> None:
    assert number(value, [Decimal(str(one)) for one in beside]) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("864000", "10d 0h"),
        ("86400", "1d 0h"),
        ("86401.5", "1d 0h 0m 1s"),
        ("86400.25", "1d 0h 0m 0.25s"),  # beside a limit of a day
        ("90000", "1d 1h"),
        ("3725", "1h 2m"),
        ("65", "1m 5s"),
        ("42.7", "42s"),
        ("0.25", "0.25s"),
        ("0", "0s"),
        ("-7200", "-2h 0m"),
    ],
)
def test_an_age_is_written_as_durations_are(seconds: str, words: str) -> None:
    assert age(Decimal(seconds), [Decimal(86400)]) == words


@given(st.decimals("0.001", "1e8", places=3), st.sampled_from([1, 60, 3600, 86400, 172800]))
def test_an_age_never_looks_like_a_limit_that_it_is_not(seconds: Decimal, limit: int) -> None:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    said = sum(Decimal(part[:-1]) * units[part[-1]] for part in age(seconds, [Decimal(limit)]).split())
    assert (said == limit) == (seconds == limit)


def test_gaps_are_filled_optional_parts_left_out_and_values_taken_as_they_are() -> None:
    text = "the {function}[ {p}] of {columns} is {measured|out of bounds}[; missing: {missing}[nothing]"
    assert filled("a {x|none}[; {y}]", {"x": ""}) == "a none"
    assert filled("a {x|none}[; {y} of {z}]", {"x": "[{y}]", "y": "1", "z": "2"}) == "a [{y}]; 1 of 2"
    with pytest.raises(ValueError, match="expected ']'"):
        check_template(text)


def test_a_list_in_a_message_is_bounded_and_on_one_line() -> None:
    assert listed(["a\nb", 1234, "c" * 300]) == "a b, 1,234, " + "c" * 200 + "…"
    assert listed(list("abcdefghijklmnop")).count(",") == MAX_ITEMS
    assert [listed(nothing) for nothing in (None, 0, "", [], False, True)] == [""] * 6


def test_a_ratio_is_0_or_1_only_where_it_is() -> None:
    assert quotient(1, 2_100_000) == 1 / 2_100_000
    assert (quotient(0, 5), quotient(5, 5)) == (0, 1)
    assert 0 < quotient(10**18 - 1, 10**18) < 1


@pytest.mark.parametrize(("failures", "between"), [(1, (0.999999, 1)), (2_099_999, (0, 0.000001))])
def test_a_score_is_0_or_1_only_where_it_is(failures: int, between: tuple[float, float]) -> None:
    for rules in ([Scored("validity", "fail", failures, 2_100_000)], [Scored("validity", "fail", failures, 2_100_000)] * 3):
        found = scores(rules)["overall"]
        assert found is not None
        assert between[0] < found < between[1]


OUTCOMES: list[dict[str, Any]] = [
    {"failures": failures, "total": total, "measured": measured, "found": found, "nothing_there": nothing, "row_value": row_value}
    for failures in (0, 3)
    for total in (0, 10, None)
    for measured in (None, 0, 5, "7.25", "2026-01-01", "NaN")
    for found in (None, {"own": 1, "other": 2, "actual": "text", "missing": ["a"], "ahead": 2})
    for row_value in (True, False)
    for nothing in (True, False)
]  # fmt: skip
PRAISE = re.compile(r"within bounds|is in the list|must be|passes|\bpass$|as it must be")
BLAME = re.compile(r"out of bounds|not in the list|fails|warns|another one")


@pytest.mark.parametrize("entry", list(CATALOGUE), ids=lambda entry: entry.name)
@pytest.mark.parametrize("status", ["pass", "warn", "fail"])
def test_the_words_of_every_type_agree_with_its_status(entry: RuleType, status: str) -> None:
    example = dict(entry.example)
    arguments = example.get("arguments", {})
    for written in ({}, {"warn_above": 0}, {"warn_above": "1%", "fail_above": "30%"}):
        thresholds = written if entry.decides == "count" else {}
        given = {name: value for name, value in example.items() if name not in ("severity", "warn_above", "fail_above")}
        rule = Rule.model_validate(given | thresholds)
        for outcome in OUTCOMES:
            may_warn, may_fail = (limit is not None for limit in rule.thresholds)
            may_warn |= "warn" in arguments
            if (
                (outcome["nothing_there"] and status != "pass")
                or (status == "warn" and not may_warn)
                or (status == "fail" and not may_fail)
            ):
                continue
            said = message(rule, entry, outcome | {"status": status})
            wrong = BLAME if status == "pass" else PRAISE
            assert entry.decides == "count" or not wrong.search(said), said
            assert not re.search(r"[{}\[\]]|  |\bNone\b|\bnot is\b", said), said
            assert "2026-01-01" not in said or not outcome["row_value"]


def test_what_passes_for_want_of_rows_says_so_and_no_bounds() -> None:
    rule = Rule.model_validate(
        {"id": "r", "type": "aggregate", "column": "n", "where": "n > 5", "arguments": {"function": "distinct_count", "min": 1}}
    )
    outcome = {"status": "pass", "measured": 0, "total": 0, "nothing_there": True}
    assert message(rule, CATALOGUE.get("aggregate"), outcome) == "passes, as there is no row under its `where`"


def test_decimal_reads_numbers_alone() -> None:
    assert [decimal(value) for value in ("1.50", 2, None, True, "x")] == [Decimal("1.50"), Decimal(2), None, None, None]


@pytest.mark.parametrize(
    ("settings", "noted"),
    [
        ({}, False),
        ({"sample_columns": ["a"]}, True),
        ({"sample_rows": 20}, True),
        ({"sample_rows": 0, "sample_columns": ["a"]}, False),
        ({"sample_columns": ["a"], "key": ["id"]}, False),
    ],
)
def test_samples_that_are_asked_for_without_a_key_are_noted(settings: dict[str, Any], noted: bool) -> None:
    document = TableDocument.model_validate(
        {"apiVersion": "stringx/v1", "target": "t", "table": "public.t", "rules": [], **settings}
    )
    assert bool(notes_of(document)) == noted
