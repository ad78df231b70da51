"""What the portal shows, read from the internal database."""

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
    """A target with its configured tables, at least one."""

    document: TargetDocument
    tables: list[PortalTable]


def fingerprints(database: Database) -> dict[str, str]:
    """Every target with at least one configured table, and a word that changes with whatever the portal shows of it."""
    with database.transaction() as cursor:
        return {row["target"]: row["fingerprint"] for row in cursor.all(SQL["fingerprints"])}


def read(database: Database, name: str) -> PortalTarget | None:
    """The target as it is now; None where it has no configured table any more."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["tables"], {"target": name})
    if not rows:
        return None
    tables = [
        PortalTable(TableDocument.model_validate(row["document"]), row["verdict"], row["finished_at"], row["result"])
        for row in rows
    ]
    return PortalTarget(TargetDocument.model_validate(rows[0]["target_document"]), tables)
