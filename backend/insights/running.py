"""Requests that have not ended, with how far they are: for the pages of a table, a dataset and a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.insights.requests import progress, view
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.requests import Progress, RequestView

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MOST = 5  # on a page


@dataclass(frozen=True)
class Running:
    """An unfinished request. `cancel_requested`: it is to end, and has not ended yet. `asked`: the body of the request."""

    view: RequestView
    progress: Progress
    cancel_requested: bool
    asked: JsonObject


def of_table(database: Database, target: str, table: str) -> list[Running]:
    """The newest, the oldest of them first; at most MOST and one more. Those of datasets with the table are included."""
    return _read(database, "of_table", {"target": target, "table": table, "limit": MOST + 1})


def of_dataset(database: Database, target: str, name: str) -> list[Running]:
    """The newest, the oldest of them first; at most MOST and one more."""
    return _read(database, "of_dataset", {"target": target, "dataset": name, "limit": MOST + 1})


def of_request(database: Database, request_id: str) -> list[Running]:
    """The request itself; nothing if it has ended."""
    return _read(database, "of_request", {"request_id": request_id})


def _read(database: Database, name: str, parameters: Mapping[str, str | int]) -> list[Running]:
    with database.transaction() as cursor:
        rows = cursor.all(SQL[name], parameters)
    return [Running(view(row), progress(row), row["cancel_requested"], row["body"]) for row in reversed(rows)]
