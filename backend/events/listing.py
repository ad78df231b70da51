"""Gates that changed, page by page: the newest first, or, for programs that continue where they were, the oldest first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database.keys import seen_targets
from database.pool import Cursor, Database
from database.queries import load_queries
from stringx_dataops.contract.messages.events import gate_changed
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import FieldError, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("events")  # positions: the number of an event, with a + before it where the oldest are first
FILTERS = ("target", "table", "dataset", "owner", "gate", "incident", "from", "to")
_MOST_DIGITS = 18


def page(
    database: Database, filters: Mapping[str, Any], after: str | None, public_url: str | None, wanted: Page = FIRST
) -> PageJson:
    """A page of events as JSON. `filters` are some of FILTERS. `after`: the id of an event; those after it, the oldest first."""
    given = {name: filters.get(name) for name in FILTERS} | {"seen": seen_targets(), "limit": wanted.limit + 1}
    sign = "" if after is None else "+"
    place = _place_of(wanted, sign)
    with database.transaction() as cursor:
        given |= {"before": place, "behind": None} if after is None else {"before": None, "behind": _behind(cursor, after, place)}
        rows = cursor.all(SQL["list"], given)
    return PAGES.answer(wanted, [((f"{sign}{row['event_id']}",), gate_changed(row, public_url)) for row in rows])


def _place_of(wanted: Page, sign: str) -> int | None:
    if wanted.after is None:
        return None
    text = wanted.after[0].removeprefix(sign)
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise invalid([FieldError("/query/cursor", "is no cursor of this list; give next_cursor of the page before")])
    return int(text)


def _behind(cursor: Cursor, after: str, place: int | None) -> int:
    row = cursor.one(SQL["place"], {"id": after, "seen": seen_targets()})
    if row is None:
        raise invalid([FieldError("/query/after", "there is no such event, or it has been deleted; give from in its place")])
    return max(int(row["event_id"]), place or 0)
