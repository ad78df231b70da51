"""The audit log, page by page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database.keys import Caller
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import FieldError, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("audit")  # positions: the number of an entry
FILTERS = ("actor", "action", "subject", "from", "to")
_MOST_DIGITS = 18


def page(database: Database, caller: Caller, filters: Mapping[str, Any], wanted: Page = FIRST) -> PageJson:
    """A page of entries, newest first. `filters` are some of FILTERS. Forbidden unless the caller administers, without limits."""
    caller.require("admin")
    caller.require_unlimited()
    before = wanted.after[0] if wanted.after else None
    if before is not None and not (before.isascii() and before.isdigit() and len(before) <= _MOST_DIGITS):
        raise invalid([FieldError("/query/cursor", "is no cursor of this list; give next_cursor of the page before")])
    given = {name: filters.get(name) for name in FILTERS} | {"before": before, "limit": wanted.limit + 1}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["list"], given)
    return PAGES.answer(
        wanted,
        [((str(row["entry_id"]),), {name: row[name] for name in _SHOWN} | {"at": rfc3339(row["at"])}) for row in rows],
    )


_SHOWN = ("at", "actor", "action", "subject", "address", "details")
