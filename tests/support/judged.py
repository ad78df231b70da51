"""Results of a rule that is judged by its earlier points, as DataOps delivers them, without asking a database."""

from datetime import datetime, timedelta
from typing import Any

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.baselines import Baseline, ComparedPoint, Learning
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from tests.support.datasets import CATALOGUE, claimed, now, result
from tests.support.history import with_rule


def learning(have: int, need: int = 20) -> Baseline:
    return Baseline(points=have, learning=Learning(have=have, need=need), words=f"learning {have} of {need}")


def band(low: float | None, high: float | None, center: float | None = None, **changes: Any) -> Baseline:
    middle = center if center is not None else ((low or 0) + (high or 0)) / 2
    return Baseline(center=middle, low=low, high=high, **{"points": 20, "words": f"usual: {low} to {high}"} | changes)


def compared(*points: tuple[CheckResult, float]) -> list[ComparedPoint]:
    found = []
    for each, measured in points:
        assert each.snapshot_at is not None
        found.append(ComparedPoint(at=each.snapshot_at, check_id=each.check_id, measured=measured))
    return found


def judged(
    database: Database,
    measured: float | None,
    baseline: Baseline | None,
    *,
    status: str = "pass",
    at: datetime | None = None,
    **asked: Any,
) -> CheckResult:
    """A check of shop's public.a whose first rule measured this, through the Backend to its end. `at`: its snapshot; by default
    now."""
    request = CheckRequest.model_validate({"target": "shop", "table": "public.a"} | asked)
    accepted = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100)
    check = claimed(database)
    numbers = {"failures": None, "total": 10, "failure_ratio": None, "measured": measured}
    found = with_rule(result(database, check), status=status, baseline=baseline, **numbers)
    moment = at or now(database)
    counts = {"pass": 0, "warn": 0, "fail": 0, "error": 0} | {status: 1}
    found = found.model_copy(update={"snapshot_at": moment, "verdict": status, "counts": counts})
    assert claims.finish(database, check, found, "http://backend")
    stored = CheckResult.model_validate(found.as_json())
    tracking.store(database, check.request_id, stored)
    return stored


def ago(database: Database, **length: float) -> datetime:
    return now(database) - timedelta(**length)
