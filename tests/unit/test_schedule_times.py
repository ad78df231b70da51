"""When schedules are due, on the days when clocks change too: compared with the C library's clock, which knows nothing of ours."""

import importlib.resources
import os
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from itertools import pairwise, takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backend.schedules.expecting import deadlines, judge
from backend.schedules.times import Timing, daily, days_before, moment_of
from stringx_dataops.contract.documents.expectations import Expectation

# Clocks that change at midnight (Cairo, Beirut, Santiago, Asuncion, Havana, Azores), by half an hour (Lord Howe), by two hours (Troll), the other
# way round (Dublin), with Ramadan (Casablanca); far from UTC (Chatham, Kiritimati); that never change.
ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Atlantic/Azores", "America/New_York", "America/St_Johns",
    "America/Los_Angeles", "America/Havana", "America/Santiago", "America/Asuncion", "America/Sao_Paulo", "Africa/Cairo",
    "Africa/Casablanca", "Asia/Beirut", "Asia/Jerusalem", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll",
    "Pacific/Kiritimati",
)  # fmt: skip
# Which change when others do, or never as others: with --long.
LIKE_OTHERS = ("Europe/London", "Europe/Lisbon", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata")
FROM, TO = datetime(2025, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EVERY_HOUR = range(24)
CRONS = (
    ("*/15 * * * *", (0, 15, 30, 45), EVERY_HOUR, range(7)),
    ("7 * * * *", (7,), EVERY_HOUR, range(7)),
    ("*/20 0-3 * * *", (0, 20, 40), range(4), range(7)),
    ("0,30 1,2,23 * * 0,6", (0, 30), (1, 2, 23), (5, 6)),
)
Part = tuple[datetime, datetime, timedelta]  # from, to, what the clock is ahead of UTC


each_zone = pytest.mark.parametrize(
    "zone", [pytest.param(zone, marks=[pytest.mark.long] * (zone in LIKE_OTHERS)) for zone in ZONES]
)


def file_of(zone: str) -> Path:
    """The file that Python reads, too."""
    own = Path(str(importlib.resources.files("tzdata"))) / "zoneinfo" / zone
    return next((path for folder in zoneinfo.TZPATH if (path := Path(folder) / zone).exists()), own)


@pytest.fixture
def libc() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    os.environ.pop("TZ", None) if before is None else os.environ.update(TZ=before)
    time.tzset()


def parts_of(zone: str) -> list[Part]:
    """The ten years in parts of one offset each, as the C library has them."""
    os.environ["TZ"] = f":{file_of(zone)}"
    time.tzset()

    def offset(moment: int) -> int:
        return time.localtime(moment).tm_gmtoff

    parts: list[Part] = []
    start = begin = int((FROM - 10 * DAY).timestamp())
    end = int((TO + 10 * DAY).timestamp())
    for here in range(begin, end, 86400):
        low, high = here, here + 86400
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(here) else (low, middle)
        parts.append((at(start), at(high), timedelta(seconds=offset(here))))
        start = high
    return [*parts, (at(start), at(end), timedelta(seconds=offset(end)))]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def expected(parts: list[Part], shown: list[datetime], *, hourly: bool) -> list[datetime]:
    """The moments at which the clock shows these times, as the documentation has it."""
    found: set[datetime] = set()
    for each in shown:
        named = each.replace(tzinfo=UTC)
        moments = sorted(named - ahead for start, end, ahead in parts if start <= named - ahead < end)
        if hourly:
            found.update(moments)
        elif moments:
            found.add(moments[0])
        else:  # between what the clock shows just before a part, and at its start
            found.add(
                next(start for (_, _, before), (start, _, ahead) in pairwise(parts) if start + before <= named < start + ahead)
            )
    return sorted(found)


def between(timing: Timing, low: datetime, high: datetime) -> list[datetime]:
    return list(takewhile(lambda moment: moment <= high, timing.due_times(low)))


@each_zone
def test_a_daily_schedule_is_due_once_a_day_for_ten_years(libc: None, zone: str) -> None:
    parts = parts_of(zone)
    days = [datetime(2025, 1, 1) + DAY * number for number in range((TO - FROM).days)]
    for cron, hour, minute in (("30 2 * * *", 2, 30), ("0 0 * * *", 0, 0)):
        shown = [day.replace(hour=hour, minute=minute) for day in days]
        wanted = expected(parts, shown, hourly=False)
        assert between(Timing(cron, zone), wanted[0] - timedelta(seconds=1), wanted[-1]) == wanted
        assert len(wanted) == len(days)


@each_zone
def test_schedules_of_every_sort_are_due_as_documented_around_each_change_of_clocks(libc: None, zone: str) -> None:
    parts = parts_of(zone)
    for start, _, _ in parts[1:] or [(datetime(2026, 3, 29, 1, tzinfo=UTC), None, None)]:
        low, high = start - timedelta(hours=26), start + timedelta(hours=26)
        near = [part for part in parts if part[0] <= high + DAY and part[1] >= low - DAY]
        days = [datetime.combine(low.date(), time_of_day()) + DAY * number for number in range(-1, 5)]
        for cron, minutes, hours, weekdays in CRONS:
            shown = [
                day.replace(hour=hour, minute=minute)
                for day in days if day.weekday() in weekdays for hour in hours for minute in minutes
            ]  # fmt: skip
            wanted = expected(near, shown, hourly=hours == EVERY_HOUR)
            timing = Timing(cron, zone)
            wanted = [moment for moment in wanted if low < moment <= high]
            assert between(timing, low, high) == wanted, cron
            beginnings = [start - timedelta(minutes=61), start - timedelta(minutes=1), start, start + timedelta(minutes=31)]
            for begin in beginnings:  # from wherever it is looked at, it is the same
                later = [moment for moment in wanted if moment > begin]
                assert timing.next_times(begin, 3) == later[:3] or len(later) < 3, (cron, begin)
                assert timing.latest_due(low, begin) == max((at for at in wanted if at <= begin), default=None)


def test_real_intervals_stay_equal_on_both_days_of_berlin() -> None:
    for day in (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)):
        found = Timing("*/15 * * * *", "Europe/Berlin").next_times(day, 40)
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("cron", "after", "until", "latest"),
    [
        ("* * * * *", datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("0 6 29 2 *", datetime(2024, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, 6, tzinfo=UTC)),
        ("0 6 29 2 *", datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), None),
        ("0 6 * * *", datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 1, 2, 6, tzinfo=UTC), datetime(2026, 1, 2, 6, tzinfo=UTC)),
        ("0 6 * * *", datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 1, 2, 5, tzinfo=UTC), None),
    ],
)  # fmt: skip
def test_the_latest_time_is_found_however_long_ago(cron: str, after: datetime, until: datetime, latest: datetime | None) -> None:
    assert Timing(cron, "UTC").latest_due(after, until) == latest


def test_calendar_days_and_times_of_day_go_by_the_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert days_before(datetime(2026, 3, 29, 22, tzinfo=UTC), 1, zone) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert days_before(datetime(2026, 10, 25, 23, tzinfo=UTC), 1, zone) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert days_before(datetime(2026, 3, 30, 0, 30, tzinfo=UTC), 1, zone) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert moment_of(datetime(2026, 3, 29, 2, 30), zone) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert moment_of(datetime(2026, 10, 25, 2, 30), zone) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    at_half_past_two = daily(time_of_day(2, 30), zone, datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert at_half_past_two == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert daily(time_of_day(2, 30), zone, at_half_past_two) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_deadlines_follow_the_clock_and_the_grace_is_real_time() -> None:
    expected = Expectation(time="02:30", grace="30m")
    found = deadlines(expected, "Europe/Berlin", datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert (found.before, found.last, found.next) == (
        datetime(2026, 3, 28, 2, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 30, 1, tzinfo=UTC),
    )  # fmt: skip
    at_the_deadline = deadlines(expected, "Europe/Berlin", found.last)
    assert at_the_deadline == found
    assert deadlines(expected, "Europe/Berlin", found.last - timedelta(seconds=1)).last == found.before


def test_a_deadline_is_judged_by_the_checks_since_the_one_before() -> None:
    found = deadlines(Expectation(time="06:00"), "UTC", datetime(2026, 3, 10, 7, tzinfo=UTC))
    long_ago, yesterday = FROM, datetime(2026, 3, 9, 6, 0, 1, tzinfo=UTC)
    assert judge(found, long_ago, None, yesterday, False).missed_at is None
    missed = judge(found, long_ago, None, found.before, False)
    assert (missed.missed_at, missed.is_news) == (found.last, True)
    again = judge(found, long_ago, found.before, None, True)
    assert (again.missed_at, again.is_news) == (found.before, False)
    assert judge(found, long_ago, found.before, None, False).is_news, "its incident was closed"
    came = found.before - timedelta(hours=20)
    later = judge(found, long_ago, came - timedelta(hours=1), came, True)
    assert (later.missed_at, later.is_news) == (found.last, True), "the one that was missed has come, and then none again"
    assert judge(found, found.last, None, None, False).missed_at is None, "nobody expected it yet"
