"""Finished requests become messages: kept from the transaction that finished them until the broker has them.

Lease and loop are those of every sender (`database/sending.py`), its backoff is not: the broker confirms parts of a batch, and
the order within a key decides what is sent again, so the rest is given back together and tried again after a fixed pause.
"""

import json
import logging
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.leases import Lease
from database.pool import Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.samples import without_samples
from stringx_dataops.contract.messages.sizes import short
from stringx_dataops.contract.problems import Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PUBLICATION = "publication"  # the payload that wakes the publisher
LEASE_S = 120  # longer than a batch may take to be sent
REFUSED_S = 60  # until a message is sent again that the broker refuses
_BATCH, _BATCH_BYTES = 200, 1024 * 1024  # of results as they are stored; a larger one is a batch of its own

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """A result: its table (or dataset) as the key, JSON as the value."""

    key: bytes
    value: bytes

    def without_rules(self) -> "Message":
        """Where the whole is more than the broker takes: verdict, counts, and where the rest is; 64 KiB at most."""
        result = json.loads(self.value)
        found = short(result, f"too large for Kafka: GET /api/v1/requests/{result['request_id']} has the rules")
        return Message(self.key, json.dumps(found, ensure_ascii=False).encode())


def begin(database: Database) -> None:
    """From now on, keep each finished request until it is published."""
    with database.transaction() as cursor:
        cursor.run(SQL["begin"])


class NotConfirmed(Unavailable):
    """The broker is away, or did not confirm all results; what it did not confirm is sent again."""


@dataclass(frozen=True)
class Sent:
    """Which messages of a list the broker has confirmed, and which it refuses even in their shortest form, by their place in the
    list. `fault`: why not all are confirmed, in one line."""

    confirmed: Set[int] = frozenset()
    refused: Set[int] = frozenset()
    fault: str | None = None


def publish(database: Database, publisher: str, send: Callable[[list[Message]], Sent]) -> int:
    """Lease the results that wait longest, let `send` send them outside of any transaction, and delete those that are confirmed.
    Returns their number. NotConfirmed if some are not confirmed: these are given back. Another publisher may send some of them
    again if this process dies in between, or holds them for longer than its lease."""
    lease, room = Lease(publisher, LEASE_S), {"limit": _BATCH, "bytes": _BATCH_BYTES}
    with database.statements() as cursor:
        ids = [row["request_id"] for row in cursor.all(SQL["lease"], lease.parameters | room)]
        rows = cursor.all(SQL["leased"], {"ids": ids}) if ids else []
    if not rows:
        return 0
    messages = [_message(row) for row in rows]
    sent = Sent()
    try:
        sent = send(messages)
    finally:
        _settle(database, publisher, rows, _in_order(messages, sent), sent.refused)
    if len(sent.confirmed) < len(messages):
        raise NotConfirmed(sent.fault or "the Kafka broker did not confirm all results")
    return len(rows)


def _settle(database: Database, publisher: str, rows: Sequence[Row], done: Set[int], refused: Set[int]) -> None:
    """Delete those that are done, give back the others; refused ones are due again after REFUSED_S, so that others come first."""
    ids = [row["request_id"] for row in rows]
    published = {"ids": [ids[place] for place in sorted(done)], "queued_at": [rows[place]["queued_at"] for place in sorted(done)]}
    with database.statements() as cursor:
        if cursor.run(SQL["published"], published | {"worker": publisher}) == len(rows):
            return
        if refused:
            late = {"ids": [ids[place] for place in sorted(refused)], "worker": publisher, "delay_s": REFUSED_S}
            cursor.run(SQL["postpone"], late)
        cursor.run(SQL["give_back"], {"ids": ids, "worker": publisher})


def _in_order(messages: Sequence[Message], sent: Sent) -> Set[int]:
    """The confirmed messages, without those behind an unconfirmed message of their key: these are sent again after that message,
    so that the last message of a key is its newest."""
    done, broken = set(), set()
    for place, message in enumerate(messages):
        if place not in sent.confirmed:
            if place not in sent.refused:
                broken.add(message.key)
        elif message.key not in broken:
            done.add(place)
    return done


def _message(row: Row) -> Message:
    try:
        value = _without_result(row) if row["result"] is None else without_samples(row["result"]) or row["result"]
        written = json.dumps(value, ensure_ascii=False).encode()
    except Exception:  # one odd result must not keep all others from being sent
        log.exception("a result is published without its rules", extra={"request_id": row["request_id"]})
        written = json.dumps(_without_result(row)).encode()
    return Message((row["table_name"] or row["dataset"]).encode(), written)


def _without_result(row: Row) -> dict[str, Any]:
    """Of a request that ended before there was a check, in the shape of a result."""
    subject = {"dataset": row["dataset"]} if row["dataset"] is not None else {"table": row["table_name"]}
    return {
        "check_id": str(row["check_id"]) if row["check_id"] is not None else None,
        "request_id": row["request_id"],
        "target": row["target"],
        **subject,
        "status": row["status"],
        "verdict": row["verdict"],
        "reason": row["reason"],
        "queued_at": rfc3339(row["created_at"]),
        "finished_at": rfc3339(row["finished_at"]),
        "counts": {},
        "rules": [],
    }
