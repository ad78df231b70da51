"""Delivering results to the Backend: written with the result, posted until acknowledged, signed, always under one id."""

import logging
import random
from dataclasses import dataclass
from pathlib import Path

import requests

from contract import signatures
from contract.ids import new_id
from database.leases import LEASE_S
from database.pool import Cursor, Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
OUTBOX = "outbox"  # the payload that wakes the sender
_TIMEOUT_S = (5, 15)  # connect, read: together within a lease
_LONGEST_DELAY_S = 600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """What a post carries besides its body."""

    worker: str
    service_key: str
    signing_secret: str


def put(cursor: Cursor, check_id: str, url: str, body: str) -> None:
    """Write a message down in the transaction of what it tells."""
    cursor.run(SQL["put"], {"message_id": new_id(), "check_id": check_id, "url": url, "body": body})


def deliver_next(database: Database, sender: Sender, session: requests.Session) -> bool | None:
    """Post one message that is due; True when acknowledged, False when postponed, None when none is due."""
    with database.transaction() as cursor:
        message = cursor.one(SQL["claim"], {"worker": sender.worker, "lease_s": LEASE_S})
    if message is None:
        return None
    message_id = str(message["message_id"])
    error = _post(session, sender, message_id, message["url"], message["body"])
    with database.transaction() as cursor:
        if error is None:
            cursor.run(SQL["delivered"], {"message_id": message_id, "worker": sender.worker})
            return True
        log.warning("result not delivered to %s (attempt %d): %s", message["url"], message["attempts"], error)
        cursor.run(
            SQL["postpone"],
            {
                "message_id": message_id,
                "worker": sender.worker,
                "error": error,
                "delay_s": _delay_s(message["attempts"]),
                "give_up": message["expired"],
            },
        )
    return False


def _post(session: requests.Session, sender: Sender, message_id: str, url: str, body: str) -> str | None:
    """None where the receiver acknowledged, otherwise why not, in one line."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {sender.service_key}"}
    headers |= signatures.sign(sender.signing_secret, message_id, body)
    try:
        response = session.post(url, data=body.encode(), headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        return type(error).__name__
    return None if 200 <= response.status_code < 300 else f"status {response.status_code}"


def _delay_s(attempts: int) -> float:
    """Exponential backoff with full jitter, at least half a second."""
    return 0.5 + random.uniform(0, min(_LONGEST_DELAY_S, 2.0 ** min(attempts, 12)))  # noqa: S311 (no secret)
