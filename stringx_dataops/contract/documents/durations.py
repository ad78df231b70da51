"""Durations as people write them: 30s, 5m, 24h, 7d."""

import re

NO_DURATION = "is no duration; write a number and a unit, such as 30s, 5m, 24h or 7d"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PATTERN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")


def parse_duration(text: str) -> float:
    """Return seconds. Raises ValueError with one sentence if the text is no duration."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(NO_DURATION)
    return float(match.group(1)) * _UNITS[match.group(2)]
