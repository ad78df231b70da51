"""From what the gate test left behind to a check's result, with its messages and scores, or the reason why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from api.checks.lifecycle import Check
from api.checks.lookup import InScope, Subject
from api.engine.command import Answer
from api.engine.outcome import outcome_of, without_values
from api.targets.registry import engine_of
from api.worker.messages import message
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.catalogue.words import age
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.outcome import RuleOutcome, TableOutcome
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


def _reason(subject: Subject, answer: Answer) -> str:
    message = " ".join((answer.message or "").split())
    if explained := engine_of(subject.target).explain(message):
        return explained
    if not message:
        return (
            "dbt ended without an outcome of the gate test;"
            " the project in DBT_PROJECT_DIR has lost its `test` materialization: take it over from stringx/"
        )
    return f"dbt could not run the gate test: {without_values(message)[:500]}"


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
