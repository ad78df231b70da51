"""The band of the rule type `unusual`: what any algorithm must keep to."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from api.baselines.band import Point, Settings, judge

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)


def daily(values: list[float]) -> list[Point]:
    return [Point(START + timedelta(days=day), value, check_id=str(day)) for day, value in enumerate(values)]


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_no_values_crash_it(values: list[float]) -> None:
    baseline = judge(daily(values), START + timedelta(days=len(values)), BERLIN, Settings())
    for number in (baseline.center, baseline.low, baseline.high):
        assert number is None or not math.isnan(number)


def test_it_learns_first_and_says_how_far_it_is() -> None:
    baseline = judge(daily([5.0] * 8), START + timedelta(days=8), BERLIN, Settings())
    assert (baseline.low, baseline.high, baseline.words) == (None, None, "learning 8 of 20")


def test_the_judged_point_and_later_ones_are_not_in_its_baseline() -> None:
    points = daily([100.0 + day % 3 for day in range(40)])
    at = points[30].at
    assert judge(points, at, BERLIN, Settings()) == judge(points[:30], at, BERLIN, Settings())


def test_the_order_of_the_points_does_not_matter() -> None:
    points = daily([100.0 + day % 3 for day in range(40)])
    mixed = random.Random(1).sample(points, 40)
    at = START + timedelta(days=40)
    assert judge(points, at, BERLIN, Settings()) == judge(mixed, at, BERLIN, Settings())
