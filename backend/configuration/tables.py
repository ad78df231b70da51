"""Compares and writes table documents, many per statement, so that ten thousand take seconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from backend.configuration import effective
from backend.configuration.versions import read_stored
from database import audit
from database.keys import Caller
from database.pool import Cursor, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.differences import Change, difference
from stringx_dataops.contract.documents.effective import as_json, rules_hash, same_document, same_rules
from stringx_dataops.contract.documents.merging import Layers
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import subject

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_AT_ONCE = 200

T = TypeVar("T")


def put(
    cursor: Cursor,
    documents: Sequence[TableDocument],
    catalogue: Catalogue,
    caller: Caller,
    layers: Mapping[str, Layers],
    dry_run: bool = False,
) -> list[dict[str, str]]:
    """Write documents and return a change for each: `created`, `updated`, or `unchanged`, which gets no new version.

    `layers` are those of the documents' targets. The caller holds the configuration's lock.
    """
    changes = []
    changed: list[_Changed] = []
    for chunk in _chunks(documents):
        bodies = json_value([_row(document) for document in chunk])
        found = {(row["target"], row["table_name"]): row for row in cursor.all(SQL["compare"], {"tables": bodies})}
        for document in chunk:
            row = found[document.target, document.table]
            change, hash_of_rules = _change(document, row, catalogue)
            changes.append({"kind": "Table", "name": f"{document.target}/{document.table}", "change": change})
            if change != "unchanged":
                changed.append(_Changed(document, hash_of_rules, change, row["document"]))
    if changed and not dry_run:
        _write(cursor, changed, catalogue, caller, layers)
    return changes


@dataclass(frozen=True)
class _Changed:
    """A document to be written. `before`: the stored one, if its rules are another text."""

    document: TableDocument
    rules_hash: str
    change: str
    before: JsonObject | None

    def entry(self, version: int, same_as: int | None) -> audit.Entry:
        """What the audit log says of it: ids of rules, no values. `same_as`: an earlier version that is the same."""
        named = subject("table", self.document.target, self.document.table)
        if self.change == "created":
            return audit.Entry("table.created", named, {"version": version, "rules": len(self.document.rules)})
        rules = ids_of_changes(self.before, as_json(self.document)) if self.before is not None else {}
        details = {"version": version} | ({"rules": rules} if rules else {})
        if same_as is not None:
            return audit.Entry("table.rolled_back", named, details | {"to": same_as})
        return audit.Entry("table.updated", named, details)


def ids_of_changes(before: JsonObject, now: JsonObject) -> dict[str, list[str]]:
    """Of two versions of a document, ids of the rules that were added, removed and changed: for the audit log."""
    found = difference(before, now)
    kinds: tuple[Change, ...] = ("added", "removed", "changed")
    return {kind: audit.names(ids) for kind in kinds if (ids := found.ids(kind))}


def _write(cursor: Cursor, changed: list[_Changed], catalogue: Catalogue, caller: Caller, layers: Mapping[str, Layers]) -> None:
    names = [{"target": each.document.target, "table_name": each.document.table} for each in changed]
    cursor.run(SQL["lock_states"], {"tables": json_value(names)})
    for chunk in _chunks(changed):
        made = effective.with_effective(cursor, [(each.document, each.rules_hash) for each in chunk], layers, catalogue)
        rows = [
            _row(each.document) | {"rules_hash": each.rules_hash, "effective": of.document, "effective_hash": of.rules_hash}
            for each, of in zip(chunk, made, strict=True)
        ]
        written = cursor.all(SQL["write"], {"tables": json_value(rows), "changed_by": caller.name})
        versions = {(row["target"], row["table_name"]): (row["version"], row["same_as"]) for row in written}
        entries = [each.entry(*versions[each.document.target, each.document.table]) for each in chunk]
        audit.record_all(cursor, caller, entries)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _change(document: TableDocument, row: Row, catalogue: Catalogue) -> tuple[str, str]:
    """The change and the rules_hash. The stored hash stays if the rules have the same effect, so that neither a new description
    nor an upgrade closes a gate."""
    if row["change"] != "created" and row["document"] is None:  # the statement has found the rules to be the same text
        return row["change"], row["rules_hash"]
    before = read_stored(TableDocument, row["document"]) if row["document"] is not None else None
    if before is not None and not row["as_written"] and same_document(before, document, catalogue):
        return "unchanged", row["rules_hash"]
    if before is not None and same_rules(before, document, catalogue, row["as_written"]):
        return "updated", row["rules_hash"]
    return row["change"], rules_hash(document, catalogue)


def _row(document: TableDocument) -> dict[str, Any]:
    return {"target": document.target, "table_name": document.table, "document": as_json(document)}
