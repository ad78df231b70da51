"""Runs small checks of one target as one `dbt test`, on one snapshot. A check is decided here only if its result is the one that
it would have alone. Otherwise it is handed back, and runs alone when it is claimed again: the others are not touched by it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.checks import claims, lookup, memory, specification
from api.checks.memory import Memory
from api.engine.outcome import outcome_of
from api.engine.processes import ChildDied
from api.engine.run_result import DbtRunResult, out_of_time
from api.targets.engine import Engine, TargetUnusable
from api.targets.registry import engine_of
from api.worker import company, results
from api.worker.attempt import Attempt, Batch, RunHandle
from api.worker.execution import FALLBACK_S, AttemptEnd, Executor, HandBack, Plan, why_not
from api.worker.results import Run
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.gate_test.outcome import Outcome
from stringx_dataops.contract.gate_test.specification import Specification
from web import tracing

PATIENCE_S = 5.0  # a batch that takes longer is ended
_LOCK_MS = 200  # a table that is locked for longer is checked alone
_RUNS = 3  # of a batch, each without the tables that were locked in the one before
_ALONE = "it ran with other checks of its target, and is to run alone"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Member:
    """A check of a batch, with the specification that it would have alone."""

    attempt: Attempt
    plan: Plan
    built: Specification

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name, which tell it from the others."""
        (table,) = self.built["tables"]
        return table["schema"], table["name"]

    @property
    def relations(self) -> set[str]:
        """Names by which the server may mean what it reads."""
        (table,) = self.built["tables"]
        parts = [list(self.table), *(each for rule in table["rules"] for each in rule.get("relations", []))]
        return {name for each in parts for name in (".".join(each), each[-1])}


@dataclass(frozen=True)
class _Ran:
    """A run of a batch: its result, the members that were in it, what it took of each, and its environment."""

    result: DbtRunResult
    outcome: Outcome | None
    members: Sequence[_Member]
    took_ms: int
    variables: dict[str, str]


End = tuple[Attempt, AttemptEnd]


def execute(executor: Executor, batch: Batch) -> tuple[list[End], list[Attempt]]:
    """The ends of a batch's attempts, and those that are to be executed by themselves, since their configuration has changed so
    that they end without a run, or nobody is left to share it. Raises as `Executor.execute`."""
    members, known, left = _plan(executor, batch)
    if any(member.plan.target.adapter != DEFAULT_ADAPTER for member in members):  # it says for itself what is one snapshot
        return [], [*left, *(member.attempt for member in members)]
    fitting: list[_Member] = []
    misfits: list[End] = []
    for member in members:
        if company.is_self_contained(member.built):
            fitting.append(member)
        else:
            misfits.append((member.attempt, HandBack(_ALONE, apart=True)))
    if len(fitting) < 2:
        return misfits, [*left, *(member.attempt for member in fitting)]
    target = fitting[0].plan.target
    about: tracing.Attributes = {"target": fitting[0].attempt.check.request.target, "tables": len(fitting)}
    try:
        with tracing.spans("dbt test", "internal", [(member.attempt.check.trace, about) for member in fitting]):
            ran = _run(executor, batch, fitting, target)
    except TargetUnusable:  # alone, each has it as its reason
        return misfits, [*left, *(member.attempt for member in fitting)]
    if ran.outcome is None:
        words = batch.stopped or results.reason_of(fitting[0].plan.subject, ran.result)
        log.warning("the checks of a batch run alone: %s", words, extra=batch.ids)
    now = executor.now()
    outcomes = _outcomes(ran.outcome)
    notes = [f"read on one snapshot with {len(ran.members) - 1} other tables"] if len(ran.members) > 1 else []
    ends: list[End] = []
    for member in fitting:
        command_line = executor.command_line(member.attempt.check, member.built, ran.variables)
        run = member.plan.ended(now, command_line, known, notes)
        ends.append((member.attempt, _conclude(member, ran, outcomes.get(member.table), run, executor.catalogue)))
    return [*misfits, *ends], left


def _plan(executor: Executor, batch: Batch) -> tuple[list[_Member], Memory, list[Attempt]]:
    """The members that can run, what is known of earlier checks, and the attempts that cannot run."""
    target = batch.attempts[0].check.request.target
    found = lookup.find_tables(executor.database, target, [attempt.check.request.table or "" for attempt in batch.attempts])
    plans, left = [], []
    for attempt in batch.attempts:
        check = attempt.check
        subject = found.pop(check.request.table or "", None)  # outcomes are told apart by their tables: one check of each
        if subject is not None and attempt.stopped is None:
            plan = Plan(check, subject, subject.in_scope(check.request, executor.catalogue.default_dimensions))
            if why_not(plan) is None:
                plans.append((attempt, plan))
                continue
        left.append(attempt)
    known = memory.recall(executor.database, [(plan.check.request, plan.tables) for _, plan in plans], executor.catalogue)
    members = [
        _Member(
            attempt,
            plan,
            specification.build(plan.check.request, plan.target, plan.tables, executor.catalogue, plan.check.timeout_s, known),
        )
        for attempt, plan in plans
    ]
    return members, known, left


def _run(executor: Executor, batch: Batch, members: Sequence[_Member], target: TargetDocument) -> _Ran:
    """Run the batch. Where a table is locked, it runs again without the members that read this table."""
    lead = batch.attempts[0].check
    variables = executor.variables(target, f"stringx batch {lead.check_id} {lead.attempt}")
    engine = engine_of(target)

    def mark_reached() -> None:
        for member in members:
            claims.mark_reached(executor.database, member.attempt.check)

    handle = RunHandle(engine.sessions(variables), engine.yield_after_s, mark_reached, executor.runner.terminate)
    with batch.watchdog(handle):
        for number in range(_RUNS):
            began = time.monotonic()
            built = specification.together([member.built for member in members], _LOCK_MS)
            result = _run_dbt(executor, batch, built, variables)
            took_ms = round((time.monotonic() - began) * 1000 / len(members))
            outcome = None if result.timed_out else outcome_of(result)
            rest = _without_locked(members, result, engine) if outcome is None else []
            if not rest or batch.stopped is not None or number == _RUNS - 1:
                break
            members = rest
    return _Ran(result, outcome, members, took_ms, variables)


def _run_dbt(executor: Executor, batch: Batch, built: Specification, variables: dict[str, str]) -> DbtRunResult:
    try:
        return executor.runner.run(built, executor.folder, variables, batch.left_s + FALLBACK_S)
    except ChildDied as error:
        if batch.stopped is None:
            log.error("%s; each check of the batch runs alone", error, extra=batch.ids)
        return out_of_time()


def _without_locked(members: Sequence[_Member], result: DbtRunResult, engine: Engine) -> list[_Member]:
    """The members that do not read the relation whose lock was refused; none if the run failed for another reason."""
    refused = engine.refused_lock(result.message or "")
    if refused is None or refused.relation is None:
        return []
    rest = [member for member in members if refused.relation not in member.relations]
    return rest if len(rest) < len(members) else []


def _outcomes(outcome: Outcome | None) -> dict[tuple[str, str], Outcome]:
    """The outcome of each table by itself, as it would be alone."""
    if outcome is None:
        return {}
    return {
        (each["schema"], each["name"]): {**outcome, "tables": [each], "verdict": each["verdict"]} for each in outcome["tables"]
    }


def _conclude(member: _Member, ran: _Ran, outcome: Outcome | None, run: Run, catalogue: Catalogue) -> AttemptEnd:
    """How a member ends. One whose outcome is settled is decided, even if it was to be stopped meanwhile."""
    stopped = member.attempt.stopped
    if stopped == "lost":
        return None
    if outcome is not None and company.is_settled(member.built, outcome):
        decided = results.decided_by(run, ran.result, outcome, catalogue)
        return replace(decided, took_ms=ran.took_ms)
    if stopped == "canceled":
        return results.canceled(run, ran.result)
    if stopped is not None:
        return HandBack("its worker was stopped")
    return HandBack(_ALONE, apart=outcome is not None)
