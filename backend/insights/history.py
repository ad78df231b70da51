"""What the checks and rules of a table or dataset have been through, newest first."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from database.keys import is_seen
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.scores import quotient
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
CHECKS = Pages("history of checks", texts=2)  # positions: at, check_id
RULES = Pages("history of a rule", texts=2)  # positions: at, check_id; or a day and the word day
_DAY = "day"
_STATUSES = ("pass", "warn", "fail", "error")


@dataclass(frozen=True)
class Span:
    """From one time on, before another; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def named(self) -> dict[str, datetime | None]:
        """As the statements have it."""
        return {"from": self.start, "to": self.end}


def checks_of_table(
    database: Database, target: str, table: str, span: Span = Span(), page: Page = FIRST, *, deciding: bool = False
) -> PageJson:
    """A page of its checks, of its own or of a dataset with it; with `deciding` only such as decide its gate. NotFound if it was
    never configured nor checked."""
    with database.transaction() as cursor:
        subject_id = _table(cursor, target, table)
        return _checks(cursor, subject_id, span, page, deciding)


def checks_of_dataset(
    database: Database, name: str, span: Span = Span(), page: Page = FIRST, *, deciding: bool = False
) -> PageJson:
    """The same for a dataset."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["subject_of_dataset"], {"name": name})
        if row is None or not is_seen(row["target"]):
            raise NotFound(f"dataset {name} was never configured")
        return _checks(cursor, row["subject_id"], span, page, deciding)


@dataclass(frozen=True)
class RuleName:
    """A rule of a table, which may be gone."""

    target: str
    table: str
    rule: str


def points(database: Database, catalogue: Catalogue, of: RuleName, span: Span, page: Page = FIRST) -> PageJson:
    """A page of a rule's points, each with its thresholds as they were then. NotFound if no check has run the rule."""
    with database.transaction() as cursor:
        at, check_id = _after(page, of_days=False)
        wanted: dict[str, Any] = {"rule_key": rule_key(cursor, of), "target": of.target, "name": of.table, "rule_id": of.rule}
        wanted |= {"at": at, "check_id": check_id, "limit": page.limit + 1} | span.named
        rows = cursor.all(SQL["points"], wanted)
        thresholds = _thresholds(cursor, catalogue, of, {row["config_version"] for row in rows})
    found = [((rfc3339(row["at"]), str(row["check_id"])), _point(row) | thresholds(row["config_version"])) for row in rows]
    return RULES.answer(page, found)


def days(database: Database, catalogue: Catalogue, of: RuleName, span: Span, page: Page = FIRST) -> PageJson:
    """A page of a rule's days (UTC) that have a point."""
    with database.transaction() as cursor:
        unsummed = (cursor.one(SQL["unsummed"]) or {}).get("unsummed")
        before, _ = _after(page, of_days=True)
        wanted = {"rule_key": rule_key(cursor, of), "before": before, "limit": page.limit + 1}
        rows = cursor.all(SQL["days"], wanted | {"unsummed": unsummed} | span.named)
        thresholds = _thresholds(cursor, catalogue, of, {row["config_version"] for row in rows})
    found = [((row["day"].isoformat(), _DAY), _day(row) | thresholds(row["config_version"])) for row in rows]
    return RULES.answer(page, found)


def _after(page: Page, *, of_days: bool) -> tuple[str | None, str | None]:
    """The position behind which the page begins; Invalid if it is of the other resolution."""
    if page.after is None:
        return None, None
    at, what = page.after
    if (what == _DAY) != of_days:
        raise invalid([FieldError("/query/cursor", "is of another resolution; give next_cursor of the page before")])
    return at, what


def _table(cursor: Cursor, target: str, table: str) -> int:
    row = cursor.one(SQL["subject"], {"kind": "table", "target": target, "name": table})
    if row is None:
        raise NotFound(f"table {table} of target {target} was never configured")
    return int(row["subject_id"])


def rule_key(cursor: Cursor, of: RuleName) -> int:
    """The number that the rule's points have. NotFound if no check has run the rule."""
    row = cursor.one(SQL["rule"], {"subject_id": _table(cursor, of.target, of.table), "rule_id": of.rule})
    if row is None:
        raise NotFound(f"no check of table {of.table} of target {of.target} has run a rule {of.rule!r}")
    return int(row["rule_key"])


def _checks(cursor: Cursor, subject_id: int, span: Span, page: Page, deciding: bool) -> PageJson:
    at, check_id = page.after or (None, None)
    wanted = {"subject_id": subject_id, "deciding": deciding, "at": at, "check_id": check_id, "limit": page.limit + 1}
    rows = cursor.all(SQL["checks"], wanted | span.named)
    return CHECKS.answer(page, [((rfc3339(row["at"]), str(row["check_id"])), _check(row)) for row in rows])


def _check(row: Row) -> dict[str, Any]:
    names = (
        "request_id",
        "status",
        "verdict",
        "gate",
        "counts",
        "row_count",
        "score",
        "duration_ms",
        "config_version",
        "requested_by",
    )
    return {
        "check_id": str(row["check_id"]),
        "at": rfc3339(row["at"]),
        **{name: row[name] for name in names},
        "full": row["is_full"],
        "window": (row["narrowed_to"] or {}).get("window"),
    }


def _point(row: Row) -> dict[str, Any]:
    failures, total = row["failures"], row["total"]
    return {
        "at": rfc3339(row["at"]),
        "check_id": str(row["check_id"]),
        "status": row["status"],
        "failures": failures,
        "total": total,
        "failure_ratio": quotient(failures, total) if failures is not None and total else None,
        "measured": row["measured"],
        "waived": row["waived"],
        "shadow": row["shadow"],
        "config_version": row["config_version"],
        **_judged(row),
    }


def _judged(row: Row) -> dict[str, Any]:
    """What was normal, and the mark; nothing for a point that was not judged by earlier ones."""
    if row["baseline"] is None:
        return {}
    marked_at = rfc3339(row["marked_at"]) if row["marked_at"] is not None else None
    marked = {"mark": row["mark"], "marked_by": row["marked_by"], "marked_at": marked_at, "note": row["note"]}
    return {"baseline": row["baseline"], **marked}


def _day(row: Row) -> dict[str, Any]:
    return {
        "day": row["day"].isoformat(),
        "last_at": rfc3339(row["last_at"]),
        "last": row["last_value"],
        "min": row["min_value"],
        "max": row["max_value"],
        "counts": {status: row[status] for status in _STATUSES},
        "config_version": row["config_version"],
    }


class _Thresholds:
    """Of one rule, by the version of its table's document."""

    def __init__(self, found: dict[int, dict[str, Any]]) -> None:
        self._found = found

    def __call__(self, version: int | None) -> dict[str, Any]:
        return self._found.get(version or 0, {"warn_at": None, "fail_at": None})


def _thresholds(cursor: Cursor, catalogue: Catalogue, of: RuleName, versions: set[int | None]) -> _Thresholds:
    wanted = sorted(version for version in versions if version is not None)
    named = {"target": of.target, "name": of.table, "rule_id": of.rule, "versions": wanted}
    rows = cursor.all(SQL["versions"], named) if wanted else []
    return _Thresholds({row["version"]: thresholds_of(row["rule"], catalogue) for row in rows if row["rule"] is not None})


def thresholds_of(rule: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The rule's thresholds: failures above which it trips, or bounds (`min`, `max`) of what it measures."""
    rule_type = catalogue.get(str(rule.get("type")))
    if rule_type is not None and rule_type.decides == "bounds":
        arguments = rule.get("arguments") or {}
        return {"warn_at": _bounds(rule_type, arguments.get("warn")), "fail_at": _bounds(rule_type, arguments)}
    read = Rule.model_validate({name: rule[name] for name in _OF_THRESHOLDS if name in rule})
    warn_above, fail_above = read.thresholds
    return {"warn_at": warn_above, "fail_at": fail_above}


_OF_THRESHOLDS = ("id", "type", "warn_above", "fail_above", "severity")


def _bounds(rule_type: RuleType, arguments: JsonObject | None) -> JsonObject | None:
    """The lower (`min`) and the upper (`max`) bound, whatever the type calls them; of a type whose bounds are made of earlier
    points, what it says of them, under its own names."""
    given = arguments or {}
    if rule_type.baseline is not None:
        return {name: given[name] for name in rule_type.bounds.values() if given.get(name) is not None} or None
    return {which: given[name] for which, name in rule_type.bounds.items() if given.get(name) is not None} or None
