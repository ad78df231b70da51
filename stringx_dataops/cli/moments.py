"""Times that people type."""

from datetime import date, datetime, timedelta, timezone

from stringx_dataops.contract.documents.durations import parse_duration


def moment_ahead(text: str) -> str:
    """From a duration, a date or a time to a time; the Backend refuses one that is none."""
    try:
        ahead = timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    else:
        return (datetime.now(timezone.utc) + ahead).isoformat()
    try:
        return f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if len(text) == len("2026-12-31") else text
    except ValueError:
        return text
