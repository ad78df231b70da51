"""What tests of incidents share: incidents and events as they are stored."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from api.checks import claims
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult
from tests.support.datasets import ask, claimed, decided

IDS = ("incident_id", "check_id", "opened_by_check", "closed_by_check")


def events(database: Database, **wanted: str) -> list[dict[str, Any]]:
    """In their order; `wanted`: values of columns."""
    return _rows(database, "select * from stringx.events order by event_id", wanted)


def incidents(database: Database, **wanted: str) -> list[dict[str, Any]]:
    """The oldest first."""
    return _rows(database, "select * from stringx.incidents order by opened_at, incident_id", wanted)


def _rows(database: Database, statement: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
    with database.transaction() as cursor:
        rows = [_with_texts(row) for row in cursor.all(statement)]
    return [row for row in rows if wanted.items() <= row.items()]


def _with_texts(row: dict[str, Any]) -> dict[str, Any]:
    """Ids as texts, as results have them."""
    return row | {name: str(row[name]) for name in IDS if row.get(name) is not None}


def reported(database: Database, verdict: str, *, ago: timedelta = timedelta(0), **asked: Any) -> CheckResult:
    """A result as `finished` makes it, posted to the Backend."""
    found = finished(database, verdict, ago=ago, **asked)
    tracking.store(database, found.request_id, found)
    return found


def finished(database: Database, verdict: str, *, ago: timedelta = timedelta(0), **asked: Any) -> CheckResult:
    """A finished check of a table, or of every table of a dataset, with this verdict of it and of its rules; its snapshot so long
    ago."""
    ask(database, **({"table": "public.a"} | asked))
    check = claimed(database)
    made = decided(database, check)
    found = made.result
    changes = {"status": verdict, "failures": None if verdict == "error" else 0 if verdict == "pass" else 3}

    def told(rules: list[RuleResult]) -> list[RuleResult]:
        return [rule.model_copy(update=changes) for rule in rules]

    parts = [part.model_copy(update={"verdict": verdict, "rules": told(part.rules)}) for part in found.tables]
    assert found.snapshot_at is not None
    found = found.model_copy(
        update={"verdict": verdict, "rules": told(found.rules), "tables": parts, "snapshot_at": found.snapshot_at - ago}
    )
    assert claims.finish(database, check, replace(made, result=found), "http://backend")
    return found
