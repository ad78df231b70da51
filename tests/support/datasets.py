"""Datasets on both sides: documents, checks that are asked for and claimed, results as if dbt had found them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.checks.lookup import find_subject
from api.checks.result_parts import undecided
from api.checks.waiving import Decided
from api.delivery.sender import Credentials
from api.engine.command import Executable
from api.engine.run_result import DbtRunResult
from api.notifications import CHANNEL
from api.worker import results
from api.worker.attempt import Attempt
from api.worker.execution import Executor
from api.worker.worker import Worker
from backend.configuration import store
from backend.gates.gate import of_table as gate_of_table
from backend.requests import tracking
from database.keys import Caller
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.gate_test.outcome import FORMAT
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT, read_settings

CATALOGUE = Catalogue.load(ROOT / "stringx")
ME = Caller("me", frozenset(SCOPES))
TABLES = ["public.a", "public.b", "public.c"]
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}


def table(name: str, *rules: str, **changes: Any) -> dict[str, Any]:
    written = [{"id": rule, "type": "not_null", "column": rule} for rule in rules]
    return {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": written} | changes


def dataset(name: str = "sales", tables: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    named = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": name, "target": "shop"}
    return named | {"tables": TABLES if tables is None else tables} | changes


def apply(database: Database, *documents: dict[str, Any], dry_run: bool = False) -> dict[str, Any]:
    return store.apply(database, CATALOGUE, ME, documents, dry_run)


def faults(call: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        call()
    return [(error.pointer, error.message) for error in raised.value.errors]


def ask(database: Database, **asked: Any) -> Check:
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    return lifecycle.accept(database, CATALOGUE, request, 100).check


def claim(database: Database) -> Check | None:
    return claims.claim(database, "w")


def claimed(database: Database) -> Check:
    found = claim(database)
    assert found is not None
    return found


def now(database: Database) -> datetime:
    with database.transaction() as cursor:
        return cursor.now()


def result(database: Database, check: Check, **failures: int) -> CheckResult:
    """As if dbt had found so many failures in the tables' rules (0 where nothing is said), a snapshot a check."""
    return decided(database, check, **failures).result


def decided(database: Database, check: Check, **failures: int) -> Decided:
    """The same, before waivers are applied."""
    subject = find_subject(database, CATALOGUE, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    moment = now(database)
    run = results.Run(check, subject, tables, check.started_at or moment, moment, "dbt test")
    found = []
    for each in tables:
        rules = [rule_outcome(rule.id, failures.get(rule.id, 0)) for rule in each.rules]
        marks = [None if rule.is_shadow else found["status"] for rule, found in zip(each.rules, rules, strict=True)]
        verdict = "fail" if "fail" in marks else "pass"
        name = each.configured.document.table.removeprefix("public.")
        found.append(
            {
                "schema": "public",
                "name": name,
                "row_count": 10,
                "window_nulls": None,
                "verdict": verdict,
                "marks": marks,
                "empty": None,
                "reason": None,
                "rules": rules,
            }
        )
    outcome = {"format": FORMAT, "snapshot_at": moment.isoformat(), "tables": found}
    return results.decided(run, DbtRunResult("id", "1", None, json.dumps(outcome)), CATALOGUE)


def rule_outcome(name: str, failures: int) -> dict[str, Any]:
    said = {"id": name, "status": "fail" if failures else "pass", "failures": failures, "total": 10, "measured": None}
    return said | {"verified_by": "scan", "reason": None, "sample": None}


def end(database: Database, check: Check, **failures: int) -> CheckResult:
    """Finish a claimed check on both sides: the queue, and the Backend that its result is posted to."""
    return _end(database, check, decided(database, check, **failures))


def _end(database: Database, check: Check, result: Decided | CheckResult) -> CheckResult:
    assert claims.finish(database, check, result, "http://backend")
    found = CheckResult.model_validate(lifecycle.find(database, check.check_id).result)
    tracking.store(database, check.request_id, found)
    return found


def gate(database: Database, name: str, **asked: Any) -> GateView:
    return gate_of_table(database, "shop", name, **asked)


def check_now(database: Database, failures: dict[str, int] | None = None, **asked: Any) -> CheckResult:
    """A request through both services, to its end."""
    return end(database, _claimed_now(database, **asked), **(failures or {}))


def break_now(database: Database, reason: str, **asked: Any) -> CheckResult:
    """The same, of a check that could not look at any rule."""
    check = _claimed_now(database, **asked)
    return _end(database, check, check.result_with(undecided("errored", reason, datetime.now(UTC))))


def _claimed_now(database: Database, **asked: Any) -> Check:
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    accepted = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100)
    return claimed(database)


def run_by_worker(database: Database, home: Path, check: Check) -> dict[str, Any] | None:
    """What a worker makes of a claimed check that needs no dbt; None where it hands it back."""
    settings = read_settings({"STRINGX_HOME": str(home)})
    worker = Worker(settings, database, CATALOGUE, Listener(database, CHANNEL), "w", Credentials("w", "key", ["secret"]))
    runner = Executable(worker.project)
    executor = Executor(settings, database, CATALOGUE, worker.project, runner, home)
    attempt = worker.attempts[check.check_id] = Attempt(check)
    worker._serve(executor, [attempt])
    return lifecycle.find(database, check.check_id).result
