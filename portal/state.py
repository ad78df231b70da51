"""Reads the content of the portal from the internal database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.verdicts import RuleStatus, Verdict

SQL = load_queries(Path(__file__).with_name("portal.sql"))
MOST_FINDINGS = 20  # rules that did not pass, shown per table
# A change has the time at which it was written, but becomes visible only when its transaction ends. So look back this far.
_LATEST = timedelta(minutes=1)


class Finding(TypedDict):
    """A rule that did not pass. Its message has at most 1,000 characters."""

    id: str
    status: RuleStatus
    message: str


@dataclass(frozen=True)
class PortalTable:
    """A configured table with its last full check, if there was one.

    `findings` are the first MOST_FINDINGS rules that did not pass, `not_passed` is the number of all of them.
    """

    document: TableDocument
    verdict: Verdict | None
    finished_at: datetime | None
    reason: str | None
    findings: list[Finding]
    not_passed: int


@dataclass(frozen=True)
class PortalTarget:
    """A target with some of its configured tables."""

    document: TargetDocument
    tables: list[PortalTable]


@dataclass(frozen=True)
class Change:
    """A change of a table, or of a whole target (`table` is None). `what` distinguishes several changes of one table."""

    target: str
    table: str | None
    what: str

    @property
    def is_configured(self) -> bool:
        """Whether the configuration has changed, not a verdict."""
        return self.what.startswith("configured")


class Changes:
    """Finds changes since the last look, every few seconds. It may miss a change whose transaction takes longer than a minute, so
    its caller must also examine everything from time to time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since: datetime | None = None
        self._seen: set[Change] = set()

    def look(self) -> set[Change]:
        """The changes since the last call; none at the first call."""
        with self._database.transaction() as cursor:
            now = cursor.now()
            since = self._since or now
            rows = cursor.all(SQL["changes"], {"since": since - _LATEST})
        found = {Change(row["target"], row["table_name"], row["change"]) for row in rows}
        new = found - self._seen if self._since is not None else set()
        self._since, self._seen = now, found
        return new


def tables(database: Database) -> dict[str, list[str]]:
    """By target: the names of its configured tables. Targets without tables are left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with database.transaction() as cursor:
        for row in cursor.all(SQL["names"]):
            found[row["target"]].append(row["table_name"])
    return dict(found)


def fingerprint(database: Database, target: str, names: Sequence[str]) -> str:
    """A text that changes with everything that the portal shows about these tables."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["fingerprint"], {"target": target, "tables": list(names)})
    return str(row["fingerprint"] if row is not None else None)


def read(database: Database, name: str, names: Sequence[str]) -> PortalTarget | None:
    """The target with those of the named tables that are still configured; None if the target does not exist any more."""
    with database.transaction() as cursor:
        target = cursor.one(SQL["target"], {"target": name})
        rows = cursor.all(SQL["tables"], {"target": name, "tables": list(names), "most": MOST_FINDINGS})
    if target is None:
        return None
    found = [
        PortalTable(
            document=TableDocument.model_validate(row["document"]),
            verdict=row["verdict"],
            finished_at=row["finished_at"],
            reason=row["reason"],
            findings=row["findings"],
            not_passed=row["not_passed"],
        )
        for row in rows
    ]
    return PortalTarget(stored_target(target["document"]), found)
