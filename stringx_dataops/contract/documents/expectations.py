"""When a table's or dataset's check is expected each day: the field `expected_by`."""

import datetime
from typing import Annotated

from pydantic import AfterValidator

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import Duration, Model
from stringx_dataops.contract.documents.zones import Clock, Zone, clock


def _grace(text: str) -> str:
    if not parse_duration(text) <= 12 * 3600:
        raise ValueError("must lie between 0s and 12h")
    return text


class Expectation(Model):
    """Every day by this time a deciding check must have ended since the deadline before. Without a timezone, that of the document
    counts; a dataset has none, so there it is UTC. `grace` is added to the time."""

    time: Clock
    timezone: Zone | None = None
    grace: Annotated[Duration, AfterValidator(_grace)] = "0s"

    @property
    def at(self) -> datetime.time:
        """The time of day, without the grace."""
        return clock(self.time)

    @property
    def grace_s(self) -> float:
        """The grace in seconds."""
        return parse_duration(self.grace)
