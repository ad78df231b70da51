"""From what the gate test leaves to a check's result, with its messages and scores, or the reason why there is no outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from api.baselines.earlier import Made
from api.checks.lifecycle import Check
from api.checks.lookup import InScope, Subject
from api.checks.memory import NOTHING, Learned, Memory, RuleKey
from api.checks.result_parts import CANCELED, Ending, Execution, counts_of, scores_of
from api.checks.specification import columns_of
from api.checks.waiving import Decided, Marks
from api.engine.outcome import is_database_error, outcome_of
from api.engine.run_result import DbtRunResult
from api.targets.registry import engine_of
from api.worker import profiling
from api.worker.rule_sentences import message_and_finding
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.catalogue.words import age
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.outcome import Outcome, RuleOutcome, TableOutcome
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult, DbtRun, RuleResult, Sample, Standby, TableResult, rfc3339
from stringx_dataops.contract.messages.groups import GroupResult
from stringx_dataops.contract.messages.scores import quotient
from stringx_dataops.contract.messages.verdicts import CheckStatus, Verdict, worst

_AHEAD = timedelta(minutes=5)  # of a target's clock to the internal database's; the Backend allows twice that to its own
_LEFT_OUT = "some rules have no outcome; they are in error"
_NO_SHADOWS = "the dbt project in DBT_PROJECT_DIR is of a release without shadow rules: take its macros over from stringx/"
_NO_GROUPS = "the dbt project in DBT_PROJECT_DIR is of a release without `per`: take its macros over from stringx/"
_NO_PROFILES = "the dbt project in DBT_PROJECT_DIR is of a release without profiles: take its macros over from stringx/"
_DEFAULT_SAMPLE_ROWS = TableDocument.model_fields["sample_rows"].default


@dataclass(frozen=True)
class Run:
    """One attempt: which check, on which configuration, from when to when. `command` runs the same test by hand; it is empty if
    dbt did not run. `memory`: what was known of earlier checks. `notes`: on the way in which it ran."""

    check: Check
    subject: Subject
    tables: Sequence[InScope]
    started_at: datetime
    finished_at: datetime
    command: str
    memory: Memory = NOTHING
    notes: Sequence[str] = ()


def from_dbt_result(run: Run, dbt_result: DbtRunResult, catalogue: Catalogue) -> CheckResult:
    """The result of an attempt in which dbt ran, to its end or until its time was over."""
    if dbt_result.timed_out:
        reason = f"not finished within {run.check.timeout_s} s; raise timeout"
        return _undecided(run, dbt_result, "timed_out", reason)
    return _from_outcome(run, dbt_result, outcome_of(dbt_result), catalogue)


def _from_outcome(run: Run, dbt_result: DbtRunResult, outcome: Outcome | None, catalogue: Catalogue) -> CheckResult:
    if outcome is None:
        return _undecided(run, dbt_result, "errored", reason_of(run.subject, dbt_result))
    snapshot_at = datetime.fromisoformat(outcome["snapshot_at"])
    if (ahead := snapshot_at - run.finished_at) > _AHEAD:
        words = age(Decimal(round(ahead.total_seconds())))
        reason = f"the clock of target {run.check.request.target} is {words} ahead of the internal database's: set the clocks"
        return _undecided(run, dbt_result, "errored", reason)
    if run.check.request.is_profile:
        return _measured(run, dbt_result, outcome, snapshot_at)
    outcomes = {(table["schema"], table["name"]): table for table in outcome["tables"]}
    tables = []
    for table in run.tables:
        name = TableName.parse(table.configured.document.table)
        tables.append(_decided_table(table, outcomes.get((name.schema, name.name)), catalogue, run.memory))
    is_dataset = run.check.request.dataset is not None
    ending = _ending_of_dataset(run, snapshot_at, tables) if is_dataset else _ending_of_table(run, snapshot_at, tables[0])
    return run.check.result_with(_on_standby(ending, outcome), _execution(run, dbt_result))


def decided(run: Run, dbt_result: DbtRunResult, catalogue: Catalogue) -> Decided:
    """The same with what each rule adds to the verdicts, and with what is to be kept for later checks."""
    if dbt_result.timed_out:
        return Decided(from_dbt_result(run, dbt_result, catalogue), {}, Learned(run.memory, {}))
    return decided_by(run, dbt_result, outcome_of(dbt_result), catalogue)


def decided_by(run: Run, dbt_result: DbtRunResult, outcome: Outcome | None, catalogue: Catalogue) -> Decided:
    """The same by an outcome that has been read."""
    outcomes = {(table["schema"], table["name"]): table for table in outcome["tables"]} if outcome is not None else {}
    marks: dict[str, Marks] = {}
    states: dict[RuleKey, JsonObject] = {}
    for table in run.tables:
        named = table.configured.document.table
        name = TableName.parse(named)
        of_table = outcomes.get((name.schema, name.name))
        if (found := _marks(table, of_table)) is not None:
            marks[named] = found
        if of_table is not None:
            states |= {(named, rule["id"]): rule["remember"] for rule in of_table["rules"] if rule.get("remember") is not None}
    return Decided(_from_outcome(run, dbt_result, outcome, catalogue), marks, Learned(run.memory, states))


def errored(run: Run, reason: str) -> CheckResult:
    """The result of an attempt that could not run, or whose dbt result does not count."""
    return _undecided(run, None, "errored", reason)


def canceled(run: Run, dbt_result: DbtRunResult) -> CheckResult:
    """The result of an attempt that was ended on request."""
    return _undecided(run, dbt_result, "canceled", CANCELED)


def notes_of(document: TableDocument) -> list[str]:
    """Wishes of the document that cannot be met, one sentence per wish."""
    wants_samples = document.sample_rows and (document.sample_columns or document.sample_rows != _DEFAULT_SAMPLE_ROWS)
    return ["there are no samples: the document gives no key"] if wants_samples and not document.key else []


def _on_standby(ending: Ending, outcome: Outcome) -> Ending:
    """The same with what a snapshot on a standby shows, if it is one."""
    found = outcome.get("standby")
    if found is None:
        return ending
    standby = Standby.model_validate(found)
    until = "an unknown time" if standby.replayed_at is None else rfc3339(standby.replayed_at)
    note = f"the target is a standby: what its primary committed until {until} is in the snapshot"
    return replace(ending, notes=[*ending.notes, note], standby=standby)


def _measured(run: Run, dbt_result: DbtRunResult, outcome: Outcome, snapshot_at: datetime) -> CheckResult:
    """The result of a profile. It passes if the table could be read."""
    (table,) = outcome["tables"]
    measures = outcome.get("profile")
    if measures is None:
        return _undecided(run, dbt_result, "errored", table["reason"] or _NO_PROFILES)
    profile, notes = profiling.read(run.check.request.target, run.tables[0], snapshot_at, measures, table["notes"])
    ending = Ending(
        status="succeeded",
        verdict="pass",
        reason=None,
        finished_at=run.finished_at,
        snapshot_at=snapshot_at,
        row_count=profile["row_count"],
        notes=notes,
        profile=profile,
    )
    return run.check.result_with(_on_standby(ending, outcome), _execution(run, dbt_result))


def _undecided(run: Run, dbt_result: DbtRunResult | None, status: CheckStatus, reason: str) -> CheckResult:
    """A result without an outcome. A dataset's has each table that would have been checked, as undecided."""
    is_dataset = run.check.request.dataset is not None
    tables = [_table_result(table, "error", reason) for table in run.tables] if is_dataset else []
    ending = Ending(status=status, verdict="error", reason=reason, finished_at=run.finished_at, tables=tables)
    return run.check.result_with(ending, _execution(run, dbt_result))


def _ending_of_table(run: Run, snapshot_at: datetime, table: TableResult) -> Ending:
    return Ending(
        status="succeeded",
        verdict=table.verdict,
        reason=table.reason,
        finished_at=run.finished_at,
        snapshot_at=snapshot_at,
        row_count=table.row_count,
        window_nulls=table.window_nulls,
        notes=[*table.notes, *run.notes],
        counts=table.counts,
        scores=table.scores,
        rules=table.rules,
    )


def _ending_of_dataset(run: Run, snapshot_at: datetime, tables: list[TableResult]) -> Ending:
    """The worst verdict, sums, and scores over the rules of all tables."""
    rules = [rule for table in tables for rule in table.rules]
    return Ending(
        status="succeeded",
        verdict=worst(table.verdict for table in tables),
        reason=None,
        finished_at=run.finished_at,
        snapshot_at=snapshot_at,
        row_count=_sum([table.row_count for table in tables]),
        window_nulls=_sum([table.window_nulls for table in tables]),
        notes=[f"{table.table}: {note}" for table in tables for note in table.notes],
        counts=counts_of(rules),
        scores=scores_of(rules),
        tables=tables,
    )


def _execution(run: Run, dbt_result: DbtRunResult | None) -> Execution:
    checked = {table.configured.document.table for table in run.tables}
    is_dataset = run.check.request.dataset is not None
    dbt = None
    if dbt_result is not None:
        dbt = DbtRun(version=dbt_result.dbt_version, invocation_id=dbt_result.invocation_id, command=run.command)
    return Execution(
        started_at=run.started_at,
        duration_ms=round((run.finished_at - run.started_at).total_seconds() * 1000),
        config_version=run.subject.version,
        rules_hash=run.subject.rules_hash,
        target_hash=run.subject.target.database_hash,
        skipped=[table for table in run.check.tables if table not in checked] if is_dataset else [],
        dbt=dbt,
    )


def _decided_table(checked: InScope, outcome: TableOutcome | None, catalogue: Catalogue, memory: Memory) -> TableResult:
    """A table's result from its outcome. A rule that the outcome lacks is in error, and the table with it, unless it fails."""
    outcomes = {rule["id"]: rule for rule in outcome["rules"]} if outcome is not None else {}
    ungrouped = [rule for rule in checked.rules if _lacks_groups(rule, outcomes.get(rule.id))]
    outcomes |= {rule.id: _no_outcome(rule, _NO_GROUPS) for rule in ungrouped}
    table = checked.configured.document.table
    rules = [
        _rule_result(rule, outcomes.get(rule.id), catalogue, memory.baselines.get((table, rule.id))) for rule in checked.rules
    ]
    notes = notes_of(checked.configured.document)
    if outcome is None:
        return _table_result(checked, "error", _LEFT_OUT, notes=notes, rules=rules)
    if "marks" not in outcome and any(rule.is_shadow for rule in checked.rules):  # they counted in its verdict
        return _table_result(checked, "error", _NO_SHADOWS, notes=notes, rules=rules)
    if any(not rule.is_shadow for rule in ungrouped):  # the verdict counts what was decided for all rows together
        fails = any(rule.status == "fail" and not rule.shadow for rule in rules)
        return _table_result(checked, "fail" if fails else "error", _NO_GROUPS, notes=notes, rules=rules)
    is_complete = all(rule.id in outcomes for rule in checked.rules)
    return _table_result(
        checked,
        verdict=outcome["verdict"] if is_complete or outcome["verdict"] == "fail" else "error",
        reason=outcome["reason"] if is_complete else _LEFT_OUT,
        row_count=outcome["row_count"],
        window_nulls=outcome["window_nulls"],
        notes=[*(outcome.get("notes") or []), *notes],
        rules=rules,
    )


def _marks(checked: InScope, outcome: TableOutcome | None) -> Marks | None:
    """None if the outcome does not say it, for each of its rules. A rule without an outcome is an error."""
    marks = outcome.get("marks") if outcome is not None else None
    outcomes = {rule["id"]: rule for rule in outcome["rules"]} if outcome is not None else {}
    if any(_lacks_groups(rule, outcomes.get(rule.id)) for rule in checked.rules):
        return None
    if outcome is None or marks is None or len(marks) != len(outcome["rules"]):
        return None
    said = {rule["id"]: mark for rule, mark in zip(outcome["rules"], marks, strict=True)}
    uncounted = {rule["id"] for rule in outcome["rules"] if rule.get("uncounted")}
    return Marks({rule.id: said.get(rule.id, "error") for rule in checked.rules}, outcome.get("empty"), uncounted)


def _table_result(
    checked: InScope,
    verdict: Verdict,
    reason: str | None,
    row_count: int | None = None,
    window_nulls: int | None = None,
    notes: Sequence[str] = (),
    rules: Sequence[RuleResult] = (),
) -> TableResult:
    """Every TableResult is built here. Without rules, which is without an outcome, it has no counts and no scores."""
    return TableResult(
        table=checked.configured.document.table,
        verdict=verdict,
        config_version=checked.configured.version,
        rules_hash=checked.configured.rules_hash,
        row_count=row_count,
        window_nulls=window_nulls,
        reason=reason,
        notes=list(notes),
        counts=counts_of(rules) if rules else {},
        scores=scores_of(rules) if rules else {},
        rules=list(rules),
    )


def _sum(numbers: list[int | None]) -> int | None:
    """None if one of them is unknown."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def reason_of(subject: Subject, dbt_result: DbtRunResult) -> str:
    """Why dbt left no outcome, in one line without values of rows."""
    message = " ".join((dbt_result.message or "").split())
    engine = engine_of(subject.target)
    if explained := engine.explain(message):
        return explained
    if not message:
        return (
            "dbt ended without an outcome of the gate test;"
            " the project in DBT_PROJECT_DIR has lost its `test` materialization: take it over from stringx/"
        )
    shown = engine.without_values(message) if is_database_error(message) else message
    return f"dbt could not run the gate test: {shown[:500]}"


def _rule_result(rule: Rule, reported: RuleOutcome | None, catalogue: Catalogue, made: Made | None = None) -> RuleResult:
    rule_type = catalogue.get(rule.type)
    outcome = reported or _no_outcome(rule)
    failures, total, sample = outcome.get("failures"), outcome.get("total"), outcome.get("sample")
    if (columns := outcome.get("columns") or columns_of(rule, rule_type)) != rule.all_columns:
        rule = rule.model_copy(update={"column": None, "columns": columns})
    message, finding = message_and_finding(rule, rule_type, outcome, made)
    groups = outcome.get("groups")
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
        message=message,
        finding=finding,
        description=rule.description,
        owner=rule.owner,
        runbook=rule.runbook,
        sample=Sample.model_validate(sample) if sample is not None else None,
        sample_dropped=bool(outcome.get("sample_dropped")),
        shadow=rule.is_shadow,
        groups=[GroupResult.model_validate(group) for group in groups["worst"]] if groups is not None else None,
        group_count=groups["count"] + groups["missing"] if groups is not None else None,
        baseline=made.shown if made is not None and outcome["status"] != "error" else None,
        groups_failing=groups["failing"] + groups["warning"] if groups is not None else None,
    )


def _lacks_groups(rule: Rule, outcome: RuleOutcome | None) -> bool:
    """Whether a rule with `per` was decided for all rows together, as an older copy of the dbt project does."""
    return bool(rule.group_columns) and outcome is not None and outcome["status"] != "error" and "groups" not in outcome


def _no_outcome(rule: Rule, reason: str = "dbt left no outcome for it") -> RuleOutcome:
    return {
        "id": rule.id,
        "status": "error",
        "failures": None,
        "total": None,
        "measured": None,
        "verified_by": "scan",
        "reason": reason,
        "sample": None,
    }
