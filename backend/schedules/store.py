"""How schedules stand, their runs, and what people do with them: pause, resume, have them run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backend.configuration.watching import Watching
from backend.schedules import firing, planning
from backend.schedules.firing import standing_of
from backend.schedules.planning import Due, Standing, timing_of
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.messages.schedules import (
    MOST_DAYS,
    MOST_REFUSED,
    PauseOrder,
    RefusedCheck,
    RunCounts,
    RunWindow,
    ScheduleRun,
    ScheduleState,
)
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
RUNS = Pages("runs", texts=2)  # positions: due_at, run_id
_COUNTS = {"pass": "passed", "warn": "warned", "fail": "failed", "error": "errored"}
Upcoming = Sequence[tuple[ScheduleDocument, datetime]]  # schedules with the time of their next run, the next ones first
_PAUSED = "the schedule was paused"


def states(database: Database, names: Sequence[str]) -> dict[str, ScheduleState]:
    """How these schedules stand, by name. Names that are not configured, or that the caller does not see, are left out."""
    with database.transaction() as cursor:
        documents = {name: found for name, found in _seen(cursor).items() if name in set(names)}
        return _states(cursor, documents, cursor.now())


def state(database: Database, name: str) -> ScheduleState:
    """How a schedule stands. Raises NotFound."""
    with database.transaction() as cursor:
        found = _require(cursor, name)
        return _states(cursor, {name: found}, cursor.now())[name]


def listed(database: Database, page: PageJson) -> PageJson:
    """A page of documents, each with how it stands."""
    found = states(database, [item["name"] for item in page["items"]])
    unknown = ScheduleState(next_times=[], paused_at=None, paused_by=None, paused_until=None, last_run=None)
    items = [item | found.get(item["name"], unknown).model_dump(mode="json") for item in page["items"]]
    return {"items": items, "next_cursor": page["next_cursor"]}


def runs(database: Database, name: str, wanted: Page = FIRST) -> PageJson:
    """A page of a schedule's runs as JSON, the latest first. NotFound if there is no such schedule."""
    due_at, run_id = wanted.after or (None, None)
    with database.transaction() as cursor:
        found = _require(cursor, name)
        named = {"name": name, "target": found.document.target, "due_at": due_at, "run_id": run_id}
        rows = cursor.all(SQL["runs"], named | {"limit": wanted.limit + 1})
        whole = _runs(cursor, [row["run_id"] for row in rows])
    positioned = [((rfc3339(row["due_at"]), str(row["run_id"])), row["run_id"]) for row in rows]
    return RUNS.answer(wanted, [(position, whole[run_id].model_dump(mode="json")) for position, run_id in positioned])


def pause(database: Database, caller: Caller, name: str, order: PauseOrder) -> ScheduleState:
    """From now on nothing of it begins: no run, and no check of a run that has begun. Pausing again replaces the pause. NotFound
    if there is no such schedule, Invalid if the pause would be over already, or too long."""
    with database.transaction() as cursor:
        found, _, now = _lock(cursor, name)
        if (fault := _fault_of_until(order.until, now)) is not None:
            raise invalid([fault])
        cursor.run(SQL["pause"], {"name": name, "now": now, "by": cleaned(caller.name), "until": order.until})
        cursor.run(firing.SQL["give_up"], {"name": name, "now": now, "reason": _PAUSED})
        details = {"until": rfc3339(order.until) if order.until is not None else None}
        audit.record(cursor, caller, "schedule.paused", subject("schedule", name), details)
        return _states(cursor, {name: found}, now)[name]


def resume(database: Database, caller: Caller, name: str) -> ScheduleState:
    """End a pause; what was due meanwhile does not happen. One that is not paused, or no longer, stays as it is: what has been
    due since its pause ended happens. Raises NotFound."""
    with database.transaction() as cursor:
        found, row, now = _lock(cursor, name)
        if standing_of(row).is_paused(now):
            next_due_at = timing_of(found.document).next_due(now) if found.document.active else None
            cursor.run(SQL["resume"], {"name": name, "now": now, "next_due_at": next_due_at})
            audit.record(cursor, caller, "schedule.resumed", subject("schedule", name))
        return _states(cursor, {name: found}, now)[name]


def run_now(database: Database, caller: Caller, name: str) -> ScheduleRun:
    """A run that is due now, also of a schedule that is paused or not active. Raises NotFound, Conflict if a run of it has not
    ended, Invalid if there is nothing to check."""
    with database.transaction() as cursor:
        found, _, now = _lock(cursor, name)
        if (unended := firing.unended_run(cursor, name, now)) is not None:
            raise Conflict(f"the run of {name} that was due at {rfc3339(unended['due_at'])} has not ended; wait for it")
        run_id = firing.run(cursor, found.document, Due(now, "manual"), now, asked_by=cleaned(caller.name))
        if run_id is None:
            raise Conflict(f"{name} has a run that was due in this moment; try again")
        made = _runs(cursor, [run_id])[run_id]
        if made.skipped_because is not None:
            raise invalid([FieldError("", made.skipped_because)])
        audit.record(cursor, caller, "schedule.run", subject("schedule", name), {"run": run_id})
        return made


def upcoming(cursor: Cursor) -> Upcoming:
    """Active schedules with the time of their next run, the next ones first."""
    documents = _seen(cursor)
    found = []
    for row in cursor.all(SQL["upcoming"]):
        if row["name"] not in documents:
            continue
        document, next_due_at = documents[row["name"]].document, row["next_due_at"]
        if row["paused_at"] is not None:  # what is due until the pause ends does not happen
            next_due_at = next(iter(planning.next_times(timing_of(document), standing_of(row), row["now"])), None)
        if next_due_at is not None:
            found.append((document, next_due_at))
    return sorted(found, key=lambda each: each[1])


def next_run_at(found: Upcoming, kind: str, target: str, name: str) -> datetime | None:
    """When a schedule checks this table or dataset next. `found` is what `upcoming` returns."""
    for document, at in found:
        if document.target == target and (document.takes(name) if kind == "table" else document.dataset == name):
            return at
    return None


@dataclass(frozen=True)
class Totals:
    """Schedules by state, by how many seconds the latest of them is late, checks of runs that wait for their turn, and tables and
    datasets whose expected check is missing."""

    active: int
    paused: int
    inactive: int
    late_s: float
    waiting: int
    missed: int


def totals(database: Database) -> Totals:
    """Over all targets, for the metrics."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["totals"])
    assert row is not None
    return Totals(**row)


def _seen(cursor: Cursor) -> firing.Schedules:
    return {name: found for name, found in firing.read(cursor).items() if is_seen(found.document.target)}


def _require(cursor: Cursor, name: str) -> Watching[ScheduleDocument]:
    documents = _seen(cursor)
    if name not in documents:
        hint = did_you_mean(name, list(documents)) or f"; send one: PUT /api/v1/schedules/{name}"
        raise NotFound(f"there is no schedule {name}{hint}")
    Refusals(cursor).require_seen(documents[name].document.target)
    return documents[name]


def _lock(cursor: Cursor, name: str) -> tuple[Watching[ScheduleDocument], Row, datetime]:
    """The schedule, its state and the present, with its state locked and brought up to its document."""
    found = _require(cursor, name)
    row = firing.take_up(cursor, found, cursor.now())
    return found, row, cursor.now()  # again: it may have waited


def _fault_of_until(until: datetime | None, now: datetime) -> FieldError | None:
    if until is None:
        return None
    if until <= now:
        return FieldError("/until", f"is over: it is {rfc3339(now)} now")
    latest = now + timedelta(days=MOST_DAYS)
    if until > latest:
        return FieldError("/until", f"is more than {MOST_DAYS} days ahead; leave it out for a pause without an end")
    return None


def _states(cursor: Cursor, documents: Mapping[str, Watching[ScheduleDocument]], now: datetime) -> dict[str, ScheduleState]:
    rows = {row["name"]: row for row in cursor.all(SQL["standing"], {"names": list(documents)})}
    last = _runs(cursor, [row["run_id"] for row in rows.values() if row["run_id"] is not None])
    found = {}
    for name, each in documents.items():
        row = rows.get(name)
        standing = standing_of(row) if row is not None else Standing(each.updated_at)
        is_paused = standing.is_paused(now)
        found[name] = ScheduleState(
            next_times=planning.next_times(timing_of(each.document), standing, now) if each.document.active else [],
            paused_at=standing.paused_at if is_paused else None,
            paused_by=row["paused_by"] if row is not None and is_paused else None,
            paused_until=standing.paused_until if is_paused else None,
            last_run=last.get(row["run_id"]) if row is not None else None,
        )
    return found


def _runs(cursor: Cursor, ids: Sequence[Any]) -> dict[Any, ScheduleRun]:
    """The runs with these ids, by id."""
    if not ids:
        return {}
    rows = cursor.all(SQL["runs_of"], {"ids": [str(each) for each in ids], "refused": MOST_REFUSED})
    found = {str(row["run_id"]): _run(row) for row in rows}
    return {each: found[str(each)] for each in ids if str(each) in found}


def _run(row: Row) -> ScheduleRun:
    window = None
    if row["window_to"] is not None:
        window = RunWindow(column=row["window_column"], since=row["window_from"], until=row["window_to"])
    names = ("due_at", "kind", "asked_by", "started_at", "ended_at", "skipped_because")
    return ScheduleRun(
        id=str(row["run_id"]),
        schedule=row["name"],
        window=window,
        counts=RunCounts.model_validate({_COUNTS.get(name, name): number for name, number in row["counts"].items()}),
        refused=[RefusedCheck.model_validate(each) for each in row["refused"]],
        **{name: row[name] for name in names},
    )
