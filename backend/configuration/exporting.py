"""The whole configuration, page by page: documents of all kinds, as they are stored."""

from backend.configuration import datasets, layers, sources, store, watch_store
from backend.configuration.versions import DOCUMENTS
from database.keys import seen_targets
from database.pool import Database
from stringx_dataops.contract.documents.streams import name_of
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS, WatchKind
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.problems import FieldError, invalid

PAGES = Pages(
    "configuration", texts=2, default=1000
)  # positions consist of a document's kind and name; with many rules per table, a page takes 2 MB
_FIRST = Page(PAGES.default)

_STATEMENTS = {
    "Target": store.SQL["targets_after"],
    "Defaults": layers.SQL["after_defaults"],
    "RuleSet": layers.SQL["after_rule_sets"],
    "Table": store.SQL["tables_after"],
    "Dataset": datasets.SQL["after"],
    "Schedule": watch_store.SQL["after_schedules"],
    "Channel": watch_store.SQL["after_channels"],
    "Route": watch_store.SQL["after_routes"],
}


class ConfigurationJson(PageJson):
    """A page of documents. `sources`: where each was last applied from, or null. `hidden`: kinds that the key does not see."""

    sources: list[str | None]
    hidden: list[WatchKind]


def export(database: Database, page: Page = _FIRST) -> ConfigurationJson:
    """A page of all documents: targets, defaults, rule sets, tables, datasets, schedules, channels, routes, each sorted by name.
    `sources` says, for each of `items`, where it was last applied from, or null. Only admins see channels and routes."""
    if page.after is not None and page.after[0] not in _STATEMENTS:
        raise invalid([FieldError("/query/cursor", "is no cursor of this list; give next_cursor of the page before")])
    is_admin = watch_store.sees_all()
    seen = {"seen": seen_targets(), "is_admin": is_admin, "of_target": None}
    with database.transaction() as cursor:

        def piece(after: Position | None, limit: int) -> list[Sized]:
            kind, name = after or ("Target", "")
            found: list[Sized] = []
            for each in list(_STATEMENTS)[list(_STATEMENTS).index(kind) :]:
                target, _, table = name.partition("/") if each == kind else ("", "", "")
                behind = {"name": name if each == kind else "", "target": target, "table": table, "limit": limit - len(found)}
                rows = cursor.all(_STATEMENTS[each], behind | seen)
                found += [((each, row["name"]), row["document"], row["bytes"]) for row in rows]
                if len(found) == limit:
                    break
            return found

        found = PAGES.read(page, piece, DOCUMENTS)
        names = [name for name in map(name_of, found["items"]) if name is not None]
        known = sources.sources_of(cursor, names)
        hidden: list[WatchKind] = [] if is_admin else list(OF_ALL_TARGETS)
        return {**found, "sources": [known.get(name) for name in names], "hidden": hidden}
