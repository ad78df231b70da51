"""What a due schedule does: decisions on values, with the present as an argument."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backend.schedules.times import Timing, days_before
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.messages.checks import rfc3339

RunKind = Literal["cron", "missed", "manual"]
LATE = timedelta(minutes=1)  # a run that starts later than so was missed
SPREAD = timedelta(minutes=1)  # over which the checks of a run begin, at most
_APART = timedelta(seconds=0.5)  # that two checks of a run begin apart on average, if they are few
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Standing:
    """How a schedule stands: what it has run, and whether it is paused. `counted_from`: what was due until then is no concern."""

    counted_from: datetime
    last_due_at: datetime | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        """A pause ends by itself at its time."""
        return self.paused_at is not None and (self.paused_until is None or now < self.paused_until)

    @property
    def since(self) -> datetime:
        """Runs that were due until then are done with; one that is due at the very end of a pause is not."""
        latest = max(self.counted_from, self.last_due_at or self.counted_from)
        if self.paused_at is not None and self.paused_until is not None:
            return max(latest, self.paused_until - timedelta(microseconds=1))
        return latest


@dataclass(frozen=True)
class Due:
    """A run that is due. However many were missed, it is the latest of them."""

    at: datetime
    kind: RunKind


def due(timing: Timing, standing: Standing, now: datetime) -> Due | None:
    """None if nothing is due."""
    if standing.is_paused(now):
        return None
    latest = timing.latest_due(standing.since, now)
    if latest is None:
        return None
    is_missed = now - latest > LATE or timing.next_due(standing.since) != latest
    return Due(latest, "missed" if is_missed else "cron")


def next_times(timing: Timing, standing: Standing, now: datetime) -> list[datetime]:
    """The next five runs; none while it is paused without an end."""
    if standing.is_paused(now) and standing.paused_until is None:
        return []
    return timing.next_times(max(now, standing.since))


def timing_of(document: ScheduleDocument) -> Timing:
    """When it is due."""
    return Timing(document.cron, document.timezone)


def window_bounds(document: ScheduleDocument, due_at: datetime) -> tuple[str, str] | None:
    """From and to of the window of a run, relative to when it was due; None without a window. Whole days are calendar days of the
    schedule's zone."""
    if document.window is None:
        return None
    timing = timing_of(document)
    end = _before(due_at, document.window.lag, timing)
    return rfc3339(_before(end, document.window.last, timing)), rfc3339(end)


def _before(moment: datetime, duration: str, timing: Timing) -> datetime:
    seconds = parse_duration(duration)
    if seconds and seconds % _DAY_S == 0:
        return days_before(moment, int(seconds / _DAY_S), timing.zone)
    return moment - timedelta(seconds=seconds)


def spread(target: str, names: Sequence[str], until_next: timedelta | None) -> dict[str, timedelta]:
    """How long after the beginning of a run the check of each begins: few within seconds, many within a minute, and none later
    than half of the time until the next run. A name always has the same place."""
    most = min(SPREAD, _APART * (len(names) - 1))
    if until_next is not None:
        most = min(most, until_next / 2)
    return {name: most * _place(target, name) for name in names}


def _place(target: str, name: str) -> float:
    """Between 0 and 1, evenly."""
    return int.from_bytes(hashlib.sha256(f"{target}/{name}".encode()).digest()[:6], "big") / 2**48
