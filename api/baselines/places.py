"""Where the points of a check belong: to the whole table at the moment of the snapshot, or to a window, by column and length."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from stringx_dataops.contract.documents.values import moment_of
from stringx_dataops.contract.messages.windows import Window

_OPEN = "a window with one end is like no other: give from and to"
_NO_TIMES = "the window's ends are no dates or times, so there is no earlier one to compare with"


@dataclass(frozen=True)
class Place:
    """`window_key` is empty without a window. `at` is the moment that a window stands for, its `from`; None: the snapshot.
    `fault`: why its points cannot be compared with others."""

    window_key: str = ""
    at: datetime | None = None
    fault: str | None = None


WHOLE = Place()


def place_of(window: Window | None, column: str | None, zone: ZoneInfo) -> Place:
    """The place of a check with this window on that column; moments without an offset are in the zone."""
    if window is None:
        return WHOLE
    if window.from_ is None or window.to is None:
        return Place(fault=_OPEN)
    begin, end = moment_of(window.from_), moment_of(window.to)
    if begin is None or end is None:
        return Place(fault=_NO_TIMES)
    begin, end = (each if each.tzinfo else each.replace(tzinfo=zone) for each in (begin, end))
    return Place(f"{column}|{_length(begin, end, zone)}", begin)


def _length(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """As the clock on the wall counts it: a day on which the clock changes is a day, and whole months are months."""
    low, high = (each.astimezone(zone).replace(tzinfo=None) for each in (begin, end))
    months = (high.year - low.year) * 12 + high.month - low.month
    if months and all(each.day == 1 and each.time() == datetime.min.time() for each in (low, high)):
        return f"{months} months"
    return f"{(high - low) // timedelta(microseconds=1)} us"
