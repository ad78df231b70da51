"""Compares and writes table documents, many per statement, so that ten thousand take seconds."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from backend.configuration.versions import as_json, read_stored
from database.keys import Caller
from database.pool import Cursor, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import rules_hash, same_document, same_rules
from stringx_dataops.contract.documents.tables import TableDocument

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_AT_ONCE = 200


def put(
    cursor: Cursor, documents: Sequence[TableDocument], catalogue: Catalogue, caller: Caller, dry_run: bool = False
) -> list[dict[str, str]]:
    """Write documents and return a change for each: `created`, `updated`, or `unchanged`, which gets no new version.

    The caller holds the configuration's lock.
    """
    changes, rest = [], iter(documents)
    while chunk := list(islice(rest, _AT_ONCE)):
        bodies = [_row(document) for document in chunk]
        found = {(row["target"], row["table_name"]): row for row in cursor.all(SQL["compare"], {"tables": json_value(bodies)})}
        changed = []
        for document, body in zip(chunk, bodies, strict=True):
            change, hash_of_rules = _change(document, found[document.target, document.table], catalogue)
            changes.append({"kind": "Table", "name": f"{document.target}/{document.table}", "change": change})
            if change != "unchanged":
                changed.append(body | {"rules_hash": hash_of_rules})
        if changed and not dry_run:
            cursor.run(SQL["write"], {"tables": json_value(changed), "changed_by": caller.name})
    return changes


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
