"""Turns events into tracked requests, many in one transaction, and gives a reason for each event that cannot be a request."""

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from backend.kafka.results_out import PUBLICATION
from backend.requests import tracking
from backend.requests.documents import Documents
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES, read_json
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import (
    Conflict,
    FieldError,
    Invalid,
    Malformed,
    StringXError,
    TooLarge,
    invalid,
)
from stringx_dataops.contract.trace_context import TraceContext
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """A message: `value` is the body of a request with its `event_id`. `origin` (TOPIC-PARTITION-OFFSET) is the id of a request
    without one. `trace`: what its headers say."""

    value: bytes | None
    origin: str
    trace: TraceContext | None = None


@dataclass(frozen=True)
class _Asked:
    """The request of an event, and the hash by which a repeated one is recognized."""

    request: CheckRequest
    request_id: str
    digest: bytes
    trace: TraceContext | None


@dataclass(frozen=True)
class _Known:
    """A tracked request."""

    digest: bytes
    finished: bool


class _EventRow(tracking.RequestColumns):
    """A request to insert. `body_hash` is hexadecimal, since the rows are passed as JSON."""

    body_hash: str
    traceparent: str | None
    tracestate: str | None


@dataclass(frozen=True)
class _TrackingOutcome:
    """`refused`: the reason for each refused request, by its number. `vanished`: a request was deleted between two statements, so
    the requests are to be tracked again."""

    refused: dict[int, StringXError]
    vanished: bool


Faults = list[StringXError | None]


def track_events(database: Database, catalogue: Catalogue, events: Sequence[Event]) -> Faults:
    """Track the requests of events that are not tracked yet. Returns per event None, or the reason why it cannot be a request.
    The result of a request that has ended is published again. Unavailable if the database is away: call again with all
    events."""
    faults: Faults = [None] * len(events)
    asked: dict[int, _Asked] = {}
    for number, event in enumerate(events):
        try:
            asked[number] = _read(event)
        except StringXError as error:
            faults[number] = error
        except Exception as error:  # one odd message must not keep all others from being read
            log.exception("a message cannot be read")
            faults[number] = Malformed(f"the message cannot be read ({type(error).__name__})")
    try:
        refused = _track(database, catalogue, asked)
    except Invalid as error:  # PostgreSQL cannot hold a value of one of them
        if len(asked) > 1:
            return [track_events(database, catalogue, [event])[0] for event in events]
        refused = dict.fromkeys(asked, error)
    for number, fault in refused.items():
        faults[number] = fault
    return faults


def is_full(database: Database, limit: int) -> bool:
    """Whether that many requests wait for DataOps to accept them."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["waiting"], {"limit": limit})
    assert row is not None
    return int(row["waiting"]) >= limit


def _read(event: Event) -> _Asked:
    """Malformed, TooLarge or Invalid if it is not the body of a request."""
    if event.value is None:
        raise Malformed("the message has no value; send the body of a request")
    if len(event.value) > MAX_BODY_BYTES:
        raise TooLarge(f"the message has {len(event.value)} bytes; {MAX_BODY_BYTES} are the most")
    body = read_json(event.value)
    if not isinstance(body, dict):
        raise invalid([FieldError("", "must be an object")])
    event_id, request_id = body.pop("event_id", None), body.get("request_id")
    if event_id is not None and request_id is not None and event_id != request_id:
        raise invalid([FieldError("/request_id", "differs from event_id; send one of them")])
    named = event_id if event_id is not None else request_id if request_id is not None else event.origin
    try:
        request = parse_model(CheckRequest, body | {"request_id": named})
    except Invalid as error:
        if event_id is None:
            raise
        renamed = [FieldError("/event_id", at.message) if at.pointer == "/request_id" else at for at in error.errors]
        raise invalid(renamed) from error
    tracking.refuse_callback(request)
    assert request.request_id is not None
    return _Asked(request, request.request_id, request.digest(), event.trace)


def _track(database: Database, catalogue: Catalogue, asked: Mapping[int, _Asked]) -> dict[int, StringXError]:
    """The reason for each refused request, by its number."""

    def attempt() -> dict[int, StringXError] | None:
        with database.transaction() as cursor:
            outcome = _track_with(cursor, catalogue, asked)
        return None if outcome.vanished else outcome.refused

    return tracking.retry_while_forgotten(attempt) if asked else {}


def _track_with(cursor: Cursor, catalogue: Catalogue, asked: Mapping[int, _Asked]) -> _TrackingOutcome:
    """Returns the refusals, and whether a request was deleted between two statements. If so, call again."""
    known = _known(cursor, (item.request_id for item in asked.values()))
    rows, refused = _new_rows(cursor, catalogue, {number: item for number, item in asked.items() if item.request_id not in known})
    if rows:
        known |= _insert_new(cursor, rows)
    refused = _conflicts(asked, known) | refused
    _publish_again(cursor, {item.request_id for number, item in asked.items() if number not in refused}, known)
    return _TrackingOutcome(refused, vanished=bool(rows.keys() - known.keys()))


def _new_rows(
    cursor: Cursor, catalogue: Catalogue, new: Mapping[int, _Asked]
) -> tuple[dict[str, _EventRow], dict[int, StringXError]]:
    """The rows to insert, by their request ids, and the refusals by number. Of equal ids in a batch, the first makes the row."""
    configured = Documents(cursor, catalogue)
    configured.read((item.request.target, item.request.table) for item in new.values() if item.request.table is not None)
    rows: dict[str, _EventRow] = {}
    refused: dict[int, StringXError] = {}
    for number, item in new.items():
        if item.request_id in rows:  # twice in one batch
            continue
        try:
            columns = tracking.request_columns(item.request, item.request_id, configured.checked_mode(item.request))
            named = {"request_id": item.request_id, "target": item.request.target}
            with tracing.span("take in message", "consumer", item.trace, named):
                trace = tracing.current()
            rows[item.request_id] = {
                **columns,
                "body_hash": item.digest.hex(),
                "traceparent": trace.traceparent if trace else None,
                "tracestate": trace.tracestate if trace else None,
            }
        except StringXError as error:
            refused[number] = error
    return rows, refused


def _insert_new(cursor: Cursor, rows: Mapping[str, _EventRow]) -> dict[str, _Known]:
    """Insert the requests and wake the senders; returns those that are tracked now, also by others. A missing one was deleted."""
    cursor.run(SQL["track"], {"events": json_value(list(rows.values()))})
    cursor.run(SQL["notify"], {"payload": tracking.UNSENT})
    return _known(cursor, rows)


def _conflicts(asked: Mapping[int, _Asked], known: Mapping[str, _Known]) -> dict[int, StringXError]:
    """A refusal for each request whose id is tracked with another body."""
    return {
        number: Conflict.of_reused(item.request_id)
        for number, item in asked.items()
        if item.request_id in known and known[item.request_id].digest != item.digest
    }


def _publish_again(cursor: Cursor, ids: Set[str], known: Mapping[str, _Known]) -> None:
    """Publish the results of those requests that have ended."""
    finished = sorted(request_id for request_id in ids if request_id in known and known[request_id].finished)
    if finished:
        cursor.run(SQL["publish_again"], {"ids": finished})
        cursor.run(SQL["notify"], {"payload": PUBLICATION})


def _known(cursor: Cursor, ids: Iterable[str]) -> dict[str, _Known]:
    rows = cursor.all(SQL["known"], {"ids": sorted(set(ids))})
    return {row["request_id"]: _Known(bytes(row["body_hash"]), row["finished"]) for row in rows}
