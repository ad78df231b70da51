"""Notifications between the processes of DataOps. Each is only a hint: whoever waits for one also looks from time to time."""

from database import notifications
from database.pool import Cursor

CHANNEL = "dataops"


def notify(cursor: Cursor, *payloads: str) -> None:
    """Wake those who wait for these payloads, once the transaction has ended."""
    notifications.notify(cursor, CHANNEL, *payloads)
