"""Reads and changes the configuration: validates targets, tables and datasets against the rule catalogue, and stores versions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from backend.configuration import (
    datasets,
    effective,
    layer_streams,
    layers,
    sources,
    tables,
    watch_names,
    watch_store,
    watch_streams,
)
from backend.configuration.sources import Origin
from backend.configuration.versions import (
    DOCUMENTS,
    Stored,
    change_of,
    lock,
    page_of_versions,
    require_version,
    with_defaults,
)
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen, seen_targets
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.merging import as_said, merged, origins
from stringx_dataops.contract.documents.streams import Named, Stream, parse_datasets, parse_stream
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of, parse_target
from stringx_dataops.contract.documents.watches import WATCH_KINDS, WatchKind
from stringx_dataops.contract.messages.audit import AuditAction, subject
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.problems import Conflict, FieldError, FieldErrorJson, Unavailable, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
VERSIONS = Pages("versions of a table")
TARGETS = Pages("targets")
TARGET_VERSIONS = Pages("versions of a target")
_TRIES = 3


def find_target(database: Database, name: str) -> Stored:
    """The target's current document; NotFound if there is none."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["find_target"], {"name": name})
        if row is None:
            raise Refusals(cursor).target(name)
    return Stored(row["document"], row["version"])


def targets(database: Database, page: Page = FIRST) -> PageJson:
    """A page of the documents of targets, sorted by name."""
    with database.transaction() as cursor:

        def piece(after: Position | None, limit: int) -> list[Sized]:
            behind = {"name": after[0] if after else "", "seen": seen_targets(), "limit": limit}
            rows = cursor.all(SQL["targets_after"], behind)
            return [((row["name"],), row["document"], row["bytes"]) for row in rows]

        return TARGETS.read(page, piece, DOCUMENTS)


def target_versions(database: Database, name: str, page: Page = FIRST) -> PageJson:
    """A page of versions, newest first; `document` is null for a deletion. Raises NotFound if there never was such a target."""
    with database.transaction() as cursor:
        found = page_of_versions(TARGET_VERSIONS, page, cursor, SQL["target_versions"], {"name": name})
        if not found["items"]:
            raise Refusals(cursor).target(name)
    return found


def put_target(database: Database, caller: Caller, name: str, value: Any, if_match: str | None) -> Stored:
    """Create or replace a target; an unchanged one gets no new version.

    Raises Invalid, or PreconditionFailed if `if_match` does not name the stored version.
    """
    target = parse_target(with_defaults(value, {"apiVersion": "stringx/v1", "kind": "Target", "name": name}))
    if target.name != name:
        raise invalid([FieldError("/name", f"is {target.name!r}, and the path says {name!r}")])
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["find_target"], {"name": name})
        require_version(if_match, before["version"] if before else None)
        _write_target(cursor, target, caller)
        after = cursor.one(SQL["find_target"], {"name": name})
    assert after is not None  # just written
    return Stored(after["document"], after["version"], created=before is None)


def delete_target(database: Database, caller: Caller, name: str, if_match: str | None) -> None:
    """Delete a target, as a new version. Raises NotFound, PreconditionFailed, or Conflict if tables or others are
    configured on it."""
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["find_target"], {"name": name})
        if before is None:
            raise Refusals(cursor).target(name)
        require_version(if_match, before["version"])
        counted = cursor.one(SQL["count_tables_of_target"], {"name": name})
        if counted and counted["tables"]:
            raise Conflict(f"target {name} has configured tables ({counted['tables']}); delete them first")
        counted = cursor.one(layers.SQL["count_of_target"], {"target": name})
        if counted and counted["number"]:
            raise Conflict(f"target {name} has defaults or rule sets; delete them first")
        watch_names.require_free_target(cursor, name)
        _remove_target(cursor, caller, name, before["version"])


def _remove_target(cursor: Cursor, caller: Caller, name: str, version: int) -> None:
    cursor.run(SQL["delete_target"], {"name": name})
    deletion = cursor.one(SQL["add_target_deletion"], {"name": name, "version": version, "changed_by": caller.name})
    audit.record(cursor, caller, "target.deleted", subject("target", name), deletion)


def find_table(database: Database, target: str, table: str) -> Stored:
    """The table's current document; NotFound names what is missing, the target or the table."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["find_table"], {"target": target, "table": table})
        if row is None:
            raise Refusals(cursor).table(target, table)
    return Stored(row["document"], row["version"])


def find_effective(database: Database, target: str, table: str) -> Stored:
    """The table's effective document with every field, and `origins`, which say where each comes from. NotFound as above."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["find_table"], {"target": target, "table": table})
        if row is None:
            raise Refusals(cursor).table(target, table)
        added = effective.load(cursor, [target])[target]
    said = as_said(row["document"], row["as_written"])
    whole = TableDocument.model_validate(merged(said, added))
    document = whole.model_dump(mode="json", exclude={"overrides"}) | {"origins": origins(said, added)}
    return Stored(document, row["version"])


def versions(database: Database, target: str, table: str, page: Page = FIRST) -> PageJson:
    """A page of versions, newest first; `document` is null for a deletion. Raises NotFound if there never was such a table."""
    with database.transaction() as cursor:
        found = page_of_versions(VERSIONS, page, cursor, SQL["versions"], {"target": target, "table": table})
        if not found["items"]:
            raise Refusals(cursor).unless_target(target, f"table {table} of target {target} was never configured")
    return found


def put_table(
    database: Database, catalogue: Catalogue, caller: Caller, path: tuple[str, str], value: Any, if_match: str | None
) -> Stored:
    """Create or replace a table's document; an unchanged one gets no new version. `path` is (target, table).

    Parsing a large document takes a while, so it happens before the lock is taken, and again if the target has changed meanwhile.
    Raises Invalid, PreconditionFailed, or Unavailable if the target changes again and again.
    """
    target, table = path
    for _ in range(_TRIES):
        with database.transaction() as cursor:
            known = _known_target(cursor, target)
        document = _parsed(value, catalogue, known, path)
        with database.transaction() as cursor:
            lock(cursor)
            if known != _known_target(cursor, target):
                continue
            before = cursor.one(SQL["find_table"], {"target": target, "table": table})
            require_version(if_match, before["version"] if before else None)
            if not known:
                raise invalid([FieldError("/target", Refusals(cursor).target(target).detail)])
            added = effective.load(cursor, [target])
            if errors := list(effective.faults(as_json(document), added[target], catalogue, known[target])):
                raise invalid(errors)
            tables.put(cursor, [document], catalogue, caller, added)
            datasets.require_bounded(cursor, "/table", [target])
            after = cursor.one(SQL["find_table"], {"target": target, "table": table})
        assert after is not None  # just written
        return Stored(after["document"], after["version"], created=before is None)
    raise Unavailable("the target is just being changed by others; try again")


def check_table(database: Database, catalogue: Catalogue, path: tuple[str, str], value: Any) -> TableDocument:
    """The document that `put_table` would store. Raises the same Invalid."""
    with database.transaction() as cursor:
        known = _known_target(cursor, path[0])
        refusal = None if known else Refusals(cursor).target(path[0]).detail
        added = effective.load(cursor, [path[0]])[path[0]]
    document = _parsed(value, catalogue, known, path)
    if refusal is not None:
        raise invalid([FieldError("/target", refusal)])
    if errors := list(effective.faults(as_json(document), added, catalogue, known[path[0]])):
        raise invalid(errors)
    return document


def _parsed(value: Any, catalogue: Catalogue, known: dict[str, Any], path: tuple[str, str]) -> TableDocument:
    """The document of the table at this path, which the document need not repeat. `known` as `_known_target` returns it."""
    target, table = path
    value = with_defaults(value, {"apiVersion": "stringx/v1", "target": target, "table": table})
    document = parse_table(value, catalogue, judge_of(known))
    for field, given, said in (("target", document.target, target), ("table", document.table, table)):
        if given != said:
            raise invalid([FieldError(f"/{field}", f"is {given!r}, and the path says {said!r}")])
    return document


def delete_table(database: Database, caller: Caller, target: str, table: str, if_match: str | None) -> None:
    """Delete a table's document, as a new version. Raises NotFound, PreconditionFailed, or Conflict if a dataset or schedule
    names it."""
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["find_table"], {"target": target, "table": table})
        if before is None:
            raise Refusals(cursor).table(target, table)
        require_version(if_match, before["version"])
        datasets.require_unnamed(cursor, target, table)
        watch_names.require_unnamed(cursor, ("Table", f"{target}/{table}"))
        _remove_table(cursor, caller, target, table)


def _remove_table(cursor: Cursor, caller: Caller, target: str, table: str) -> None:
    last = cursor.one(SQL["last_version"], {"target": target, "table": table})
    assert last is not None  # a table always has a version
    cursor.run(SQL["delete_table"], {"target": target, "table": table})
    named = {"target": target, "table": table, "version": last["version"] + 1, "changed_by": caller.name}
    cursor.run(SQL["add_deletion"], named)
    audit.record(cursor, caller, "table.deleted", subject("table", target, table), {"version": named["version"]})


def apply(
    database: Database,
    catalogue: Catalogue,
    caller: Caller,
    values: Sequence[Any],
    dry_run: bool,
    origin: Origin = Origin(),  # noqa: B008 - it is frozen
) -> dict[str, Any]:
    """Apply all documents of a stream, or none of them; a dry run only returns what would change. With a source, it is remembered
    for each of them; `origin.prunes` deletes what was applied from there and is not in the stream.

    Pointers in errors begin with the document's index in the stream. Parsing ten thousand documents takes some seconds, so it
    happens before the lock is taken, and again if a target has changed meanwhile. Raises Invalid, or Forbidden if the stream has
    targets and the caller lacks the scope `admin`, Conflict if a dataset names a table that would be pruned.
    """
    origin.require_source()
    if not values:
        raise invalid([FieldError("", "the stream holds no document; send at least one")])
    for _ in range(_TRIES):
        with database.transaction() as cursor:
            known = _targets(cursor)
        stream = parse_stream(known, catalogue, values)
        with database.transaction() as cursor:
            lock(cursor)
            if known == _targets(cursor):
                changes, notes = _write_stream(cursor, stream, values, catalogue, caller, dry_run, origin)
                return {"dry_run": dry_run, "documents": len(values), "changes": changes, "notes": notes}
    raise Unavailable("the targets are just being changed by others; try again")


def _write_stream(
    cursor: Cursor, stream: Stream, values: Sequence[Any], catalogue: Catalogue, caller: Caller, dry_run: bool, origin: Origin
) -> tuple[list[dict[str, str]], list[FieldErrorJson]]:
    """What it changes, and notes; Invalid with every fault of the stream."""
    names = {(table.target, table.table) for table in stream.tables}
    found, faults = parse_datasets(values, lambda dataset, pointer: datasets.faults_of_names(cursor, dataset, names, pointer))
    if errors := stream.errors + faults:
        raise invalid(errors)
    if stream.targets:
        caller.require("admin")  # before anything is read of targets that the caller may not see
    watch_streams.require(caller, stream)
    before = watch_store.Before(cursor, stream.watches.values())
    if errors := list(watch_streams.faults(cursor, stream, found, before)):
        raise invalid(errors)
    added = layer_streams.added(cursor, stream)
    documents = _targets(cursor) | {name: as_json(target) for name, target in stream.targets.items()}
    if errors := list(layer_streams.misfits(cursor, stream, added, catalogue, documents)):
        raise invalid(errors)
    changes = _changed_targets(cursor, stream.targets)
    for target in () if dry_run else stream.targets.values():
        _write_target(cursor, target, caller)
    changed_layers = layer_streams.changed(cursor, stream)
    changes += layer_streams.store(cursor, stream, changed_layers, caller, dry_run)
    changes += tables.put(cursor, stream.tables, catalogue, caller, added, dry_run)
    if errors := layer_streams.refresh(cursor, stream, changed_layers, catalogue, caller, dry_run):
        raise invalid(errors)
    datasets.require_bounded(cursor, "", {table.target for table in stream.tables})
    changes += _changed_datasets(cursor, found)
    for dataset in () if dry_run else found:
        datasets.write(cursor, dataset, caller)
    changes += watch_streams.store(cursor, stream, before, caller, dry_run)
    gone: list[Named] = []
    if origin.source is not None:
        changes = sources.remember(cursor, origin.source, changes, dry_run)
    if origin.source is not None and origin.prunes:
        gone = sources.missing(cursor, origin.source, stream, found)
        watch_streams.require_for(caller, gone)
        if any(kind == "Target" for kind, _ in gone):
            caller.require("admin")
    watch_streams.require_kept(cursor, stream, found, gone)
    changes += sources.prune(gone, lambda kind, name: _remove(cursor, catalogue, caller, kind, name), dry_run)
    return changes, watch_streams.notes(cursor, stream, found)


def _remove(cursor: Cursor, catalogue: Catalogue, caller: Caller, kind: str, name: str) -> None:
    """Delete what is configured under this name: of a table target/table."""
    if kind == "Table":
        target, _, table = name.partition("/")
        _remove_table(cursor, caller, target, table)
    elif kind == "Dataset":
        datasets.remove(cursor, caller, name, datasets.find_with(cursor, name)["target"])
    elif kind in WATCH_KINDS:
        watch_store.remove(cursor, caller, watch_store.find_with(cursor, cast(WatchKind, kind), name))
    elif kind in ("Defaults", "RuleSet"):
        row = cursor.one(layers.SQL["find"], {"kind": kind, "name": name})
        if row is not None and (errors := layers.remove(cursor, catalogue, caller, row)):
            raise invalid(errors)
    elif (row := cursor.one(SQL["find_target"], {"name": name})) is not None:
        _remove_target(cursor, caller, name, row["version"])


def _known_target(cursor: Cursor, name: str) -> dict[str, Any]:
    """{name: document} of this target; empty if it is not configured."""
    row = cursor.one(SQL["find_target"], {"name": name})
    return {} if row is None else {name: row["document"]}


def _targets(cursor: Cursor) -> dict[str, Any]:
    """{name: document} of all targets that the caller sees."""
    return {row["name"]: row["document"] for row in cursor.all(SQL["targets"]) if is_seen(row["name"])}


def _changed_targets(cursor: Cursor, targets: dict[str, TargetDocument]) -> list[dict[str, str]]:
    found = []
    for name, target in targets.items():
        row = cursor.one(SQL["find_target"], {"name": name})
        found.append({"kind": "Target", "name": name, "change": change_of(row, target)})
    return found


def _changed_datasets(cursor: Cursor, found: list[DatasetDocument]) -> list[dict[str, str]]:
    return [
        {
            "kind": "Dataset",
            "name": dataset.name,
            "change": change_of(cursor.one(datasets.SQL["find"], {"name": dataset.name}), dataset),
        }
        for dataset in found
    ]


def _write_target(cursor: Cursor, target: TargetDocument, caller: Caller) -> None:
    """An unchanged document keeps its version."""
    change = change_of(cursor.one(SQL["find_target"], {"name": target.name}), target)
    if change == "unchanged":
        return
    written = {"name": target.name, "document": json_value(as_json(target)), "changed_by": caller.name}
    stored = cursor.one(SQL["put_target"], written)
    assert stored is not None  # just written
    action: AuditAction = "target.created" if change == "created" else "target.updated"
    details = {"version": stored["version"]}
    if change == "updated" and stored["same_as"] is not None:
        action, details["to"] = "target.rolled_back", stored["same_as"]
    audit.record(cursor, caller, action, subject("target", target.name), details)
