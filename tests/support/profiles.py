"""Profiles through both services and real dbt, without their processes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.checks.lookup import Configured, InScope
from api.engine.run_result import DbtRunResult
from api.worker import profiling
from api.worker.attempt import Attempt
from api.worker.execution import Executor, HandBack
from backend.configuration import store as configuration
from backend.profiles import store
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.profiles import (
    DEFAULT_TIMEOUT_S,
    SAMPLE_ROWS,
    SAMPLED_ABOVE,
    SEED,
    Profile,
    ProfileSettings,
    ProfileView,
)
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import read_settings
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE, ME
from tests.support.engine import PROJECT, Engine, gate


def order(table: str, request_id: str | None = None, timeout_s: int = DEFAULT_TIMEOUT_S, **settings: Any) -> CheckOrder:
    """A request for a profile of a table of target shop."""
    profile = ProfileSettings.model_validate(settings)
    return CheckOrder(target="shop", table=table, request_id=request_id, mode="sync", timeout_s=timeout_s, profile=profile)


def accepted(database: Database, asked: CheckOrder) -> Check:
    """The check that both services make of it."""
    tracked = tracking.accept(database, CATALOGUE, asked, "http", "s", "asker")
    return lifecycle.accept(database, CATALOGUE, CheckOrder.model_validate(tracked.body), 100, "asker").check


@dataclass
class Shop:
    """An installation with the target shop."""

    database: Database
    target: Target
    engine: Engine

    def __post_init__(self) -> None:
        self.apply(self.target.document())

    def apply(self, *documents: dict[str, Any]) -> None:
        configuration.apply(self.database, CATALOGUE, ME, documents, False)

    def executor(self) -> Executor:
        home = Path(self.engine.folder)
        settings = read_settings({"STRINGX_HOME": str(home), "STRINGX_SECRETS": str(self.target.secrets)})
        return Executor(settings, self.database, CATALOGUE, PROJECT, self.engine.child, home / "dbt")

    def run(self, asked: CheckOrder) -> CheckResult:
        """The result of a request for a profile, stored on both sides."""
        accepted(self.database, asked)
        return self.work()

    def work(self) -> CheckResult:
        """Run what is due, and store its result."""
        check = claims.claim(self.database, "w")
        assert check is not None
        return self.finish(self.attempt(check))

    def attempt(self, check: Check) -> Attempt:
        return Attempt(check)

    def finish(self, attempt: Attempt) -> CheckResult:
        """Run an attempt, and store its result on both sides."""
        check = attempt.check
        self.engine.child.ensure_warm()
        end = self.executor().execute(attempt)
        assert end is not None
        assert not isinstance(end, HandBack), end
        assert claims.finish(self.database, check, end, "http://backend")
        found = CheckResult.model_validate(lifecycle.find(self.database, check.check_id).result)
        tracking.store(self.database, check.request_id, CheckResult.model_validate(json.loads(json.dumps(found.as_json()))))
        return found

    def profile(self, table: str, **settings: Any) -> Profile:
        """What is measured of a table."""
        return self.view(self.run(order(table, **settings)).request_id).profile or Profile.model_validate(None)

    def view(self, request_id: str) -> ProfileView:
        return store.of_request(self.database, request_id)


def specification(
    table: str, shown: Sequence[str] = (), timezone: str = "UTC", schema: str = "public", **changes: Any
) -> dict[str, Any]:
    """What asks the gate test for a profile. `changes` are of the specification's `profile`."""
    settings: dict[str, Any] = {
        "columns": None,
        "sample_rows": None,
        "sampled_above": SAMPLED_ABOVE,
        "default_rows": SAMPLE_ROWS,
        "seed": SEED,
    }
    return gate(table, schema=schema, sample_columns=list(shown), timezone=timezone) | {"profile": settings | changes}


def read(answer: DbtRunResult, target: dict[str, Any], table: str) -> Profile:
    """The profile of a table in what the gate test left."""
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    (of_table,) = outcome["tables"]
    assert outcome["profile"] is not None, of_table["reason"]
    document = TableDocument(apiVersion="stringx/v1", target="shop", table=table)
    in_scope = InScope(Configured(document, stored_target(target), 0, ""), [])
    found, _ = profiling.read(
        "shop", in_scope, datetime.fromisoformat(outcome["snapshot_at"]), outcome["profile"], of_table["notes"]
    )
    return Profile.model_validate(found)


def measured(
    engine: Engine, target: Target, table: str, shown: Sequence[str] = (), timezone: str = "UTC", **changes: Any
) -> Profile:
    """What the gate test measures of a table, as a profile. `changes` are of the specification's `profile`."""
    answer = engine.answer(target, specification(table, shown, timezone, **changes))
    return read(answer, target.document(), f"public.{table}")
