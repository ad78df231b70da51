"""Values as PostgreSQL shows them."""

import re
from datetime import datetime

_SHORT_ZONE = re.compile(r"[+-][0-9]{2}$")


def number(text: str) -> float:
    """A value as PostgreSQL shows it."""
    return float(text)


def moment(text: str) -> datetime | None:
    """A date or a timestamp as PostgreSQL shows it; None beyond the years that Python knows."""
    try:
        return datetime.fromisoformat(f"{text}:00" if " " in text and _SHORT_ZONE.search(text) else text)
    except ValueError:
        return None
