"""The numbers for which a check of another tool fails, and what says the same here: a threshold, bounds, or SQL."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from stringx_dataops.contract.json_types import JsonObject

_SMALLEST = Decimal("0.000000000001")  # of a share: twelve decimals. A share of fewer than 10^9 rows is never closer to a bound
_LARGEST_NATURAL = 1 << 24  # a whole number up to this is the same in every numeric type


@dataclass(frozen=True)
class Zone:
    """Numbers from `low` to `high`, without a bound that is `open`; if `outside`, all others."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False
    outside: bool = False

    def holds(self, value: Decimal | int | float) -> bool:
        """Whether a number lies in the zone."""
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return (above and below) != self.outside

    def inverse(self) -> "Zone":
        """All other numbers."""
        return Zone(self.low, self.high, self.low_open, self.high_open, not self.outside)

    def sql(self, measure: str) -> str:
        """The condition that an SQL expression lies in the zone."""
        inside = []
        if self.low is not None:
            inside.append(f"{measure} {'>' if self.low_open else '>='} {plain(self.low)}")
        if self.high is not None:
            inside.append(f"{measure} {'<' if self.high_open else '<='} {plain(self.high)}")
        words = " and ".join(inside) or "true"
        return f"not ({words})" if self.outside else words


def plain(number: Decimal) -> str:
    """A number without an exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count_above(failing: Zone) -> int | None:
    """The count above which a check fails, if it fails for all counts above one and for no other."""
    high = _greatest_passing_count(failing)
    return high if high is not None and high >= 0 else None


def _greatest_passing_count(failing: Zone) -> int | None:
    if failing.outside:  # what passes lies within
        if failing.high is None or not _from_zero(failing):
            return None
        whole = int(failing.high.to_integral_value(ROUND_FLOOR))
        return whole - 1 if failing.high_open and failing.high == whole else whole
    if failing.high is not None or failing.low is None:
        return None
    whole = int(failing.low.to_integral_value(ROUND_CEILING))
    return whole if failing.low_open and failing.low == whole else whole - 1


def _from_zero(zone: Zone) -> bool:
    return zone.low is None or zone.low < 0 or (zone.low == 0 and not zone.low_open)


def share_above(failing: Zone) -> str | None:
    """The share, such as 1.5%, above which a check fails, if it fails for all shares (0 to 100) above one and for no other."""
    if failing.outside:
        bound, passes = failing.high, not failing.high_open
        if not _from_zero(failing):
            return None
    else:
        bound, passes = failing.low, failing.low_open
        if failing.high is not None and (failing.high < 100 or (failing.high == 100 and failing.high_open)):
            return None
    if bound is None:
        return None
    share = bound if passes else bound - _SMALLEST
    return f"{plain(share)}%" if 0 <= share <= 100 and share == share.quantize(_SMALLEST) else None


def bounds(failing: Zone) -> JsonObject | None:
    """The bounds of a measured rule, if one pair of them says the same."""
    if failing.outside:
        low, high, low_open, high_open = failing.low, failing.high, failing.low_open, failing.high_open
    elif failing.high is None:
        low, high, low_open, high_open = None, failing.low, False, not failing.low_open
    elif failing.low is None:
        low, high, low_open, high_open = failing.high, None, not failing.high_open, False
    else:
        return None
    found: JsonObject = {}
    if low is not None:
        found |= {"min": number(low)} | ({"exclusive_min": True} if low_open else {})
    if high is not None:
        found |= {"max": number(high)} | ({"exclusive_max": True} if high_open else {})
    return found or None


def count_bounds(failing: Zone) -> JsonObject | None:
    """The bounds of a number of rows, in whole numbers, if one pair of them says the same."""
    given = bounds(failing)
    if given is None:
        return None
    found: JsonObject = {}
    if "min" in given:
        low = Decimal(str(given["min"]))
        whole = int(low.to_integral_value(ROUND_CEILING))
        found["min"] = max(0, whole + 1 if given.get("exclusive_min") and low == whole else whole)
    if "max" in given:
        high = Decimal(str(given["max"]))
        whole = int(high.to_integral_value(ROUND_FLOOR))
        found["max"] = whole - 1 if given.get("exclusive_max") and high == whole else whole
    if found.get("max", 0) < 0 or found.get("max", found.get("min", 0)) < found.get("min", 0):
        return None
    return found


def number(value: Decimal) -> int | str:
    """A number as a document holds it: whole, or the text of its digits."""
    return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else plain(value)


def is_natural(value: Decimal) -> bool:
    """Whether a bound means the same in every numeric type, so that it may be read as the column's type."""
    return value == value.to_integral_value() and abs(value) <= _LARGEST_NATURAL


def before_rounding(failing: Zone) -> Zone:
    """The zone of the percentages that lie in it after Python has rounded them to two decimals."""
    low, low_open = failing.low, failing.low_open
    high, high_open = failing.high, failing.high_open
    if low is not None:
        grid = int((low * 100).to_integral_value(ROUND_CEILING))
        grid += 1 if low_open and low * 100 == grid else 0
        low, low_open = _between(grid - 1), not _rounds_up(grid - 1)
    if high is not None:
        grid = int((high * 100).to_integral_value(ROUND_FLOOR))
        grid -= 1 if high_open and high * 100 == grid else 0
        high, high_open = _between(grid), _rounds_up(grid)
    return Zone(low, high, low_open, high_open, failing.outside)


def _between(grid: int) -> Decimal:
    """Half way between a hundredth and the next."""
    return (Decimal(grid) * 2 + 1) / 200


def _rounds_up(grid: int) -> bool:
    """Whether half way between a hundredth and the next is rounded to the next, as a double."""
    return round(float(Fraction(2 * grid + 1, 200)), 2) > grid / 100
