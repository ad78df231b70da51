"""From what dbt left behind to a check's result: per-rule outcomes, messages, scores, or the reason why there are none."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from api.checks import Check
from api.engine.command import Answer
from api.rules import Configured
from api.targets import explain
from contract.catalogue import Catalogue, RuleType
from contract.checks import CheckResult, DbtRun, RuleResult, Scope, rules_in_scope
from contract.configuration import Rule
from contract.scores import Scored, scores
from contract.verdicts import CheckStatus

FORMAT = "stringx-gate/1"


@dataclass(frozen=True)
class Run:
    """One attempt: which check, on which configuration, from when to when."""

    check: Check
    configured: Configured
    started_at: datetime
    finished_at: datetime
    command: str


def from_answer(run: Run, answer: Answer, catalogue: Catalogue) -> CheckResult:
    """The result of a run that came back, or that was ended because its time was over."""
    if answer.timed_out:
        return _without_outcome(run, answer, "timed_out", f"not finished within {run.check.timeout_s} s; raise timeout")
    outcome = outcome_of(answer)
    if outcome is None:
        reason = _reason(run.configured, answer)
        return _without_outcome(run, answer, "errored", reason)
    table = outcome["tables"][0]
    found = {rule["id"]: rule for rule in table["rules"]}
    expected = rules_in_scope(run.check.request, run.configured.document, catalogue.default_dimensions)
    rules = [_rule_result(rule, found.get(rule.id), catalogue) for rule in expected]
    decided = all(rule.id in found for rule in expected)
    return _base(run, answer).model_copy(
        update={
            "status": "succeeded",
            "verdict": table["verdict"] if decided or table["verdict"] == "fail" else "error",
            "reason": table["reason"] if decided else "dbt left rules out; see those in error",
            "notes": table.get("notes") or [],
            "snapshot_at": datetime.fromisoformat(outcome["snapshot_at"]),
            "row_count": table["row_count"],
            "window_nulls": table["window_nulls"],
            "counts": {status: sum(rule.status == status for rule in rules) for status in ("pass", "warn", "fail", "error")},
            "scores": scores([Scored(rule.dimension, rule.status, rule.failures, rule.total) for rule in rules]),
            "rules": rules,
        }
    )


def errored(run: Run, reason: str) -> CheckResult:
    """The result of a run that could not begin, or that ended without an answer."""
    return _without_outcome(run, None, "errored", reason)


def _without_outcome(run: Run, answer: Answer | None, status: CheckStatus, reason: str) -> CheckResult:
    return _base(run, answer).model_copy(update={"status": status, "verdict": "error", "reason": reason})


def _base(run: Run, answer: Answer | None) -> CheckResult:
    dbt = DbtRun(version=answer.dbt_version, invocation_id=answer.invocation_id, command=run.command) if answer else None
    return CheckResult(
        check_id=run.check.check_id,
        request_id=run.check.request_id,
        target=run.check.request.target,
        table=run.check.request.table,
        status="running",
        config_version=run.configured.version,
        rules_hash=run.configured.rules_hash,
        scope=Scope.model_validate(run.check.request.scope()),
        attempt=run.check.attempt,
        queued_at=run.check.queued_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_ms=round((run.finished_at - run.started_at).total_seconds() * 1000),
        dbt=dbt,
    )


def outcome_of(answer: Answer) -> dict[str, Any] | None:
    """The materialization's message; None where dbt ended without it, which is never a pass."""
    if not answer.outcome:
        return None
    try:
        outcome = json.loads(answer.outcome)
    except ValueError:
        return None
    return outcome if isinstance(outcome, dict) and outcome.get("format") == FORMAT and outcome.get("tables") else None


def _reason(configured: Configured, answer: Answer) -> str:
    message = " ".join((answer.message or "").split())
    if explained := explain(configured.target, message):
        return explained
    if not message:
        return (
            "dbt ended without an outcome of the gate test;"
            " the project in DBT_PROJECT_DIR has lost its `test` materialization: take it over from stringx/"
        )
    return f"dbt could not run the gate test: {message[:500]}"


def _rule_result(rule: Rule, found: dict[str, Any] | None, catalogue: Catalogue) -> RuleResult:
    rule_type = catalogue.get(rule.type)
    outcome = found or {"status": "error", "reason": "dbt left no outcome for it"}
    failures, total = outcome.get("failures"), outcome.get("total")
    ratio = round(failures / total, 6) if failures is not None and total else None
    return RuleResult(
        id=rule.id,
        type=rule.type,
        columns=rule.all_columns,
        kind=rule.kind,
        dimension=rule.dimension or (rule_type.dimension if rule_type else "validity"),
        status=outcome["status"],
        failures=failures,
        total=total,
        failure_ratio=ratio,
        measured=outcome.get("measured"),
        verified_by=outcome.get("verified_by") or rule.verify,
        message=message(rule, rule_type, outcome),
        description=rule.description,
        sample=outcome.get("sample"),
    )


def message(rule: Rule, rule_type: RuleType | None, outcome: dict[str, Any]) -> str:
    """One sentence with the numbers: never a value of a row, and of the rule its columns and thresholds only."""
    if outcome["status"] == "error" or rule_type is None:
        return f"could not be decided: {outcome.get('reason') or 'unknown'}"
    value, met = outcome.get("measured"), outcome["status"] == "pass"
    finding = rule_type.words(met, rule.all_columns, rule.arguments, "unknown" if value is None else _number(value))
    match rule_type.decides:
        case "holds":
            return finding
        case "bounds":
            nothing = " (there is no value)" if value is None else ""
            return f"{finding}{nothing}{_bounds(rule, rule_type, outcome['status'])}"
        case "count":
            return _counted(rule, rule_type, outcome, finding)
        case _:
            assert_never(rule_type.decides)


def _counted(rule: Rule, rule_type: RuleType, outcome: dict[str, Any], finding: str) -> str:
    failures, total = int(outcome["failures"]), outcome.get("total")
    unit = rule_type.failures or "rows"
    counted = f"{failures:,} of {total:,} {unit}" if total is not None else f"{failures:,} {unit}"
    share = f" ({failures / total:.2%})" if total and failures else ""
    return f"{counted}{share} {finding}{_threshold(rule, outcome['status'], failures)}"


def _threshold(rule: Rule, status: str, failures: int) -> str:
    warn_above, fail_above = rule.thresholds
    if status == "fail":
        return f"; fails above {fail_above}"
    if status == "warn":
        return f"; warns above {warn_above}"
    limit = warn_above if warn_above is not None else fail_above
    return f"; up to {limit} pass" if failures else ""


def _bounds(rule: Rule, rule_type: RuleType, status: str) -> str:
    bounds = rule.arguments.get("warn", {}) if status == "warn" else rule.arguments
    low, high = bounds.get(rule_type.bounds["min"]), bounds.get(rule_type.bounds["max"])
    parts = [
        f"{'more than' if bounds.get('exclusive_min') else 'at least'} {_number(low)}" if low is not None else "",
        f"{'less than' if bounds.get('exclusive_max') else 'at most'} {_number(high)}" if high is not None else "",
    ]
    said = " and ".join(part for part in parts if part)
    verb = "warns unless" if status == "warn" else "fails unless" if status == "fail" else "must be"
    return f"; {verb} {said}" if said else ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)
