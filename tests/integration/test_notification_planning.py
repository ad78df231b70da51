"""Which messages are planned for which channels: from real results, through incidents and events, at times that the tests say."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from database.pool import Database
from tests.support.datasets import now
from tests.support.incidents import reported
from tests.support.watching import channel, configure, delivered, messages, planned, route

SECONDS, HOURS = timedelta(seconds=1), timedelta(hours=1)


@dataclass
class Watch:
    """A shop whose messages are planned at a clock of its own."""

    database: Database
    at: datetime

    def see(self, verdict: str, **asked: Any) -> None:
        """A result comes, a second after what came before."""
        self.at += SECONDS
        reported(self.database, verdict, **asked)
        planned(self.database, self.at)

    def after(self, time: timedelta) -> list[tuple[str, dict[str, int]]]:
        """What is told in that time, at its end at the latest: the kind of each message, and what it tells of how many."""
        before = {message["notification_id"] for message in messages(self.database)}
        self.at += time
        planned(self.database, self.at, settled=self.at + 3 * SECONDS)
        self.at += 3 * SECONDS
        delivered(self.database, self.at)
        planned(self.database, self.at)
        new = [message for message in messages(self.database) if message["notification_id"] not in before]
        return [(message["kind"], message["content"]["counts"]) for message in new]

    def run(self, sql: str, **values: Any) -> None:
        with self.database.transaction() as cursor:
            cursor.run(sql, values)


@pytest.fixture
def watch(shop: Database) -> Watch:
    """All is open, and a channel is told what routes tell by default."""
    configure(shop, channel(), route())
    reported(shop, "pass")
    reported(shop, "pass", table="public.b")
    found = Watch(shop, now(shop))
    assert found.after(HOURS) == []
    return found


def test_a_closed_gate_is_told_once_repeated_after_a_day_and_told_when_it_is_over(watch: Watch) -> None:
    watch.see("fail")
    assert watch.after(3 * SECONDS) == [("change", {"closed": 1})]
    watch.see("fail")
    assert watch.after(23 * HOURS) == [], "another failure of the same incident is no news"
    assert watch.after(HOURS) == [("repeat", {"still_closed": 1})]
    assert watch.after(23 * HOURS) == []
    assert watch.after(HOURS) == [("repeat", {"still_closed": 1})]
    watch.see("pass")
    assert watch.after(3 * SECONDS) == [("change", {"opened": 1})]
    assert watch.after(100 * HOURS) == []
