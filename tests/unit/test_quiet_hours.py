"""Quiet hours by the clocks of a zone, compared with a clock that is watched minute by minute."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.notifications import quiet
from stringx_dataops.contract.documents.routes import Quiet

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HOURS = [("22:00", "07:00"), ("00:00", "06:30"), ("02:15", "02:45"), ("02:30", "01:30"), ("12:00", "13:00"), ("23:30", "00:15")]
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2025, 3, 9)),
    ("America/New_York", date(2025, 11, 2)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("America/Havana", date(2026, 3, 8)),  # midnight is skipped
    ("Asia/Beirut", date(2024, 10, 27)),  # midnight comes twice
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("UTC", date(2026, 3, 29)),
]


def hours(begin: str, end: str, zone: str = "UTC") -> Quiet:
    return Quiet.model_validate({"from": begin, "to": end, "timezone": zone})


def watched(held: Quiet, start: datetime, end: datetime) -> Iterator[tuple[datetime, bool]]:
    """Each minute, and whether it is quiet: the latest time that the clock has ever shown lies in the hours of some day."""
    zone, at, shown = ZoneInfo(held.timezone), start - 3 * DAY, datetime.min
    while at < end:
        shown = max(shown, at.astimezone(zone).replace(tzinfo=None))
        if at >= start:
            days = (shown.date() - DAY, shown.date())
            over_midnight = DAY if held.end <= held.begin else timedelta(0)
            yield (
                at,
                any(datetime.combine(day, held.begin) <= shown < datetime.combine(day, held.end) + over_midnight for day in days),
            )
        at += 15 * MINUTE


@pytest.mark.parametrize(("begin", "end"), HOURS)
@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_quiet_hours_are_those_of_a_clock_that_is_watched(zone: str, day: date, begin: str, end: str) -> None:
    held = hours(begin, end, zone)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    found = list(watched(held, noon - 1.5 * DAY, noon + 1.5 * DAY))
    wrong = [at for at, is_quiet in found if (quiet.ends(held, at) is not None) is not is_quiet]
    assert wrong == []
    ends = {quiet.ends(held, at) for at, is_quiet in found if is_quiet}
    changed = {after for (_, before), (after, now) in itertools.pairwise(found) if before and not now}
    assert changed <= ends, "they end when they say that they end"


def test_quiet_hours_over_midnight_end_in_the_morning() -> None:
    held = hours("22:00", "07:00", "Europe/Berlin")
    assert quiet.ends(held, datetime(2026, 7, 1, 19, 59, tzinfo=UTC)) is None
    assert quiet.ends(held, datetime(2026, 7, 1, 20, 0, tzinfo=UTC)) == datetime(2026, 7, 2, 5, tzinfo=UTC)
    assert quiet.ends(held, datetime(2026, 7, 2, 4, 59, tzinfo=UTC)) == datetime(2026, 7, 2, 5, tzinfo=UTC)
    assert quiet.ends(held, datetime(2026, 7, 2, 5, 0, tzinfo=UTC)) is None


def test_hours_that_end_in_the_hour_that_is_skipped_end_when_clocks_skip_it() -> None:
    held = hours("23:00", "02:30", "Europe/Berlin")
    assert quiet.ends(held, datetime(2026, 3, 29, 0, 30, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
