"""The rules of a table with their last points, and the messages of the check that decided last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.insights.history import RuleName, thresholds_of
from database import configuration
from database.configuration import Refusals
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.groups import GroupResult
from stringx_dataops.contract.messages.scores import quotient

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_ORDER = {"fail": 0, "error": 1, "warn": 2, None: 3, "pass": 4}


@dataclass(frozen=True)
class Point:
    """What a check found: the share of failures or what was measured as `value`, None for a rule in error."""

    at: datetime
    status: str
    failures: int | None
    total: int | None
    measured: float | None
    waived: bool = False
    learning: dict[str, int] | None = None

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


@dataclass(frozen=True)
class Slice:
    """Which rules of a table, how many points of each, and the check whose messages are shown."""

    most: int
    skip: int = 0
    points: int = 30
    check_id: str | None = None


@dataclass(frozen=True)
class RulesNow:
    """Some of the rules of a table that run; `total`: how many there are. `window_column`, `runbook` and `expected_by` are the
    table's; the last in words, such as `06:30 Europe/Berlin, 30m later at most`."""

    rules: list[RuleNow]
    total: int
    window_column: str | None
    runbook: str | None = None
    expected_by: str | None = None


def of_table(database: Database, catalogue: Catalogue, target: str, table: str, wanted: Slice) -> RulesNow:
    """Those in trouble come first, else as in the document; shadow rules come last. NotFound if the table is not configured."""
    with database.transaction() as cursor:
        configured = configuration.tables(cursor, [(target, table)]).get((target, table))
        if configured is None:
            raise Refusals(cursor).table(target, table)
        document = configured.read()
        active = document.running_rules
        newest = _latest(cursor, target, table, active, 1)
        status = {rule_id: points[-1].status for rule_id, points in newest.items()}
        ordered = sorted(active, key=lambda rule: (rule.is_shadow, _ORDER[status.get(rule.id)]))
        shown = ordered[wanted.skip : wanted.skip + wanted.most]
        points = newest if wanted.points == 1 else _latest(cursor, target, table, shown, wanted.points)
        messages = _messages(cursor, wanted.check_id, table)
    found = [_now(rule, catalogue, points.get(rule.id, []), messages.get(rule.id)) for rule in shown]
    return RulesNow(found, len(active), document.window_column, document.runbook, _expected(document))


def _expected(document: TableDocument) -> str | None:
    """By when a check is expected each day."""
    expected = document.expected_by
    if expected is None:
        return None
    grace = f", {expected.grace} later at most" if expected.grace_s else ""
    return f"{expected.time} {expected.timezone or document.timezone or 'UTC'}{grace}"


def configured(database: Database, catalogue: Catalogue, of: RuleName) -> RuleNow | None:
    """The rule as it is configured now, without points; None if it or its table is no longer there."""
    with database.transaction() as cursor:
        table = configuration.tables(cursor, [(of.target, of.table)]).get((of.target, of.table))
    found = next((rule for rule in table.read().rules if rule.id == of.rule), None) if table is not None else None
    return None if found is None else _now(found, catalogue, [], None)


def changes(database: Database, of: RuleName, start: datetime, end: datetime) -> list[Row]:
    """Versions of the table's document within a span that changed this rule: `version`, `changed_at`, `changed_by`."""
    named = {"target": of.target, "table": of.table, "rule": of.rule, "start": start, "end": end}
    with database.transaction() as cursor:
        return cursor.all(SQL["changes"], named)


def requests_of_points(database: Database, of: RuleName, points: Sequence[dict[str, Any]]) -> dict[str, Row]:
    """`request_id` and `window` (if it looked at one) of each point of a rule's history, the newest first, by the id of its
    check."""
    if not points:
        return {}
    named = {"target": of.target, "table": of.table, "first": points[-1]["at"], "last": points[0]["at"]}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["requests_of_checks"], named | {"checks": [point["check_id"] for point in points]})
    return {row["check_id"]: row for row in rows}


@dataclass(frozen=True)
class GroupsFound:
    """The worst groups of a rule in a check, of so many, of which `failing` did not pass."""

    worst: list[GroupResult]
    count: int
    failing: int


def groups(database: Database, table: str, rules: Sequence[str], check_id: str) -> dict[str, GroupsFound]:
    """By rule, what a check found for the groups of these rules of a table; nothing of rules without groups."""
    with database.transaction() as cursor:
        rows = cursor.all(SQL["groups"], {"table": table, "rules": list(rules), "check_id": check_id}) if rules else []
    return {
        row["rule_id"]: GroupsFound(
            worst=[GroupResult.model_validate(each, extra="ignore") for each in row["groups"]],
            count=row["group_count"] or 0,
            failing=row["groups_failing"] or 0,
        )
        for row in rows
    }


def compared_with(database: Database, of: RuleName, check_id: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The earlier points that a check compared the rule's value with, newest first; and the requests that are still known of
    these, by check. Nothing if the result is gone."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["compared_with"], {"table": of.table, "rule": of.rule, "check_id": check_id})
        found: list[dict[str, Any]] = row["points"] if row is not None else []
        rows = cursor.all(SQL["requests_of"], {"checks": [each["check_id"] for each in found]}) if found else []
    return found, {row["check_id"]: row["request_id"] for row in rows}


def _latest(cursor: Cursor, target: str, table: str, rules: Sequence[Rule], points: int) -> dict[str, list[Point]]:
    """By rule: its last points, the oldest first."""
    named = {"target": target, "table": table, "rules": [rule.id for rule in rules], "points": points}
    return {row["rule_id"]: [_point(each) for each in row["points"]] for row in cursor.all(SQL["latest"], named)}


def _now(rule: Rule, catalogue: Catalogue, points: list[Point], message: str | None) -> RuleNow:
    thresholds = thresholds_of(rule.model_dump(), catalogue)
    return RuleNow(rule, thresholds["warn_at"], thresholds["fail_at"], points, message)


def _messages(cursor: Cursor, check_id: str | None, table: str) -> dict[str, str]:
    row = cursor.one(SQL["messages"], {"check_id": check_id}) if check_id is not None else None
    found: dict[str, str] = ((row and row["messages"]) or {}).get(table, {})
    return found


def _point(value: dict[str, Any]) -> Point:
    numbers = {name: value[name] for name in ("status", "failures", "total", "measured", "waived", "learning")}
    return Point(at=datetime.fromisoformat(value["at"]), **numbers)
