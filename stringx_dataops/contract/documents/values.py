"""Values whose column type is unknown here: read them as numbers, dates, timestamps or durations, and compare them."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.iso_times import parse_iso


def number_of(value: object) -> Decimal | None:
    """The exact number in a number or text; None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = str(value).strip()
    try:
        number = Decimal(text if text.isascii() and "_" not in text else "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def moment_of(value: object) -> datetime | None:
    """The date or timestamp in an ISO 8601 text; None for numbers and for other notations that PostgreSQL may know."""
    if not isinstance(value, str) or number_of(value) is not None:
        return None
    try:
        return parse_iso(value.strip().upper())
    except ValueError:
        return None


def share_of(value: object) -> Decimal | None:
    """The number in a text such as `1.5%`; None for any other value."""
    return number_of(value.strip().removesuffix("%")) if isinstance(value, str) and value.strip().endswith("%") else None


def duration_of(value: object) -> Decimal | None:
    """The seconds of a duration such as 24h; None for any other value."""
    try:
        return Decimal(str(parse_duration(value))) if isinstance(value, str) else None
    except ValueError:
        return None


def order(one: object, other: object) -> int | None:
    """-1, 0 or 1 if `one` is less than, equal to or greater than `other`; None if that depends on the column's type."""
    for read in (number_of, share_of, duration_of):
        low, high = read(one), read(other)
        if low is not None and high is not None:
            return (low > high) - (low < high)
    begin, end = moment_of(one), moment_of(other)
    if begin is None or end is None or (begin.tzinfo is None) != (end.tzinfo is None):
        return None
    return (begin > end) - (begin < end)
