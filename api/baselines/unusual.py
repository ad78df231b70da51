"""The bounds of the rule type `unusual`, from the band of the rule's earlier points."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from api.baselines import band
from api.baselines.earlier import Bounds, Earlier, Made, json_number
from stringx_dataops.contract.documents.values import number_of, share_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.baselines import Baseline, ComparedPoint, Learning


def judge_unusual(points: Sequence[Earlier], at: datetime, zone: ZoneInfo, arguments: JsonObject, may_fail: bool) -> Made:
    """The bounds for a value at `at`; a value outside of the band fails if the rule may, otherwise it warns."""
    found = band.judge([_point(point) for point in points], at, zone, _settings(arguments))
    bounds = Bounds(_decimal(found.low), _decimal(found.high))
    shown = Baseline(
        center=_shown(found.center),
        low=_shown(found.low),
        high=_shown(found.high),
        points=found.points,
        season=found.season,
        learning=None if found.learning is None else Learning(have=found.learning.have, need=found.learning.need),
        compared_with=[
            ComparedPoint(at=point.at, check_id=point.check_id, measured=_shown(point.value)) for point in found.compared_with
        ],
        moved_at=found.moved_at,
        words=found.words,
    )
    return Made(bounds if may_fail else Bounds(), Bounds() if may_fail else bounds, shown, says_bounds=True)


def _point(point: Earlier) -> band.Point:
    """A point that the rule warned or failed of, or that is waived or excluded, is not usable; one that is expected is."""
    is_odd = point.status != "pass"
    is_usable = point.mark == "expected" or (point.mark is None and not is_odd and not point.waived)
    is_outside = point.mark is None and is_odd and not point.waived
    return band.Point(point.at, float(point.value), is_usable, is_outside, point.check_id)


def _settings(arguments: JsonObject) -> band.Settings:
    given: dict[str, Any] = {name: arguments[name] for name in ("season", "sensitivity", "direction") if name in arguments}
    given |= {name: int(arguments[name]) for name in ("learn", "adapt") if name in arguments}  # 7.0 is an integer in JSON
    if "holidays" in arguments:
        given["holidays"] = tuple(date.fromisoformat(day) for day in arguments["holidays"])
    if (change := arguments.get("min_change")) is not None:
        share = share_of(change)
        amount = number_of(change) if share is None else Decimal(0)
        given |= {"min_share": float((share or Decimal(0)) / 100), "min_amount": float(amount or 0)}
    return band.Settings(**given)


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


def _shown(value: float | None) -> int | float | str | None:
    found = _decimal(value)
    return None if found is None else json_number(found)
