"""Takes in several results at once: in one transaction if nothing is wrong with any, else one after the other."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.history import recording
from backend.requests import tracking
from backend.requests.tracking import SQL
from database.pool import Database, json_value
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.batches import HEADER, MOST, MessageAnswer, answer_of
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.sizes import bounded
from stringx_dataops.contract.problems import FieldError, Invalid, StringXError, Unavailable, invalid
from web import tracing

TAKES = {HEADER: str(MOST)}
_TOGETHER_S = 8.0  # for those that are stored one after the other: the sender waits for 15 s

log = logging.getLogger(__name__)


class _Apart(Exception):
    """The results of a batch have to be stored one after the other."""


@dataclass(frozen=True)
class Posted:
    """A result as it was posted: `id` is that of its message, `value` what is to be a CheckResult."""

    id: str
    value: Any


def read(body: Any) -> list[Posted]:
    """The results of a batch, each still to be judged. Invalid if the body is no batch, because it then says nothing of any."""
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or not 1 <= len(results) <= MOST:
        raise invalid([FieldError("/results", f"must be a list of 1 to {MOST} objects with id and result")])
    for place, each in enumerate(results):
        if not isinstance(each, dict) or not isinstance(each.get("id"), str) or not 1 <= len(each["id"]) <= 200:
            raise invalid([FieldError(f"/results/{place}/id", "must be the id of the message: a text of 1 to 200 characters")])
    return [Posted(each["id"], each.get("result")) for each in results]


def take(database: Database, posted: Sequence[Posted]) -> list[MessageAnswer]:
    """Store the results, each once per check id; what became of each. Unavailable if the database is away: nothing is stored."""
    faults: dict[int, StringXError] = {}
    results: dict[int, CheckResult] = {}
    for place, each in enumerate(posted):
        try:
            results[place] = parse_model(CheckResult, each.value, extra="ignore")
            tracking.require_storable(results[place].request_id, results[place])
        except StringXError as fault:
            results.pop(place, None)
            faults[place] = fault
    together = _together(results)
    apart = [place for place in results if place not in together]
    if len(together) > 1:
        try:
            store_all(database, [results[place] for place in together])
            together = []
        except Unavailable:
            raise
        except Exception as error:
            log.info("%d results are stored one after the other: %s", len(together), error, exc_info=not _is_expected(error))
    until = time.monotonic() + _TOGETHER_S
    for place in sorted([*together, *apart]):
        if (why := _fault_alone(database, results[place], until)) is not None:
            faults[place] = why
    return [_answer(each, faults.get(place)) for place, each in enumerate(posted)]


def store_all(database: Database, results: Sequence[CheckResult]) -> None:
    """Store results, none of a trial, each of another request, with what follows from them, in one transaction. Raises, and
    stores nothing, if one of them cannot be stored, or not so."""
    stored = {
        result.request_id: (result, bounded({n: v for n, v in result.as_json().items() if n != "profile"})[0])
        for result in results
    }
    columns = [dict(tracking.result_columns(request_id, *each)) for request_id, each in stored.items()]
    spans = tracing.spans("store result", "internal", [tracking.traced(result) for result in results])
    with spans, database.transaction() as cursor:
        rows = cursor.all(
            SQL["take_results"],
            {
                "columns": json_value([_as_json(place, row, stored) for place, row in enumerate(columns, 1)]),
                **{name: [row[column] for row in columns] for name, column in _TEXTS.items()},
            },
        )
        for row in rows:
            if row["is_profile"]:
                raise _Apart(f"the request {row['request_id']} is for a profile")
            tracking.require_answers(row, stored[row["request_id"]][0])
        is_new = {row["request_id"]: row["is_new"] for row in rows}
        recording.record_all(cursor, [each for request_id, each in stored.items() if is_new[request_id]])


_TEXTS = {"bodies": "result", "summaries": "summary", "messages": "messages"}


def _as_json(place: int, row: Mapping[str, Any], stored: Mapping[str, tuple[CheckResult, Any]]) -> dict[str, Any]:
    """The columns of a result for `stringx.take_results`, but for those that are passed as they are."""
    result = stored[row["request_id"]][0]
    moments = {
        name: row[name].isoformat() if row[name] is not None else None for name in ("created_at", "snapshot_at", "finished_at")
    }
    others = {"body": row["body"].adapted, "waivers": row["waivers"].adapted if row["waivers"] is not None else None}
    tables = [{"table": table.table, "verdict": table.verdict, "rules_hash": table.rules_hash} for table in result.tables]
    plain = {name: value for name, value in row.items() if name not in _TEXTS.values()}
    return plain | moments | others | {"place": place, "body_hash": row["body_hash"].hex(), "tables": tables}


def _together(results: Mapping[int, CheckResult]) -> list[int]:
    """The places of those that one transaction takes: of each request and check one, none of a trial, none that comes late."""
    places: list[int] = []
    requests: set[str] = set()
    checks: set[str] = set()
    for place, result in results.items():
        if (
            result.request_id not in requests
            and result.check_id not in checks
            and not result.trial
            and not recording.is_late(result)
        ):
            places.append(place)
        requests.add(result.request_id)
        checks.add(result.check_id)
    return places


def _fault_alone(database: Database, result: CheckResult, until: float) -> StringXError | None:
    """Why it cannot be stored by itself."""
    if time.monotonic() > until:
        return Unavailable("not stored in time; send it again")
    try:
        tracking.store(database, result.request_id, result)
    except StringXError as fault:
        return fault
    except Exception:
        log.exception("a result cannot be stored", extra={"check_id": result.check_id})
        return StringXError("something went wrong inside the service; its log says what")
    return None


def _is_expected(error: Exception) -> bool:
    return isinstance(error, (_Apart, Invalid))


def _answer(posted: Posted, fault: StringXError | None) -> MessageAnswer:
    return MessageAnswer(id=posted.id, status=204) if fault is None else answer_of(posted.id, fault)
