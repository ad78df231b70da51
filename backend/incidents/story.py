"""The story of an incident: everything that happened to its gate, in its time and shortly before."""

from datetime import datetime
from pathlib import Path
from typing import Any

from backend.incidents import store
from database.keys import seen_targets
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.incidents import (
    CHECKS_BEFORE,
    MOST_CHECKS,
    MOST_LISTED,
    Incident,
    IncidentChange,
    IncidentCheck,
    IncidentEntry,
    IncidentEvent,
    IncidentMessage,
    IncidentStory,
    IncidentWaiver,
)

SQL = load_queries(Path(__file__).with_suffix(".sql"))


def story(database: Database, incident_id: str, now: datetime | None = None) -> IncidentStory:
    """The incident with its story. Raises NotFound."""
    with database.transaction() as cursor:
        row = store.require(cursor, incident_id, now)
        found = store.read(row)
        of = cursor.one(SQL["subject"], {"id": incident_id})
        assert of is not None
        checks = _checks(cursor, found, of)
        start = min([found.opened_at, *(check["at"] for check in checks)])
        span = {
            "id": incident_id,
            "target": found.target,
            "dataset": found.dataset,
            "tables": of["tables"],
            "start": start,
            "end": found.closed_at or row["now"],
            "most": MOST_LISTED,
        }
        is_limited = seen_targets() is not None  # channels and routes belong to no target
        within = [check for check in checks if not check["is_before"]]
        return IncidentStory(
            **found.model_dump(),
            runbook=of["runbook"],
            findings=_findings(cursor, found),
            checks=[_check(check) for check in checks if check not in within[:-MOST_CHECKS]],
            checks_more=len(within) > MOST_CHECKS,
            events=[IncidentEvent.model_validate(_texts(each)) for each in cursor.all(SQL["events"], span)],
            entries=[_entry(each) for each in cursor.all(SQL["entries"], span)],
            changes=[_change(each) for each in cursor.all(SQL["changes"], span)],
            waivers=[_waiver(each) for each in cursor.all(SQL["waivers"], span)],
            messages=[] if is_limited else [_message(each) for each in cursor.all(SQL["messages"], span)],
            messages_hidden=is_limited,
        )


def _checks(cursor: Cursor, found: Incident, of: Row) -> list[Row]:
    if of["subject_id"] is None:
        return []  # it was never checked
    wanted = {"opened_at": found.opened_at, "closed_at": found.closed_at, "most": MOST_CHECKS + 1, "before": CHECKS_BEFORE}
    return cursor.all(SQL["checks"], wanted | {"subject_id": of["subject_id"], "by_window": of["by_window"]})


def _findings(cursor: Cursor, found: Incident) -> dict[str, dict[str, str]]:
    """Of its own tables: a check of a dataset has others, too."""
    row = cursor.one(SQL["findings"], {"check_id": found.opened_by_check})
    messages: dict[str, dict[str, str]] = (row["messages"] if row is not None else None) or {}
    return messages if found.table is None else {table: said for table, said in messages.items() if table == found.table}


def _check(row: Row) -> IncidentCheck:
    names = ("request_id", "at", "verdict", "gate", "counts", "row_count", "score", "config_version", "requested_by")
    return IncidentCheck(check_id=str(row["check_id"]), full=row["is_full"], **{name: row[name] for name in names})


def _entry(row: Row) -> IncidentEntry:
    return IncidentEntry(at=row["at"], by=row["actor"], action=row["action"], details=row["details"])


def _change(row: Row) -> IncidentChange:
    names = ("kind", "name", "version", "deleted")
    return IncidentChange(at=row["changed_at"], by=row["changed_by"], **{name: row[name] for name in names})


def _waiver(row: Row) -> IncidentWaiver:
    names = ("reason", "created_at", "until", "ended_at", "ended_because")
    named = {"id": str(row["waiver_id"]), "table": row["table_name"], "rule": row["rule_id"], "by": row["created_by"]}
    return IncidentWaiver(**named, **{name: row[name] for name in names})


def _message(row: Row) -> IncidentMessage:
    names = ("channel", "routes", "said", "at", "delivered_at", "attempts", "last_error")
    message_id = None if row["notification_id"] is None else str(row["notification_id"])
    return IncidentMessage(id=message_id, state=_state(row), **{name: row[name] for name in names})


def _state(row: Row) -> str:
    """The state of a message in a word. If there is none, nothing was left to say when it could have been sent."""
    if row["notification_id"] is None:
        return "left out"
    states = {"delivered_at": "delivered", "given_up_at": "given up", "withdrawn_at": "withdrawn"}
    return next((word for name, word in states.items() if row[name] is not None), "waiting")


def _texts(row: Row) -> dict[str, Any]:
    """The row with its ids as texts."""
    return row | {name: str(row[name]) for name in ("id", "check_id") if row[name] is not None}
