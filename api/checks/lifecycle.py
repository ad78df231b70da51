"""A check from the caller's side: accepted once, looked at, canceled. `claims` is the worker's side of the same row."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

from api.checks import lookup
from api.checks.result_parts import CANCELED, Ending, Execution, undecided
from api.delivery import outbox
from api.notifications import notify
from database import audit
from database.configuration import Refusals
from database.keys import is_seen
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import AuditAction
from stringx_dataops.contract.messages.audit import subject as audited
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, EarlierAttempt, Scope, require_scope
from stringx_dataops.contract.messages.samples import hidden
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus
from stringx_dataops.contract.problems import Busy, Conflict, NotFound
from stringx_dataops.contract.trace_context import TraceContext, read_columns
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))
QUEUE = "queue"  # the payload that wakes workers, sent where checks change; a finished check's payload is its id
CANCEL = "cancel"  # the payload that has workers look which of their checks are to end


class _KnownFields(TypedDict):
    """The fields of a result that are known before the check has ended."""

    check_id: str
    request_id: str
    target: str
    table: str | None
    dataset: str | None
    trial: bool
    scope: Scope
    asked: JsonObject
    requested_by: str | None
    joined: str | None
    attempt: int
    earlier_attempts: list[EarlierAttempt]
    queued_at: datetime
    traceparent: str | None
    tracestate: str | None


@dataclass(frozen=True)
class Check:
    """A row of the table of checks."""

    check_id: str
    request: CheckOrder
    request_id: str
    tables: list[str]  # what it runs on; of a dataset as its document said when it was accepted, or claimed
    status: CheckStatus
    mode: str
    timeout_s: int
    attempt: int
    crashes: int
    yields: int
    joined: str | None
    requested_by: str | None
    earlier_attempts: list[EarlierAttempt]
    cancel_requested: bool
    worker: str | None
    queued_at: datetime
    started_at: datetime | None
    result: dict[str, Any] | None
    trace: TraceContext | None = None  # that it belongs to

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_trial(self) -> bool:
        """Whether it decides nothing, as a trial or a profile."""
        return self.request.document is not None or self.request.is_profile

    @property
    def named(self) -> dict[str, str]:
        """What it is about."""
        asked = self.request
        named = {"target": asked.target, "table": asked.table, "dataset": asked.dataset}
        return {name: value for name, value in named.items() if value is not None}

    def as_json(self, *, with_samples: bool) -> dict[str, Any]:
        """The result, or as much of it as is known. `with_samples`: whether the key that asks may see samples."""
        found = self.result if self.result is not None else self.pending().as_json()
        return found if with_samples else hidden(found)

    def pending(self) -> CheckResult:
        """The part of the result that is known while the check waits or runs."""
        return CheckResult(**self._known(), status=self.status, started_at=self.started_at)

    def result_with(self, ending: Ending, execution: Execution | None = None) -> CheckResult:
        """The result of a check that has ended, validated. `execution` is None if it was never run. Every CheckResult of
        DataOps is built here or by `pending`."""
        return CheckResult(
            **self._known(),
            status=ending.status,
            verdict=ending.verdict,
            reason=ending.reason,
            finished_at=ending.finished_at,
            snapshot_at=ending.snapshot_at,
            row_count=ending.row_count,
            window_nulls=ending.window_nulls,
            notes=ending.notes,
            counts=ending.counts,
            scores=ending.scores,
            rules=ending.rules,
            tables=ending.tables,
            profile=ending.profile,
            standby=ending.standby,
            started_at=execution.started_at if execution else self.started_at,
            duration_ms=execution.duration_ms if execution else None,
            config_version=execution.config_version if execution else None,
            rules_hash=execution.rules_hash if execution else None,
            target_hash=execution.target_hash if execution else None,
            skipped=execution.skipped if execution else [],
            dbt=execution.dbt if execution else None,
        )

    def _known(self) -> _KnownFields:
        return {
            "check_id": self.check_id,
            "request_id": self.request_id,
            "target": self.request.target,
            "table": self.request.table,
            "dataset": self.request.dataset,
            "trial": self.is_trial,
            "scope": Scope.model_validate(self.request.scope()),
            "asked": self.request.asked(),
            "requested_by": self.requested_by,
            "joined": self.joined,
            "attempt": self.attempt,
            "earlier_attempts": self.earlier_attempts,
            "queued_at": self.queued_at,
            "traceparent": self.trace.traceparent if self.trace else None,
            "tracestate": self.trace.tracestate if self.trace else None,
        }

    def results_url(self, backend_url: str) -> str:
        """Where its result is posted."""
        return results_url(backend_url, self.request_id)


def results_url(backend_url: str, request_id: str) -> str:
    return f"{backend_url}/api/v1/requests/{quote(request_id, safe='')}/results"


@dataclass(frozen=True)
class Accepted:
    """A check, and whether it was there before."""

    check: Check
    replayed: bool


def accept(
    database: Database, catalogue: Catalogue, request: CheckRequest, queue_limit: int, requested_by: str | None = None
) -> Accepted:
    """Write the check down; NotFound, Invalid, Conflict (used request_id) or Busy where it is not taken in. `requested_by` is
    the name of the key that asks.

    Where the same is waiting already, not begun, the new check shares its run.
    """
    body_hash = request.digest()
    request_id = request.request_id or new_id()
    is_apart = request.tried is not None or request.is_profile
    with database.transaction() if is_apart else database.statements() as cursor:
        Refusals(cursor, lookup.ON_BACKEND).require_seen(request.target)
        if request.request_id and (row := cursor.one(SQL["find_by_request"], {"request_id": request_id})):
            return _replay(row, body_hash)
        subject = lookup.find_subject_with(cursor, catalogue, request)
        if not request.is_profile:
            require_scope(request, subject.documents, catalogue.default_dimensions)
        check_id = new_id()
        body = request.model_dump(mode="json", by_alias=True, exclude_none=True)
        asked = {
            "check_id": check_id,
            "request_id": request_id,
            "body": json_value(_body_of_trial(request, check_id) if is_apart else body),
            "trial": json_value(body) if request.tried is not None else None,
            "profile": json_value(body) if request.is_profile else None,
            "body_hash": body_hash,
            "target": request.target,
            "table": request.table,
            "dataset": request.dataset,
            "mode": request.mode or subject.mode,
            "timeout_s": request.timeout_s or int(parse_duration(subject.timeout)),
            "is_full": request.full,
            "requested_by": requested_by,
            "queue_limit": queue_limit,
            **tracing.current_columns(),
        }
        if (row := cursor.one(SQL["accept"], asked)) is not None:
            if is_apart:
                action: AuditAction = "profile.asked" if request.is_profile else "trial.asked"
                of = audited("table", request.target, request.table or "")
                audit.record_asked(cursor, action, of, {"request_id": request_id}, but_for_services=True)
            return Accepted(read_check(row), replayed=False)
        if (row := cursor.one(SQL["find_by_request"], {"request_id": request_id})) is not None:
            return _replay(row, body_hash)
        raise Busy(f"{queue_limit} checks are waiting already; try again later")


def find(database: Database, check_id: str) -> Check:
    with database.statements() as cursor:
        return _find(cursor, check_id)


def cancel(database: Database, check_id: str, backend_url: str, by: str | None = None) -> Check:
    """A waiting check ends at once as `canceled`; a running one is told to its worker, and ends when that has stopped it; one
    that has ended stays as it is. NotFound where there is none. `by` is the name of the key that cancels."""
    with database.transaction() as cursor:
        lock_target(cursor, _find(cursor, check_id).request.target)
        check = _find(cursor, check_id)
        if check.status == "queued":
            body = check.result_with(undecided("canceled", CANCELED, cursor.now())).as_json()
            cursor.run(SQL["cancel_waiting"], {"check_id": check_id, "by": by, "result": json_value(body)})
            release_joined(cursor, check_id)
            announce(cursor, check, body, backend_url)
        elif not check.terminal:
            cursor.run(SQL["cancel_running"], {"check_id": check_id, "by": by})
            notify(cursor, CANCEL)
        if not check.terminal and not check.cancel_requested:
            of = audited("request", check.request_id)
            audit.record_asked(cursor, "request.canceled", of, check.named, but_for_services=True)
        return _find(cursor, check_id)


def announce(cursor: Cursor, check: Check, body: dict[str, Any], backend_url: str) -> None:
    """What follows the end of a check, in its transaction: the message to the Backend, and a notification to all waiters."""
    outbox.put(cursor, check.check_id, check.results_url(backend_url), json.dumps(body, ensure_ascii=False))
    notify(cursor, check.check_id, outbox.OUTBOX)


def release_joined(cursor: Cursor, check_id: str) -> None:
    """The check was canceled. The first check that would have shared its run takes its place; the others join that one."""
    successor = cursor.one(SQL["lead_joined"], {"check_id": check_id})
    if successor is not None:
        cursor.run(SQL["follow"], {"check_id": check_id, "successor": successor["check_id"]})


def lock_target(cursor: Cursor, target: str) -> None:
    """Locks the target's row until the transaction ends. Every change of a target's queue takes this lock first, so there are no
    deadlocks."""
    while cursor.run(SQL["lock_target"], {"target": target}) == 0:
        cursor.run(SQL["make_target"], {"target": target})


def _body_of_trial(request: CheckRequest, check_id: str) -> JsonObject:
    """What a worker of a release without trials, or profiles, reads: a check of a rule that no table has, which it ends as
    errored."""
    return {"target": request.target, "table": request.table, "rule_ids": [f"trial_{check_id.replace('-', '')}"]}


def _find(cursor: Cursor, check_id: str) -> Check:
    row = cursor.one(SQL["find"], {"check_id": check_id})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no check {check_id}")
    return read_check(row)


def _replay(row: Row, body_hash: bytes) -> Accepted:
    if bytes(row["body_hash"]) != body_hash:
        raise Conflict.of_reused(row["request_id"])
    return Accepted(read_check(row), replayed=True)


def read_check(row: Row) -> Check:
    return Check(
        check_id=str(row["check_id"]),
        request=CheckOrder.model_validate(row["profile"] or row["trial"] or row["body"]),
        request_id=row["request_id"],
        tables=row["tables"] or [row["table_name"]],
        status=row["status"],
        mode=row["mode"],
        timeout_s=row["timeout_s"],
        attempt=row["attempt"],
        crashes=row["crashes"],
        yields=row["yields"],
        joined=str(row["joined"]) if row["joined"] is not None else None,
        requested_by=row["requested_by"],
        earlier_attempts=[EarlierAttempt.model_validate(each) for each in row["earlier_attempts"]],
        cancel_requested=row["cancel_requested"],
        worker=row["worker"],
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        result=row["result"],
        trace=read_columns(row),
    )
