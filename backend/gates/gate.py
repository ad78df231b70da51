"""The gate of a table or a dataset: its facts, and what they decide."""

from datetime import datetime

from backend.gates import facts
from backend.gates.decision import decide
from database.pool import Database
from stringx_dataops.contract.messages.requests import GateView


def of_table(
    database: Database, target: str, table: str, request_id: str | None = None, not_before: datetime | None = None
) -> GateView:
    """As it stands, or for the load that a request announced. NotFound if there is no such table, or no such request of it."""
    return decide(facts.of_table(database, target, table, request_id), not_before)


def of_dataset(database: Database, name: str, request_id: str | None = None, not_before: datetime | None = None) -> GateView:
    """The same for a dataset."""
    return decide(facts.of_dataset(database, name, request_id), not_before)
