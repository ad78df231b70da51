"""Incidents as they stand: listed, looked up, counted, summed up. What people do with them is in `acting`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from database.keys import PERSON, is_seen, seen_targets
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.incidents import (
    MOST_GROUPS,
    MOST_NOTES,
    Incident,
    IncidentGroup,
    IncidentSummary,
    IncidentTimes,
    SummaryBy,
)
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
INCIDENTS = Pages("incidents", texts=3)  # positions: 0 (open) or 1, opened_at, id
FILTERS = ("target", "table", "dataset", "owner", "assignee", "me", "state", "kind", "acknowledged", "from", "to")
SUMMED = timedelta(days=30)  # where no span is asked for
_EVERY: dict[str, Any] = dict.fromkeys(FILTERS) | {
    "id": None, "now": None, "at": None, "is_closed": None, "after": None, "limit": 1, "most_notes": MOST_NOTES,
}  # fmt: skip


def page(database: Database, filters: Mapping[str, Any], wanted: Page = FIRST, now: datetime | None = None) -> PageJson:
    """A page of incidents as JSON: open ones first, then the newest first. `filters` are some of FILTERS: `me` is the name of
    somebody who owns it, or whom it is assigned to; `from` and `to` are about when it opened."""
    is_closed, at, after = wanted.after or (None, None, None)
    position = {"is_closed": None if is_closed is None else is_closed == "1", "at": at, "after": after, "limit": wanted.limit + 1}
    given = {name: filters.get(name) for name in FILTERS}
    if (me := given["me"]) is not None:
        given["me"] = [me, me.removeprefix(PERSON)]  # documents name people without it
    with database.transaction() as cursor:
        rows = cursor.all(SQL["page"], _EVERY | given | position | {"seen": seen_targets(), "now": now})
    return INCIDENTS.answer(wanted, [(_position(row), read(row).model_dump(mode="json")) for row in rows])


def find(database: Database, incident_id: str, now: datetime | None = None) -> Incident:
    """NotFound if there is none with this id, or it is of a target that the caller does not see."""
    with database.transaction() as cursor:
        return read(require(cursor, incident_id, now))


def require(cursor: Cursor, incident_id: str, now: datetime | None = None) -> Row:
    """The row of an incident; NotFound as in `find`."""
    row = cursor.one(SQL["page"], _EVERY | {"id": incident_id, "seen": None, "now": now})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no incident {incident_id}")
    return row


def counts(database: Database) -> dict[str, tuple[int, int]]:
    """Of each target that has open ones: how many there are, and how many that nobody has acknowledged."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["counts"], {"seen": seen_targets()})
    return {row["target"]: (row["number"], row["unacknowledged"]) for row in rows}


def summary(
    database: Database,
    by: SummaryBy,
    start: datetime | None = None,
    end: datetime | None = None,
    target: str | None = None,
    owner: str | None = None,
) -> IncidentSummary:
    """Of incidents that opened in a span, by default the last thirty days. Invalid if it ends before it begins."""
    with database.transaction() as cursor:
        now = cursor.now()
        end = end or now
        start = start or end - SUMMED
        if start >= end:
            raise invalid([FieldError("/query/from", f"is not before {rfc3339(end)}, where the span ends")])
        wanted = {"by": by, "from": start, "to": end, "now": now, "target": target, "owner": owner, "seen": seen_targets()}
        total, *groups = cursor.all(SQL["summary"], wanted | {"limit": MOST_GROUPS + 1})
        number = (cursor.one(SQL["groups"], wanted) or {"number": 0})["number"]
    items = [IncidentGroup.model_validate(each) for each in groups]
    times = IncidentTimes.model_validate({name: total[name] for name in IncidentTimes.model_fields})
    return IncidentSummary(start=start, end=end, by=by, total=times, items=items, more=number - len(items))


def read(row: Row) -> Incident:
    """From a row of the statement `page`."""
    names = (
        "target", "kind", "owner", "tags", "verdict", "reasons", "rules", "rules_more", "opened_at", "opened_by_request",
        "closed_at", "closed_because", "closed_by_request", "acknowledged_at", "acknowledged_by", "acknowledged_until",
        "assignee", "notes",
    )  # fmt: skip
    is_table, ended, until = row["subject_kind"] == "table", row["closed_at"] or row["now"], row["acknowledged_until"]
    return Incident(
        id=str(row["incident_id"]),
        table=row["name"] if is_table else None,
        dataset=None if is_table else row["name"],
        state="open" if row["closed_at"] is None else "closed",
        opened_because="missed" if row["kind"] == "missed" else "changed" if row["opened_by_check"] is None else "check",
        opened_by_check=_text(row["opened_by_check"]),
        closed_by_check=_text(row["closed_by_check"]),
        duration_s=max(0.0, (ended - row["opened_at"]).total_seconds()),
        acknowledged=row["acknowledged_at"] is not None and (until is None or until > row["now"]),
        **{name: row[name] for name in names},
    )


def _position(row: Row) -> tuple[str, str, str]:
    return "0" if row["closed_at"] is None else "1", rfc3339(row["opened_at"]), str(row["incident_id"])


def _text(found: object | None) -> str | None:
    return None if found is None else str(found)
