"""Quiet hours: between two times of day in a zone, each day, also over midnight."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stringx_dataops.contract.documents.routes import Quiet

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def ends(quiet: Quiet, now: datetime) -> datetime | None:
    """When the quiet hours that hold at `now` end; None outside of them. They begin and end when a clock on the wall first shows
    the time on that day, or a later one where clocks skip it."""
    zone = ZoneInfo(quiet.timezone)
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today):
        end = _first(day if quiet.begin < quiet.end else day + _DAY, quiet.end, zone)
        if _first(day, quiet.begin, zone) <= now < end:
            return end
    return None


def _first(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows this time of the day, or a later one."""
    early, late = (datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    if early <= late:
        return early
    wanted = datetime.combine(day, at)  # clocks skip it: the moment at which they do lies between the two
    low, high = late, early
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).replace(tzinfo=None) >= wanted else (middle, high)
    return high.replace(microsecond=0)
