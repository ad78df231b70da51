"""Marks of points: set, replaced, taken back. DataOps reads them through `stringx.marked_points` when it computes a baseline."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.insights.history import RuleName, rule_key
from database import audit
from database.keys import Caller
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import CheckResult, rfc3339
from stringx_dataops.contract.messages.marks import MarkedPoint, MarkOrder
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Mark:
    """A mark of a point, and who set it."""

    mark: str
    by: str
    at: datetime


def of_check(database: Database, check: CheckResult) -> dict[tuple[str, str], Mark]:
    """The marks of the points of a check, by table and rule."""
    named = {"target": check.target, "snapshot_at": check.snapshot_at or check.finished_at}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["of_snapshot"], named | {"tables": [check.table, *(each.table for each in check.tables)]})
    return {(row["table_name"], row["rule_id"]): Mark(row["mark"], row["by"], row["at"]) for row in rows}


def mark(database: Database, caller: Caller, of: RuleName, check_id: str, order: MarkOrder) -> MarkedPoint:
    """Mark the rule's point of a check, or take its mark back. The same again changes nothing. NotFound for a table, rule or
    point that there is not, Invalid for a point that was not judged by earlier ones."""
    with database.transaction() as cursor:
        point = _point(cursor, of, check_id)
        named = {"target": of.target, "table": of.table, "rule": of.rule, "snapshot_at": point["at"]}
        if order.mark == "none":
            is_changed = cursor.run(SQL["remove"], named)
        else:
            said = {"check_id": check_id, "mark": order.mark, "note": order.note, "by": cleaned(caller.name)}
            is_changed = cursor.run(SQL["set"], named | said)
        if is_changed:
            details: dict[str, str] = {"check_id": check_id, "at": rfc3339(point["at"]), "mark": order.mark}
            details |= {"note": order.note} if order.note is not None else {}
            audit.record(cursor, caller, "point.marked", subject("point", of.target, of.table, of.rule), details)
        found = cursor.one(SQL["find"], named) or dict.fromkeys(("mark", "note", "by", "at"))
    return MarkedPoint(
        target=of.target,
        table=of.table,
        rule=of.rule,
        check_id=check_id,
        at=point["at"],
        status=point["status"],
        measured=point["measured"],
        mark=found["mark"],
        marked_by=found["by"],
        marked_at=found["at"],
        note=found["note"],
    )


def _point(cursor: Cursor, of: RuleName, check_id: str) -> Row:
    named = {"target": of.target, "table": of.table, "rule": of.rule, "check_id": check_id}
    point = cursor.one(SQL["point"], named) or cursor.one(SQL["of_window"], named)
    if point is None:
        rule_key(cursor, of)  # says so if it is the table or the rule that there is not
        raise NotFound(f"rule {of.rule!r} of {of.table} has no point of check {check_id}; its history names the checks")
    if not point["is_judged"]:
        words = "was not judged by earlier points; only those of rules of the types change and unusual take a mark"
        raise invalid([FieldError("/mark", f"the point of check {check_id} {words}")])
    return point
