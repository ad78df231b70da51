"""When a weekly digest is due, by the clock of a zone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from backend.notifications.digests import last_due
from stringx_dataops.contract.documents.channels import Digest


@pytest.mark.parametrize(
    ("now", "weekly", "due"),
    [
        ("2026-11-30T08:00:00", Digest(), "2026-11-30T08:00:00"),
        ("2026-11-30T07:59:59", Digest(), "2026-11-23T08:00:00"),
        ("2026-12-06T23:00:00", Digest(), "2026-11-30T08:00:00"),
        ("2026-07-06T06:00:00", Digest(timezone="Europe/Berlin"), "2026-07-06T06:00:00"),
        ("2026-12-07T06:59:59", Digest(timezone="Europe/Berlin"), "2026-11-30T07:00:00"),
        ("2026-11-29T18:30:00", Digest(timezone="Pacific/Auckland", time="07:30"), "2026-11-29T18:30:00"),  # Monday there
        (
            "2026-04-01T00:00:00",
            Digest(day="sunday", time="02:30", timezone="Europe/Berlin"),
            "2026-03-29T01:30:00",
        ),  # no such time
        ("2026-10-27T00:00:00", Digest(day="sunday", time="02:30", timezone="Europe/Berlin"), "2026-10-25T00:30:00"),  # the first
    ],
)
def test_it_is_due_when_the_clock_of_its_zone_shows_it(now: str, weekly: Digest, due: str) -> None:
    assert last_due(weekly, datetime.fromisoformat(now + "+00:00")) == datetime.fromisoformat(due + "+00:00")


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
)
@pytest.mark.parametrize("time", ["00:00", "02:30"])
def test_each_sunday_of_ten_years_has_one(zone: str, time: str) -> None:
    """And whoever asks learns of the latest that is not ahead."""
    weekly, start = Digest(day="sunday", time=time, timezone=zone), datetime(2024, 1, 1, tzinfo=UTC)
    asked = [start + timedelta(hours=7 * number) for number in range(10 * 365 * 24 // 7)]
    found = [last_due(weekly, now) for now in asked]
    assert all(timedelta() <= now - due < timedelta(days=7, hours=2) for now, due in zip(asked, found, strict=True))
    days = sorted({due.astimezone(ZoneInfo(zone)).date() for due in found})
    assert found == sorted(found)
    assert len(set(found)) == len(days), "one each"
    assert {day.weekday() for day in days} == {6}
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=7)}
