"""The band of the rule type `unusual`: what it must keep to whatever the values, and what it says of plain series."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.baselines.band import MAX_POINTS, Baseline, Point, Settings, judge

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)  # a Monday, 06:00 in Berlin
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NARROW = Settings(min_share=0.0)


def series(values: list[float], every: timedelta = DAY) -> list[Point]:
    return [Point(START + every * place, value, check_id=str(place)) for place, value in enumerate(values)]


def daily(count: int, usual: Callable[[datetime], float], noise: float = 10, seed: int = 1) -> list[Point]:
    dice = random.Random(seed)
    return [
        Point(at, usual(at) + dice.uniform(-noise, noise), check_id=str(at)) for at in (START + DAY * n for n in range(count))
    ]


def after(points: list[Point], steps: int = 1, every: timedelta = DAY) -> datetime:
    return points[-1].at + every * steps


def bounds(baseline: Baseline) -> tuple[float, float]:
    assert baseline.low is not None
    assert baseline.high is not None
    return baseline.low, baseline.high


def outside(points: list[Point]) -> list[Point]:
    return [replace(point, is_usable=False, is_outside=True) for point in points]


numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.integers(-3, 3), max_size=60)


@settings(max_examples=60)
@given(values=numbers, marks=st.integers(0, 2**60), hours=st.sampled_from([1, 6, 24, 200]))
def test_no_values_crash_it_and_no_bound_is_nan_or_infinite(values: list[float], marks: int, hours: int) -> None:
    points = series([float(value) for value in values], HOUR * hours)
    points = [point if marks >> place & 3 else outside([point])[0] for place, point in enumerate(points)]
    baseline = judge(points, START + HOUR * hours * len(values), BERLIN, Settings(learn=5))
    for number in (baseline.center, baseline.low, baseline.high):
        assert number is None or math.isfinite(number)
    if baseline.low is not None and baseline.high is not None and baseline.center is not None:
        assert baseline.low <= baseline.center <= baseline.high


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), power=st.integers(-20, 20))
def test_other_units_scale_the_band(seed: int, power: int) -> None:
    dice = random.Random(seed)
    points = series([100 * math.exp(dice.gauss(0, 0.2)) + 0.1 for _ in range(40)])
    factor = 2.0**power  # exact
    scaled = [replace(point, value=point.value * factor) for point in points]
    ours, theirs = (judge(some, after(points), BERLIN, Settings()) for some in (points, scaled))
    if all(point.value != int(point.value) for point in scaled):
        assert [bound * factor for bound in bounds(ours)] == pytest.approx(bounds(theirs), rel=1e-6)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), shift=st.integers(-1000, -400))
def test_another_origin_shifts_the_band(seed: int, shift: int) -> None:
    dice = random.Random(seed)
    points = series([-100.5 + dice.uniform(-30, 30) for _ in range(40)])
    shifted = [replace(point, value=point.value + shift) for point in points]
    ours, theirs = (judge(some, after(points), BERLIN, NARROW) for some in (points, shifted))
    assert [bound + shift for bound in bounds(ours)] == pytest.approx(bounds(theirs), abs=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_points_does_not_matter_nor_do_later_ones(seed: int) -> None:
    points = daily(50, lambda at: 100 if at.weekday() < 5 else 20, seed=seed)
    at = points[40].at
    expected = judge(points[:40], at, BERLIN, Settings())
    assert judge(random.Random(seed).sample(points, 50), at, BERLIN, Settings()) == expected
    judged = replace(points[40], value=1e9)
    assert judge([*points[:40], judged], at, BERLIN, Settings()) == expected


def test_it_learns_first_and_says_how_far_it_is() -> None:
    points = series([5.0] * 8)
    baseline = judge(points, after(points), BERLIN, Settings())
    assert (baseline.low, baseline.high, baseline.words) == (None, None, "learning 8 of 20")
    assert judge(points, after(points), BERLIN, Settings(learn=8)).low == 4.75


def test_a_constant_series_leaves_room_for_min_change_alone() -> None:
    points = series([200.0] * 30)
    assert bounds(judge(points, after(points), BERLIN, Settings())) == (190, 210)
    assert bounds(judge(points, after(points), BERLIN, Settings(min_share=0, min_amount=3))) == (197, 203)
    nothing = series([0.0] * 30)
    assert bounds(judge(nothing, after(nothing), BERLIN, Settings())) == (0, 0)


def test_weekdays_in_the_zone_of_the_document() -> None:
    late = [
        replace(point, at=point.at + 18 * HOUR)
        for point in daily(60, lambda at: 1000 if (at + 18 * HOUR).astimezone(BERLIN).weekday() < 5 else 200)
    ]
    baseline = judge(late, after(late), BERLIN, Settings())
    assert baseline.season == "weekday"
    assert baseline.words.startswith("usual on Saturdays: ")
    assert baseline.words.endswith(", from 8 earlier Saturdays")
    assert 100 < bounds(baseline)[0] < 200 < bounds(baseline)[1] < 300
    assert judge(late, after(late), BERLIN, Settings(season="none")).season == "none"


@pytest.mark.parametrize(("minute", "day"), [(-20, "Sundays"), (20, "Mondays")])
def test_a_time_that_wanders_around_midnight_is_of_one_day(minute: int, day: str) -> None:
    midnight = datetime(2026, 1, 4, 23, tzinfo=UTC)  # in Berlin
    points = [
        Point(midnight + DAY * n + timedelta(minutes=minute + (n % 7 - 3) * 8), 1000.0 if (n % 7) else 100.0) for n in range(56)
    ]
    baseline = judge(points, points[-1].at + DAY, BERLIN, Settings())
    assert f"on {day}" in baseline.words
    assert bounds(baseline)[1] < 200


@pytest.mark.parametrize(("minute", "clock"), [(0, "17:00"), (58, "16:58"), (7, "17:07"), (30, "17:30")])
def test_an_hour_is_told_with_the_minute_that_points_have(minute: int, clock: str) -> None:
    begin = datetime(2026, 2, 2, tzinfo=UTC) + timedelta(minutes=minute)
    points = [Point(begin + HOUR * n, 300.0 + n % 5 if 8 <= n % 24 < 18 else 40.0 + n % 5) for n in range(24 * 21)]
    at = begin + DAY * 21 + HOUR * (15 if minute == 58 else 16)  # an hour less than in Berlin
    assert f" at {clock}: " in judge(points, at, BERLIN, Settings(season="hour")).words


def test_a_time_that_wanders_around_midnight_is_of_the_day_on_the_clock_if_the_values_say_so() -> None:
    midnight = datetime(2026, 1, 4, 23, tzinfo=UTC)  # in Berlin
    dice = random.Random(1)
    ats = [midnight + DAY * n + timedelta(minutes=dice.uniform(-30, 20)) for n in range(70)]
    points = [Point(at, 1000.0 if at.astimezone(BERLIN).weekday() < 5 else 300.0) for at in ats]
    late, early = (midnight + 75 * DAY + timedelta(minutes=minutes) for minutes in (-10, 10))
    assert (late.astimezone(BERLIN).weekday(), early.astimezone(BERLIN).weekday()) == (4, 5)
    assert bounds(judge(points, late, BERLIN, Settings()))[0] > 800
    assert bounds(judge(points, early, BERLIN, Settings()))[1] < 400


def test_near_midnight_either_day_is_usual_while_no_values_say_which() -> None:
    midnight = datetime(2026, 1, 5, 23, tzinfo=UTC)  # in Berlin, when Monday ends
    points = [Point(midnight + DAY * n + timedelta(minutes=15), 1000.0 if n % 7 < 4 or n % 7 == 6 else 300.0) for n in range(60)]
    early = judge(points, midnight + 60 * DAY - timedelta(minutes=1), BERLIN, Settings())  # Friday 23:59, or of Saturday
    assert bounds(early) == (285, 1050)
    assert "so near midnight also usual on Fridays: " in early.words
    later = judge(points, midnight + 60 * DAY + timedelta(minutes=1), BERLIN, Settings())
    assert bounds(later) == (285, 315)


def test_hours_on_the_day_when_clocks_change() -> None:
    begin = datetime(2026, 3, 9, tzinfo=UTC)
    dice = random.Random(1)

    def usual(at: datetime) -> float:
        return 1000 + 100 * at.astimezone(BERLIN).hour

    points = [Point(at, usual(at) + dice.uniform(-20, 20)) for at in (begin + HOUR * n for n in range(24 * 21))]
    for at in (points[-1].at + HOUR * n for n in (1, 5, 12)):  # Monday after the Sunday with 23 hours
        low, high = bounds(judge(points, at, BERLIN, Settings()))
        assert low < usual(at) < high
        assert high - low < 700


def test_the_first_weekend_of_hourly_points_is_learned() -> None:
    points = [Point(START + HOUR * n, 1000.0 + n % 24) for n in range(24 * 5 - 8)]  # from Monday to Friday evening
    friday, saturday = after(points, every=HOUR), after(points, 12, HOUR)
    assert judge(points, friday, BERLIN, Settings()).learning is None
    baseline = judge(points, saturday, BERLIN, Settings())
    assert baseline.words == "learning 0 of 3 at such a time of such a day"
    assert judge(points, saturday, BERLIN, Settings(season="none")).learning is None


@pytest.mark.parametrize("seconds", [1, 60])
def test_checks_within_minutes_of_each_other_have_no_season_and_miss_nothing(seconds: int) -> None:
    points = series([100.0 + n % 3 for n in range(1000)], timedelta(seconds=seconds))
    for earlier in range(20, 1000, 49):
        baseline = judge(points[:earlier], points[earlier].at, BERLIN, Settings())
        assert (baseline.season, baseline.learning) == ("none", None)


@settings(max_examples=30)
@given(value=st.floats(-1e6, 1e6), seed=st.integers(0, 10**6))
def test_a_result_has_twelve_digits_and_what_is_usual_stays_so(value: float, seed: int) -> None:
    dice = random.Random(seed)
    values = [value * (1 + dice.uniform(-1, 1) * 1e-15) for _ in range(30)]
    baseline = judge(series(values), after(series(values)), BERLIN, NARROW)
    assert baseline.center is not None
    assert all(number == float(f"{number:.12g}") for number in (baseline.center, *bounds(baseline)))
    assert bounds(baseline)[0] <= min(values) <= max(values) <= bounds(baseline)[1]


def test_a_trend_goes_on() -> None:
    points = daily(60, lambda at: 1000 + 40 * (at - START).days, noise=30)
    low, high = bounds(judge(points, after(points), BERLIN, NARROW))
    assert low < 1000 + 40 * 60 < high
    assert high - low < 500


def test_points_outside_that_agree_move_the_band_and_others_do_not() -> None:
    points = daily(40, lambda at: 1000)
    new = outside([replace(point, value=point.value + 500, at=point.at + 40 * DAY) for point in points[:7]])
    six = judge([*points, *new[:6]], after(new), BERLIN, Settings())
    assert six.moved_at is None
    assert bounds(six)[1] < 1200
    seven = judge([*points, *new], after(new), BERLIN, Settings())
    assert seven.moved_at == new[0].at
    assert bounds(seven)[0] > 1300
    assert seven.words.endswith("; since 2026-02-14 the values lie at another level")
    for other in ([replace(p, value=p.value * (1 + n)) for n, p in enumerate(new)], [replace(p, is_outside=False) for p in new]):
        assert judge([*points, *other], after(new), BERLIN, Settings()).moved_at is None


@pytest.mark.parametrize("every", [DAY, HOUR])
@pytest.mark.parametrize(("factor", "amount"), [(1.6, 0), (2.5, 0), (0.5, 0), (0.3, 0), (1, 600), (1, -600)])
def test_a_shift_under_a_season_moves_the_band_by_a_factor_or_by_an_amount(
    every: timedelta, factor: float, amount: float
) -> None:
    dice, base = random.Random(1), 1000 if amount < 0 else 0

    def usual(at: datetime) -> float:
        local = at.astimezone(BERLIN)
        is_busy = local.weekday() < 5 if every == DAY else 8 <= local.hour < 20
        return base + (1000 if is_busy else 300)

    start = 84 if every == DAY else 24 * 21  # a Monday at 06:00
    points = [Point(START + every * n, usual(START + every * n) * (1 + dice.gauss(0, 0.04))) for n in range(start)]
    assert judge(points, after(points, 1, every), BERLIN, Settings()).moved_at is None
    new = []
    for n in range(start, start + 7 + (0 if every == DAY else 12)):
        at = START + every * n
        value = usual(at) * (1 + dice.gauss(0, 0.04)) * factor + amount
        baseline = judge([*points, *new], at, BERLIN, Settings())
        is_outside = not bounds(baseline)[0] <= value <= bounds(baseline)[1]
        assert is_outside == (n < start + 7) or n == start + 14, "the first of the other hours may be one more"
        new.append(Point(at, value, is_usable=not is_outside, is_outside=is_outside))
    for steps in range(1, 24, 4):
        at = after(new, steps, every)
        baseline = judge([*points, *new], at, BERLIN, Settings())
        low, high = bounds(baseline)
        assert baseline.moved_at == new[0].at
        assert low < usual(at) * factor + amount < high
        assert high - low < usual(at) * factor + amount


@pytest.mark.parametrize("value", [0.0, -100.0])
def test_it_never_says_moved_where_the_new_values_are_still_outside(value: float) -> None:
    points = daily(70, lambda at: 1000 if at.weekday() < 5 else 300)
    new = outside([Point(START + DAY * n, value) for n in range(70, 90)])
    for count in range(7, 20):
        baseline = judge([*points, *new[:count]], new[count].at, BERLIN, Settings())
        assert baseline.moved_at is None or bounds(baseline)[0] <= value <= bounds(baseline)[1]


def test_hours_of_which_half_are_busy_have_a_season_as_narrow_as_their_noise() -> None:
    dice = random.Random(1)
    ats = [START + HOUR * n for n in range(24 * 21)]
    points = [Point(at, (1000 if 8 <= at.astimezone(BERLIN).hour < 20 else 200) * (1 + dice.gauss(0, 0.04))) for at in ats]
    for steps, usual in ((1, 200), (5, 1000)):
        low, high = bounds(judge(points, after(points, steps, HOUR), BERLIN, Settings()))
        assert low < usual < high
        assert high - low < 0.5 * usual


def test_the_level_before_an_outage_is_known_again_after_two_points() -> None:
    points = daily(40, lambda at: 1000)
    out = outside([Point(after(points, 1 + n), 10.0 + n) for n in range(8)])
    out[7] = replace(out[7], is_usable=True, is_outside=False)
    back = outside([Point(after(out, 1 + n), 1000.0 + n) for n in range(2)])
    assert bounds(judge([*points, *out], after(out), BERLIN, Settings()))[1] < 500
    low, high = bounds(judge([*points, *out, *back], after(back), BERLIN, Settings()))
    assert 800 < low < 1000 < high < 1200


def test_one_weekday_moves_alone() -> None:
    points = daily(40, lambda at: 1000)
    later = daily(96, lambda at: 100 if at.weekday() == 6 else 1000)[40:]
    later = [outside([p])[0] if p.at.weekday() == 6 else p for p in later]
    sundays = [p for p in later if p.at.weekday() == 6]
    at = datetime(2026, 4, 12, 5, tzinfo=UTC)
    baseline = judge([*points, *later], at, BERLIN, Settings())
    assert bounds(baseline)[1] < 300
    assert baseline.moved_at == sundays[0].at
    assert bounds(judge([*points, *later], at + DAY, BERLIN, Settings()))[0] > 800


def test_rare_counts_may_be_zero_or_like_the_others() -> None:
    points = series([float(n % 3 == 0) * (3 + n % 5) for n in range(60)])
    low, high = bounds(judge(points, after(points), BERLIN, Settings()))
    assert low == 0
    assert 8 <= high <= 40


def test_a_holiday_may_be_weak_and_teaches_the_weekday_nothing() -> None:
    points = daily(60, lambda at: 1000)
    holiday = points[-1].at.astimezone(BERLIN).date()
    weak = [*points[:-1], replace(points[-1], value=5.0)]
    known = Settings(holidays=(holiday, holiday + DAY))
    assert judge(weak, after(points, 2), BERLIN, known) == judge(points[:-1], after(points, 2), BERLIN, known)
    on_it = judge(weak, after(points), BERLIN, known)
    assert bounds(on_it)[0] == 0
    assert "(a holiday)" in on_it.words
    many = Settings(holidays=(*(holiday - n * DAY for n in range(7)), holiday + DAY))
    assert bounds(judge(points, after(points), BERLIN, many))[0] > 400, "what holidays were is known then"


def test_one_side_alone() -> None:
    points = daily(40, lambda at: 1000)
    both = judge(points, after(points), BERLIN, Settings())
    up, down = (judge(points, after(points), BERLIN, Settings(direction=side)) for side in ("increase", "decrease"))
    assert (up.low, up.high) == (None, both.high)
    assert (down.low, down.high) == (both.low, None)
    assert ": at most " in up.words
    assert ": at least " in down.words


def test_it_looks_at_the_newest_thousand_points_and_names_ten() -> None:
    points = series([1000.0 + n % 7 for n in range(MAX_POINTS + 200)], 8 * DAY)
    baseline = judge(points, after(points), BERLIN, Settings())
    assert baseline == judge(points[200:], after(points), BERLIN, Settings())
    assert baseline.points == MAX_POINTS
    assert [point.check_id for point in baseline.compared_with] == [str(MAX_POINTS + 199 - n) for n in range(10)]
