"""The bounds of the rule type `change`: how far a value may lie from an earlier one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from api.baselines.earlier import Bounds, Earlier, Made, compared, json_number
from stringx_dataops.contract.catalogue.words import number
from stringx_dataops.contract.documents.values import number_of, share_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.baselines import Baseline, Learning

_DIGITS = 60  # beside those of the values
_SAME_WEEKDAY = "same_weekday"
_MORE_DECIMALS = 6  # of an average


def judge_change(points: Sequence[Earlier], at: datetime, zone: ZoneInfo, arguments: JsonObject) -> Made:
    """The bounds for a value at `at`, by the points before it; those that somebody has excluded do not count. An average takes as
    many points as it says, the others one; while there are too few it learns, and has no bounds."""
    against = arguments.get("against", "previous")
    counting = sorted((point for point in points if point.mark != "exclude"), key=lambda point: point.at)
    need, chosen = _chosen(counting, at, zone, against)
    if len(chosen) < need:
        words = f"learning {len(chosen)} of {need}"
        shown = Baseline(
            points=len(chosen), learning=Learning(have=len(chosen), need=need), compared_with=compared(chosen), words=words
        )
        return Made(Bounds(), Bounds(), shown)
    with localcontext() as context:
        context.prec = _DIGITS + max(len(point.value.as_tuple().digits) + abs(point.value.adjusted()) for point in chosen)
        center = _mean([point.value for point in chosen])
        fails, warns = _bounds(center, arguments), _bounds(center, arguments.get("warn") or {})
    decides = fails if fails != Bounds() else warns
    shown = Baseline(
        center=json_number(center),
        low=None if decides.low is None else json_number(decides.low),
        high=None if decides.high is None else json_number(decides.high),
        points=len(chosen),
        compared_with=compared(chosen),
        words=_words([point.at.astimezone(zone) for point in chosen], center, against, zone),
    )
    return Made(fails, warns, shown)


def by_weekday(arguments: JsonObject) -> bool:
    """Whether only points of the same weekday count. A table that is checked every minute has too many others."""
    return arguments.get("against") == _SAME_WEEKDAY


def _mean(values: Sequence[Decimal]) -> Decimal:
    """Exact of one value; of several with some decimals more than they have."""
    if len(values) == 1:
        return values[0]
    decimals = max(0, *(-int(value.as_tuple().exponent) for value in values)) + _MORE_DECIMALS
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal(1).scaleb(-decimals))


def _chosen(points: Sequence[Earlier], at: datetime, zone: ZoneInfo, against: Any) -> tuple[int, list[Earlier]]:
    """How many points it takes, and those that are there, oldest first."""
    if isinstance(against, dict):
        number = int(against["average"])  # 7.0 is an integer in JSON
        return number, list(points[-number:])
    if against == "previous":
        return 1, list(points[-1:])
    return 1, _same_weekday(points, at.astimezone(zone), zone)


def _same_weekday(points: Sequence[Earlier], now: datetime, zone: ZoneInfo) -> list[Earlier]:
    """Of the last day before today that was the same weekday and has a point: the point whose time of day is the nearest to
    now's, the later of two."""
    local = [(point.at.astimezone(zone), point) for point in points]
    days = [at.date() for at, _ in local if at.date() < now.date() and at.weekday() == now.weekday()]
    if not days:
        return []
    of_day = [(at, point) for at, point in local if at.date() == max(days)]
    return [min(reversed(of_day), key=lambda each: abs(_time_of_day(each[0]) - _time_of_day(now)))[1]]


def _time_of_day(moment: datetime) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1_000_000


def _bounds(center: Decimal, arguments: JsonObject) -> Bounds:
    increase, decrease = (_amount(arguments.get(name), center) for name in ("max_increase", "max_decrease"))
    return Bounds(None if decrease is None else center - decrease, None if increase is None else center + increase)


def _amount(limit: Any, center: Decimal) -> Decimal | None:
    """A share is one of the absolute value: of 0 it is 0."""
    if limit is None:
        return None
    share = share_of(limit)
    amount = number_of(limit) if share is None else abs(center) * share / 100
    assert amount is not None  # the catalogue has checked it
    return amount


def _words(chosen: Sequence[datetime], center: Decimal, against: Any, zone: ZoneInfo) -> str:
    """`chosen`: when, in the zone by which days are told apart."""
    newest = f"{chosen[-1]:%Y-%m-%d %H:%M} {zone.key}"
    if isinstance(against, dict):
        return f"compared with {number(center)}, the average of {len(chosen)} points from {chosen[0]:%Y-%m-%d %H:%M} to {newest}"
    same = f", the last {chosen[-1]:%A} before" if against == _SAME_WEEKDAY else ""
    return f"compared with {number(center)} of {newest}{same}"
