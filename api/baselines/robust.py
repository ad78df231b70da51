"""Robust numbers: medians, running ones, and a spread that outliers hardly change."""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context
from typing import Literal

MAD_TO_SIGMA = 1.4826  # of a normal distribution
_Q90_TO_SIGMA = 1 / 1.6449
_EXACT, _SHOWN = 15, 12  # digits
_CLIP = 2.5
_CLIPPED_TO_SIGMA = 1.035  # what clipping at 2.5 sigma takes from a normal distribution's standard deviation


def middle(ordered: Sequence[float]) -> float:
    """The median of values that are in order."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return ordered[half - 1] / 2 + ordered[half] / 2


def middle_mean(ordered: Sequence[float]) -> float:
    """The mean of the two middle quarters of values that are in order."""
    quarter = len(ordered) // 4
    kept = ordered[quarter : len(ordered) - quarter]
    return sum(kept) / len(kept)


def median(values: Sequence[float]) -> float:
    return middle(sorted(values))


def spread(errors: Sequence[float]) -> float:
    """A standard deviation that outliers hardly change, by the median absolute deviation from zero.

    That median alone varies a lot where there are few errors, and is 0 where most of them are. So errors are clipped at 2.5 times
    what it says, and their root mean square counts if it is more.
    """
    sizes = sorted(map(abs, errors))
    if not sizes:
        return 0.0
    rough = MAD_TO_SIGMA * middle(sizes)
    upper = sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))] * _Q90_TO_SIGMA
    rough = max(rough, min(upper, 2 * rough) if rough else upper)
    limit = _CLIP * rough
    if not math.isfinite(limit):
        return rough
    if not limit:
        return 0.0
    # scaled, so that squares neither overflow nor vanish
    total = math.fsum(min(size / limit, 1.0) ** 2 for size in sizes)
    return max(rough, _CLIPPED_TO_SIGMA * limit * math.sqrt(total / len(sizes)))


def reach(errors: Sequence[float]) -> float:
    """How far the errors go, but for the largest of them."""
    sizes = sorted(map(abs, errors))
    return sizes[-2] if len(sizes) > 1 else sizes[-1]


def rolling_medians(values: Sequence[float], size: int, start: int) -> list[float]:
    """For each end from `start` (at least 1) to the number of values: the median of the last values before it, at most `size`."""
    ordered = sorted(values[max(0, start - size) : start])
    result = [middle(ordered)]
    for end in range(start + 1, len(values) + 1):
        insort(ordered, values[end - 1])
        if end > size:
            del ordered[bisect_left(ordered, values[end - 1 - size])]
        result.append(middle(ordered))
    return result


def rounded(value: float, rounding: Literal["down", "up", "near"]) -> float:
    """To 12 digits, so that no result says 100.00000000000001. Bounds are rounded down and up, and so become no narrower; what is
    beyond 15 digits is the machine's own rounding, and does not count."""
    if not math.isfinite(value):
        return value
    exact = Context(_EXACT, ROUND_HALF_EVEN).create_decimal(repr(value))
    return float(Context(_SHOWN, {"down": ROUND_FLOOR, "up": ROUND_CEILING}.get(rounding, ROUND_HALF_EVEN)).plus(exact))
