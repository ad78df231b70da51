"""Runs of schedules: made when they are due, each once whatever number of processes looks; their checks asked for one by one, and
their ends noted.

A run and its items are written in the transaction that moves the schedule on, and a request in the transaction that marks its
item as started. So a process may die at any moment, and nothing is asked for twice or left out."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend.configuration import watching
from backend.configuration.watching import Watching
from backend.requests import tracking
from backend.requests.documents import Documents
from backend.schedules import planning
from backend.schedules.planning import Due, Standing, timing_of
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.messages.checks import CheckRequest, rfc3339
from stringx_dataops.contract.messages.windows import Window
from stringx_dataops.contract.problems import StringXError, Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
DUE, ITEMS, ENDS = 100, 50, 1000  # schedules in a turn; items in a transaction; items whose ends are noted at once
MOST_UNSENT = 500  # requests that wait for DataOps: above that, items wait
REQUESTER = "schedule "  # before a schedule's name: who asked
_REASON = 1000  # characters
Schedules = dict[str, Watching[ScheduleDocument]]

log = logging.getLogger(__name__)


def read(cursor: Cursor) -> Schedules:
    """The documents by name; without those that another release has written and this one cannot read."""
    return {each.document.name: each for each in watching.schedules(cursor)}


def standing_of(row: Row) -> Standing:
    """From a row of `schedule_states`."""
    return Standing(row["counted_from"], row["last_due_at"], row["paused_at"], row["paused_until"])


def sync(database: Database, now: datetime) -> None:
    """Take up documents that are new, changed or gone. What a schedule has run and its pause outlive changes of its document. If
    its times change, or it is made active, it counts from there."""
    with database.transaction() as cursor:
        documents = read(cursor)
        known = {row["name"]: (row["version"], row["document_at"]) for row in cursor.all(SQL["states"])}
        if known.keys() - documents.keys():
            for row in cursor.all(SQL["gone"]):
                cursor.run(SQL["give_up"], {"name": row["name"], "now": now, "reason": "the schedule was deleted"})
    for name, found in documents.items():
        if known.get(name) == (found.version, found.updated_at):
            continue
        try:
            with database.transaction() as cursor:
                take_up(cursor, found, now)
        except Unavailable:
            raise
        except Exception:
            log.exception("schedule %s cannot be taken up; it stays as it was", name)


def take_up(cursor: Cursor, found: Watching[ScheduleDocument], now: datetime) -> Row:
    """The state of a schedule, brought up to its document and locked."""
    document, timing = found.document, timing_of(found.document)
    named = {"name": document.name, "version": found.version, "document_at": found.updated_at, "is_active": document.active}
    written = named | {"timing": f"{timing.cron} {timing.timezone}", "counted_from": found.updated_at}
    next_due_at = timing.next_due(found.updated_at) if document.active else None
    cursor.run(SQL["add"], written | {"next_due_at": next_due_at})
    row = cursor.one(SQL["lock"], {"name": document.name})
    if row is None:
        raise Unavailable("the schedule is just being deleted; try again")
    if row["document_at"] >= found.updated_at:  # another process has taken it up, or a later one
        return row
    if row["timing"] == written["timing"] and (row["is_active"] or not document.active):
        written["counted_from"] = row["counted_from"]
    if not document.active:
        cursor.run(SQL["give_up"], {"name": document.name, "now": now, "reason": "the schedule was made inactive"})
    standing = standing_of({**row, **written})
    written["next_due_at"] = timing.next_due(standing.since) if document.active else None
    cursor.run(SQL["change"], written)
    return {**row, **written}


def fire_due(database: Database, now: datetime) -> int:
    """Make the runs that are due, each in a transaction of its own; how many there were. One that fails holds up no other."""
    with database.transaction() as cursor:
        documents = read(cursor)
        names = [row["name"] for row in cursor.all(SQL["due"], {"now": now, "limit": DUE})]
    made = 0
    for name in names:
        if (found := documents.get(name)) is None:
            continue
        try:
            with database.transaction() as cursor:
                row = cursor.one(SQL["lock_due"], {"name": name, "version": found.version, "now": now})
                if row is not None:
                    made += _fire(cursor, found.document, row, now)
        except Unavailable:
            raise
        except Exception:
            log.exception("schedule %s cannot run; again at the next look", name)
    return made


def _fire(cursor: Cursor, document: ScheduleDocument, row: Row, now: datetime) -> bool:
    timing, standing = timing_of(document), standing_of(row)
    due = planning.due(timing, standing, now)
    if due is not None:
        run(cursor, document, due, now, until=timing.next_due(due.at))
    moved = {
        "name": document.name,
        "due_at": due.at if due is not None else row["last_due_at"],
        "since": standing.since,
        "next_due_at": timing.next_due(max(standing.since, due.at if due is not None else now)),
        "is_over": standing.paused_at is not None,
    }
    cursor.run(SQL["fired"], moved)
    return due is not None


def run(
    cursor: Cursor,
    document: ScheduleDocument,
    due: Due,
    now: datetime,
    until: datetime | None = None,
    asked_by: str | None = None,
) -> str | None:
    """Write a run with its items, or that it was skipped, and why; its id, None if there is a run of that time. `until`: when the
    next one is due. The schedule's state is locked."""
    names = _checked(cursor, document)
    reason = None if names else f"no configured table of {document.target} matches {', '.join(document.tables or ())}"
    if (unended := unended_run(cursor, document.name, now)) is not None:
        reason = f"the run that was due at {rfc3339(unended['due_at'])} had not ended"
    bounds = planning.window_bounds(document, due.at) or (None, None)
    written = {
        "name": document.name,
        "target": document.target,
        "due_at": due.at,
        "kind": due.kind,
        "asked_by": asked_by,
        "column": document.window.column if document.window is not None else None,
        "from": bounds[0],
        "to": bounds[1],
        "now": now,
        "skipped_because": reason[:_REASON] if reason is not None else None,
    }
    made = cursor.one(SQL["run"], written)
    if made is None:
        return None
    if reason is not None:
        log.warning("schedule %s was skipped: %s", document.name, reason)
        return str(made["run_id"])
    kind = "dataset" if document.dataset is not None else "table"
    later = planning.spread(document.target, names, until - max(now, due.at) if until is not None else None)
    items = [{"kind": kind, "name": name, "start_at": rfc3339(max(now, due.at) + later[name])} for name in names]
    cursor.run(SQL["items"], {"run_id": made["run_id"], "target": document.target, "items": json_value(items)})
    return str(made["run_id"])


def unended_run(cursor: Cursor, name: str, now: datetime) -> Row | None:
    """The run of a schedule that has not ended, if there is one."""
    row = cursor.one(SQL["unended"], {"name": name})
    if row is None:
        return None
    of = {"now": now, "run_id": row["run_id"]}
    cursor.run(SQL["end_items_of"], of)
    cursor.run(SQL["end_run"], of)
    return cursor.one(SQL["unended"], {"name": name})


def _checked(cursor: Cursor, document: ScheduleDocument) -> list[str]:
    """The tables, as their names match now, or the dataset."""
    if document.tables is not None:
        return [
            row["table_name"]
            for row in cursor.all(SQL["tables"], {"target": document.target})
            if document.takes(row["table_name"])
        ]
    return [name for name in (document.table, document.dataset) if name is not None]


def start_items(database: Database, catalogue: Catalogue, now: datetime, most: int = ITEMS) -> int:
    """Ask for the checks of items that are due, in one transaction; how many there were. It waits while DataOps has not accepted
    many others."""
    with database.transaction() as cursor:
        unsent = cursor.one(SQL["unsent"], {"limit": MOST_UNSENT})
        if unsent is None or unsent["number"] >= MOST_UNSENT:
            return 0
        rows = cursor.all(SQL["claim"], {"now": now, "limit": most})
        if not rows:
            return 0
        columns = _Columns(cursor, catalogue, rows)
        requests, started = [], []
        for row in rows:
            made, reason = columns.of(row)
            requests += [made] if made is not None else []
            started.append(
                {"run_id": str(row["run_id"]), "kind": row["subject_kind"], "name": row["name"], "refused_because": reason}
            )
        cursor.run(SQL["track"], {"requests": json_value(requests)})
        cursor.run(SQL["started"], {"now": now, "items": json_value(started)})
        cursor.run(SQL["notify"], {"payload": tracking.UNSENT})
    return len(rows)


class _Columns:
    """The columns of items' requests. The documents of their tables are read at once; if one cannot be read, one by one."""

    def __init__(self, cursor: Cursor, catalogue: Catalogue, rows: Sequence[Row]) -> None:
        self._new: Callable[[], Documents] = lambda: Documents(cursor, catalogue)
        self._all: Documents | None = self._new()
        try:
            self._all.read((row["target"], row["name"]) for row in rows if row["subject_kind"] == "table")
        except ValidationError:
            self._all = None

    def of(self, row: Row) -> tuple[dict[str, Any] | None, str | None]:
        """Of one item, or why there can be no request."""
        try:
            asked = _request(row)
            mode = (self._all or self._new()).checked_mode(asked)
        except StringXError as error:
            return None, _reason(error)
        except ValidationError:
            return None, "its document is of another release, and this one cannot read it"
        columns = tracking.request_columns(asked, row["request_id"], mode)
        by = {"requested_by": f"{REQUESTER}{row['schedule']}", "schedule": row["schedule"]}
        return {**columns, **by, "body_hash": asked.digest().hex()}, None


def _request(row: Row) -> CheckRequest:
    window = None
    if row["window_to"] is not None:
        window = Window.model_validate({"column": row["window_column"], "from": row["window_from"], "to": row["window_to"]})
    named = {"request_id": row["request_id"], "target": row["target"], row["subject_kind"]: row["name"]}
    return CheckRequest.model_validate({**named, "mode": "async", "window": window})


def _reason(error: StringXError) -> str:
    faults = "; ".join(f"{fault.pointer}: {fault.message}" for fault in error.errors)
    return (faults or str(error))[:_REASON]


def end(database: Database, now: datetime) -> None:
    """Note which items and runs have ended."""
    more = True
    while more:
        with database.transaction() as cursor:
            more = cursor.run(SQL["end_items"], {"now": now, "limit": ENDS}) == ENDS
            cursor.run(SQL["end_runs"], {"now": now})
