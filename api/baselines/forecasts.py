"""Where the next value of a series without season is expected, and how far off such forecasts were."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt

from api.baselines.robust import rolling_medians, spread

_LOOKED_AT = 120  # forecasts that are made again, to see how far off they were
_LONG, _SHORT, _HALF = 28, 7, 14  # points
_LONGEST = 336
_LEAST = 8
_GAIN = 0.9  # a livelier forecast is used if its errors are smaller than this share of a calmer one's
_LONGEST_GAP = 30.0  # steps; after more of them, the errors of the last value are no larger


@dataclass(frozen=True)
class Forecast:
    name: str  # "level", "recent level", "trend" or "last value"
    center: float
    errors: list[float]  # of the same forecast at earlier points
    indexes: range  # which points these were
    stretch: float  # by which the errors grow until the judged moment


def forecast(days: Sequence[float], values: Sequence[float], at: float, spacing: float, week: int) -> Forecast:
    """`week`: how many points come in a week, which the level is made of at least."""
    count = len(values)
    start = min(max(_LEAST, count - _LOOKED_AT), count - 1)
    indexes = range(start, count)
    times = [*days, at]
    centers = {
        "level": rolling_medians(values, max(_LONG, min(week, _LONGEST)), start),
        "recent level": rolling_medians(values, _SHORT, start),
        "trend": _trends(times, values, start),
    }
    errors = {name: [values[i] - found[i - start] for i in indexes] for name, found in centers.items()}
    last, stretches = _lasts(times, values, start, spacing)
    centers["last value"] = last
    errors["last value"] = [(values[i] - last[i - start]) / stretches[i - start] for i in indexes]
    name, least = "level", spread(errors["level"])
    for other in ("recent level", "trend", "last value"):
        size = spread(errors[other])
        if size < _GAIN * least:
            name, least = other, size
    return Forecast(name, centers[name][-1], errors[name], indexes, stretches[-1] if name == "last value" else 1.0)


def _trends(times: Sequence[float], values: Sequence[float], start: int) -> list[float]:
    """For each end from `start` on: the line through the medians of the two halves of the points before it."""
    medians = rolling_medians(values, _HALF, 1)  # of the points before 1, 2, …
    sums = [0.0, *accumulate(times)]
    result = []
    for end in range(start, len(values) + 1):
        half = min(_HALF, end // 2)
        if half == _HALF:
            level, before = medians[end - 1], medians[end - half - 1]
        else:
            level, before = (
                rolling_medians(values[begin : begin + half], half, half)[0] for begin in (end - half, end - 2 * half)
            )
        late, early = (sums[end] - sums[end - half]) / half, (sums[end - half] - sums[end - 2 * half]) / half
        slope = (level - before) / (late - early) if late > early else 0.0
        result.append(level + slope * (times[end] - late))
    return result


def _lasts(times: Sequence[float], values: Sequence[float], start: int, spacing: float) -> tuple[list[float], list[float]]:
    """The last value and the usual step since; what adds up is off by more after a gap, as the root of its length."""
    shortest = spacing / 4 or 1e-9
    steps = [
        (values[i] - values[i - 1]) / max(times[i] - times[i - 1], shortest) for i in range(max(1, start - _LONG), len(values))
    ]
    offset = len(values) - 1 - len(steps)  # the step to point i is at i - 1 - offset
    usual = rolling_medians(steps, _LONG, start - 1 - offset)
    centers, stretches = [], []
    for end in range(start, len(values) + 1):
        passed = max(times[end] - times[end - 1], 0.0)
        centers.append(values[end - 1] + usual[end - start] * passed)
        stretches.append(sqrt(min(max(passed / (spacing or 1e-9), 1.0), _LONGEST_GAP)))
    return centers, stretches
