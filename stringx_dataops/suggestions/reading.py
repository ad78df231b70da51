"""Values as PostgreSQL shows them."""

import math
import re
from collections.abc import Mapping
from datetime import datetime

from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile

_NUMBERS = ("integer", "decimal", "float")
_SHORT_ZONE = re.compile(r"[+-][0-9]{2}$")


def computable(profile: Profile, families: Mapping[str, str]) -> Profile:
    """A copy without the bounds and quantiles of numeric columns that are no numbers to compute with: cut, NaN,
    infinite, or, in an older profile, of a column that was no number then. `families`: by column, as they are now."""
    nothing = {"min": None, "max": None, "quantiles": None}
    columns = [
        column.model_copy(update=nothing) if families.get(column.name) in _NUMBERS and not _is_computable(column) else column
        for column in profile.columns
    ]
    return profile.model_copy(update={"columns": columns})


def _is_computable(column: ColumnProfile) -> bool:
    texts = [text for text in (column.min, column.max, *(column.quantiles or {}).values()) if text is not None]
    try:
        return all(math.isfinite(float(text)) for text in texts)
    except ValueError:
        return False


def number(text: str) -> float:
    """A value as PostgreSQL shows it."""
    return float(text)


def moment(text: str) -> datetime | None:
    """A date or a timestamp as PostgreSQL shows it; None beyond the years that Python knows."""
    try:
        return datetime.fromisoformat(f"{text}:00" if " " in text and _SHORT_ZONE.search(text) else text)
    except ValueError:
        return None
