"""Service levels of a contract: how old data may be."""

import re

from stringx_dataops.exchange.foreign import Mapping
from stringx_dataops.exchange.odcs.operators import Lost

_UNITS = {
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "minute", "minutes"), "m"),
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
}


def freshness_of(level: Mapping) -> str:
    """`max_age` of a rule, such as 24h. Raises Lost for a service level that says something else."""
    if level.get("property") not in ("latency", "freshness"):
        raise Lost("is not about the age of data, or about processes that no rule sees")
    value, unit = level.get("value"), _UNITS.get(str(level.get("unit") or "d").lower())
    if isinstance(value, str) and re.fullmatch(r"[0-9]+", value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0 or unit is None:
        raise Lost(f"{level.get('value')} {level.get('unit')} is no number of days, hours, minutes or seconds")
    return f"{value}{unit}"
