"""Scales on which the noise of a series may be alike at every level: as it is, as the root, or as the logarithm."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_IN_ROOT = 0.375  # added to a count before its root: so is its variance nearly the same for small counts, too (Anscombe)


@dataclass(frozen=True)
class Scale:
    """`least`: the smallest value that it takes. `log_slope`: the logarithm of its derivative."""

    there: Callable[[float], float]
    back: Callable[[float], float]
    log_slope: Callable[[float], float]
    least: float = -math.inf


def _squared(value: float) -> float:
    return max(value * value - _IN_ROOT, 0.0) if value > 0 else 0.0


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf


LINEAR = Scale(lambda value: value, lambda value: value, lambda value: 0.0)
ROOT = Scale(lambda value: math.sqrt(value + _IN_ROOT), _squared, lambda value: -math.log(2 * math.sqrt(value + _IN_ROOT)), 0.0)
LOGARITHM = Scale(math.log, _exp, lambda value: -math.log(value), math.ulp(0.0))


def scales(values: Sequence[float]) -> list[Scale]:
    """Those that fit these values: the root is for counts."""
    least = min(values)
    found = [LINEAR]
    if least >= 0 and all(value == int(value) for value in values):
        found.append(ROOT)
    if least > 0:
        found.append(LOGARITHM)
    return found
