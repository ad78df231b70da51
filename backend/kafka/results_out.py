"""Finished requests become messages: kept from the transaction that finished them until the broker has them.

Lease and loop are those of every sender (`database/sending.py`), its backoff is not: the broker confirms parts of a batch, and
the order within a key decides what is sent again, so the rest is given back together and tried again after a fixed pause.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from typing import Any

from backend.kafka.messages import KafkaMessage, Receipt
from backend.kafka.publishing import REFUSED_S, NotConfirmed
from database.leases import Lease
from database.pool import Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.samples import without_samples
from stringx_dataops.contract.messages.sizes import short
from stringx_dataops.contract.trace_context import TraceContext, of_headers, read_columns
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PUBLICATION = "publication"  # the payload that wakes the publisher
LEASE_S = 120  # longer than a batch may take to be sent
_BATCH, _BATCH_BYTES = 200, 1024 * 1024  # of results as they are stored; a larger one is a batch of its own

log = logging.getLogger(__name__)


def begin(database: Database) -> None:
    """From now on, keep each finished request until it is published."""
    with database.transaction() as cursor:
        cursor.run(SQL["begin"])


def publish(database: Database, publisher: str, send: Callable[[Sequence[KafkaMessage]], Receipt]) -> int:
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
    receipt = Receipt()
    try:
        with tracing.spans("publish result", "producer", [_traced(*each) for each in zip(rows, messages, strict=True)]):
            receipt = send(messages)
    finally:
        _delete_or_give_back(database, publisher, rows, _in_order(messages, receipt), receipt.too_large)
    if len(receipt.confirmed) < len(messages):
        raise NotConfirmed(receipt.fault or "the Kafka broker did not confirm all results")
    return len(rows)


def _delete_or_give_back(
    database: Database, publisher: str, rows: Sequence[Row], done: Set[int], too_large: Iterable[int]
) -> None:
    """Delete those that are done, give back the others. Those that are too large are due again after REFUSED_S, so that others
    come first."""
    ids = [row["request_id"] for row in rows]
    published = {"ids": [ids[index] for index in sorted(done)], "queued_at": [rows[index]["queued_at"] for index in sorted(done)]}
    with database.statements() as cursor:
        if cursor.run(SQL["published"], published | {"worker": publisher}) == len(rows):
            return
        if late := sorted(too_large):
            cursor.run(SQL["postpone"], {"ids": [ids[index] for index in late], "worker": publisher, "delay_s": REFUSED_S})
        cursor.run(SQL["give_back"], {"ids": ids, "worker": publisher})


def _in_order(messages: Sequence[KafkaMessage], receipt: Receipt) -> Set[int]:
    """The confirmed messages, without those behind an unconfirmed message of their key: these are sent again after that message,
    so that the last message of a key is its newest."""
    done, broken = set(), set()
    for index, message in enumerate(messages):
        if index not in receipt.confirmed:
            if index not in receipt.too_large:
                broken.add(message.key)
        elif message.key not in broken:
            done.add(index)
    return done


def shortened(message: KafkaMessage) -> KafkaMessage:
    """A result without its rules, for a broker that refuses the whole one: verdict, counts, and where the rest is; 64 KiB at
    most."""
    result = json.loads(message.value or b"")
    found = short(result, f"too large for Kafka: GET /api/v1/requests/{result['request_id']} has the rules")
    return KafkaMessage(message.key, json.dumps(found, ensure_ascii=False).encode(), message.headers)


def _message(row: Row) -> KafkaMessage:
    """A result: its table or dataset as the key, JSON as the value; the trace that it belongs to as headers."""
    try:
        value = _without_result(row) if row["result"] is None else without_samples(row["result"]) or row["result"]
        written = json.dumps(value, ensure_ascii=False).encode()
    except Exception:  # one odd result must not keep all others from being sent
        log.exception("a result is published without its rules", extra={"request_id": row["request_id"]})
        written = json.dumps(_without_result(row)).encode()
    context = read_columns(row["result"] or row)
    headers = tuple((name, value.encode()) for name, value in context.headers().items()) if context is not None else ()
    return KafkaMessage((row["table_name"] or row["dataset"]).encode(), written, headers)


def _traced(row: Row, message: KafkaMessage) -> tuple[TraceContext | None, tracing.Attributes]:
    return of_headers(message.headers), {"request_id": row["request_id"], "target": row["target"]}


def _without_result(row: Row) -> dict[str, Any]:
    """A request that ended before there was a check, in the shape of a result."""
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
