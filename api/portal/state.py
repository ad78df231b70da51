"""What the portal shows, read from the internal database."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contract.configuration import TableDocument, TargetDocument
from database.pool import Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_name("portal.sql"))


@dataclass(frozen=True)
class PortalTable:
    """A configured table and its last full check, if there was one."""

    document: TableDocument
    verdict: str | None
    finished_at: datetime | None
    result: dict[str, Any] | None


@dataclass(frozen=True)
class PortalTarget:
    """A target with its tables; the fingerprint changes with whatever the portal shows of it."""

    document: TargetDocument
    tables: list[PortalTable]
    fingerprint: str


def read(database: Database) -> list[PortalTarget]:
    """Every target with at least one configured table."""
    with database.transaction() as cursor:
        targets = cursor.all(SQL["targets"])
        rows = cursor.all(SQL["tables"])
    found = []
    for target in targets:
        own = [row for row in rows if row["target"] == target["name"]]
        seen = [target["document"], *([row["table_name"], row["version"], str(row["check_id"])] for row in own)]
        fingerprint = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
        tables = [
            PortalTable(TableDocument.model_validate(row["document"]), row["verdict"], row["finished_at"], row["result"])
            for row in own
        ]
        if tables:
            found.append(PortalTarget(TargetDocument.model_validate(target["document"]), tables, fingerprint))
    return found
