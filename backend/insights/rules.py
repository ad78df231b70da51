"""The rules of a table with their last points, and the messages of the check that decided last."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.insights.history import thresholds_of
from database import configuration
from database.configuration import Refusals
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.scores import quotient

SQL = load_queries(Path(__file__).with_suffix(".sql"))
POINTS = 30  # of a rule


@dataclass(frozen=True)
class Point:
    """What a check found: the share of failures or what was measured as `value`, None for a rule in error."""

    at: datetime
    status: str
    failures: int | None
    total: int | None
    measured: float | None

    @property
    def value(self) -> float | None:
        """The number that a plot shows."""
        if self.failures is None:
            return self.measured
        if self.total is None:
            return float(self.failures)
        return quotient(self.failures, self.total) if self.total else None


@dataclass(frozen=True)
class RuleNow:
    """A configured rule, its last points (the oldest first) and what the check that decided last said."""

    rule: Rule
    warn_at: int | str | dict[str, Any] | None
    fail_at: int | str | dict[str, Any] | None
    points: list[Point]
    message: str | None


def of_table(
    database: Database, catalogue: Catalogue, target: str, table: str, check_id: str | None
) -> tuple[TableDocument, list[RuleNow]]:
    """The document and its active rules. `check_id`: the check whose messages are shown. NotFound if the table is not
    configured."""
    with database.transaction() as cursor:
        configured = configuration.tables(cursor, [(target, table)]).get((target, table))
        if configured is None:
            raise Refusals(cursor).table(target, table)
        rows = cursor.all(SQL["latest"], {"target": target, "table": table, "points": POINTS})
        messages = _messages(cursor, check_id, table)
    points = {row["rule_id"]: [_point(each) for each in row["points"]] for row in rows}
    document = configured.read()
    rules = []
    for rule in document.active_rules:
        thresholds = thresholds_of(rule.model_dump(), catalogue)
        rules.append(RuleNow(rule, thresholds["warn_at"], thresholds["fail_at"], points.get(rule.id, []), messages.get(rule.id)))
    return document, rules


def versions(database: Database, target: str, table: str, start: datetime, end: datetime) -> list[Row]:
    """Versions of a table's document within a span: `version`, `changed_at`, `changed_by`."""
    with database.transaction() as cursor:
        return cursor.all(SQL["versions"], {"target": target, "table": table, "start": start, "end": end})


def _messages(cursor: Cursor, check_id: str | None, table: str) -> dict[str, str]:
    row = cursor.one(SQL["result"], {"check_id": check_id}) if check_id is not None else None
    if row is None:
        return {}
    result = row["result"]
    part = next((each for each in result.get("tables") or () if each.get("table") == table), result)
    return {rule["id"]: rule["message"] for rule in part.get("rules") or ()}


def _point(value: dict[str, Any]) -> Point:
    numbers = {name: value[name] for name in ("status", "failures", "total", "measured")}
    return Point(at=datetime.fromisoformat(value["at"]), **numbers)
