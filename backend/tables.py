"""Tables' documents as they are stored: compared and written many at a time, so that ten thousand take seconds."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from backend.stored import as_json
from contract.configuration import TableDocument
from database.keys import Caller
from database.pool import Cursor, json_value
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_AT_ONCE = 200


def put(cursor: Cursor, documents: Sequence[TableDocument], caller: Caller, dry_run: bool = False) -> list[dict[str, str]]:
    """What the writing of each changes: `created`, `updated`, or `unchanged`, which makes no new version. The caller holds the
    configuration's lock."""
    changes, rest = [], iter(documents)
    while chunk := list(islice(rest, _AT_ONCE)):
        bodies = [_row(document) for document in chunk]
        found = {(row["target"], row["table_name"]): row["change"] for row in _compare(cursor, bodies)}
        changed = [body for body in bodies if found[body["target"], body["table_name"]] != "unchanged"]
        if changed and not dry_run:
            cursor.run(SQL["write"], {"tables": json_value(changed), "changed_by": caller.name})
        changes += [
            {"kind": "Table", "name": f"{one.target}/{one.table}", "change": found[one.target, one.table]} for one in chunk
        ]
    return changes


def _compare(cursor: Cursor, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return cursor.all(SQL["compare"], {"tables": json_value(bodies)})


def _row(document: TableDocument) -> dict[str, Any]:
    named = {"target": document.target, "table_name": document.table}
    return named | {"document": as_json(document), "rules_hash": document.rules_hash()}
