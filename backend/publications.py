"""Finished requests become messages: kept from the transaction that finished them until the broker has them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.checks import rfc3339
from contract.samples import without_samples
from contract.sizes import short
from database.pool import Database, Row
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PUBLICATION = "publication"  # the payload that wakes the publisher
_BATCH = 200


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
    """From now on what finishes is kept until it is published."""
    with database.transaction() as cursor:
        cursor.run(SQL["begin"])


def publish(database: Database, send: Callable[[list[Message]], None]) -> int:
    """Have `send` send the results that wait longest, and forget them when it returns; how many there were. Another publisher
    may send them again where this process dies in between."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["due"], {"limit": _BATCH})
        if rows:
            send([_message(row) for row in rows])
            cursor.run(SQL["published"], {"ids": [row["request_id"] for row in rows]})
    return len(rows)


def _message(row: Row) -> Message:
    value = _without_result(row) if row["result"] is None else without_samples(row["result"]) or row["result"]
    return Message((row["table_name"] or row["dataset"]).encode(), json.dumps(value, ensure_ascii=False).encode())


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
