"""The life of a check: accepted once, claimed by a worker, finished by the worker that holds the claim."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from api import outbox, rules
from contract.catalogue import Catalogue
from contract.checks import CheckRequest, CheckResult, Scope, require_scope
from contract.durations import parse_duration
from contract.ids import new_id
from contract.problems import Busy, Conflict, NotFound
from contract.verdicts import TERMINAL
from database.leases import LEASE_S
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
CHANNEL = "dataops"
QUEUE = "queue"  # the payload that wakes workers; a finished check's payload is its id
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Check:
    """A row of the table of checks."""

    check_id: str
    request: CheckRequest
    request_id: str
    tables: list[str]  # what it runs on; a dataset's are settled when it is claimed
    status: str
    mode: str
    timeout_s: int
    attempt: int
    worker: str | None
    queued_at: datetime
    started_at: datetime | None
    result: dict[str, Any] | None

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    def as_json(self) -> dict[str, Any]:
        """The result, or as much of it as is known."""
        return self.result if self.result is not None else self.pending().as_json()

    def pending(self) -> CheckResult:
        return CheckResult.model_validate(
            {
                "check_id": self.check_id,
                "request_id": self.request_id,
                "target": self.request.target,
                "table": self.request.table,
                "dataset": self.request.dataset,
                "status": self.status,
                "scope": Scope.model_validate(self.request.scope()),
                "attempt": self.attempt,
                "queued_at": self.queued_at,
                "started_at": self.started_at,
            }
        )


@dataclass(frozen=True)
class Accepted:
    """A check, and whether it was there before."""

    check: Check
    replayed: bool


def accept(database: Database, catalogue: Catalogue, request: CheckRequest, queue_limit: int) -> Accepted:
    """Write the check down; NotFound, Invalid, Conflict (used request_id) or Busy where it is not taken in."""
    identity = json.dumps(request.identity(), sort_keys=True)
    body_hash = hashlib.sha256(identity.encode()).digest()
    request_id = request.request_id or new_id()
    with database.transaction() as cursor:
        if request.request_id and (row := cursor.one(SQL["find_by_request"], {"request_id": request_id})):
            return _replay(row, body_hash)
        subject = rules.find_subject_with(cursor, request)
        require_scope(request, subject.documents, catalogue.default_dimensions)
        if _queued(cursor, queue_limit) >= queue_limit:
            raise Busy(f"{queue_limit} checks are waiting already; try again later")
        check_id = new_id()
        written = cursor.run(
            SQL["accept"],
            {
                "check_id": check_id,
                "request_id": request_id,
                "body": json_value(request.model_dump(mode="json", by_alias=True, exclude_none=True)),
                "body_hash": body_hash,
                "target": request.target,
                "table": request.table,
                "dataset": request.dataset,
                "mode": request.mode or subject.mode,
                "timeout_s": request.timeout_s or int(parse_duration(subject.timeout)),
                "is_full": request.full,
            },
        )
        row = cursor.one(SQL["find_by_request"], {"request_id": request_id})
        assert row is not None  # inserted, or the conflict that kept it from being inserted
        if not written:
            return _replay(row, body_hash)
        cursor.run(SQL["notify"], {"payload": QUEUE})
    return Accepted(_check(row), replayed=False)


def find(database: Database, check_id: str) -> Check:
    with database.transaction() as cursor:
        row = cursor.one(SQL["find"], {"check_id": check_id})
    if row is None:
        raise NotFound(f"there is no check {check_id}")
    return _check(row)


def claim(database: Database, worker: str) -> Check | None:
    """The next check for this worker, leased to it; None where nothing may run now."""
    with database.transaction() as cursor:
        cursor.run(SQL["lock_claims"])
        row = cursor.one(SQL["claim"], {"worker": worker, "lease_s": LEASE_S})
    return _check(row) if row is not None else None


def finish(database: Database, check: Check, result: CheckResult, callback_url: str) -> bool:
    """Store the result and its outgoing message together; False where the claim was lost, and nothing is stored."""
    with database.transaction() as cursor:
        body = result.as_json()
        parameters = {
            "check_id": check.check_id,
            "attempt": check.attempt,
            "worker": check.worker,
            "status": result.status,
            "verdict": result.verdict,
            "result": json_value(body),
        }
        if cursor.one(SQL["finish"], parameters) is None:
            return False
        for table in result.tables:
            if check.request.full and result.status != "canceled":
                said = {"check_id": check.check_id, "target": result.target, "table": table.table, "verdict": table.verdict}
                cursor.run(SQL["put_dataset_result"], said)
        outbox.put(cursor, check.check_id, callback_url, json.dumps(body, ensure_ascii=False))
        cursor.run(SQL["notify"], {"payload": check.check_id})
        cursor.run(SQL["notify"], {"payload": outbox.OUTBOX})
        cursor.run(SQL["notify"], {"payload": QUEUE})  # its table and its place at the target are free again
    return True


def hand_back(database: Database, check: Check, counted: bool) -> None:
    """Let the check be claimed again; after `MAX_ATTEMPTS` counted ones it is not run any more."""
    with database.transaction() as cursor:
        keys = {"check_id": check.check_id, "attempt": check.attempt, "worker": check.worker, "counted": counted}
        cursor.run(SQL["hand_back"], keys)
        cursor.run(SQL["notify"], {"payload": QUEUE})


def now(database: Database) -> datetime:
    """The one clock: the internal database's."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["now"])
    assert row is not None
    moment: datetime = row["now"]
    return moment


def _queued(cursor: Cursor, limit: int) -> int:
    row = cursor.one(SQL["count_queued"], {"limit": limit})
    return int(row["queued"]) if row else 0


def _replay(row: Row, body_hash: bytes) -> Accepted:
    if bytes(row["body_hash"]) != body_hash:
        raise Conflict(f"request_id {row['request_id']!r} was used with another body; use a new one")
    return Accepted(_check(row), replayed=True)


def _check(row: Row) -> Check:
    return Check(
        check_id=str(row["check_id"]),
        request=CheckRequest.model_validate(row["body"]),
        request_id=row["request_id"],
        tables=[row["table_name"]] if row["table_name"] is not None else row["tables"] or [],
        status=row["status"],
        mode=row["mode"],
        timeout_s=row["timeout_s"],
        attempt=row["attempt"],
        worker=row["worker"],
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        result=row["result"],
    )
