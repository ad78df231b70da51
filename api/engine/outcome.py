"""From what dbt left behind to a check's result: per-rule outcomes, messages, scores, or the reason why there are none."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_never, cast

from api.checks.lifecycle import Check
from api.checks.lookup import InScope, Subject
from api.engine.command import Answer
from api.targets.postgres import explain
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.catalogue.words import age, decimal, number, share
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.outcome import FORMAT, Outcome, RuleOutcome, TableOutcome
from stringx_dataops.contract.messages.checks import CheckResult, DbtRun, RuleResult, Scope, TableResult
from stringx_dataops.contract.messages.scores import Scored, quotient, scores
from stringx_dataops.contract.messages.verdicts import CheckStatus, worst

_AHEAD = timedelta(minutes=5)  # of a target's clock before the database's: the Backend takes twice that by its own


@dataclass(frozen=True)
class Run:
    """One attempt: which check, on which configuration, from when to when."""

    check: Check
    subject: Subject
    tables: Sequence[InScope]
    started_at: datetime
    finished_at: datetime
    command: str


def from_answer(run: Run, answer: Answer, catalogue: Catalogue) -> CheckResult:
    """The result of a run that came back, or that was ended because its time was over."""
    if answer.timed_out:
        reason = f"not finished within {run.check.timeout_s} s; raise timeout"
        return _without_outcome(run, answer, "timed_out", reason)
    outcome = outcome_of(answer)
    if outcome is None:
        return _without_outcome(run, answer, "errored", _reason(run.subject, answer))
    snapshot_at = datetime.fromisoformat(outcome["snapshot_at"])
    if (ahead := snapshot_at - run.finished_at) > _AHEAD:
        words = age(Decimal(round(ahead.total_seconds())))
        reason = f"the clock of target {run.check.request.target} is {words} ahead of the internal database's: set the clocks"
        return _without_outcome(run, answer, "errored", reason)
    found = {(table["schema"], table["name"]): table for table in outcome["tables"]}
    tables = []
    for table in run.tables:
        name = TableName.parse(table.configured.document.table)
        tables.append(_table_result(table, found.get((name.schema, name.name)), catalogue))
    ended = {"status": "succeeded", "snapshot_at": snapshot_at}
    if run.check.request.dataset is None:
        return _base(run, answer).model_copy(update=ended | _found_in(tables[0]) | {"rules": tables[0].rules})
    return _base(run, answer).model_copy(update=ended | _combined(tables) | {"tables": tables})


def _table_result(checked: InScope, outcome: TableOutcome | None, catalogue: Catalogue) -> TableResult:
    table: Mapping[str, Any] = outcome or {
        "verdict": "error",
        "reason": None,
        "row_count": None,
        "window_nulls": None,
        "rules": [],
    }
    found = {rule["id"]: rule for rule in table["rules"]}
    rules = [_rule_result(rule, found.get(rule.id), catalogue) for rule in checked.rules]
    decided = all(rule.id in found for rule in checked.rules)
    return TableResult(
        table=checked.configured.document.table,
        verdict=table["verdict"] if decided or table["verdict"] == "fail" else "error",
        config_version=checked.configured.version,
        rules_hash=checked.configured.rules_hash,
        row_count=table["row_count"],
        window_nulls=table["window_nulls"],
        reason=table["reason"] if decided else "dbt left rules out; see those in error",
        notes=[*(table.get("notes") or []), *notes_of(checked.configured.document)],
        **_tallies(rules),
        rules=rules,
    )


def notes_of(document: TableDocument) -> list[str]:
    """What the document asks for and cannot have."""
    wants_samples = document.sample_rows and (document.sample_columns or document.sample_rows != _DEFAULT_SAMPLE_ROWS)
    return ["there are no samples: the document gives no key"] if wants_samples and not document.key else []


_DEFAULT_SAMPLE_ROWS = TableDocument.model_fields["sample_rows"].default


def _tallies(rules: list[RuleResult]) -> dict[str, Any]:
    return {
        "counts": {status: sum(rule.status == status for rule in rules) for status in ("pass", "warn", "fail", "error")},
        "scores": scores([Scored(rule.dimension, rule.status, rule.failures, rule.total) for rule in rules]),
    }


def _found_in(table: TableResult) -> dict[str, Any]:
    names = ("verdict", "reason", "notes", "row_count", "window_nulls", "counts", "scores")
    return {name: getattr(table, name) for name in names}


def _combined(tables: list[TableResult]) -> dict[str, Any]:
    """A dataset's own numbers: the worst verdict, sums, and scores over the rules of all tables."""
    return {
        "verdict": worst(table.verdict for table in tables),
        "notes": [f"{table.table}: {note}" for table in tables for note in table.notes],
        "row_count": _sum([table.row_count for table in tables]),
        "window_nulls": _sum([table.window_nulls for table in tables]),
        **_tallies([rule for table in tables for rule in table.rules]),
    }


def _sum(numbers: list[int | None]) -> int | None:
    """None where one of them is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def errored(run: Run, reason: str) -> CheckResult:
    """The result of a run that could not begin, or that ended without an answer."""
    return _without_outcome(run, None, "errored", reason)


def canceled(run: Run, answer: Answer) -> CheckResult:
    """The result of a run that was ended on request."""
    return _without_outcome(run, answer, "canceled", "canceled on request")


def _without_outcome(run: Run, answer: Answer | None, status: CheckStatus, reason: str) -> CheckResult:
    """Of a dataset, every table that it would have checked is named as undecided."""
    undecided = [
        TableResult(
            table=table.configured.document.table,
            verdict="error",
            config_version=table.configured.version,
            rules_hash=table.configured.rules_hash,
            reason=reason,
        )
        for table in run.tables
    ]
    tables = undecided if run.check.request.dataset is not None else []
    return _base(run, answer).model_copy(update={"status": status, "verdict": "error", "reason": reason, "tables": tables})


def _base(run: Run, answer: Answer | None) -> CheckResult:
    checked = {table.configured.document.table for table in run.tables}
    dataset = run.check.request.dataset
    dbt = DbtRun(version=answer.dbt_version, invocation_id=answer.invocation_id, command=run.command) if answer else None
    return CheckResult(
        check_id=run.check.check_id,
        request_id=run.check.request_id,
        target=run.check.request.target,
        table=run.check.request.table,
        dataset=dataset,
        skipped=[table for table in run.check.tables if table not in checked] if dataset is not None else [],
        status="running",
        config_version=run.subject.version,
        rules_hash=run.subject.rules_hash,
        target_hash=run.subject.target.database_hash,
        scope=Scope.model_validate(run.check.request.scope()),
        asked=run.check.request.identity(),
        attempt=run.check.attempt,
        queued_at=run.check.queued_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_ms=round((run.finished_at - run.started_at).total_seconds() * 1000),
        dbt=dbt,
    )


def outcome_of(answer: Answer) -> Outcome | None:
    """The materialization's message; None where dbt ended without it, which is never a pass."""
    if not answer.outcome:
        return None
    try:
        outcome = json.loads(answer.outcome)
    except ValueError:
        return None
    is_ours = isinstance(outcome, dict) and outcome.get("format") == FORMAT and outcome.get("tables")
    return cast(Outcome, outcome) if is_ours else None


def _reason(subject: Subject, answer: Answer) -> str:
    message = " ".join((answer.message or "").split())
    if explained := explain(subject.target, message):
        return explained
    if not message:
        return (
            "dbt ended without an outcome of the gate test;"
            " the project in DBT_PROJECT_DIR has lost its `test` materialization: take it over from stringx/"
        )
    return f"dbt could not run the gate test: {without_values(message)[:500]}"


# What the server quotes is a name behind one of these words, and elsewhere may be a row's value.
_NAMED = "relation|column|table|schema|function|role|user|database|type|view|index|operator|parameter|at"
_QUOTED = re.compile(rf"""(?<!\w)({_NAMED}) ("[^"]*")|"[^"]*\"""")
_BEHIND = re.compile(r"\s(?:LINE \d+|DETAIL|HINT|CONTEXT|QUERY): ")


def without_values(message: str) -> str:
    """A database error that ended the whole run, such as one in a query that a dbt test asks when it is planned."""
    if "Database Error" not in message:
        return message
    return _QUOTED.sub(lambda found: found[0] if found[1] else '"…"', _BEHIND.split(message)[0])


def _rule_result(rule: Rule, found: RuleOutcome | None, catalogue: Catalogue) -> RuleResult:
    rule_type = catalogue.get(rule.type)
    outcome: Mapping[str, Any] = found or {"status": "error", "reason": "dbt left no outcome for it"}
    failures, total = outcome.get("failures"), outcome.get("total")
    ratio = quotient(failures, total) if failures is not None and total else None
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
        measured_hidden=bool(outcome.get("measured_hidden")),
        verified_by=outcome.get("verified_by") or "scan",
        message=message(rule, rule_type, outcome),
        description=rule.description,
        sample=outcome.get("sample"),
        sample_dropped=bool(outcome.get("sample_dropped")),
    )


def message(rule: Rule, rule_type: RuleType | None, outcome: Mapping[str, Any]) -> str:
    """One sentence with the numbers: never a value of a row, and of the rule its columns, thresholds and the arguments that may
    be told."""
    if outcome["status"] == "error" or rule_type is None:
        return f"could not be decided: {outcome.get('reason') or 'unknown'}"
    if outcome.get("nothing_there") and rule_type.decides != "count":
        return "passes, as there is no row under its `where`"
    finding = outcome.get("finding") or rule_type.words(
        outcome["status"] == "pass", rule.all_columns, rule.arguments, _measured(rule, rule_type, outcome), outcome.get("found")
    )
    match rule_type.decides:
        case "holds":
            return finding
        case "bounds":
            nothing = " (there is no value)" if outcome.get("measured") is None and not outcome.get("measured_hidden") else ""
            return f"{finding}{nothing}{_bounds(rule, rule_type, outcome)}"
        case "count":
            return _counted(rule, rule_type, outcome, finding)
        case _:
            assert_never(rule_type.decides)


def _counted(rule: Rule, rule_type: RuleType, outcome: Mapping[str, Any], finding: str) -> str:
    failures, total = int(outcome["failures"]), outcome.get("total")
    unit = rule_type.failures or "rows"
    counted = f"{failures:,} of {total:,} {unit}" if total is not None else f"{failures:,} {unit}"
    shares = [Fraction(limit.rstrip("% ")) for limit in rule.thresholds if isinstance(limit, str)]
    of_all = f" ({share(failures, total, shares)})" if total and failures else ""
    proof = f"; proved by {outcome['proof']}" if outcome.get("proof") else ""
    return f"{counted}{of_all} {finding}{_threshold(rule, outcome, failures)}{proof}"


def _threshold(rule: Rule, outcome: Mapping[str, Any], failures: int) -> str:
    status = outcome["status"]
    if "threshold" in outcome:  # of the test that the rule runs
        return f"; {outcome['threshold']}"
    warn_above, fail_above = rule.thresholds
    if status == "fail":
        return f"; fails above {fail_above}"
    if status == "warn":
        return f"; warns above {warn_above}"
    limit = warn_above if warn_above is not None else fail_above
    return f"; up to {limit} pass" if failures else ""


def _measured(rule: Rule, rule_type: RuleType, outcome: Mapping[str, Any]) -> str:
    """What was measured, in words; empty where it may not be told, as it is a row's value and no number."""
    value = outcome.get("measured")
    if value is None and not outcome.get("measured_hidden"):
        return "unknown"
    if outcome.get("row_value"):
        return ""
    sides = [rule.arguments, rule.arguments.get("warn") or {}]
    limits = [side[name] for side in sides for name in rule_type.bounds.values() if side.get(name) is not None]
    if rule_type.unit == "seconds" and (seconds := decimal(value)) is not None and seconds.is_finite():
        return age(seconds, [Decimal(str(parse_duration(limit))) for limit in limits])
    return number(value, [limit for limit in map(decimal, limits) if limit is not None])


def _bounds(rule: Rule, rule_type: RuleType, outcome: Mapping[str, Any]) -> str:
    status = outcome["status"]
    bounds = rule.arguments.get("warn", {}) if status == "warn" else rule.arguments
    low, high = (bounds.get(rule_type.bounds[side]) for side in ("min", "max"))
    of_other = (outcome.get("found") or {}).get("other")
    parts = [
        f"{'more than' if bounds.get('exclusive_min') else 'at least'} {_limit(low, of_other)}" if low is not None else "",
        f"{'less than' if bounds.get('exclusive_max') else 'at most'} {_limit(high, of_other)}" if high is not None else "",
    ]
    said = " and ".join(part for part in parts if part)
    verb = "warns unless" if status == "warn" else "fails unless" if status == "fail" else "must be"
    return f"; {verb} {said}" if said else ""


def _limit(limit: Any, of_other: Any) -> str:
    """A share with the value that it is of."""
    if not isinstance(limit, str) or not limit.rstrip().endswith("%"):
        return number(limit)
    return f"{limit} of {'the other value' if of_other is None else number(of_other)}"
