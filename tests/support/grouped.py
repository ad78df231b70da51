"""Results of a rule that is decided for each group, as DataOps delivers them, without asking a database."""

from typing import Any

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.groups import GroupResult
from tests.support.datasets import CATALOGUE, claimed, result
from tests.support.history import with_rule

RULES = [
    {"id": "a", "type": "not_null", "column": "a", "per": ["shop", "day"]},
    {"id": "plain", "type": "not_null", "column": "b"},
]


def grouped(database: Database, groups: list[GroupResult], count: int, failing: int, **asked: Any) -> CheckResult:
    """A check of public.a, or of a dataset with it, whose rule `a` found these groups."""
    request = CheckRequest.model_validate({"target": "shop"} | (asked or {"table": "public.a"}))
    accepted = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100)
    check = claimed(database)
    found = result(database, check, a=3)
    numbers = {"group_count": count, "groups_failing": failing, "failures": 3, "total": 400}
    changes = {"groups": groups, "status": "fail" if failing else "pass", "verified_by": "scan", "message": "grouped"} | numbers
    if found.tables:
        first = found.tables[0]
        rules = [first.rules[0].model_copy(update=changes), *first.rules[1:]]
        found = found.model_copy(update={"tables": [first.model_copy(update={"rules": rules}), *found.tables[1:]]})
    else:
        plain = found.rules[1]
        found = with_rule(found, **changes)
        found = found.model_copy(update={"rules": [*found.rules, plain]})
    assert claims.finish(database, check, found, "http://backend")
    stored = CheckResult.model_validate(found.as_json())
    tracking.store(database, check.request_id, stored)
    return stored


def group(key: dict[str, str | None] | None, failures: int | None, status: str = "fail", **changes: Any) -> GroupResult:
    named = {"key": key, "failures": failures, "total": 10, "measured": None, "status": status}
    return GroupResult.model_validate(named | changes)
