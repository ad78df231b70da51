"""What the text of a value tells without its column's type: an exact number, a date, a timestamp, a duration, and their order."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from stringx_dataops.contract.documents.durations import parse_duration


def number_of(value: object) -> Decimal | None:
    """The exact number that a value is, or that a text writes; None where it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = str(value).strip()
    try:
        number = Decimal(text if text.isascii() and "_" not in text else "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def moment_of(value: object) -> datetime | None:
    """A date or timestamp as ISO 8601 writes it; None for a number, and for what only PostgreSQL can read."""
    if not isinstance(value, str) or number_of(value) is not None:
        return None
    try:
        return datetime.fromisoformat(value.strip().upper())
    except ValueError:
        return None


def share_of(value: object) -> Decimal | None:
    """The number before a `%`."""
    return number_of(value.strip().removesuffix("%")) if isinstance(value, str) and value.strip().endswith("%") else None


def duration_of(value: object) -> Decimal | None:
    """The seconds of a duration such as 24h."""
    try:
        return Decimal(str(parse_duration(value))) if isinstance(value, str) else None
    except ValueError:
        return None


def order(one: object, other: object) -> int | None:
    """-1, 0 or 1 as one lies below, at or above the other; None where that depends on the column's type."""
    for read in (number_of, share_of, duration_of):
        low, high = read(one), read(other)
        if low is not None and high is not None:
            return (low > high) - (low < high)
    begin, end = moment_of(one), moment_of(other)
    if begin is None or end is None or (begin.tzinfo is None) != (end.tzinfo is None):
        return None
    return (begin > end) - (begin < end)
