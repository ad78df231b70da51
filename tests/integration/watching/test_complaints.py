"""What users of other tools complain of, and what therefore must not happen here: a test for each. Results are stored, messages planned
at a clock of the test's own, and sent to a real receiver."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backend.incidents import acting
from backend.notifications.grouping import PER_MINUTE
from backend.notifications.planning import Planner
from backend.notifications.secrets import Secrets
from backend.notifications.senders.processes import Processes
from backend.notifications.sending import Mailroom, NotificationSender
from backend.schedules import expecting
from database.pool import Database
from stringx_dataops.contract.messages.incidents import Acknowledgement
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import ME, apply, now, table
from tests.support.incidents import incidents, reported
from tests.support.receivers import Receiver, http_receiver
from tests.support.schedules import put, runs, schedule, turn
from tests.support.watching import channel, configure, route

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
SETTLED = 3 * SECOND
_SOME = 30  # gates of a storm


@dataclass
class Watch:
    """A shop, a channel with a real receiver, and a clock."""

    database: Database
    receiver: Receiver
    sender: NotificationSender
    at: datetime

    def see(self, verdict: str, **asked: Any) -> None:
        reported(self.database, verdict, **asked)

    def told(self, time: timedelta = MINUTE) -> list[str]:
        """What the receiver is told in that time, which ends with two looks at what is due: a word per table and dataset."""
        before = len(self.receiver.posts)
        self.at += time
        for _ in range(2):
            Planner(self.database).turn(self.at)
            self.send()
            self.at += SETTLED
        return [word for post in self.receiver.posts[before:] for word in words(post.json["data"])]

    def send(self) -> None:
        """All that is planned, as if it was due, and as if it arrived at this clock's time."""
        self.run("update stringx.notifications set due_at = clock_timestamp() where delivered_at is null")
        while self.sender.send_next():
            continue
        self.run("update stringx.notifications set delivered_at = planned_at where delivered_at <> planned_at")

    def run(self, sql: str) -> None:
        with self.database.transaction() as cursor:
            cursor.run(sql, {"at": self.at})


def words(data: dict[str, Any]) -> list[str]:
    return [item["what"] for item in [*data.get("items", []), *data.get("also", [])]] if "items" in data else [data["what"]]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """One for all tests: a process takes half a second to start."""
    found = Processes()
    yield found
    found.close()


@pytest.fixture
def watch(shop: Database, processes: Processes, tmp_path: Path) -> Iterator[Watch]:
    """Every gate of the shop is open, and whoever listens is told what routes tell by default."""
    with http_receiver() as receiver:
        secrets = Secrets(tmp_path, [new_secret()], {"NOTIFY_TEAM": receiver.url})
        configure(shop, channel(), route())
        for name in ("public.a", "public.b"):
            reported(shop, "pass", table=name)
        found = Watch(shop, receiver, NotificationSender(shop, Mailroom(secrets, None, processes), "w"), now(shop))
        yield found


def test_a_message_per_run(watch: Watch) -> None:
    told = []
    for _ in range(5):
        watch.see("fail")
        told += watch.told()
    assert told == ["closed"]


def test_no_message_when_it_is_over(watch: Watch) -> None:
    watch.see("fail")
    assert watch.told() == ["closed"]
    watch.see("pass")
    assert watch.told() == ["opened"]


def test_suppression_that_is_ignored(watch: Watch) -> None:
    watch.see("fail")
    assert watch.told() == ["closed"]
    assert watch.told(DAY) == ["still_closed"]
    [incident] = incidents(watch.database)
    acting.acknowledge(watch.database, ME, incident["incident_id"], Acknowledgement(until=watch.at + 3 * DAY), watch.at)
    for _ in range(3):
        watch.see("fail")
        assert watch.told(23 * HOUR) == []
    assert watch.told(5 * HOUR) == ["still_closed"], "the acknowledgement has ended"


def test_silence_when_the_trigger_never_came(watch: Watch) -> None:
    apply(watch.database, table("public.a", "a", expected_by={"time": "06:30", "timezone": "Europe/Berlin", "grace": "30m"}))
    watch.at += 2 * DAY
    expecting.look(watch.database, watch.at)
    assert watch.told() == ["missed"]
    watch.at += DAY
    expecting.look(watch.database, watch.at)
    assert watch.told() == ["still_missed"], "a day without a check after the first one is no second incident"
    watch.see("pass")
    assert watch.told() == ["opened"]


def test_the_wrong_hour_after_a_change_of_clocks(shop: Database) -> None:
    """Six o'clock in Berlin is six o'clock on the day of the change and after it, in spring and in autumn."""
    zone, stored = ZoneInfo("Europe/Berlin"), now(shop)
    put(shop, schedule(cron="0 6 * * *", timezone="Europe/Berlin", table="public.c"), stored)
    midnights = [stored.replace(hour=0, minute=0) + number * DAY for number in range(2, 400)]
    changes = [day for day in midnights if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset()]
    for change in changes[:2]:
        for hour in range(-24, 48, 2):
            turn(shop, change + hour * HOUR)
    due = [run["due_at"].astimezone(zone) for run in runs(shop)]
    assert {(moment.hour, moment.minute) for moment in due} == {(6, 0)}
    assert len({moment.date() for moment in due}) == len(due) >= 6, "three days each"


def test_an_alert_on_success(watch: Watch) -> None:
    for verdict in ("pass", "warn", "pass", "pass"):
        watch.see(verdict)
        watch.see(verdict, table="public.b")
        assert watch.told() == []
    apply(watch.database, table("public.new", "a"))
    watch.see("pass", table="public.new")
    assert watch.told(2 * DAY) == [], "a first check that opens a gate is no news"


def test_a_rate_limit_that_a_storm_hits(watch: Watch) -> None:
    """Gates close second by second; the receiver, which once asks for a pause, gets few messages, and learns of all."""
    apply(watch.database, *(table(f"public.s{number}", "a") for number in range(_SOME)))
    watch.receiver.answers.append((429, {"Retry-After": "120"}))
    watch.at -= HOUR  # for the sender, which goes by the database's clock, each message is of another minute
    told: list[str] = []
    for number in range(_SOME):
        watch.see("fail", table=f"public.s{number}")
        told += watch.told(timedelta(0))
        if number == 10:
            assert len(watch.receiver.posts) == 1, "it asked for a pause"
            watch.run("update stringx.channel_queues set due_at = clock_timestamp()")
    sent = len(watch.receiver.posts)
    told += watch.told(2 * MINUTE)
    assert told.count("closed") == _SOME + 1, "one message came twice, as its receiver did not take it"
    minutes = _SOME * 2 * SETTLED / MINUTE
    assert sent <= 1 + PER_MINUTE * (minutes + 1)
