"""What is required of the band of `unusual`, on one series per family with known truth: better than both plain ways, and hardly
a false alarm. `python -m benchmarks.unusual` is the same on many."""

from dataclasses import replace
from itertools import count

import pytest

from benchmarks.unusual.families import FAMILIES, LEARN, Series, series
from benchmarks.unusual.scores import best, scores_of

POINTS = 240  # that are judged of a series, the last ones
FAULTS = 4  # at least


def first_with_faults(family: str) -> Series:
    for number in count():
        whole = series(family, 0.06, f"suite {number}")
        begin = max(LEARN, len(whole.points) - POINTS)
        if sum(point.truth is True for point in whole.points[begin:]) >= FAULTS:
            return replace(whole, judged_from=begin)
    raise AssertionError


@pytest.mark.parametrize("family", FAMILIES)
def test_it_finds_more_than_both_plain_ways_with_hardly_a_false_alarm(family: str) -> None:
    scores = scores_of(first_with_faults(family))
    own = best(scores, "unusual")
    assert own.false_alarms <= 1
    assert own.recall >= 0.7
    for method in ("z-score", "seasonal naive"):
        assert own.f1 > best(scores, method).f1 or own.f1 == 1.0
