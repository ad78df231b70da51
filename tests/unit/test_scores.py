"""Scores: the mean share of rows that pass; what could not be decided is left out."""

from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.messages.scores import Scored, scores


def test_the_mean_over_rules_and_by_dimension() -> None:
    rules = [
        Scored("completeness", "fail", 25, 100),
        Scored("completeness", "pass", 0, 100),
        Scored("validity", "warn", 50, 100),
    ]
    assert scores(rules) == {"overall": 0.75, "completeness": 0.875, "validity": 0.5}


def test_measured_rules_count_0_or_1() -> None:
    rules = [Scored("timeliness", status, None, 10) for status in ("pass", "warn", "fail", "fail")]
    assert scores(rules) == {"overall": 0.5, "timeliness": 0.5}


def test_errors_are_left_out() -> None:
    rules = [Scored("validity", "error", None, None), Scored("uniqueness", "pass", 0, 0)]
    assert scores(rules) == {"overall": 1.0, "uniqueness": 1.0}
    assert scores(rules[:1]) == scores([]) == {"overall": None}


def test_six_digits() -> None:
    assert scores([Scored("validity", "fail", 1, 3)])["overall"] == 0.666667


STATUSES = st.sampled_from(["pass", "warn", "fail", "error"])
COUNTS = st.none() | st.integers(0, 10**12)


@given(st.lists(st.builds(Scored, st.sampled_from(["validity", "accuracy"]), STATUSES, COUNTS, COUNTS), max_size=20))
def test_always_between_0_and_1(rules: list[Scored]) -> None:
    found = scores(rules)
    assert all(value is None or 0 <= value <= 1 for value in found.values())
    assert (found["overall"] is None) == all(rule.status == "error" for rule in rules)
