"""The delivery log: lists messages and what became of them, sends them again, and sends tests."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.configuration.versions import read_stored
from backend.notifications import outbox, rendering, sending
from backend.notifications.secrets import Unusable
from backend.notifications.senders.orders import Outcome
from backend.notifications.sending import Mailroom
from database import audit
from database.keys import Caller
from database.notifications import notify
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.notifications import (
    ChannelTest,
    Notification,
    NotificationContent,
    NotificationDetails,
    NotificationState,
)
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import Busy, Conflict, NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
NOTIFICATIONS = Pages("notifications", texts=2)  # positions: planned_at, id
FILTERS = ("channel", "kind", "state", "incident", "from", "to")
MOST_NAMED = 100  # incidents and routes of a message in a list
MOST_CHANNELS = 1000  # in metrics
MOST_TESTS = 4  # at once, per process: each of them holds a thread


@dataclass(frozen=True)
class Queue:
    """What a channel waits for, and what it has been through. `failing_s`: for how long it has taken no message."""

    channel: str
    delivered: int
    given_up: int
    failures: int
    waiting: int
    oldest_age_s: float
    failing_s: float


class Log:
    """The delivery log of an installation, for one process."""

    def __init__(self, database: Database, mailroom: Mailroom, worker: str) -> None:
        self._database, self._mailroom, self._worker = database, mailroom, worker
        self._tests = threading.BoundedSemaphore(MOST_TESTS)

    def page(self, filters: Mapping[str, Any], wanted: Page = FIRST) -> PageJson:
        """A page of messages as JSON, the newest first. `filters` are some of FILTERS."""
        at, after = wanted.after or (None, None)
        with self._database.transaction() as cursor:
            rows = cursor.all(SQL["page"], _given(filters) | {"at": at, "after": after, "limit": wanted.limit + 1})
        found = [((rfc3339(row["planned_at"]), str(row["notification_id"])), _read(row).model_dump(mode="json")) for row in rows]
        return NOTIFICATIONS.answer(wanted, found)

    def find(self, notification_id: str) -> NotificationDetails:
        """A message with its text. Raises NotFound."""
        with self._database.transaction() as cursor:
            row = _require(cursor, notification_id)
        content = read_stored(NotificationContent, row["content"])
        text = "" if content is None else rendering.plain(content, row["channel"], self._mailroom.public_url).body
        return NotificationDetails(**dict(_read(row)), text=text, content=content)

    def send_again(self, caller: Caller, notification_id: str) -> NotificationDetails:
        """Have a message sent at once, whatever became of it, under the same id. NotFound if there is none; Conflict while it is
        being sent, and for a test or a message whose channel is no more."""
        with self._database.transaction() as cursor:
            row = _require(cursor, notification_id)
            if row["kind"] == "test":
                raise Conflict("a test is not sent again; test the channel anew")
            channel = _require_channel(cursor, row["channel"])
            if not channel.active:
                raise Conflict(f"channel {channel.name} is not active; nothing is sent to it")
            cursor.run(SQL["try_channel"], {"channel": channel.name})  # first, as senders lock them
            if not cursor.run(SQL["send_again"], {"id": notification_id}):
                raise Conflict(f"message {notification_id} is being sent at this moment")
            about = subject("notification", notification_id)
            audit.record(cursor, caller, "notification.sent_again", about, {"channel": channel.name, "kind": row["kind"]})
            notify(cursor, outbox.CHANNEL, outbox.PAYLOAD)
        return self.find(notification_id)

    def test(self, caller: Caller, name: str) -> ChannelTest:
        """Send a test message now, and say what became of it. An inactive channel can be tested, too. Busy while too many tests
        run."""
        if not self._tests.acquire(blocking=False):
            raise Busy(f"{MOST_TESTS} tests of channels are running; try again in a moment", retry_after_s=5)
        try:
            return self._test(caller, name)
        finally:
            self._tests.release()

    def _test(self, caller: Caller, name: str) -> ChannelTest:
        with self._database.transaction() as cursor:
            channel = _require_channel(cursor, name)
            content = NotificationContent(kind="test", made_at=cursor.now())
            test_id = sending.put_test(cursor, name, self._worker, content)
            audit.record(cursor, caller, "channel.tested", subject("channel", name))
        try:
            outcome = self._mailroom.send(channel, test_id, content)
        except Unusable as fault:
            outcome = Outcome(is_sent=False, reason=fault.reason)
        sending.end_test(self._database, name, test_id, outcome)
        error = None if outcome.is_sent else outcome.reason
        return ChannelTest(id=test_id, channel=name, delivered=outcome.is_sent, status=outcome.status, error=error)


def queues(database: Database) -> list[Queue]:
    """The queue of every channel that ever had a message."""
    with database.transaction() as cursor:
        return [Queue(**row) for row in cursor.all(SQL["unsent"], {"most": MOST_CHANNELS})]


def of_incident(cursor: Cursor, incident_id: str, most: int) -> list[Notification]:
    """The messages that told of an incident, the newest first."""
    filters = _given({"incident": incident_id})
    return [_read(row) for row in cursor.all(SQL["page"], filters | {"at": None, "after": None, "limit": most})]


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: filters.get(name) for name in FILTERS} | {"id": None, "most": MOST_NAMED}


def _require(cursor: Cursor, notification_id: str) -> Row:
    given = _given({}) | {"id": notification_id, "at": None, "after": None, "limit": 1}
    row = cursor.one(SQL["page"], given)
    if row is None:
        raise NotFound(f"there is no message {notification_id}")
    return row


def _require_channel(cursor: Cursor, name: str) -> ChannelDocument:
    row = cursor.one(SQL["channel"], {"channel": name})
    if row is None:
        known = [each["name"] for each in cursor.all(SQL["channels"])]
        raise NotFound(f"there is no channel {name!r}{did_you_mean(name, known) or ''}")
    channel = read_stored(ChannelDocument, row["document"])
    if channel is None:
        raise Conflict(f"another release stored the channel {name}, and this one cannot read it")
    return channel


def _read(row: Row) -> Notification:
    state = _state(row)
    content = read_stored(NotificationContent, row["content"])
    return Notification(
        id=str(row["notification_id"]),
        state=state,
        title="" if content is None else rendering.heading(content, row["channel"]),
        counts={} if content is None else content.counts,
        due_at=max(filter(None, (row["due_at"], row["channel_due_at"]))) if state == "waiting" else None,
        **{name: row[name] for name in _SAME},
    )


_SAME = ("channel", "kind", "incidents", "routes", "planned_at", "attempts", "delivered_at", "given_up_at", "withdrawn_at",
         "withdrawn_because", "last_error", "last_status")  # fmt: skip


def _state(row: Row) -> NotificationState:
    if row["delivered_at"] is not None:
        return "delivered"
    if row["given_up_at"] is not None:
        return "failed"
    return "withdrawn" if row["withdrawn_at"] is not None else "waiting"
