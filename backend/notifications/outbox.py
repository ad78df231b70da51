"""Messages that are to be sent, as they are put into the outbox and taken back out of it."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from database.notifications import notify
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.notifications import NotificationContent

SQL = load_queries(Path(__file__).with_suffix(".sql"))
CHANNEL, PAYLOAD = "stringx", "notifications"  # wakes those who send

Because = Literal["acknowledged", "over", "channel"]


def add(cursor: Cursor, channel: str, content: NotificationContent, now: datetime, due_at: datetime | None = None) -> str:
    """Plan a message, to be sent from `due_at` on; returns its id."""
    parameters = {
        "channel": channel,
        "kind": content.kind,
        "content": json_value(content.model_dump(mode="json")),
        "items": max(content.number, 1),
        "now": now,
        "due_at": due_at or now,
    }
    row = cursor.one(SQL["add"], parameters)
    assert row is not None
    notify(cursor, CHANNEL, PAYLOAD)
    return str(row["notification_id"])


def withdraw(cursor: Cursor, notification_id: str, because: Because, now: datetime) -> bool:
    """Withdraw a message. Returns False if it has been sent already."""
    return cursor.run(SQL["withdraw"], {"notification_id": notification_id, "because": because, "now": now}) == 1


def reword(cursor: Cursor, notification_id: str, content: NotificationContent, left: list[str]) -> None:
    """Replace the content of an unsent repeat by one about these incidents alone."""
    parameters = {
        "notification_id": notification_id,
        "content": json_value(content.model_dump(mode="json")),
        "items": max(content.number, 1),
    }
    if cursor.run(SQL["reword"], parameters):
        cursor.run(SQL["no_longer_told"], {"notification_id": notification_id, "left": left})
