"""Local time: which earlier points are like the judged one, by weekday and hour in the document's zone."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEKEND = 5  # Saturday and Sunday

_SHORTEST = 0.002  # days between points: of closer ones the newest 1,000 do not reach back two days
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """`weekday` and `hour` are local. A time that wanders around a full hour, or around midnight, stays in one slot."""

    days: float  # since 1970
    weekday: int
    hour: int
    date: date


@dataclass(frozen=True)
class Rhythm:
    """How often points come. `spacing`: the usual number of days between two of them."""

    spacing: float
    is_several_per_day: bool
    is_by_weekday: bool  # weekdays and hours can be told apart: points are neither too far apart nor too close


def days_of(at: datetime) -> float:
    return (at - _EPOCH) / _DAY


def rhythm(days: Sequence[float]) -> Rhythm:
    steps = [later - earlier for earlier, later in pairwise(days) if later > earlier]
    spacing = statistics.median(steps) if steps else 1.0
    return Rhythm(spacing, spacing < 0.75, _SHORTEST <= spacing < 3.5)


def localized(ats: Sequence[datetime], zone: ZoneInfo, rhythm: Rhythm) -> tuple[list[Moment], int]:
    """The local slots of moments. The usual time of day (of several a day: the usual minute of the hour) becomes the middle of a
    slot. The second value is the minute of the hour that points have, for words."""
    local = [at.astimezone(zone).replace(tzinfo=None) for at in ats]
    if rhythm.is_several_per_day:
        minute = _most_common([at.minute for at in local], 60, 10)
        shift = timedelta(minutes=30 - minute)
    else:
        minute = _most_common([at.hour * 60 + at.minute for at in local], 1440, 60)
        if minute < 60 and sum(at.hour >= 12 for at in local) * 2 > len(local):
            minute += 1440  # around midnight, and mostly before
        shift = timedelta(minutes=720 - minute)
    found = [_moment(at, here + shift, rhythm) for at, here in zip(ats, local, strict=True)]
    return found, _told(minute, [at.minute for at in local]) if rhythm.is_several_per_day else minute % 60


def by_the_clock(ats: Sequence[datetime], zone: ZoneInfo, rhythm: Rhythm) -> list[Moment]:
    """The slots without that: a minute after midnight is the next day."""
    return [_moment(at, at.astimezone(zone), rhythm) for at in ats]


def _moment(at: datetime, local: datetime, rhythm: Rhythm) -> Moment:
    wall = local.replace(tzinfo=None)
    return Moment(days_of(at), wall.weekday(), wall.hour if rhythm.is_several_per_day else 0, wall.date())


def _told(usual: int, minutes: Sequence[int]) -> int:
    """The minute in the middle of those that are there, within the hour. `usual`: the middle of the fullest part of it."""
    beside = statistics.median_low([(minute - usual + 30) % 60 - 30 for minute in minutes])
    return min(59, max(0, usual + beside))


def _most_common(values: Sequence[int], cycle: int, width: int) -> int:
    """The middle of the fullest part of a cycle: the usual minute. Parts overlap by a half, so that an edge splits no crowd."""
    half = width / 2
    counts = Counter(int(value // half) for value in values)
    parts = cycle * 2 // width
    fullest = max(range(parts), key=lambda part: (counts[part] + counts[(part + 1) % parts], -part))
    return int((fullest + 1) * half) % cycle


Slots = list[int]


class Calendar:
    """The slots of points, by the name of a season."""

    def __init__(self, found: Sequence[Moment]) -> None:
        self.found = found
        self._slots: dict[str, Slots] = {}

    def slots(self, season: str) -> Slots:
        if season not in self._slots:
            self._slots[season] = [slot_of(season, moment) for moment in self.found]
        return self._slots[season]


def slot_of(season: str, moment: Moment) -> int:
    match season:
        case "weekday":
            return moment.weekday
        case "weekend":
            return int(moment.weekday >= WEEKEND)
        case "hour":
            return moment.hour
        case "hour and weekend":
            return moment.hour + 24 * (moment.weekday >= WEEKEND)
        case "weekday and hour":
            return moment.hour + 24 * moment.weekday
        case _:
            return 0


def coarser(season: str) -> str:
    """The season that a slot falls back to while it has few points."""
    return {"weekday": "weekend", "weekday and hour": "hour and weekend", "hour and weekend": "hour"}.get(season, "none")
