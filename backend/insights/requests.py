"""Requests as they stand: one, or a page of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database.pool import Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import CheckResult, rfc3339
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.messages.requests import RequestView
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("requests", texts=2)  # positions: created_at, request_id
_RESULTS = 8  # that are in memory at once: each may have 8 MiB


def find(database: Database, request_id: str) -> RequestView:
    """With its result, if it has one. NotFound if there is no such request."""
    with database.statements() as cursor:
        row = cursor.one(SQL["find"], {"request_id": request_id})
    if row is None:
        raise NotFound(f"there is no request {request_id}")
    return view(row)


def page(database: Database, filters: Mapping[str, str | bool | None], wanted: Page, *, rules: bool = False) -> PageJson:
    """A page of requests, newest first: of their results the counts, or with `rules` all, as many as there is room for."""
    with database.transaction() as cursor:

        def piece(after: Position | None, limit: int) -> list[Sized]:
            created_at, request_id = after or (None, None)
            behind = {"created_at": created_at, "request_id": request_id, "limit": limit, "rules": rules}
            return [
                ((rfc3339(row["created_at"]), row["request_id"]), _item(row), row["bytes"] or 0)
                for row in cursor.all(SQL["list"], {"trial": None, **filters, **behind})
            ]

        return PAGES.read(wanted, piece, _RESULTS if rules else wanted.limit + 1)


def view(row: Row) -> RequestView:
    """A row of `find`, `list` or `tracking.sql`'s `accept`."""
    return RequestView(
        request_id=row["request_id"],
        source=row["source"],
        target=row["target"],
        table=row["table_name"],
        dataset=row["dataset"],
        trial=row["trial"],
        mode=row["mode"],
        status=row["status"],
        verdict=row["verdict"],
        reason=row["reason"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        checks=[CheckResult.model_validate(row["result"])] if row["result"] is not None else [],
    )


def _item(row: Row) -> dict[str, Any]:
    """A request in a list: with its whole result, or what a list shows of it."""
    shown = view(row).as_json()
    if row["summary"] is not None:
        shown["checks"] = [{name: value for name, value in row["summary"].items() if name not in ("table", "dataset") or value}]
    return shown
