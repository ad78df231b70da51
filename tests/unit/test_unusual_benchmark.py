"""What is required of the band of `unusual`, on one series per family with known truth: better than both plain ways, and hardly
a false alarm. `python -m benchmarks.unusual` is the same on many."""

from dataclasses import replace
from itertools import count

import pytest

from benchmarks.unusual.families import FAMILIES, series
from benchmarks.unusual.making import LEARN, Series
from benchmarks.unusual.scores import best, scores_of, total

POINTS, MORE_POINTS = 100, 240  # that are judged of a series, the last ones; more with --long
FAULTS = 4  # at least


def first_with_faults(family: str, points: int) -> Series:
    for number in count():
        whole = series(family, 0.06, f"suite {number}")
        begin = max(LEARN, len(whole.points) - points)
        if sum(point.truth is True for point in whole.points[begin:]) >= FAULTS:
            return replace(whole, judged_from=begin)
    raise AssertionError


def test_it_finds_more_than_both_plain_ways_with_hardly_a_false_alarm(pytestconfig: pytest.Config) -> None:
    points = MORE_POINTS if pytestconfig.getoption("long") else POINTS
    by_family = {family: scores_of(first_with_faults(family, points)) for family in FAMILIES}
    for family, scores in by_family.items():
        own = best(scores, "unusual")
        assert own.false_alarms <= 2, family  # two where an outage was so long that it was taken for the new level
        assert own.recall >= 0.7, family
        for method in ("z-score", "seasonal naive"):
            assert own.f1 >= best(scores, method).f1, family
    overall = total(by_family.values())
    own = best(overall, "unusual")
    assert own.alarms_per_500 <= 1
    for method in ("z-score", "seasonal naive"):
        assert own.f1 > best(overall, method).f1 + 0.2
