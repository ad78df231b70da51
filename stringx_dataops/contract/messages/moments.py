"""Moments in time as RFC 3339 writes them."""

import re
from datetime import UTC, datetime, timedelta

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)  # without an offset it is none, which has words of its own


def parse_moment(text: str) -> datetime:
    """An aware datetime, never earlier than what was written: digits after the microseconds round up. ValueError says what to
    write."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("is no RFC 3339 time, such as 2026-01-31T06:00:00Z")
    date, minute, second, fraction, offset = found.groups()
    if offset is None:
        raise ValueError("has no offset; end it with Z or +01:00")
    digits = (fraction or "").ljust(6, "0")
    leap, beyond = second == "60", bool(digits[6:].strip("0"))
    try:
        moment = datetime.fromisoformat(f"{date}T{minute}:{'59' if leap else second}.{digits[:6]}{offset.upper()}")
        moment += timedelta(seconds=leap, microseconds=beyond)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no moment of the calendar; write one such as 2026-01-31T06:00:00Z") from error
    if leap and (in_utc.hour, in_utc.minute) != (0, 0):
        raise ValueError("has second 60, which only the last minute of a day in UTC can have")
    return moment
