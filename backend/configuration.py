"""The configuration: targets, tables and datasets, validated against the rule catalogue, versioned, changed all or nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend import datasets
from backend.stored import Stored, as_json, change_of, lock, require_version, with_defaults, with_times
from contract.catalogue import Catalogue
from contract.configuration import TableDocument, TargetDocument, parse_table, parse_target
from contract.datasets import DatasetDocument, parse_dataset
from contract.problems import Conflict, FieldError, Invalid, NotFound, invalid
from database.keys import Caller
from database.pool import Cursor, Database, json_value
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))


def find_target(database: Database, name: str) -> Stored:
    with database.transaction() as cursor:
        row = cursor.one(SQL["find_target"], {"name": name})
    if row is None:
        raise NotFound(f"there is no target {name}; send one: PUT /api/v1/targets/{name}")
    return Stored(row["document"], row["version"])


def put_target(database: Database, name: str, value: Any, if_match: str | None) -> Stored:
    """Create or replace a target; Invalid, or PreconditionFailed where the version is another."""
    target = parse_target(with_defaults(value, {"apiVersion": "stringx/v1", "kind": "Target", "name": name}))
    if target.name != name:
        raise invalid([FieldError("/name", f"is {target.name!r}, and the path says {name!r}")])
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["find_target"], {"name": name})
        require_version(if_match, before["version"] if before else None)
        _write_target(cursor, target)
        after = cursor.one(SQL["find_target"], {"name": name})
    assert after is not None  # just written
    return Stored(after["document"], after["version"], created=before is None)


def delete_target(database: Database, name: str, if_match: str | None) -> None:
    """NotFound, or Conflict while tables are configured on it."""
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["find_target"], {"name": name})
        if before is None:
            raise NotFound(f"there is no target {name}")
        require_version(if_match, before["version"])
        counted = cursor.one(SQL["count_tables_of_target"], {"name": name})
        if counted and counted["tables"]:
            raise Conflict(f"target {name} has {counted['tables']} configured tables; delete them first")
        cursor.run(SQL["delete_target"], {"name": name})


def find_table(database: Database, target: str, table: str) -> Stored:
    with database.transaction() as cursor:
        row = cursor.one(SQL["find_table"], {"target": target, "table": table})
    if row is None:
        raise NotFound(f"no configuration for table {table} of target {target}; send one: PUT this path")
    return Stored(row["document"], row["version"])


def versions(database: Database, target: str, table: str) -> list[dict[str, Any]]:
    """The newest first, deletions (document null) among them; NotFound where there never was one."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["versions"], {"target": target, "table": table})
    if not rows:
        raise NotFound(f"table {table} of target {target} was never configured")
    return with_times(rows)


def put_table(
    database: Database, catalogue: Catalogue, caller: Caller, path: tuple[str, str], value: Any, if_match: str | None
) -> Stored:
    """Create or replace a table's document; an unchanged one makes no new version."""
    target, table = path
    defaults = {"apiVersion": "stringx/v1", "target": target, "table": table}
    with database.transaction() as cursor:
        lock(cursor)
        document = parse_table(with_defaults(value, defaults), catalogue, _allowed_functions(cursor, {}))
        for field, given, said in (("target", document.target, target), ("table", document.table, table)):
            if given != said:
                raise invalid([FieldError(f"/{field}", f"is {given!r}, and the path says {said!r}")])
        before = cursor.one(SQL["lock_table"], {"target": target, "table": table})
        require_version(if_match, before["version"] if before else None)
        if cursor.one(SQL["find_target"], {"name": target}) is None:
            raise invalid([FieldError("/target", f"there is no target {target}; send it first: PUT /api/v1/targets/{target}")])
        version = _write_table(cursor, document, caller)
    return Stored(as_json(document), version, created=before is None)


def delete_table(database: Database, caller: Caller, target: str, table: str, if_match: str | None) -> None:
    """NotFound, or Conflict while a dataset names the table."""
    with database.transaction() as cursor:
        lock(cursor)
        before = cursor.one(SQL["lock_table"], {"target": target, "table": table})
        if before is None:
            raise NotFound(f"no configuration for table {table} of target {target}")
        require_version(if_match, before["version"])
        datasets.require_unnamed(cursor, target, table)
        version = _next_version(cursor, target, table)
        cursor.run(SQL["delete_table"], {"target": target, "table": table})
        named = {"target": target, "table": table, "version": version, "changed_by": caller.name}
        cursor.run(SQL["add_version"], named | {"document": None})


def export(database: Database) -> list[dict[str, Any]]:
    """Every target, then every table, then every dataset, as documents."""
    statements = (SQL["all_targets"], SQL["all_tables"], datasets.SQL["all"])
    with database.transaction() as cursor:
        return [row["document"] for statement in statements for row in cursor.all(statement)]


def apply(database: Database, catalogue: Catalogue, caller: Caller, values: Sequence[Any], dry_run: bool) -> dict[str, Any]:
    """All documents of a stream, or none; pointers begin with the document's number in the stream."""
    if not values:
        raise invalid([FieldError("", "the stream holds no document; send at least one")])
    with database.transaction() as cursor:
        lock(cursor)
        stream = _parse_stream(cursor, catalogue, values)
        if stream.targets:
            caller.require("admin")
        changes = [*_changed_targets(cursor, stream.targets), *_changed_tables(cursor, stream.tables)]
        changes += _changed_datasets(cursor, stream.datasets)
        if not dry_run:
            for target in stream.targets.values():
                _write_target(cursor, target)
            for table in stream.tables:
                _write_table(cursor, table, caller)
            for dataset in stream.datasets:
                datasets.write(cursor, dataset, caller)
    return {"dry_run": dry_run, "documents": len(values), "changes": changes}


@dataclass(frozen=True)
class _Stream:
    """The documents of a stream, by kind."""

    targets: dict[str, TargetDocument]
    tables: list[TableDocument]
    datasets: list[DatasetDocument]


def _parse_stream(cursor: Cursor, catalogue: Catalogue, values: Sequence[Any]) -> _Stream:
    """Every fault of every document at once; targets of the stream count before its tables, tables before datasets."""
    errors: list[FieldError] = []
    targets: dict[str, TargetDocument] = {}
    tables: list[TableDocument] = []
    for index, value in enumerate(values):
        if isinstance(value, dict) and value.get("kind") == "Target":
            try:
                target = parse_target(value, f"/{index}")
                if target.name in targets:
                    errors.append(FieldError(f"/{index}/name", f"target {target.name} stands twice in the stream"))
                targets[target.name] = target
            except Invalid as fault:
                errors += fault.errors
    seen: set[tuple[str, str]] = set()
    for index, value in enumerate(values):
        if isinstance(value, dict) and value.get("kind", "Table") == "Table":
            try:
                table = parse_table(value, catalogue, _allowed_functions(cursor, targets), f"/{index}")
            except Invalid as fault:
                errors += fault.errors
                continue
            if (table.target, table.table) in seen:
                errors.append(FieldError(f"/{index}/table", f"table {table.table} stands twice in the stream"))
            seen.add((table.target, table.table))
            tables.append(table)
            known = table.target in targets or cursor.one(SQL["find_target"], {"name": table.target})
            if not known:
                errors.append(FieldError(f"/{index}/target", f"there is no target {table.target}; add its document"))
        elif not isinstance(value, dict):
            errors.append(FieldError(f"/{index}", "is no document; write apiVersion: stringx/v1 and so on"))
        elif value.get("kind") not in ("Target", "Dataset"):
            errors.append(FieldError(f"/{index}/kind", f"is {value.get('kind')!r}; known kinds: Table, Target, Dataset"))
    found = _parse_datasets(cursor, values, seen, errors)
    if errors:
        raise invalid(errors)
    return _Stream(targets, tables, found)


def _parse_datasets(
    cursor: Cursor, values: Sequence[Any], tables: Collection[tuple[str, str]], errors: list[FieldError]
) -> list[DatasetDocument]:
    """The stream's datasets, whose faults are added to the others; `tables` are those of the stream."""
    found: dict[str, DatasetDocument] = {}
    for index, value in enumerate(values):
        if not isinstance(value, dict) or value.get("kind") != "Dataset":
            continue
        try:
            dataset = parse_dataset(value, f"/{index}")
        except Invalid as fault:
            errors += fault.errors
            continue
        if dataset.name in found:
            errors.append(FieldError(f"/{index}/name", f"dataset {dataset.name} stands twice in the stream"))
        found[dataset.name] = dataset
        errors += datasets.faults_of_names(cursor, dataset, tables, f"/{index}")
    return list(found.values())


def _allowed_functions(cursor: Cursor, targets: dict[str, TargetDocument]) -> Any:
    """By a target's name: what custom SQL on it may call beyond the built-in functions."""

    def of(name: str) -> Collection[str]:
        if name in targets:
            return frozenset(targets[name].allow_functions)
        row = cursor.one(SQL["find_target"], {"name": name})
        return frozenset(row["document"].get("allow_functions", ())) if row else frozenset()

    return of


def _changed_targets(cursor: Cursor, targets: dict[str, TargetDocument]) -> list[dict[str, str]]:
    found = []
    for name, target in targets.items():
        row = cursor.one(SQL["find_target"], {"name": name})
        found.append({"kind": "Target", "name": name, "change": change_of(row, target)})
    return found


def _changed_tables(cursor: Cursor, tables: list[TableDocument]) -> list[dict[str, str]]:
    found = []
    for table in tables:
        row = cursor.one(SQL["find_table"], {"target": table.target, "table": table.table})
        name = f"{table.target}/{table.table}"
        found.append({"kind": "Table", "name": name, "change": change_of(row, table)})
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


def _write_target(cursor: Cursor, target: TargetDocument) -> None:
    cursor.run(SQL["put_target"], {"name": target.name, "document": json_value(as_json(target))})


def _write_table(cursor: Cursor, document: TableDocument, caller: Caller) -> int:
    """The version that now stands: a new one where the document has changed."""
    named = {"target": document.target, "table": document.table}
    stored = cursor.one(SQL["lock_table"], named)
    body = as_json(document)
    if stored is not None and stored["document"] == body:
        return int(stored["version"])
    version = _next_version(cursor, document.target, document.table)
    written = named | {"document": json_value(body), "version": version}
    cursor.run(SQL["put_table"], written | {"rules_hash": document.rules_hash()})
    cursor.run(SQL["add_version"], written | {"changed_by": caller.name})
    return version


def _next_version(cursor: Cursor, target: str, table: str) -> int:
    row = cursor.one(SQL["last_version"], {"target": target, "table": table})
    return int(row["version"]) + 1 if row else 1
