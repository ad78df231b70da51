"""The life of a request: tracked before it is sent, sent to DataOps until accepted, finished by the result that comes back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, TypeVar
from uuid import UUID

from pydantic import ValidationError

from backend.history import recording
from backend.insights import requests
from backend.profiles import store as profiles
from backend.requests.documents import Documents
from database import audit
from database.configuration import Refusals
from database.leases import Lease
from database.pool import Database, Json, Row, json_value
from database.queries import load_queries, losable, together
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import DATASET_NAME, TARGET_NAME
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, Scope, ScopeJson, check_request_id, digest
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.messages.requests import RequestView
from stringx_dataops.contract.messages.sizes import bounded, messages, summary
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus, Mode, Source, Verdict
from stringx_dataops.contract.messages.waivers import claims_of
from stringx_dataops.contract.problems import Conflict, FieldError, Invalid, Unavailable, invalid
from stringx_dataops.contract.trace_context import TraceContext, read
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_STORE = together(*(SQL[name] for name in ("track", "finish", "notify", "store_result", "asked_about")))
# Nobody is told that it is accepted before something later is on the disk: that DataOps has it, or that it is sent again.
_ACCEPT = losable(SQL["accept"])
CHANNEL = "stringx"
UNSENT = "unsent"  # the payload that wakes the sender; a finished request's payload begins with `request `
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=10)  # of a target's clock, or of DataOps'
_REASON = 1000  # characters
_TRIES = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Tracked:
    """A tracked request. `body`: what is sent to DataOps. `replayed`: it was tracked before. `is_promised`: DataOps has it, or it
    will be sent until DataOps has it. A request that is not promised is deleted if DataOps answers 409 or 429."""

    view: RequestView
    body: dict[str, Any]
    replayed: bool
    is_promised: bool


class RequestColumns(TypedDict):
    """The columns of a request that say what is to be checked. `body` is what is sent to DataOps."""

    request_id: str
    target: str
    table: str | None
    dataset: str | None
    mode: Mode
    body: JsonObject
    is_full: bool


class ResultColumns(TypedDict):
    """The columns of a result, and of its request. `body` and `body_hash` are those of a request that was made at DataOps itself
    and is tracked only now; `created_at` is when its check was queued."""

    request_id: str
    check_id: str
    target: str
    table: str | None
    dataset: str | None
    is_full: bool
    is_window: bool
    body: Json
    body_hash: bytes
    requested_by: str | None
    created_at: datetime
    status: CheckStatus
    verdict: Verdict
    reason: str | None
    rules_hash: str | None
    snapshot_at: datetime | None
    finished_at: datetime | None
    result: Json
    summary: Json
    rule_ids: list[str]
    messages: Json
    waivers: Json | None


def payload(request_id: str) -> str:
    """What a finished request is notified as."""
    return f"request {request_id}"


def request_columns(asked: CheckRequest, request_id: str, mode: Mode) -> RequestColumns:
    """The columns of a new request."""
    return {
        "request_id": request_id,
        "target": asked.target,
        "table": asked.table,
        "dataset": asked.dataset,
        "mode": mode,
        "body": asked.model_dump(mode="json", by_alias=True, exclude_none=True) | {"request_id": request_id, "wait_s": 0},
        "is_full": asked.full,
    }


def refuse_callback(asked: CheckRequest) -> None:
    """Invalid if the request names a callback_url: DataOps takes one, the Backend does not."""
    if asked.callback_url is not None:
        raise invalid([FieldError("/callback_url", "is DataOps' own: results come to this Backend; leave it out")])


def retry_while_forgotten(attempt: Callable[[], T | None]) -> T:
    """Returns the first result of `attempt` that is not None. None means that a request with this id was deleted between two
    statements, because DataOps refused it; the attempt is repeated then. Unavailable after `_TRIES` attempts."""
    for _ in range(_TRIES):
        if (result := attempt()) is not None:
            return result
    raise Unavailable("other requests with this request_id are being refused right now; try again")


def accept(
    database: Database, catalogue: Catalogue, asked: CheckRequest, source: Source, sender: str, requested_by: str | None = None
) -> Tracked:
    """Track a request, leased to `sender` for its first delivery. `requested_by` is the name of the key. NotFound, Invalid or
    Conflict if it is refused; Unavailable as in `retry_while_forgotten`."""
    refuse_callback(asked)
    body_hash = asked.digest()
    request_id = asked.request_id or new_id()

    def attempt() -> Tracked | None:
        is_apart = asked.tried is not None or asked.is_profile
        with database.transaction() if is_apart else database.statements() as cursor:
            Refusals(cursor).require_seen(asked.target)
            if asked.request_id and (row := cursor.one(requests.SQL["find"], {"request_id": request_id})):
                return _replay(row, body_hash)
            columns = request_columns(asked, request_id, Documents(cursor, catalogue).checked_mode(asked))
            is_from_dashboard = source == "dashboard"
            asked_by = {
                "requested_by": cleaned(requested_by) if requested_by is not None else None,
                "is_from_dashboard": is_from_dashboard,
                **tracing.current_columns(),
            }
            first = {"source": "http" if is_from_dashboard else source, "body_hash": body_hash, **Lease(sender).parameters}
            if (
                row := cursor.one(
                    SQL["accept"] if is_apart else _ACCEPT, {**columns, **first, **asked_by, "body": json_value(columns["body"])}
                )
            ) is not None:
                if asked.is_profile:
                    profiles.track(cursor, request_id, columns["body"], requested_by)
                    of = subject("table", asked.target, asked.table or "")
                    audit.record_asked(cursor, "profile.asked", of, {"request_id": request_id})
                if asked.tried is not None:
                    of = subject("table", asked.target, asked.tried.table)
                    audit.record_asked(cursor, "trial.asked", of, {"request_id": request_id})
                return Tracked(requests.view(row), row["body"], replayed=False, is_promised=False)
            row = cursor.one(requests.SQL["find"], {"request_id": request_id})
            return _replay(row, body_hash) if row is not None else None

    return retry_while_forgotten(attempt)


def cancel(database: Database, request_id: str, by: str | None = None) -> RequestView:
    """Have DataOps told to end the check; the request as it stands. One that has ended stays as it is; NotFound for none. `by`
    is the name of the key that cancels."""
    view = requests.find(database, request_id)
    with database.transaction() as cursor:
        if cursor.run(SQL["request_cancel"], {"request_id": request_id, "by": by}):
            cursor.run(SQL["notify"], {"payload": UNSENT})
            if view.canceled_by is None:
                audit.record_asked(cursor, "request.canceled", subject("request", request_id), _names(view))
    return view


def _names(view: RequestView) -> dict[str, str | None]:
    """What a request is about."""
    named = {"target": view.target, "table": view.table, "dataset": view.dataset}
    return {name: value for name, value in named.items() if value is not None}


def store(database: Database, request_id: str, result: CheckResult) -> bool:
    """Store a posted result, once per check id. Returns whether it was new; of a trial or a profile False, because the
    database keeps that apart (`0019_trials.sql`). Invalid if path and body disagree, if the result is faulty or not final, if
    it is of a trial and the request is none, or if it is of another check than the request asks for."""
    require_storable(request_id, result)
    body, _ = bounded({name: value for name, value in result.as_json().items() if name != "profile"})
    columns = result_columns(request_id, result, body)
    with tracing.span("store result", "internal", *traced(result)), database.transaction() as cursor:
        if result.trial and (row := cursor.one(requests.SQL["find"], {"request_id": request_id})) and not row["trial"]:
            raise Invalid(f"the result is of a trial, and request {request_id} is none")
        asked = cursor.one(_STORE, {**columns, "payload": payload(request_id)})
        require_answers(asked, result)
        assert asked is not None  # tracked with the result, if not before
        stored = asked["is_new"]
        if asked["is_profile"]:
            profiles.finish(cursor, result, is_new=asked["asked_at_dataops"])
        for table in result.tables if stored else ():
            of_table = {"table": table.table, "verdict": table.verdict, "rules_hash": table.rules_hash}
            cursor.run(SQL["store_dataset_result"], {**columns, **of_table})
        if stored:
            recording.record(cursor, result, body)
    return bool(stored)


def traced(result: CheckResult) -> tuple[TraceContext | None, tracing.Attributes]:
    """The span below which a result is stored, and what the span of that says."""
    context, here = read(result.traceparent, result.tracestate), tracing.current()
    is_posted_alone = context is not None and here is not None and here.trace_id == context.trace_id
    about = {"check_id": result.check_id, "target": result.target, "status": result.status, "verdict": result.verdict}
    return here if is_posted_alone else context, about


def require_answers(asked: Row | None, result: CheckResult) -> None:
    """Invalid if the request, which stands after storing, asks for something else: somebody has asked DataOps for another check
    under its id. The transaction ends, and nothing is stored. What the request is about is not said: whoever posts need not see
    its target."""
    assert asked is not None  # tracked with the result, if not before
    is_same = (asked["target"], asked["table"], asked["dataset"]) == (result.target, result.table, result.dataset)
    if is_same and asked["body"] is not None and result.asked is not None and not result.trial:
        is_same = _scope_of(asked["body"]) == _scope_of(result.asked)
    if not is_same:
        raise Invalid(f"the result is of another check than request {result.request_id} asks for; ask under an id of its own")


def _scope_of(asked: JsonObject) -> ScopeJson | JsonObject:
    """The rows and rules that a body asks for; as they stand in it, if another release has written what this one cannot read."""
    try:
        return CheckRequest.model_validate(asked, extra="ignore").scope()
    except ValidationError:
        return {name: asked.get(name) for name in Scope.model_fields}


def require_storable(request_id: str, result: CheckResult) -> None:
    """Invalid as in `store`, for all that the result itself says."""
    if result.request_id != request_id:
        raise Invalid(f"the result is of request {result.request_id!r}, and the path says {request_id!r}")
    if faults := list(_faults_of_result(result)):
        raise invalid(faults)
    if result.status not in TERMINAL or result.verdict is None:
        raise Invalid(f"the result's status is {result.status!r}; only a finished check has a result")


def result_columns(request_id: str, result: CheckResult, body: JsonObject) -> ResultColumns:
    """The columns of a result and of the request that it ends. `body`: the result as it is stored."""
    assert result.verdict is not None  # it has ended
    asked = result.asked or {"target": result.target, "table": result.table, "dataset": result.dataset}
    return {
        "request_id": request_id,
        "check_id": result.check_id,
        "target": result.target,
        "table": result.table,
        "dataset": result.dataset,
        "is_full": result.full,
        "is_window": result.is_window,
        "body": json_value(asked),
        "body_hash": digest(asked),
        "requested_by": cleaned(result.requested_by) if result.requested_by is not None else None,
        "created_at": result.queued_at,
        "status": result.status,
        "verdict": result.verdict,
        "reason": result.reason[:_REASON] if result.reason else None,
        "rules_hash": result.rules_hash,
        "snapshot_at": result.snapshot_at,
        "finished_at": result.finished_at,
        "result": json_value(body),
        "summary": json_value(summary(body)),
        "rule_ids": recording.rule_ids(result),
        "messages": json_value(messages(body)),
        "waivers": json_value(leans_on) if (leans_on := claims_of(body)) else None,
    }


def _faults_of_result(result: CheckResult) -> Iterator[FieldError]:
    """Fields that could not be stored or shown, and times so late that the result would outrank all later ones."""
    names: list[tuple[str, Callable[[str], object], str | None]] = [
        ("/request_id", check_request_id, result.request_id),
        ("/check_id", UUID, result.check_id),
        ("/target", TARGET_NAME.check, result.target),
        ("/dataset", DATASET_NAME.check, result.dataset),
        ("/table", TableName.parse, result.table),
    ]
    names += [(f"/tables/{index}/table", TableName.parse, table.table) for index, table in enumerate(result.tables)]
    for pointer, check, name in names:
        try:
            if name is not None:
                check(name)
        except ValueError as error:
            yield FieldError(pointer, str(error))
    seen: set[str] = set()
    for index, table in enumerate(result.tables):
        if table.table in seen:
            yield FieldError(f"/tables/{index}/table", "is named twice; each table has one result")
        seen.add(table.table)
    latest = datetime.now(UTC) + _AHEAD
    for field in ("queued_at", "started_at", "finished_at", "snapshot_at"):
        moment = getattr(result, field)
        if moment is not None and moment < _EARLIEST:
            yield FieldError(f"/{field}", f"is before {_EARLIEST.year}")
        elif moment is not None and moment > latest:
            yield FieldError(f"/{field}", f"is over {_AHEAD.seconds // 60} minutes ahead of this clock; set the clocks")


def _replay(row: Row, body_hash: bytes) -> Tracked:
    if bytes(row["body_hash"]) != body_hash:
        raise Conflict.of_reused(row["request_id"])
    is_promised = row["sent_at"] is not None or row["send_attempts"] > 0 or row["finished_at"] is not None
    return Tracked(requests.view(row), row["body"], replayed=True, is_promised=is_promised)
