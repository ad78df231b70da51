"""The gate of a table or a dataset: its facts, and what they decide; as a signed verdict, too, if that is asked for."""

from datetime import datetime
from typing import Protocol

from backend.gates import facts
from backend.gates.decision import Facts, decide
from database.pool import Cursor, Database
from stringx_dataops.contract.messages.incidents import IncidentBrief
from stringx_dataops.contract.messages.requests import GateView


class Signer(Protocol):
    """Adds the token of a signed verdict to a gate."""

    def __call__(
        self, cursor: Cursor, found: GateView, facts: Facts, request_id: str | None, not_before: datetime | None
    ) -> GateView: ...


def of_table(
    database: Database, target: str, table: str, request_id: str | None = None, not_before: datetime | None = None,
    signer: Signer | None = None,
) -> GateView:  # fmt: skip
    """As it stands, or for the load that a request announced. NotFound if there is no such table, or no such request of it."""
    with database.transaction() as cursor:
        return _decided(cursor, facts.of_table_with(cursor, target, table, request_id), request_id, not_before, signer)


def of_dataset(
    database: Database, name: str, request_id: str | None = None, not_before: datetime | None = None, signer: Signer | None = None
) -> GateView:
    """The same for a dataset."""
    with database.transaction() as cursor:
        return _decided(cursor, facts.of_dataset_with(cursor, name, request_id), request_id, not_before, signer)


def _decided(
    cursor: Cursor, known: Facts, request_id: str | None, not_before: datetime | None, signer: Signer | None
) -> GateView:
    found = _with_incident(cursor, decide(known, not_before), request_id)
    return found if signer is None else signer(cursor, found, known, request_id, not_before)


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
