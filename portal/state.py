"""What the portal shows, read from the internal database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.verdicts import Verdict

SQL = load_queries(Path(__file__).with_name("portal.sql"))
MOST_FINDINGS = 20  # of a table that the portal names
# A change bears the time at which it was written, and is seen when its transaction has ended.
_LATEST = timedelta(minutes=1)


@dataclass(frozen=True)
class PortalTable:
    """A configured table and its last full check, if there was one: the first rules that did not pass, and their number."""

    document: TableDocument
    verdict: Verdict | None
    finished_at: datetime | None
    reason: str | None
    findings: list[dict[str, Any]]
    number: int


@dataclass(frozen=True)
class PortalTarget:
    """A target with some of its configured tables."""

    document: TargetDocument
    tables: list[PortalTable]


@dataclass(frozen=True)
class Change:
    """Something that the portal shows is new: of a table, or of a whole target. `what` tells two changes apart."""

    target: str
    table: str | None
    what: str

    @property
    def is_configured(self) -> bool:
        return self.what.startswith("configured")


class Changes:
    """Looked at every few seconds: what is new since the last look. One that is written for longer than a minute may be missed,
    so whoever looks reads everything now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since: datetime | None = None
        self._seen: set[Change] = set()

    def look(self) -> set[Change]:
        """At the first look, nothing."""
        with self._database.transaction() as cursor:
            row = cursor.one(SQL["now"])
            assert row is not None
            since = self._since or row["now"]
            rows = cursor.all(SQL["changes"], {"since": since - _LATEST})
        found = {Change(row["target"], row["table_name"], row["change"]) for row in rows}
        new = found - self._seen if self._since is not None else set()
        self._since, self._seen = row["now"], found
        return new


def tables(database: Database) -> dict[str, list[str]]:
    """The names of the configured tables of every target that has one."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with database.transaction() as cursor:
        for row in cursor.all(SQL["names"]):
            found[row["target"]].append(row["table_name"])
    return dict(found)


def fingerprint(database: Database, target: str, names: Sequence[str]) -> str:
    """A word that changes with whatever the portal shows of these tables."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["fingerprint"], {"target": target, "tables": list(names)})
    return str(row["fingerprint"] if row is not None else None)


def read(database: Database, name: str, names: Sequence[str]) -> PortalTarget | None:
    """The target as it is now, with those of the tables that are configured; None where it is gone."""
    with database.transaction() as cursor:
        target = cursor.one(SQL["target"], {"target": name})
        rows = cursor.all(SQL["tables"], {"target": name, "tables": list(names), "most": MOST_FINDINGS})
    if target is None:
        return None
    found = [
        PortalTable(
            document=TableDocument.model_validate(row["document"]),
            **{name: row[name] for name in ("verdict", "finished_at", "reason", "findings", "number")},
        )
        for row in rows
    ]
    return PortalTarget(stored_target(target["document"]), found)
