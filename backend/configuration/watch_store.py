"""Schedules, channels and routes in the configuration: read, stored with versions as other documents are, deleted."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, assert_never, cast

from backend.configuration import watch_names
from backend.configuration.versions import DOCUMENTS, Stored, lock, page_of_versions, require_version, with_defaults
from database import audit
from database.keys import Caller, is_seen, seen_targets, who_asks
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS, Watch, WatchKind, parse_watch
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import AuditAction, subject
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
LISTS: dict[WatchKind, Pages] = {"Schedule": Pages("schedules"), "Channel": Pages("channels"), "Route": Pages("routes")}
VERSIONS: dict[WatchKind, Pages] = {
    "Schedule": Pages("versions of a schedule"),
    "Channel": Pages("versions of a channel"),
    "Route": Pages("versions of a route"),
}
MOST: dict[WatchKind, int] = {"Schedule": 5_000, "Channel": 200, "Route": 1_000}  # of an installation
COLLECTIONS: dict[WatchKind, str] = {"Schedule": "schedules", "Channel": "channels", "Route": "routes"}
_AFTER: dict[WatchKind, str] = {"Schedule": "after_schedules", "Channel": "after_channels", "Route": "after_routes"}


def find(database: Database, kind: WatchKind, name: str) -> Stored:
    """The stored document. Raises NotFound."""
    with database.transaction() as cursor:
        row = find_with(cursor, kind, name)
    return Stored(row["document"], row["version"])


def find_with(cursor: Cursor, kind: WatchKind, name: str) -> Row:
    """The stored document as a row with `target`, `document` and `version`. Raises NotFound."""
    row = _row(cursor, kind, name)
    if row is None or not _is_seen(row):
        raise missing(cursor, kind, name)
    return row


def documents(database: Database, kind: WatchKind, page: Page = FIRST, target: str | None = None) -> PageJson:
    """A page of the documents of a kind, sorted by name; of schedules, those of a target if one is given."""
    with database.transaction() as cursor:

        def piece(after: Position | None, limit: int) -> list[Sized]:
            behind = {"name": after[0] if after else "", "limit": limit, "seen": seen_targets(), "is_admin": sees_all()}
            rows = cursor.all(SQL[_AFTER[kind]], behind | {"of_target": target})
            return [((row["name"],), row["document"], row["bytes"]) for row in rows]

        return LISTS[kind].read(page, piece, DOCUMENTS)


def versions(database: Database, kind: WatchKind, name: str, page: Page = FIRST) -> PageJson:
    """A page of versions, newest first; `document` is null for a deletion. Raises NotFound if there never was one."""
    of = {"kind": kind, "name": name, "seen": seen_targets()}
    with database.transaction() as cursor:
        found = page_of_versions(VERSIONS[kind], page, cursor, SQL["versions"], of)
        if not found["items"]:
            raise missing(cursor, kind, name)
    return found


def put(database: Database, caller: Caller, kind: WatchKind, name: str, value: Any, if_match: str | None) -> Stored:
    """Create or replace the document; an unchanged one gets no new version. Raises Invalid, PreconditionFailed, or Conflict if
    the name is that of a schedule which the caller does not see."""
    watch = parse_watch(kind, with_defaults(value, {"apiVersion": "stringx/v1", "kind": kind, "name": name}))
    if watch.name != name:
        raise invalid([FieldError("/name", f"is {watch.name!r}, and the path says {name!r}")])
    with database.transaction() as cursor:
        lock(cursor)
        before = Before(cursor, [watch])
        row = before.row(watch)
        if before.is_taken(watch):
            raise Conflict(taken(watch))
        require_version(if_match, row["version"] if row else None)
        faults = [*watch_names.faults(watch_names.Names(cursor), watch), *before.too_many({"": watch})]
        if faults:
            raise invalid(faults)
        write(cursor, caller, [watch], before)
        after = _row(cursor, kind, name)
    assert after is not None  # just written
    return Stored(after["document"], after["version"], created=row is None)


def delete(database: Database, caller: Caller, kind: WatchKind, name: str, if_match: str | None) -> None:
    """Delete the document, as a new version. Raises NotFound, PreconditionFailed, or Conflict if a route names the channel."""
    with database.transaction() as cursor:
        lock(cursor)
        row = find_with(cursor, kind, name)
        require_version(if_match, row["version"])
        watch_names.require_unnamed(cursor, (kind, name))
        remove(cursor, caller, row)


def remove(cursor: Cursor, caller: Caller, row: Row) -> None:
    """Delete a row of `find_with`, as a new version."""
    named = {name: row[name] for name in ("kind", "name", "target")}
    cursor.run(SQL["delete"], named)
    deletion = cursor.one(SQL["add_deletion"], named | {"changed_by": caller.name})
    assert deletion is not None  # a document always has a version
    audit.record_all(cursor, caller, [_entry(row["kind"], row["name"], row["target"], "deleted", deletion["version"])])


class Before:
    """What is stored under the names of some documents, looked up at once: a stream may have thousands."""

    def __init__(self, cursor: Cursor, found: Iterable[Watch]) -> None:
        self._cursor = cursor
        names = json_value([{"kind": watch.kind, "name": watch.name} for watch in found])
        self._rows = {(row["kind"], row["name"]): row for row in cursor.all(SQL["rows"], {"names": names})}

    def row(self, watch: Watch) -> Row | None:
        """The stored document, as a row with `target`, `document` and `version`."""
        return self._rows.get((watch.kind, watch.name))

    def change(self, watch: Watch) -> str:
        """The change that writing the document makes: `created`, `updated` or `unchanged`."""
        row = self.row(watch)
        return "created" if row is None else "unchanged" if same(row["document"], watch.stored) else "updated"

    def is_taken(self, watch: Watch) -> bool:
        """Whether its name is that of a schedule which the caller does not see."""
        row = self.row(watch)
        return row is not None and not _is_seen(row)

    def too_many(self, found: Mapping[str, Watch]) -> Iterator[FieldError]:
        """A fault for each of these documents, by their pointer, that is one more than its kind may have."""
        counted = {row["kind"]: row["number"] for row in self._cursor.all(SQL["counts"])}
        for pointer, watch in found.items():
            if self.row(watch) is None:
                counted[watch.kind] = counted.get(watch.kind, 0) + 1
                if counted[watch.kind] > MOST[watch.kind]:
                    yield FieldError(pointer, f"is one more {watch.kind.lower()} than the {MOST[watch.kind]:,} that are allowed")


def write(cursor: Cursor, caller: Caller, found: Iterable[Watch], before: Before) -> None:
    """Store these documents, each as the next version if it has changed. The caller holds the configuration's lock."""
    changes = {(watch.kind, watch.name): (watch, change) for watch in found if (change := before.change(watch)) != "unchanged"}
    if not changes:
        return
    given = [
        {"kind": watch.kind, "name": watch.name, "target": watch.target, "document": watch.stored}
        for watch, _ in changes.values()
    ]
    entries = []
    for row in cursor.all(SQL["write"], {"documents": json_value(given), "changed_by": caller.name}):
        watch, change = changes[row["kind"], row["name"]]
        details: JsonObject = {}
        if change == "updated" and row["same_as"] is not None:
            change, details = "rolled_back", {"to": row["same_as"]}
        entries.append(_entry(watch.kind, watch.name, watch.target, change, row["version"], details))
    audit.record_all(cursor, caller, entries)


def taken(watch: Watch) -> str:
    """The words for a name that is taken: names of schedules are shared by all targets."""
    return f"the name {watch.name} is not free; choose another name for the {watch.kind.lower()}"


def missing(cursor: Cursor, kind: WatchKind, name: str) -> NotFound:
    """There is no such document; a similar name that the caller sees is proposed."""
    known = [row["name"] for row in cursor.all(SQL["names"], {"kind": kind, "seen": seen_targets()})]
    similar = did_you_mean(name, known) or f"; send one: PUT /api/v1/{COLLECTIONS[kind]}/{name}"
    return NotFound(f"there is no {kind.lower()} {name}{similar}")


def sees_all() -> bool:
    """Whether the caller may see channels and routes."""
    caller = who_asks()
    return caller is None or (caller.targets is None and "admin" in caller.scopes)


def _is_seen(row: Row) -> bool:
    return sees_all() if row["kind"] in OF_ALL_TARGETS else is_seen(row["target"])


def _entry(
    kind: WatchKind, name: str, target: str | None, change: str, version: int, details: JsonObject | None = None
) -> audit.Entry:
    word = _word(kind)
    named: JsonObject = {"version": version} if target is None else {"target": target, "version": version}
    return audit.Entry(cast(AuditAction, f"{word}.{change}"), subject(word, name), named | (details or {}))


def _word(kind: WatchKind) -> Literal["schedule", "channel", "route"]:
    match kind:
        case "Schedule":
            return "schedule"
        case "Channel":
            return "channel"
        case "Route":
            return "route"
        case _:
            assert_never(kind)


def _row(cursor: Cursor, kind: WatchKind, name: str) -> Row | None:
    return cursor.one(SQL["find"], {"kind": kind, "name": name})
