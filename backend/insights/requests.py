"""Requests as they stand: one, or a page of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.keys import is_seen, seen_targets
from database.pool import Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import CheckResult, rfc3339
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.messages.requests import Progress, RequestView
from stringx_dataops.contract.messages.verdicts import Source
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("requests", texts=2)  # positions: created_at, request_id
FILTERS = ("target", "table", "dataset", "rule", "requested_by", "source", "verdict", "status", "trial", "from", "to", "tables")
MOST_TABLES = 1000  # that one list is about
_RESULTS = 8  # that are in memory at once: each may have 8 MiB


def find(database: Database, request_id: str) -> RequestView:
    """With its result, if it has one. NotFound if there is no such request."""
    with database.statements() as cursor:
        row = cursor.one(SQL["find"], {"request_id": request_id})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no request {request_id}")
    return view(row)


def tried_rules(database: Database, request_id: str) -> frozenset[str] | None:
    """The ids of all rules in a trial's document, whichever of them were tried; None if the document is not known."""
    with database.statements() as cursor:
        row = cursor.one(SQL["tried_rules"], {"request_id": request_id})
    return frozenset(row["ids"]) if row is not None else None


def with_progress(database: Database, found: RequestView) -> RequestView:
    """The request with how far it is, or as it has ended meanwhile. NotFound if it was deleted meanwhile."""
    if found.ended:
        return found
    with database.statements() as cursor:
        row = cursor.one(SQL["progress"], {"request_id": found.request_id})
    if row is None:
        return find(database, found.request_id)
    return found.model_copy(update={"progress": progress(row)})


def tables_with(database: Database, part: str, target: str) -> list[str]:
    """Names of tables, configured or checked before, that hold this text in any case; of one target unless it is empty. One more
    than MOST_TABLES says that there are more."""
    with database.transaction() as cursor:
        rows = cursor.all(
            SQL["tables_with"], {"part": part, "target": target or None, "seen": seen_targets(), "limit": MOST_TABLES + 1}
        )
    return [row["name"] for row in rows]


def progress(row: Row) -> Progress:
    """From the columns of `stringx.progress_of`."""
    return Progress(
        phase=row["phase"],
        position=row["place"],
        elapsed_s=max(0.0, round(row["elapsed_s"], 3)),
        expected_s=round(row["expected_s"], 3) if row["expected_s"] is not None else None,
    )


@dataclass(frozen=True)
class Shown:
    """What a list shows of results: the counts, or with `rules` all, as many as there is room for; `samples` if they may be
    seen."""

    rules: bool = False
    samples: bool = False


def page(database: Database, filters: Mapping[str, Any], wanted: Page, shown: Shown = Shown()) -> PageJson:
    """A page of requests, newest first. `filters` are some of FILTERS; `tables` are names of which the request has one."""
    seen = seen_targets()
    given = {name: filters.get(name) for name in FILTERS} | {"seen": seen}
    if seen is not None and len(seen) == 1 and given["target"] is None:
        given["target"] = seen[0]  # an index has these in order
    with database.transaction() as cursor:

        def piece(after: Position | None, limit: int) -> list[Sized]:
            created_at, request_id = after or (None, None)
            behind = {"created_at": created_at, "request_id": request_id, "limit": limit, "rules": shown.rules}
            return [
                ((rfc3339(row["created_at"]), row["request_id"]), _item(row, shown), row["bytes"] or 0)
                for row in cursor.all(SQL["list"], given | behind)
            ]

        return PAGES.read(wanted, piece, _RESULTS if shown.rules else wanted.limit + 1)


def view(row: Row) -> RequestView:
    """A row of `find`, `list` or `tracking.sql`'s `accept`."""
    return RequestView(
        request_id=row["request_id"],
        source=_source(row),
        requested_by=row["requested_by"],
        target=row["target"],
        table=row["table_name"],
        dataset=row["dataset"],
        trial=row["trial"],
        profile=row.get("is_profile", False),
        mode=row["mode"],
        status=row["status"],
        verdict=row["verdict"],
        reason=row["reason"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        canceled_by=row["canceled_by"],
        checks=[CheckResult.model_validate(row["result"], extra="ignore")] if row["result"] is not None else [],
    )


def _source(row: Row) -> Source:
    """Earlier releases know neither of the first two."""
    if row["schedule"] is not None:
        return "schedule"
    return "dashboard" if row["is_from_dashboard"] else row["source"]


def _item(row: Row, shown: Shown) -> dict[str, Any]:
    """A request in a list: with its whole result, or what a list shows of it."""
    item = view(row).as_json(with_samples=shown.samples)
    if row["summary"] is not None:
        item["checks"] = [{name: value for name, value in row["summary"].items() if name not in ("table", "dataset") or value}]
    return item
