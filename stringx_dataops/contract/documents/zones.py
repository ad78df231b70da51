"""Time zones and times of day, as documents write them."""

from datetime import time
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from stringx_dataops.contract.documents.fields import Matching, did_you_mean

_zones = cache(available_timezones)  # cached, because reading the folder of zones takes 12 ms


def check_timezone(name: str) -> str:
    """Return the name unchanged. Raises ValueError with one sentence if no zone has it."""
    if not _zones():
        raise ValueError("cannot be checked, because this machine knows no time zones; pip install tzdata")
    if name not in _zones():
        # Abbreviations are left out: EST, which is like CEST, is six hours away from it.
        places = [zone for zone in _zones() if "/" in zone or zone == "UTC"]
        similar = did_you_mean(name, places) or "; write an IANA name such as Europe/Berlin or UTC"
        raise ValueError(f"is no time zone{similar}")
    return str(ZoneInfo(name))


def clock(text: str) -> time:
    """The time of day in a `Clock`."""
    return time.fromisoformat(text)


Zone = Annotated[str, AfterValidator(check_timezone)]
Clock = Annotated[
    str, Matching(r"([01][0-9]|2[0-3]):[0-5][0-9]", "is no time of day; write hours and minutes with a colon, such as 06:30")
]
