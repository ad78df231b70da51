"""Tables and datasets as they stand now, those that need somebody first: for lists and the dashboard."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.schedules import store as schedules
from database.keys import seen_targets
from database.pool import Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages

SQL = load_queries(Path(__file__).with_suffix(".sql"))
TABLES = Pages("tables", texts=3)  # positions: rank, target, name
DATASETS = Pages("datasets", texts=3)
MOST_WAIVERS = 20  # of a table or dataset
FILTERS = ("target", "name", "q", "owner", "tag", "gate", "verdict")
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def page(database: Database, kind: str, filters: Mapping[str, str | None], wanted: Page = FIRST) -> PageJson:
    """A page of states as JSON. `kind` is table or dataset; `filters` are some of FILTERS, `q` a part of the name."""
    given: dict[str, Any] = {name: filters.get(name) for name in FILTERS} | {"seen": seen_targets()}
    rank, target, name = wanted.after or (None, None, None)
    position = {"rank": rank, "after_target": target, "after_name": name, "limit": wanted.limit + 1}
    part = f"%{q.translate(_ESCAPED)}%" if (q := given["q"]) else None
    with database.transaction() as cursor:
        named = {"kind": kind, "q": part, "names": None, "most_waivers": MOST_WAIVERS}
        rows = cursor.all(SQL["page"], given | named | position)
        next_runs = schedules.upcoming(cursor)
    pages = TABLES if kind == "table" else DATASETS
    return pages.answer(wanted, [((str(row["rank"]), row["target"], row["name"]), _item(row, next_runs)) for row in rows])


def of_names(database: Database, target: str, tables: Sequence[str]) -> list[dict[str, Any]]:
    """The states of these tables of a target, in the board's order; those that are not configured are left out."""
    every: dict[str, Any] = dict.fromkeys(FILTERS) | {"seen": seen_targets(), "most_waivers": MOST_WAIVERS}
    named = every | {"kind": "table", "target": target, "names": list(tables), "limit": len(tables)}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["page"], named | {"rank": None, "after_target": None, "after_name": None})
        next_runs = schedules.upcoming(cursor)
    return [_item(row, next_runs) for row in rows]


def counts(database: Database, kind: str) -> dict[str, int]:
    """How many are closed, stale, never_checked and open."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["counts"], {"kind": kind, "seen": seen_targets()})
    return dict.fromkeys(("closed", "stale", "never_checked", "open"), 0) | {row["state"]: row["number"] for row in rows}


def _item(row: Row, next_runs: schedules.Upcoming) -> dict[str, Any]:
    """The shape that the API documents as TableState and DatasetState."""
    is_table = row["kind"] == "table"
    return {
        "target": row["target"],
        **({"table": row["name"]} if is_table else {"dataset": row["name"], "tables": row["tables"]}),
        "state": row["state"],
        "gate": "open" if row["state"] == "open" else "closed",
        "checking": row["checking"],
        "verdict": row["verdict"],
        "since": _moment(row["since"]),
        "reasons": row["reasons"],
        "check_id": row["check_id"],
        "checked_at": _moment(row["checked_at"]),
        "snapshot_at": _moment(row["snapshot_at"]),
        "row_count": row["row_count"],
        "score": row["score"],
        "duration_ms": row["duration_ms"],
        "recent": row["recent"],
        "incident": _incident(row),
        "waivers": row["waivers"],
        "owner": row["owner"],
        "tags": row["tags"],
        "source": row["source"],
        "next_run_at": _moment(schedules.next_run_at(next_runs, row["kind"], row["target"], row["name"])),
    }


def _incident(row: Row) -> dict[str, Any] | None:
    if row["incident_id"] is None:
        return None
    named = {name: row[name] for name in ("acknowledged_by", "assignee")}
    return {"id": str(row["incident_id"]), "opened_at": _moment(row["opened_at"])} | named


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
