"""The gate of a table or a dataset: its facts, and what they decide."""

from datetime import datetime

from backend.gates import facts
from backend.gates.decision import decide
from database.pool import Cursor, Database
from stringx_dataops.contract.messages.incidents import IncidentBrief
from stringx_dataops.contract.messages.requests import GateView


def of_table(
    database: Database, target: str, table: str, request_id: str | None = None, not_before: datetime | None = None
) -> GateView:
    """As it stands, or for the load that a request announced. NotFound if there is no such table, or no such request of it."""
    with database.transaction() as cursor:
        found = decide(facts.of_table_with(cursor, target, table, request_id), not_before)
        return _with_incident(cursor, found, request_id)


def of_dataset(database: Database, name: str, request_id: str | None = None, not_before: datetime | None = None) -> GateView:
    """The same for a dataset."""
    with database.transaction() as cursor:
        found = decide(facts.of_dataset_with(cursor, name, request_id), not_before)
        return _with_incident(cursor, found, request_id)


def _with_incident(cursor: Cursor, found: GateView, request_id: str | None) -> GateView:
    """A closed gate as it stands with its incident. Most gates are open, and are not asked for one."""
    if found.gate == "open" or request_id is not None:
        return found
    kind, name = ("table", found.table) if found.table is not None else ("dataset", found.dataset)
    row = cursor.one(facts.SQL["incident"], {"target": found.target, "kind": kind, "name": name})
    if row is None:
        return found
    brief = {"id": str(row["incident_id"])} | {field: row[field] for field in ("opened_at", "acknowledged_by", "assignee")}
    return found.model_copy(update={"incident": IncidentBrief(**brief)})
