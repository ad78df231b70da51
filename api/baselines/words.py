"""Why a value is usual or not, in a plain sentence or two."""

from datetime import datetime

from api.baselines.shapes import Direction
from api.baselines.slots import WEEKEND, Moment

_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def sentence(
    direction: Direction, low: float, high: float, count: int, season: str, now: Moment, minute: int, is_holiday: bool
) -> str:
    """Such as "usual on Mondays: 980 to 1,240, from 12 earlier Mondays". `minute`: of the hour, at which points usually are."""
    when, what = _time(season, now, minute)
    holiday = " (a holiday)" if is_holiday else ""
    match direction:
        case "both":
            band = f"{_number(low)} to {_number(high)}"
        case "increase":
            band = f"at most {_number(high)}"
        case "decrease":
            band = f"at least {_number(low)}"
    return f"usual{when}{holiday}: {band}, from {count:,} earlier {what}"


def moved(at: datetime | None) -> str:
    return "" if at is None else f"; since {at:%Y-%m-%d} the values lie at another level"


def _time(season: str, now: Moment, minute: int) -> tuple[str, str]:
    """When, and what the points are that the judged one is compared with."""
    clock = f"{now.hour:02}:{minute:02}"
    day = _DAYS[now.weekday]
    group = "weekends" if now.weekday >= WEEKEND else "workdays"
    match season:
        case "weekday":
            return f" on {day}", day
        case "hour":
            return f" at {clock}", "points at that hour"
        case "hour and weekend":
            return f" on {group} at {clock}", f"points at that hour of {group}"
        case "weekday and hour":
            return f" on {day} at {clock}", day
    return "", "points"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:,.5g}"
