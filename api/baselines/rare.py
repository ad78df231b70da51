"""Counts that are mostly nothing, and sometimes a few: zero is usual, and so is what is like the other counts above it."""

import math
from collections import defaultdict
from collections.abc import Sequence

from api.baselines.robust import median, spread
from api.baselines.scales import LOGARITHM, ROOT
from api.baselines.slots import Moment

_LEAST_ZEROS = 3
_LEAST_SHARE = 0.1
_FEW = 8
_TIMES = 3.5  # how far beyond the largest of n counts the next may be: by this over the root of n, per standard deviation
_OF_EVENTS = 0.5  # the standard deviation of the root of how many events there are, if they are independent
_NAT = 1.0  # the other scale counts too if it explains the counts nearly as well


def is_rare(values: Sequence[float], found: Sequence[Moment], has_season: bool) -> bool:
    """Whether zeros come again and again, and neither weekdays nor hours explain when."""
    zeros = [value == 0 for value in values]
    count = sum(zeros)
    if count < max(_LEAST_ZEROS, _LEAST_SHARE * len(values)) or count == len(values) or min(values) < 0:
        return False
    if any(value != int(value) for value in values):
        return False
    if not has_season:
        return True
    surprising = min(_mixed(zeros, [moment.weekday for moment in found]), _mixed(zeros, [moment.hour for moment in found]))
    return surprising > min(0.05, 0.25 * count / len(values))


def _mixed(zeros: Sequence[bool], slots: Sequence[int]) -> float:
    """The share of points that are not as most of their slot are."""
    groups: dict[int, list[bool]] = defaultdict(list)
    for slot, zero in zip(slots, zeros, strict=True):
        groups[slot].append(zero)
    return sum(min(sum(group), len(group) - sum(group)) for group in groups.values()) / len(zeros)


def highest(counts: Sequence[float], sensitivity: float) -> float:
    """Up to where counts above zero are usual: they spread as their roots or logarithms do, at least as rare events, and not many
    times beyond the largest."""
    count, most = len(counts), max(counts)
    beyond = math.ceil(most * (1 + _TIMES * sensitivity / math.sqrt(count)) + sensitivity * math.sqrt(most))
    if count < _FEW:
        return beyond
    limits: dict[float, float] = {}
    for scale in (ROOT, LOGARITHM):
        values = [scale.there(value) for value in counts]
        center = median(values)
        errors = [value - center for value in values]
        sigma = max(spread(errors) * (1 + 4 / count), _OF_EVENTS if scale is ROOT else 0.0)
        mean = math.fsum(map(abs, errors)) / count
        likelihood = math.fsum(map(scale.log_slope, counts)) - count * math.log(mean) if mean else 0.0
        limits[likelihood] = max(limits.get(likelihood, 0.0), scale.back(center + sensitivity * sigma))
    high = max(limit for likelihood, limit in limits.items() if likelihood >= max(limits) - _NAT)
    return float(math.ceil(max(min(high, beyond), most if most <= 2 * high else 0)))


def agreeing(counts: Sequence[float], is_outside: Sequence[bool], adapt: int) -> list[bool]:
    """Which points outside are usable after all: `adapt` counts above zero in a row, zeros aside, within a factor of ten."""
    usable = [not outside for outside in is_outside]
    run: list[int] = []
    for index, count in enumerate(counts):
        if count == 0:
            continue
        if not is_outside[index]:
            run = []
            continue
        run.append(index)
        last = run[-adapt:]
        if len(last) == adapt and max(counts[i] for i in last) <= 10 * min(counts[i] for i in last):
            for i in last:
                usable[i] = True
            run = []
    return usable
