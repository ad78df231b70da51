"""Three ways to judge the points of a series one after another: the band of `unusual`, and the two that it is compared with."""

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.baselines.band import Point, Settings, judge
from benchmarks.unusual.making import LEARN, Series


@dataclass(frozen=True)
class Judged:
    truth: bool
    is_flagged: bool


Method = Callable[[Series], list[Judged]]


def unusual(series: Series) -> list[Judged]:
    """As DataOps does: a point outside is left out of later bands, until points outside agree. While it learns, nothing is."""
    settings = Settings(learn=LEARN, holidays=series.holidays)
    points: deque[Point] = deque(maxlen=1_000)
    judged = []
    for index, observed in enumerate(series.points):
        if index < series.judged_from:
            is_flagged = observed.truth is True
        else:
            baseline = judge(points, observed.at, series.zone, settings)
            is_low = baseline.low is not None and observed.value < baseline.low
            is_flagged = is_low or (baseline.high is not None and observed.value > baseline.high)
        points.append(Point(observed.at, observed.value, is_usable=not is_flagged, is_outside=is_flagged))
        if index >= series.judged_from and observed.truth is not None:
            judged.append(Judged(observed.truth, is_flagged))
    return judged


def z_score(series: Series, days: int) -> list[Judged]:
    """Elementary's way: the mean of the last `days` without the judged point, and three sample standard deviations around it.

    Where they are all the same, nothing is unusual, as there.
    """
    judged = []
    window: deque[tuple[datetime, float]] = deque()
    for index, observed in enumerate(series.points):
        while window and window[0][0] < observed.at - timedelta(days=days):
            window.popleft()
        if index >= series.judged_from and observed.truth is not None:
            values = [value for _, value in window]
            is_flagged = False
            if len(values) >= 7:
                deviation = statistics.stdev(values)
                is_flagged = deviation > 0 and abs(observed.value - statistics.fmean(values)) > 3 * deviation
            judged.append(Judged(observed.truth, is_flagged))
        window.append((observed.at, observed.value))
    return judged


def seasonal_naive(series: Series, quantile: float) -> list[Judged]:
    """The value of the same local time a week before (or the nearest before), ± a quantile of the errors so far."""
    judged = []
    seen: list[tuple[datetime, float]] = []
    errors: list[float] = []
    position = 0
    for index, observed in enumerate(series.points):
        wanted = week_before(observed.at, series)
        while position + 1 < len(seen) and seen[position + 1][0] <= wanted + timedelta(minutes=59):
            position += 1
        error = abs(observed.value - seen[position][1]) if seen and seen[0][0] <= wanted + timedelta(minutes=59) else None
        if index >= series.judged_from and observed.truth is not None:
            is_flagged = False
            if error is not None and len(errors) >= 7:
                ordered = sorted(errors)
                is_flagged = error > ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
            judged.append(Judged(observed.truth, is_flagged))
        if error is not None:
            errors.append(error)
        seen.append((observed.at, observed.value))
    return judged


def week_before(at: datetime, series: Series) -> datetime:
    return (at.astimezone(series.zone) - timedelta(days=7)).astimezone(at.tzinfo)
