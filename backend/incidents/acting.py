"""What people do with incidents: acknowledge, assign, note. Nothing of it opens a gate."""

from datetime import datetime, timedelta
from typing import Any

from backend.incidents.store import SQL, read, require
from database import audit
from database.keys import Caller, is_seen
from database.pool import Cursor, Database, Row, json_value
from stringx_dataops.contract.messages.audit import AuditAction, subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.incidents import (
    MOST_DAYS,
    MOST_ENTRIES,
    Acknowledgement,
    Assignment,
    EntryAction,
    Incident,
    NoteOrder,
)
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, invalid

MOST_NOTES = 200  # of an incident


def acknowledge(
    database: Database, caller: Caller, incident_id: str, order: Acknowledgement, now: datetime | None = None
) -> Incident:
    """Stop repeated messages about an open incident; acknowledging again replaces what was said before. NotFound for an unknown
    one, Conflict if it is closed, Invalid if `until` is over or too far ahead."""
    with database.transaction() as cursor:
        moment = now or cursor.now()
        row = _lock(cursor, incident_id)
        _require_open(row)
        _require_until(order.until, moment)
        said = {"note": order.note, "assignee": order.assignee, "until": rfc3339(order.until) if order.until else None}
        named = {"id": incident_id, "now": moment, "by": cleaned(caller.name), "until": order.until, "assignee": order.assignee}
        cursor.run(SQL["acknowledge"], named)
        _write(cursor, caller, row, moment, "acknowledged", {name: value for name, value in said.items() if value is not None})
        return read(require(cursor, incident_id, moment))


def unacknowledge(database: Database, caller: Caller, incident_id: str, now: datetime | None = None) -> Incident:
    """Have messages repeated again. NotFound for an unknown one, Conflict if it is closed or nobody has acknowledged it."""
    with database.transaction() as cursor:
        moment = now or cursor.now()
        row = _lock(cursor, incident_id)
        _require_open(row)
        if not cursor.run(SQL["unacknowledge"], {"id": incident_id}):
            raise Conflict(f"nobody has acknowledged incident {incident_id}")
        _write(cursor, caller, row, moment, "unacknowledged", {})
        return read(require(cursor, incident_id, moment))


def assign(database: Database, caller: Caller, incident_id: str, order: Assignment, now: datetime | None = None) -> Incident:
    """Say whose it is, also after it has closed. NotFound for an unknown one."""
    with database.transaction() as cursor:
        moment = now or cursor.now()
        row = _lock(cursor, incident_id)
        if row["assignee"] != order.assignee:
            cursor.run(SQL["assign"], {"id": incident_id, "assignee": order.assignee})
            _write(cursor, caller, row, moment, "assigned", {"assignee": order.assignee})
        return read(require(cursor, incident_id, moment))


def note(database: Database, caller: Caller, incident_id: str, order: NoteOrder, now: datetime | None = None) -> Incident:
    """Write something down, also after it has closed. NotFound for an unknown one, Conflict if it has too many notes."""
    with database.transaction() as cursor:
        moment = now or cursor.now()
        row = _lock(cursor, incident_id)
        if row["notes"] >= MOST_NOTES:
            raise Conflict(f"incident {incident_id} has {MOST_NOTES} notes, and takes no more")
        _write(cursor, caller, row, moment, "noted", {"text": order.text})
        return read(require(cursor, incident_id, moment))


def _lock(cursor: Cursor, incident_id: str) -> Row:
    row = cursor.one(SQL["lock"], {"id": incident_id})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no incident {incident_id}")
    return row


def _require_open(row: Row) -> None:
    if row["closed_at"] is not None:
        raise Conflict(f"incident {row['incident_id']} has been over since {rfc3339(row['closed_at'])}")


def _require_until(until: datetime | None, now: datetime) -> None:
    latest = now + timedelta(days=MOST_DAYS)
    if until is not None and until <= now:
        raise invalid([FieldError("/until", f"is over: it is {rfc3339(now)} now; leave it out to acknowledge without an end")])
    if until is not None and until > latest:
        raise invalid([FieldError("/until", f"is more than {MOST_DAYS} days ahead; give {rfc3339(latest)} or earlier")])


_AUDITED: dict[EntryAction, AuditAction] = {
    "acknowledged": "incident.acknowledged",
    "unacknowledged": "incident.unacknowledged",
    "assigned": "incident.assigned",
    "noted": "incident.noted",
}


def _write(cursor: Cursor, caller: Caller, row: Row, now: datetime, action: EntryAction, details: dict[str, Any]) -> None:
    """An entry of the incident, and of the audit log."""
    incident_id = str(row["incident_id"])
    entry = {"id": incident_id, "now": now, "by": cleaned(caller.name), "action": action, "details": json_value(details)}
    cursor.run(SQL["add_entry"], entry)
    cursor.run(SQL["forget_entries"], {"id": incident_id, "most": MOST_ENTRIES})
    about = subject("incident", row["target"], row["name"])
    audit.record(cursor, caller, _AUDITED[action], about, {"id": incident_id} | details)
