"""The season of a series: its form is decided by the data, its effects are medians of slots."""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.robust import median, middle, middle_mean, spread
from api.baselines.slots import Calendar, Moment, Rhythm, Slots, coarser

_LEAST_GAIN = 0.92  # a season is used if the errors become smaller than this share of theirs without it
_CLEAR = 6.0  # or if the median of a slot is so many standard errors from nothing
_TRIM = 0.02  # share of the errors, the largest, that no decision about the season hangs on
_MEDIAN_VARIANCE = 1.57  # of a median, in terms of a mean's
_FAR_APART = 4.0  # two values of a slot, in terms of how far apart they usually are
_WEEK = 6.99  # a bit less, so that no weekday is in it twice


@dataclass(frozen=True)
class Season:
    name: str
    slots: Slots  # of the points
    effects: dict[int, float]
    counts: dict[int, int]

    def inflation(self, slot: int) -> float:
        """By how much a forecast's error is larger than the errors from which the effects were made."""
        if self.name == "none":
            return 1.0
        mean = len(self.slots) / max(1, len(self.counts))
        own = self.counts.get(slot, 0)
        return math.sqrt((1 + _MEDIAN_VARIANCE / max(own, 1)) / max(1 - 1 / max(mean, 1.01), 0.2))


def trend_of(days: Sequence[float], values: Sequence[float], is_jumping: bool = False) -> list[float]:
    """The running median of the week around each point: of whole weeks, so that a season is left and a trend is not. At the ends
    it is the first and the last week.

    `is_jumping`: the values have a season of hours. If half of them are busy, the median is of this half, then of the other one;
    the mean of the two middle quarters is not.
    """
    center = middle_mean if is_jumping else middle
    ordered: list[float] = []
    begin = end = 0
    count = len(days)
    result = []
    for day in days:
        first = min(max(day - _WEEK / 2, days[0]), days[-1] - _WEEK)
        while end < count and days[end] <= first + _WEEK:
            insort(ordered, values[end])
            end += 1
        while days[begin] < first:
            del ordered[bisect_left(ordered, values[begin])]
            begin += 1
        result.append(center(ordered))
    return result


def season_of(name: str, calendar: Calendar, rests: Sequence[float]) -> Season:
    """A slot's effect is the median of its rests. Two rests that are far apart are not averaged: the one nearer to the coarser
    slot's effect counts."""
    slots = calendar.slots(name)
    if name == "none":
        return Season(name, slots, {0: 0.0}, {0: len(slots)})
    groups = _groups(slots, rests)
    effects = {slot: median(values) for slot, values in groups.items()}
    pairs = [slot for slot, values in groups.items() if len(values) == 2]
    if pairs:
        widest = _FAR_APART * median([abs(values[0] - values[1]) for values in groups.values() if len(values) > 1])
        doubtful = [slot for slot in pairs if abs(groups[slot][0] - groups[slot][1]) > widest]
        if doubtful:
            coarse = calendar.slots(coarser(name))
            medians = {slot: median(values) for slot, values in _groups(coarse, rests).items()}
            above = {slot: medians[wide] for slot, wide in zip(slots, coarse, strict=True)}
            effects |= {slot: min(groups[slot], key=lambda rest: (abs(rest - above[slot]), rest)) for slot in doubtful}
    return Season(name, slots, effects, {slot: len(values) for slot, values in groups.items()})


def _groups(slots: Slots, rests: Sequence[float]) -> dict[int, list[float]]:
    groups: dict[int, list[float]] = defaultdict(list)
    for slot, rest in zip(slots, rests, strict=True):
        groups[slot].append(rest)
    return groups


def candidates(wanted: str, rhythm: Rhythm, days: float) -> list[str]:
    """From the plainest on. `days`: how long the points reach back."""
    if wanted == "none" or not rhythm.is_by_weekday:
        return ["none"]
    if wanted == "hour":
        return ["hour" if rhythm.is_several_per_day else "none"]
    if wanted == "weekday":
        return ["weekday"]
    if not rhythm.is_several_per_day:
        return ["none", "weekday"]
    names = ["none", "weekday", "hour", "hour and weekend"]
    return [*names, "weekday and hour"] if days >= 21 else names


def choose(names: Sequence[str], calendar: Calendar, rests: Sequence[float]) -> Season:
    """The plainest season that explains the values about as well as a richer one."""
    best = season_of(names[0], calendar, rests)
    if len(names) == 1:
        return best
    least = _cost(best, rests)
    for name in names[1:]:
        season = season_of(name, calendar, rests)
        cost = _cost(season, rests)
        if cost < _LEAST_GAIN * least or (best.name == "none" and _is_clear(season, rests)):
            best, least = season, cost
    return best


def weekday_costs(ways: Sequence[Sequence[Moment]], values: Sequence[float]) -> list[float]:
    """How much of the values is left unexplained by the weekdays, for each way to tell them."""
    trend = trend_of([moment.days for moment in ways[0]], values)
    rests = [value - level for value, level in zip(values, trend, strict=True)]
    return [_cost(season_of("weekday", Calendar(found), rests), rests) for found in ways]


def _cost(season: Season, rests: Sequence[float]) -> float:
    sizes = sorted(abs(rest - season.effects[slot]) for rest, slot in zip(rests, season.slots, strict=True))
    kept = sizes[: max(1, len(sizes) - math.ceil(_TRIM * len(sizes)))]
    freedom = 1 - min(0.9, (len(season.counts) if season.name != "none" else 0) / len(rests))
    return math.fsum(kept) / len(kept) / freedom


def _is_clear(season: Season, rests: Sequence[float]) -> bool:
    limit = _CLEAR * 1.25 * spread([rest - season.effects[slot] for rest, slot in zip(rests, season.slots, strict=True)])
    return any(count >= 3 and abs(season.effects[slot]) * math.sqrt(count) > limit for slot, count in season.counts.items())
