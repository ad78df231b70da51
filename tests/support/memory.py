"""Checks of a real target through both services, each run by dbt: what one leaves is what the next compares with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.checks.waiving import Decided
from api.worker.attempt import Attempt
from api.worker.execution import Executor
from backend.requests import tracking
from database.pool import Database, Row, json_value
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, RuleResult
from stringx_dataops.contract.settings import read_settings
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE, apply, claimed
from tests.support.engine import PROJECT, Engine
from tests.support.trials import accepted, tracked


@dataclass(frozen=True)
class Checks:
    """Of the tables of one target, one after the other."""

    database: Database
    engine: Engine
    target: Target
    home: Path

    def configure(self, *rules: dict[str, Any], table: str = "public.t", **changes: Any) -> dict[str, Any]:
        """Returns the table's document."""
        document = {"apiVersion": "stringx/v1", "target": "shop", "table": table, "rules": list(rules)} | changes
        apply(self.database, self.target.document(), document)
        return document

    def ask(self, **asked: Any) -> Check:
        """A request that has reached the queue."""
        named = {} if "dataset" in asked else {"table": "public.t"}
        request = CheckRequest.model_validate({"target": "shop"} | named | asked)
        accepted = tracking.accept(self.database, CATALOGUE, request, "http", "s")
        return lifecycle.accept(self.database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100).check

    def executor(self) -> Executor:
        """As a worker has it, with a warm child."""
        self.engine.child.ensure_warm()
        settings = read_settings({"STRINGX_HOME": str(self.home), "STRINGX_SECRETS": str(self.target.secrets)})
        return Executor(settings, self.database, CATALOGUE, PROJECT, self.engine.child, self.engine.folder)

    def run(self, check: Check) -> Decided:
        """What a worker makes of a claimed check, before it is stored."""
        end = self.executor().execute(Attempt(check))
        assert isinstance(end, Decided), end
        return end

    def finish(self, check: Check, end: Decided) -> CheckResult:
        """Stored on both sides."""
        assert claims.finish(self.database, check, end, "http://backend")
        found = CheckResult.model_validate(lifecycle.find(self.database, check.check_id).result)
        tracking.store(self.database, check.request_id, found)
        return found

    def check(self, trial_of: dict[str, Any] | None = None, **asked: Any) -> Any:
        """From the request to its end, a CheckResult; or a trial of this document."""
        if trial_of is None:
            self.ask(**asked)
        else:
            accepted(self.database, tracked(self.database, trial_of, **asked).body)
        check = claimed(self.database)
        return self.finish(check, self.run(check))

    def rule(self, rule_id: str = "r", **asked: Any) -> Any:
        """The same; what it says of one rule, a RuleResult whose baseline is there."""
        found = self.check(**asked)
        return next(rule for rule in rules_of(found) if rule.id == rule_id)

    def points(self, rule_id: str = "r") -> list[Row]:
        """Those that are kept of a rule, oldest first."""
        with self.database.statements() as cursor:
            statement = "select * from dataops.rule_points where rule_id = %(rule_id)s order by at"
            return cursor.all(statement, {"rule_id": rule_id})

    def history(self, values: list[float], every: timedelta, until: datetime, rule_id: str = "r", status: str = "pass") -> None:
        """Points as if checks had been made of the values at equal distances, the last one `every` before `until`. There must be
        a point of the rule: they are like it, and replace it."""
        (like, *_) = self.points(rule_id)
        with self.database.transaction() as cursor:
            cursor.run("delete from dataops.rule_points where rule_id = %(rule_id)s", like)
            points = [
                {"at": (until - every * number).isoformat(), "measured": value}
                for number, value in enumerate(reversed(values), 1)
            ]
            cursor.run(
                "insert into dataops.rule_points (target, table_name, rule_id, definition, window_key, at, snapshot_at, check_id,"
                " status, measured) select %(target)s, %(table_name)s, %(rule_id)s, %(definition)s, %(window_key)s, at, at,"
                " %(check_id)s, %(status)s, measured from jsonb_to_recordset(%(points)s) p (at timestamptz, measured numeric)",
                like | {"points": json_value(points), "status": status},
            )


def rules_of(result: CheckResult) -> Iterator[RuleResult]:
    yield from result.rules
    for table in result.tables:
        yield from table.rules


def change(rule_id: str = "r", of: Any = "row_count", active: Any = True, **arguments: Any) -> dict[str, Any]:
    return {"id": rule_id, "type": "change", "arguments": {"of": of} | arguments, "active": active}


def unusual(rule_id: str = "r", of: Any = "row_count", severity: str | None = None, **arguments: Any) -> dict[str, Any]:
    rule = {"id": rule_id, "type": "unusual", "arguments": {"of": of} | arguments}
    return rule if severity is None else rule | {"severity": severity}
