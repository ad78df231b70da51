"""The season of a series: its form is decided by the data, its effects are medians of slots."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.robust import median, spread
from api.baselines.slots import Moment, Rhythm, Slots, coarser, slots_of

_LEAST_GAIN = 0.92  # a season is used if the errors become smaller than this share of theirs without it
_CLEAR = 6.0  # or if the median of a slot is so many standard errors from nothing
_TRIM = 0.02  # share of the errors, the largest, that no decision about the season hangs on
_MEDIAN_VARIANCE = 1.57  # of a median, in terms of a mean's

WORKDAY, WEEKEND_SLOT = 0, 1


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


def detrended(days: Sequence[float], values: Sequence[float], rhythm: Rhythm) -> list[float]:
    """The values less the running median of the week around each: whole weeks, so that a season is left and a trend is not."""
    if not rhythm.is_by_weekday:
        level = median(values)
        return [value - level for value in values]
    from bisect import bisect_left, insort

    half = 3.5
    ordered: list[float] = []
    first = last = 0
    result = []
    for index, day in enumerate(days):
        while last < len(days) and days[last] < day + half:
            insort(ordered, values[last])
            last += 1
        while days[first] <= day - half:
            del ordered[bisect_left(ordered, values[first])]
            first += 1
        size = len(ordered)
        center = ordered[size // 2] if size % 2 else (ordered[size // 2 - 1] / 2 + ordered[size // 2] / 2)
        result.append(values[index] - center)
    return result


def season_of(name: str, found: Sequence[Moment], rests: Sequence[float]) -> Season:
    """A slot's effect is the median of its rests. In a slot with an even number of them, the coarser slot's effect is one more."""
    slots = slots_of(name, found)
    if name == "none":
        return Season(name, slots, {0: 0.0}, {0: len(slots)})
    base = _coarse(coarser(name), found, rests)
    groups: dict[int, list[float]] = defaultdict(list)
    coarse: dict[int, float] = {}
    for index, slot in enumerate(slots):
        groups[slot].append(rests[index])
        coarse[slot] = base[index]
    effects = {
        slot: median([*values, coarse[slot]]) if len(values) % 2 == 0 else median(values) for slot, values in groups.items()
    }
    return Season(name, slots, effects, {slot: len(values) for slot, values in groups.items()})


def _coarse(name: str, found: Sequence[Moment], rests: Sequence[float]) -> list[float]:
    keys = [int(moment.weekday >= 5) for moment in found] if name == "weekend" else slots_of(name, found)
    groups: dict[int, list[float]] = defaultdict(list)
    for key, rest in zip(keys, rests, strict=True):
        groups[key].append(rest)
    medians = {key: median(values) for key, values in groups.items()}
    return [medians[key] for key in keys]


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


def choose(names: Sequence[str], found: Sequence[Moment], rests: Sequence[float]) -> Season:
    """The plainest season that explains the values about as well as a richer one."""
    best = season_of(names[0], found, rests)
    if len(names) == 1:
        return best
    least = _cost(best, rests)
    for name in names[1:]:
        season = season_of(name, found, rests)
        cost = _cost(season, rests)
        if cost < _LEAST_GAIN * least or (best.name == "none" and _is_clear(season, rests)):
            best, least = season, cost
    return best


def _cost(season: Season, rests: Sequence[float]) -> float:
    sizes = sorted(abs(rest - season.effects[slot]) for rest, slot in zip(rests, season.slots, strict=True))
    kept = sizes[: max(1, len(sizes) - math.ceil(_TRIM * len(sizes)))]
    freedom = 1 - min(0.9, (len(season.counts) if season.name != "none" else 0) / len(rests))
    return math.fsum(kept) / len(kept) / freedom


def _is_clear(season: Season, rests: Sequence[float]) -> bool:
    within = spread([rest - season.effects[slot] for rest, slot in zip(rests, season.slots, strict=True)])
    limit = _CLEAR * 1.25 * season.inflation(-1) * within if False else _CLEAR * 1.25 * within
    return any(
        count >= 3 and abs(season.effects[slot]) * math.sqrt(count) > limit and abs(season.effects[slot]) > 0
        for slot, count in season.counts.items()
    )
