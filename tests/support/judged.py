"""Results of a rule that is judged by its earlier points, as DataOps delivers them, without asking a database."""

from datetime import datetime, timedelta
from typing import Any

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database, json_value
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
    said = {"message": f"the number of rows is {measured}; {baseline.words}"} if baseline is not None else {}
    numbers = said | {"failures": None, "total": 10, "failure_ratio": None, "measured": measured}
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


def past(database: Database, days: int = 40) -> None:
    """Points of the rule of `judged`, one per day until yesterday: the first ten learn, then a band that follows them, with a
    point that failed, one that was waived, and a level that moved. No check stands behind them."""
    rows, level, moved_at = list[dict[str, Any]](), 1000.0, None
    for day in range(days, 0, -1):
        at = ago(database, days=day)
        if day == days // 3:
            level, moved_at = 1400.0, at.isoformat()
        value = level + (day * 37 % 11 - 5) * 14 + (900 if day == 20 else -500 if day == 25 else 0)
        is_waived, is_out = day == 25, day in (20, 25)
        baseline: dict[str, Any] = {"center": level, "low": level - 150, "high": level + 150, "points": days - day}
        baseline |= {
            "season": "weekday",
            "learning": None,
            "moved_at": moved_at,
            "words": "beyond what was usual" if is_out else "",
        }
        if day > days - 10:
            baseline |= {"center": None, "low": None, "high": None, "learning": {"have": days - day, "need": 10}}
        status = "warn" if is_out else "pass"
        rows.append({"at": at.isoformat(), "status": status, "measured": value, "waived": is_waived, "baseline": baseline})
    with database.transaction() as cursor:
        cursor.run(
            """insert into stringx.rule_points (rule_key, at, check_id, status, measured, config_version, waived, baseline)
            select r.rule_key, p.at, gen_random_uuid(), p.status, p.measured, 1, p.waived, p.baseline
            from stringx.subject_rules r join stringx.subjects s using (subject_id), jsonb_to_recordset(%(rows)s)
                 as p (at timestamptz, status text, measured float8, waived boolean, baseline jsonb)
            where r.rule_id = 'a' and s.name = 'public.a'""",
            {"rows": json_value(rows)},
        )
