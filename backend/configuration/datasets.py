"""Datasets in the configuration. Each names tables that are configured on its target, and has versions as tables do."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from backend.configuration import watch_names
from backend.configuration.versions import Stored, change_of, lock, page_of_versions, require_version, with_defaults
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen, seen_targets
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.documents.datasets import MOST_TABLES, DatasetDocument, parse_dataset
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.globs import is_glob, postgres_pattern
from stringx_dataops.contract.messages.audit import AuditAction, subject
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
VERSIONS = Pages("versions of a dataset")


def find(database: Database, name: str) -> Stored:
    """The stored dataset. Raises NotFound."""
    with database.transaction() as cursor:
        row = find_with(cursor, name)
    return Stored(row["document"], row["version"])


def find_with(cursor: Cursor, name: str) -> Row:
    """The stored dataset as a row with `document` and `version`. Raises NotFound."""
    row = cursor.one(SQL["find"], {"name": name})
    if row is None or not is_seen(row["target"]):
        raise Refusals(cursor).dataset(name)
    return row


def versions(database: Database, name: str, page: Page = FIRST) -> PageJson:
    """A page of versions, newest first; `document` is null for a deletion. Raises NotFound if there never was such a dataset."""
    with database.transaction() as cursor:
        found = page_of_versions(VERSIONS, page, cursor, SQL["versions"], {"name": name, "seen": seen_targets()})
    if not found["items"]:
        raise NotFound(f"dataset {name} was never configured")
    return found


def put(database: Database, caller: Caller, name: str, value: Any, if_match: str | None) -> Stored:
    """Create or replace a dataset; an unchanged one gets no new version.

    Raises Invalid, PreconditionFailed if `if_match` does not name the stored version, or Conflict if a schedule checks it on
    another target.
    """
    document = parse_dataset(with_defaults(value, {"apiVersion": "stringx/v1", "kind": "Dataset", "name": name}))
    if document.name != name:
        raise invalid([FieldError("/name", f"is {document.name!r}, and the path says {name!r}")])
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["lock"], {"name": name})
        if before is not None and not is_seen(before["target"]):
            raise Conflict(_taken(name))
        require_version(if_match, before["version"] if before else None)
        if faults := list(faults_of_names(cursor, document)):
            raise invalid(faults)
        watch_names.require_target_of_dataset(cursor, name, document.target)
        write(cursor, document, caller)
        after = find_with(cursor, name)
    return Stored(after["document"], after["version"], created=before is None)


def delete(database: Database, caller: Caller, name: str, if_match: str | None) -> None:
    """Delete a dataset, as a new version. Raises NotFound, PreconditionFailed, or Conflict if a schedule names it."""
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["lock"], {"name": name})
        if before is None or not is_seen(before["target"]):
            raise NotFound(f"there is no dataset {name}")
        require_version(if_match, before["version"])
        watch_names.require_unnamed(cursor, ("Dataset", name))
        remove(cursor, caller, name, before["target"])


def remove(cursor: Cursor, caller: Caller, name: str, target: str) -> None:
    """Delete a dataset that is configured, as a new version."""
    version = _next_version(cursor, name)
    cursor.run(SQL["delete"], {"name": name})
    cursor.run(SQL["add_version"], {"name": name, "version": version, "document": None, "changed_by": caller.name})
    audit.record(cursor, caller, "dataset.deleted", subject("dataset", name), {"target": target, "version": version})


def faults_of_names(
    cursor: Cursor, document: DatasetDocument, tables: Collection[tuple[str, str]] = (), pointer: str = ""
) -> Iterator[FieldError]:
    """A fault for each table that it names and that is not configured on the dataset's target. A pattern need not match any yet.

    `tables` are (target, table) from the same stream of documents; they count as configured.
    """
    if not is_seen(document.target):
        yield FieldError(f"{pointer}/target", Refusals(cursor).target(document.target, "send it and its tables first").detail)
        return
    of_that_name = cursor.one(SQL["find"], {"name": document.name})
    if of_that_name is not None and not is_seen(of_that_name["target"]):
        yield FieldError(f"{pointer}/name", _taken(document.name))
    named = {"target": document.target, "tables": document.named}
    known = {row["table_name"] for row in cursor.all(SQL["configured_tables"], named)}
    known |= {table for target, table in tables if target == document.target}
    if not known and cursor.one(SQL["find_target"], {"name": document.target}) is None:
        yield FieldError(f"{pointer}/target", Refusals(cursor).target(document.target, "send it and its tables first").detail)
        return
    for index, table in enumerate(document.tables):
        if table not in known and not is_glob(table):
            yield FieldError(
                f"{pointer}/tables/{index}", f"{table} is not configured on target {document.target}; send its document first"
            )


def require_unnamed(cursor: Cursor, target: str, table: str) -> None:
    """Raise Conflict if the table belongs to a dataset."""
    names = [row["name"] for row in cursor.all(SQL["naming_table"], {"target": target, "table": table})]
    if names:
        what = "dataset" if len(names) == 1 else "datasets"
        raise Conflict(f"table {table} is part of {what} {', '.join(names)}; take it out there first")


def write(cursor: Cursor, document: DatasetDocument, caller: Caller) -> None:
    """Store the document as a new version if it has changed."""
    change = change_of(cursor.one(SQL["lock"], {"name": document.name}), document)
    if change == "unchanged":
        return
    written = {
        "name": document.name,
        "target": document.target,
        "named": document.named,
        "patterns": [postgres_pattern(glob) for glob in document.globs] or None,
        "document": json_value(as_json(document)),
        "version": _next_version(cursor, document.name),
    }
    cursor.run(SQL["put"], written)
    stored = cursor.one(SQL["add_version"], written | {"changed_by": caller.name})
    details: dict[str, Any] = {"target": document.target, "version": written["version"], "tables": len(document.tables)}
    action: AuditAction = "dataset.created" if change == "created" else "dataset.updated"
    if change == "updated" and stored is not None and stored["same_as"] is not None:
        action, details["to"] = "dataset.rolled_back", stored["same_as"]
    audit.record(cursor, caller, action, subject("dataset", document.name), details)
    require_bounded(cursor, "/tables", [document.target])


def require_bounded(cursor: Cursor, pointer: str, targets: Collection[str]) -> None:
    """Raise Invalid if more tables match the patterns of a dataset of these targets than one may have."""
    if row := cursor.one(SQL["too_large"], {"most": MOST_TABLES, "targets": list(targets)}):
        words = f"dataset {row['name']} would have {row['tables']} tables; at most {MOST_TABLES} are allowed: narrow its patterns"
        raise invalid([FieldError(pointer, words)])


def _taken(name: str) -> str:
    """Of a dataset that the caller does not see: names of datasets are not by target."""
    return f"the name {name} is not free; choose another name for the dataset"


def _next_version(cursor: Cursor, name: str) -> int:
    row = cursor.one(SQL["last_version"], {"name": name})
    return int(row["version"]) + 1 if row else 1
