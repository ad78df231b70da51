"""Thresholds of Soda 4."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.validity import decimal
from stringx_dataops.exchange.zones import Zone

_LOW = {"must_be_greater_than": True, "must_be_greater_than_or_equal": False}
_HIGH = {"must_be_less_than": True, "must_be_less_than_or_equal": False}
_RANGES = ("must_be_between", "must_be_not_between")
_COMPARISONS = frozenset((*_LOW, *_HIGH, *_RANGES, "must_be", "must_not_be"))
_BOUNDS = frozenset(("greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal"))


@dataclass(frozen=True)
class Judged:
    """Where a check fails and warns, and of what: a percentage or a count, and in which unit of time."""

    failing: Zone | None
    warning: Zone | None = None
    percent: bool = False
    unit: str | None = None

    def zones(self) -> Iterator[tuple[Zone, Literal["error", "warn"]]]:
        """Each zone with the severity in it."""
        if self.failing is not None:
            yield self.failing, "error"
        if self.warning is not None:
            yield self.warning, "warn"


def none_of() -> Judged:
    """It fails above 0."""
    return Judged(Zone(Decimal(0), low_open=True))


def at_least_one() -> Judged:
    """It fails for 0 and less."""
    return Judged(Zone(high=Decimal(0)))


def read_threshold(value: Any, default: Judged | None) -> Judged:
    """A check's field `threshold`. Raises NotUnderstood if it says nothing and there is no default."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise NotUnderstood("threshold must be a mapping")
    if unknown := next((key for key in value if key not in _COMPARISONS | {"level", "additional", "metric", "unit"}), None):
        raise NotUnderstood(f"the threshold {unknown!r} is not known")
    percent, unit = value.get("metric") == "percent", value.get("unit")
    if value.get("metric") not in (None, "percent", "count"):
        raise NotUnderstood("metric must be count or percent")
    zones: dict[str, Zone] = {}
    for part in (value, value.get("additional")):
        if part is None:
            continue
        if not isinstance(part, dict):
            raise NotUnderstood("additional must be a mapping")
        if (zone := _zone(part)) is not None:
            zones.setdefault("warn" if str(part.get("level", "fail")).lower() == "warn" else "fail", zone)
    if not zones:
        if default is None:
            raise NotUnderstood("has no threshold")
        warns = str(value.get("level", "fail")).lower() == "warn"
        zones = {"warn" if warns else "fail": default.failing} if default.failing is not None else {}
    return Judged(zones.get("fail"), zones.get("warn"), percent, unit if isinstance(unit, str) else None)


def _zone(threshold: dict[str, Any]) -> Zone | None:
    """Where it does not pass; None without a comparison."""
    given = {key: value for key, value in threshold.items() if key in _COMPARISONS and value is not None}
    if not given:
        return None
    if len(given) > 1:
        raise NotUnderstood(f"has several comparisons ({', '.join(sorted(given))}), and Soda does not evaluate it then")
    ((key, value),) = given.items()
    if key in _RANGES:
        return _range(key, value)
    bound = decimal(key, value)
    if key in _LOW:
        return Zone(low=bound, low_open=_LOW[key]).inverse()
    if key in _HIGH:
        return Zone(high=bound, high_open=_HIGH[key]).inverse()
    return Zone(bound, bound, outside=key == "must_be")


def _range(key: str, value: Any) -> Zone:
    if not isinstance(value, dict) or not value.keys() <= _BOUNDS:
        raise NotUnderstood(f"{key} must hold two bounds, such as greater_than and less_than")
    lows = [name for name in ("greater_than", "greater_than_or_equal") if value.get(name) is not None]
    highs = [name for name in ("less_than", "less_than_or_equal") if value.get(name) is not None]
    if len(lows) != 1 or len(highs) != 1:
        raise NotUnderstood(f"{key} must hold one lower and one upper bound")
    low, high = decimal(lows[0], value[lows[0]]), decimal(highs[0], value[highs[0]])
    low_open, high_open = lows[0] == "greater_than", highs[0] == "less_than"
    if key == "must_be_between":
        if low >= high:
            raise NotUnderstood("the bounds are the wrong way round, and Soda does not evaluate it then")
        return Zone(low, high, low_open, high_open, outside=True)
    if low <= high:
        raise NotUnderstood(
            "must_be_not_between takes the greater bound under greater_than, and Soda does not evaluate it otherwise"
        )
    return Zone(high, low, not high_open, not low_open)  # it fails from the lower bound up to the greater one
