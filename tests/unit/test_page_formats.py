"""Numbers and times as pages show them."""

from datetime import UTC, datetime, timedelta

import pytest

from web.look import formats


@pytest.mark.parametrize(
    ("now", "before", "is_share", "words"),
    [
        (0.0245, 0.019, True, "0.55 points more, 1.3 times as much"),
        (0.019, 0.0245, True, "0.55 points less"),
        (0.00001, 0.00002, True, "under 0.01 points less"),
        (5.0, 5.0, False, "the same"),
        (1200.0, 200.0, False, "1,000 more, 6.0 times as much"),
        (3.0, 0.0, False, "3 more"),
        (1e9, 1.0, False, "999,999,999 more"),
        (-2.0, -1.0, False, "1 less"),
    ],
)
def test_a_change_is_told_in_words(now: float, before: float, is_share: bool, words: str) -> None:
    assert formats.change(now, before, is_share=is_share) == words


def test_older_times_have_their_date() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert f">23{thin}h ago<" in formats.relative(now - timedelta(hours=23), now)
    assert f">2{thin}d ago, Feb 28<" in formats.relative(now - timedelta(days=2), now)
    assert f">2{thin}mo ago, Dec 31, 2025<" in formats.relative(datetime(2025, 12, 31, tzinfo=UTC), now)
    assert ">12:00:00 UTC<" in formats.clock(now, now)
    assert ">Mar 1, 23:59:59 UTC<" in formats.clock(now.replace(day=1, hour=23, minute=59, second=59), now)
