"""Head-room: how far a later load may be from what was seen and still be the same. And numbers in few digits."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

RISK = 0.005  # that a load like the one that was seen is beyond its head-room, per share
# A later load has a chance of its own, so both together tell as much as one that is half as large (equal sizes: 1/n + 1/n).
SEEN = 0.5
MOST_DRIFT = 0.02  # a share may move by as much as half of itself, and at most by this
_STEPS = 60  # of a bisection: more than the digits of a float


def share_above(count: int, total: int) -> float:
    """The share of violations that a later load has hardly ever more of, if `count` of `total` rows violate now."""
    if total <= 0 or count >= total:
        return 1.0
    seen, share = total * SEEN, count / total
    low, high = share, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        # The chance of so few violations, were their share `middle`: of the binomial, by the incomplete beta function
        # (Clopper and Pearson, 1934), which takes counts that are not whole.
        if 1 - incomplete_beta(middle, count * SEEN + 1, seen - count * SEEN) > RISK:
            low = middle
        else:
            high = middle
    return min(1.0, max(high, share + min(share / 2, MOST_DRIFT)))


def share_text(share: float) -> str:
    """A threshold in percent, rounded up to two digits."""
    return f"{_plain(_rounded(Decimal(repr(min(share, 1.0) * 100)), ROUND_CEILING, 2))}%"


def percent(share: float) -> str:
    """A share in words, to two digits, and 0% or 100% only if it is."""
    value = share * 100
    if 0 < value < 0.01:
        return "less than 0.01%"
    if 99.99 < value < 100:
        return "more than 99.99%"
    digits = 2 if value < 10 else 1
    return f"{_plain(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits)))}%"


def rounded_down(value: float, unit: float) -> int | float:
    """The largest number of few digits that is not above the value; `unit` is what is too small to matter."""
    return _number(value, unit, ROUND_FLOOR)


def rounded_up(value: float, unit: float) -> int | float:
    """The smallest number of few digits that is not below the value."""
    return _number(value, unit, ROUND_CEILING)


def in_words(value: float) -> str:
    """A number with up to four digits that count."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _number(value: float, unit: float, rounding: str) -> int | float:
    """To the power of ten that is at most the unit."""
    exponent = math.floor(math.log10(unit)) if unit > 0 else -6
    step = Decimal(1).scaleb(exponent)
    found = (Decimal(repr(value)) / step).to_integral_value(rounding) * step
    return int(found) if found == found.to_integral_value() else float(found)


def _rounded(value: Decimal, rounding: str, digits: int) -> Decimal:
    if value == 0:
        return value
    return value.quantize(Decimal(1).scaleb(max(value.adjusted() - digits + 1, -12)), rounding)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(2000):
        half = step // 2
        if step == 0:
            numerator = 1.0
        elif step % 2 == 0:
            numerator = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            numerator = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        d = 1 / (1 + numerator * d or tiny)
        c = 1 + numerator / c or tiny
        fraction *= c * d
        if abs(1 - c * d) < 1e-12:
            break
    return front * (fraction - 1)
