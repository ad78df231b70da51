"""When a schedule is due, by the clock of a time zone. Pure: the present is an argument. All moments are in UTC.

Clocks of a zone are put forward and back. A schedule whose cron runs in every hour goes by real time: an hour that does not exist
is left out, one that comes twice counts twice. All others go by what the clock shows: a time that does not exist is due once, in
the moment when the clock is put forward; a time that comes twice is due the first time.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

SHOWN = 5  # next times
_HOURS = frozenset(range(24))
_SECOND = timedelta(seconds=1)
_PUT_BACK = timedelta(hours=3)  # no clock is put back by more
# How far back the latest due time is looked for, each only if the one before has none: a cron that is due every minute costs 60
# steps, and one that is due on the 29th of February a few.
_BACK = (timedelta(hours=1), timedelta(days=2), timedelta(days=63), timedelta(days=366 * 10), timedelta(days=366 * 60))


@dataclass(frozen=True)
class Timing:
    """When a schedule is due: a cron of five fields, in a time zone. Both are valid."""

    cron: str
    timezone: str

    @property
    def zone(self) -> tzinfo:
        """The zone's clock."""
        return ZoneInfo(self.timezone)

    def due_times(self, after: datetime) -> Iterator[datetime]:
        """The times when it is due, later than `after`, in order."""
        zone = self.zone
        local = _local(after, zone)
        local -= max(_local(after, zone) - _local(after + _PUT_BACK, zone) + _PUT_BACK, timedelta())  # about to be put back
        clock = CronSim(self.cron, local - _SECOND)
        is_hourly = clock.hours >= _HOURS
        last, waiting = after, list[datetime]()
        for shown in clock:
            found = _moments(shown, zone, by_real_time=is_hourly)
            for moment in found:
                heapq.heappush(waiting, moment)
            # Later times of the clock are not earlier than this one's first moment.
            until = found[0] if found else None
            while waiting and until is not None and waiting[0] <= until:
                if (moment := heapq.heappop(waiting)) > last:
                    last = moment
                    yield moment

    def next_due(self, after: datetime) -> datetime | None:
        """The first later than `after`; None if there is none."""
        return next(self.due_times(after), None)

    def next_times(self, after: datetime, most: int = SHOWN) -> list[datetime]:
        """The first few later than `after`."""
        return list(islice(self.due_times(after), most))

    def latest_due(self, after: datetime, until: datetime) -> datetime | None:
        """The last that is later than `after` and not later than `until`; None if there is none."""
        for back in _BACK:
            since = max(after, until - back)
            found = None
            for moment in self.due_times(since):
                if moment > until:
                    break
                found = moment
            if found is not None or since == after:
                return found
        return None


def moment_of(shown: datetime, zone: tzinfo) -> datetime:
    """The moment when the zone's clock shows this time first; if it does not exist, when the clock is put forward over it."""
    return _moments(shown, zone, by_real_time=False)[0]


def days_before(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of the zone's clock some calendar days earlier."""
    return moment_of(_local(moment, zone) - timedelta(days=days), zone)


def daily(at: time, zone: tzinfo, after: datetime) -> datetime:
    """The first moment later than `after` at which the zone's clock shows this time of day."""
    day = _local(after, zone).date() - timedelta(days=1)
    while True:
        moment = moment_of(datetime.combine(day, at), zone)
        if moment > after:
            return moment
        day += timedelta(days=1)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    """What the clock shows, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _moments(shown: datetime, zone: tzinfo, *, by_real_time: bool) -> list[datetime]:
    """When the clock shows this time, in order: both moments by real time, or none; else one."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    if first < second:  # the clock is put back in between
        return [first, second] if by_real_time else [first]
    return [] if by_real_time else [_put_forward(second, first, zone)]


def _put_forward(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """When the clock is put forward: later than `low`, not later than `high`."""
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)  # it is a whole second
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = (low + (high - low) // 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
