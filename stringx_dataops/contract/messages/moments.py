"""Times in RFC 3339 notation."""

import re
from datetime import datetime, timedelta, timezone

from stringx_dataops.contract.iso_times import parse_iso

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)  # the offset is optional here, so that its absence gets an error of its own


def parse_moment(text: str) -> datetime:
    """Parse an RFC 3339 time into an aware datetime; digits after the microseconds are rounded up.

    Raises ValueError with a sentence that says what to write.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("is no RFC 3339 time, such as 2026-01-31T06:00:00Z")
    date, minute, second, fraction, offset = match.groups()
    if offset is None:
        raise ValueError("has no offset; end it with Z or +01:00")
    digits = (fraction or "").ljust(6, "0")
    leap, beyond = second == "60", bool(digits[6:].strip("0"))
    try:
        moment = parse_iso(f"{date}T{minute}:{'59' if leap else second}.{digits[:6]}{offset.upper()}")
        moment += timedelta(seconds=leap, microseconds=beyond)
        in_utc = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no moment of the calendar; write one such as 2026-01-31T06:00:00Z") from error
    if leap and (in_utc.hour, in_utc.minute) != (0, 0):
        raise ValueError("has second 60, which only the last minute of a day in UTC can have")
    return moment
