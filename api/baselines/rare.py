"""Counts that are mostly nothing, and sometimes a few: zero is usual, and so is what is like the other counts above it."""

import math
from collections import defaultdict
from collections.abc import Sequence

from api.baselines.robust import median, spread
from api.baselines.slots import Moment

_LEAST_ZEROS = 3
_LEAST_SHARE = 0.1
_FEW = 8


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
    """Up to where counts above zero are usual: they spread by shares, as logarithms, and at least as rare events do."""
    most = max(counts)
    if len(counts) < _FEW:
        return math.ceil(most * (1 + sensitivity / math.sqrt(len(counts))) + sensitivity * math.sqrt(most) + 1)
    logs = [math.log(count) for count in counts]
    center = median(logs)
    sigma = spread([one - center for one in logs]) * (1 + 4 / len(counts))
    by_share = math.exp(min(center + sensitivity * sigma, 700))
    by_chance = (math.sqrt(math.exp(center)) + sensitivity / 2) ** 2
    return math.ceil(max(by_share, by_chance, most if most <= 2 * by_share else 0))


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
