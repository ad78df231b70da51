"""Events become tracked requests, many in one transaction; what cannot be a request is named, and why."""

import logging
from collections.abc import Iterable, Mapping, Sequence
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
    Unavailable,
    invalid,
)

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_TRIES = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """What was sent: `value` is the body of a request with its `event_id`, `place` the id of one that has none."""

    value: bytes | None
    place: str


@dataclass(frozen=True)
class _Asked:
    request: CheckRequest
    request_id: str
    digest: bytes


@dataclass(frozen=True)
class _Known:
    digest: bytes
    finished: bool


Faults = list[StringXError | None]


def take(database: Database, catalogue: Catalogue, events: Sequence[Event]) -> Faults:
    """Track the requests of events that are not tracked yet; for each event None, or why it cannot be a request. The verdict of
    a request that has ended is published again. Unavailable where the database is away: come back with all of them."""
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
            return [take(database, catalogue, [event])[0] for event in events]
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
    """Malformed, TooLarge or Invalid where it is not the body of a request."""
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
    named = event_id if event_id is not None else request_id if request_id is not None else event.place
    try:
        request = parse_model(CheckRequest, body | {"request_id": named})
    except Invalid as error:
        if event_id is None:
            raise
        renamed = [FieldError("/event_id", at.message) if at.pointer == "/request_id" else at for at in error.errors]
        raise invalid(renamed) from error
    tracking.refuse_callback(request)
    assert request.request_id is not None
    return _Asked(request, request.request_id, request.digest())


def _track(database: Database, catalogue: Catalogue, asked: Mapping[int, _Asked]) -> dict[int, StringXError]:
    """Why those that are refused are."""
    for _ in range(_TRIES if asked else 0):
        with database.transaction() as cursor:
            refused, forgotten = _track_with(cursor, catalogue, asked)
        if not forgotten:
            return refused
    if asked:
        raise Unavailable("others are just being refused under the same request_id; try again")
    return {}


def _track_with(cursor: Cursor, catalogue: Catalogue, asked: Mapping[int, _Asked]) -> tuple[dict[int, StringXError], bool]:
    """Also whether a request was there and is forgotten since, so that it is to be tracked after all."""
    refused: dict[int, StringXError] = {}
    known = _known(cursor, (item.request_id for item in asked.values()))
    configured = Documents(cursor, catalogue)
    new = {number: item for number, item in asked.items() if item.request_id not in known}
    configured.read((item.request.target, item.request.table) for item in new.values() if item.request.table is not None)
    rows = {}
    for number, item in new.items():
        if item.request_id in rows:  # twice in one batch
            continue
        try:
            tracked = tracking.tracked_as(item.request, item.request_id, configured.mode(item.request))
            rows[item.request_id] = tracked | {"body_hash": item.digest.hex()}
        except StringXError as error:
            refused[number] = error
    if rows:
        cursor.run(SQL["track"], {"events": json_value(list(rows.values()))})
        cursor.run(SQL["notify"], {"payload": tracking.UNSENT})
        known |= _known(cursor, rows)
    forgotten = bool(rows.keys() - known.keys())
    for number, item in asked.items():
        stands = known.get(item.request_id)
        if number not in refused and stands is not None and stands.digest != item.digest:
            refused[number] = Conflict.of_reused(item.request_id)
    again = {
        item.request_id
        for number, item in asked.items()
        if number not in refused and item.request_id in known and known[item.request_id].finished
    }
    if again:
        cursor.run(SQL["publish_again"], {"ids": sorted(again)})
        cursor.run(SQL["notify"], {"payload": PUBLICATION})
    return refused, forgotten


def _known(cursor: Cursor, ids: Iterable[str]) -> dict[str, _Known]:
    rows = cursor.all(SQL["known"], {"ids": sorted(set(ids))})
    return {row["request_id"]: _Known(bytes(row["body_hash"]), row["finished"]) for row in rows}
