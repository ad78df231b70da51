"""Runs one attempt at a check: its rules are looked up, dbt runs the gate test, and its outcome becomes the check's result."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import assert_never

from pydantic import ValidationError

from api.checks import claims, lookup, memory, specification
from api.checks.claims import MAX_CRASHES, MAX_YIELDS
from api.checks.lifecycle import Check
from api.checks.lookup import InScope, Subject
from api.checks.memory import NOTHING, Memory
from api.checks.result_parts import CANCELED, undecided
from api.checks.waiving import Decided
from api.engine import command, faulty_rules, outcome, shadow_rules
from api.engine.command import DbtProject, Executable
from api.engine.pool import Slot
from api.engine.processes import ChildDied, ProjectFault
from api.engine.profile import SESSION_VARIABLE
from api.engine.run_result import DbtRunResult, out_of_time
from api.targets.engine import Machine, TargetUnusable
from api.targets.registry import engine_of
from api.worker import company, encodings, left_behind, lock_retry, results
from api.worker.attempt import Attempt, RunHandle
from api.worker.results import Run
from database.pool import Database
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import Invalid, NotFound
from stringx_dataops.contract.settings import Settings
from web import tracing

_UNREACHABLE_FOR_S = (0.5, 1.0, 2.0)  # pauses before a target that did not answer is tried again
_YIELD_PAUSE_S = 1.0  # after it, the session that waited has its locks
_CRASHED = f"ended {MAX_CRASHES} workers; see the worker's log"
FALLBACK_S = 20.0  # past the check's budget; by then the watchdog has long killed the process

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HandBack:
    """The attempt is over without a result, and the check is to be claimed again: counted as a crash, or as having given way, and
    not before `delay_s`. `why` is a sentence without its full stop. `tables` are the current ones of a dataset whose document has
    changed. `apart`: the next checks of its table are not run with others."""

    why: str
    crashed: bool = False
    yielded: bool = False
    delay_s: float = 0
    tables: list[str] | None = None
    apart: bool = False


AttemptEnd = CheckResult | Decided | HandBack | None  # None: the claim is lost, and nothing is to be stored


@dataclass(frozen=True)
class Plan:
    """What an attempt is to run."""

    check: Check
    subject: Subject
    tables: Sequence[InScope]

    @property
    def target(self) -> TargetDocument:
        """The target of all its tables."""
        return self.subject.target

    def ended(self, finished_at: datetime, command_line: str = "", known: Memory = NOTHING, notes: Sequence[str] = ()) -> Run:
        """The attempt after its end."""
        started_at = self.check.started_at or self.check.queued_at  # a claimed check has been started
        return Run(self.check, self.subject, self.tables, started_at, finished_at, command_line, known, notes)


@dataclass(frozen=True)
class Executor:
    """Runs attempts one at a time, each in its warm child, or by the `dbt test` executable if there is none. Targets of another
    adapter have executors of their own: `others` makes them."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    project: DbtProject
    runner: Slot | Executable
    folder: Path  # for what dbt leaves behind; nothing else uses it
    others: "Callable[[Adapter], Executor] | None" = None

    def of(self, target: TargetDocument) -> "Executor":
        """The executor for the target's adapter."""
        return self if self.others is None or target.adapter == self.project.adapter else self.others(target.adapter)

    def execute(self, attempt: Attempt) -> AttemptEnd:
        """Run an attempt to its end. Raises Unavailable if the internal database is, and OSError if this machine cannot run dbt,
        as when its disk is full."""
        check = attempt.check
        if attempt.stopped == "canceled":
            return check.result_with(undecided("canceled", CANCELED, self.now()))
        subject = self._look_up(check)
        if not isinstance(subject, Subject):
            return subject
        plan = Plan(check, subject, subject.in_scope(check.request, self.catalogue.default_dimensions))
        if (reason := why_not(plan)) is not None:
            return results.errored(plan.ended(self.now()), reason)
        return self.of(plan.target)._run(attempt, plan)

    def refused(self, check: Check, reason: str) -> CheckResult:
        """The result of a check that is not run."""
        return check.result_with(undecided("errored", reason, self.now()))

    def _look_up(self, check: Check) -> Subject | CheckResult | HandBack:
        """What the check runs on, as it is configured now. A check without a configuration is errored; one of a dataset whose
        tables have changed since it was accepted is queued again."""
        dataset = check.request.dataset
        try:
            subject = lookup.find_subject(self.database, self.catalogue, check.request, check.tables)
        except (NotFound, Invalid) as error:
            if check.is_trial:
                return self.refused(check, error.detail)
            kind = "table" if dataset is None else "dataset"
            return self.refused(check, f"no_rules: the {kind}'s configuration was deleted after the check was accepted")
        except ValidationError:  # another release has stored what this one cannot read; another worker may be able to
            if check.crashes < MAX_CRASHES:
                raise
            return self.refused(check, _CRASHED)
        tables = lookup.tables_of_dataset(self.database, dataset) if dataset is not None else None
        return (
            subject
            if tables is None or tables == check.tables
            else HandBack("the dataset had other tables meanwhile", tables=tables)
        )

    def _run(self, attempt: Attempt, plan: Plan) -> AttemptEnd:
        check, target = plan.check, plan.target
        known = memory.recall(self.database, [(check.request, plan.tables)], self.catalogue)
        built = specification.build(check.request, target, plan.tables, self.catalogue, check.timeout_s, known)
        try:
            with tracing.span("dbt test", attributes={"target": check.request.target, "tables": len(plan.tables)}):
                variables = self.variables(target, f"stringx {check.check_id} {check.attempt}")
                result, runs = self._run_dbt(attempt, built, target, variables)
            command_line = self.command_line(check, built, variables)
        except TargetUnusable as error:
            return results.errored(plan.ended(self.now()), error.detail)
        except ChildDied as error:
            if attempt.stopped is None:
                log.error("%s", error, extra=attempt.ids)
                return HandBack("its dbt process died", crashed=True)
            result, runs, command_line = out_of_time(), 1, ""
        finally:
            self._clean_up()
        end = self._conclude(attempt, plan.ended(self.now(), command_line, known), result)
        return replace(end, took_ms=_took_ms(end, built, result, runs)) if isinstance(end, Decided) else end

    def _make_ready(self) -> None:
        """Have a child of an adapter other than the default one, whose child is warm. Raises TargetUnusable if there can be none
        because of the project, and ChildDied."""
        if self.project.adapter == DEFAULT_ADAPTER:
            return
        if (fault := dbt_project.fault_of_project(self.project.project_dir, self.project.profiles_dir)) is not None:
            raise TargetUnusable(fault)
        if isinstance(self.runner, Slot):
            try:
                self.runner.ensure_warm()
            except ProjectFault as error:
                raise TargetUnusable(str(error)) from error

    def _clean_up(self) -> None:
        """Remove what the run has left. A child that reads the target itself ends with it, so that nothing is kept open."""
        if self.project.adapter in dbt_project.READS_ITSELF and isinstance(self.runner, Slot):
            self.runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(self.runner, Executable):  # its results; a child writes none
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run_dbt(
        self, attempt: Attempt, built: Specification, target: TargetDocument, variables: dict[str, str]
    ) -> tuple[DbtRunResult, int]:
        """Run the gate test. It is repeated while locks are held or the target restarts, and without the rules that cannot be
        compiled or sent. Returns the last result and how often dbt ran."""
        self._make_ready()
        engine = engine_of(target)

        runs = 0

        def run_once(specification: Specification) -> DbtRunResult:
            nonlocal runs
            runs += 1
            result: DbtRunResult | None = None
            try:
                result = self.runner.run(specification, self.folder, variables, attempt.left_s + FALLBACK_S)
            finally:
                if result is None or result.timed_out or (attempt.stopped is not None and not result.outcome):
                    left_behind.end(engine, variables, attempt.ids)
            return result

        def run_on_reachable(specification: Specification) -> DbtRunResult:
            for pause_s in (*_UNREACHABLE_FOR_S, None):
                result = run_once(specification)
                failed = not result.outcome and not result.timed_out and engine.may_pass(result.message or "")
                if not failed or pause_s is None or not attempt.pause(pause_s):
                    break
            return result

        def run_with_locks(specification: Specification) -> DbtRunResult:
            return lock_retry.run_with_locks(run_on_reachable, specification, engine.refused_lock, attempt.pause)

        def run_encodable(specification: Specification) -> DbtRunResult:
            return encodings.run_encodable(run_with_locks, specification, engine.refused_character)

        left_behind.end_those_before(engine, variables, attempt.check.attempt, attempt.ids)
        on_reached = partial(claims.mark_reached, self.database, attempt.check)
        with attempt.watchdog(RunHandle(engine.sessions(variables), engine.yield_after_s, on_reached, self.runner.terminate)):
            run = partial(faulty_rules.run_compilable, run_encodable)
            return shadow_rules.run_despite_shadows(run, built, lambda: attempt.stopped is None), runs

    def _conclude(self, attempt: Attempt, run: Run, result: DbtRunResult) -> AttemptEnd:
        """How the attempt ends after dbt ran. If it was stopped, an outcome that was complete before still counts."""
        stopped = attempt.stopped
        if stopped == "lost":
            return None
        if stopped is None or outcome.outcome_of(result) is not None:
            return results.decided(run, result, self.catalogue)
        match stopped:
            case "canceled":
                return results.canceled(run, result)
            case "timed_out":
                return results.from_dbt_result(run, replace(result, timed_out=True), self.catalogue)
            case "gives_way":
                if attempt.check.yields >= MAX_YIELDS:
                    return results.errored(run, f"gave way {MAX_YIELDS} times to sessions that waited for its locks: yield_after")
                return HandBack("it gave way to a session that waited for its locks", yielded=True, delay_s=_YIELD_PAUSE_S)
            case "handed_back":
                return HandBack("its worker was stopped")
            case _:
                assert_never(stopped)

    def command_line(self, check: Check, built: Specification, variables: dict[str, str]) -> str:
        """The command that runs the check by hand, in the environment of its run: it reads the same files."""
        folder = self.settings.home / "by-hand" / check.check_id
        return command.by_hand(self.project, built, folder, variables | {SESSION_VARIABLE: f"stringx {check.check_id} by hand"})

    def variables(self, target: TargetDocument, application_name: str) -> dict[str, str]:
        """The environment of a dbt process; TargetUnusable if a part of it is missing."""
        return engine_of(target).environment(Machine.of(self.settings, self.folder), application_name)

    def now(self) -> datetime:
        """By the internal database's clock."""
        with self.database.statements() as cursor:
            return cursor.now()


def _took_ms(end: Decided, built: Specification, result: DbtRunResult, runs: int) -> int | None:
    """What is to be expected of the table's next check. One that could not have shared a run will not."""
    if len(built["tables"]) != 1 or end.result.trial:
        return None
    found = outcome.outcome_of(result) if runs == 1 and company.is_self_contained(built) else None
    return end.result.duration_ms if found is not None and company.is_settled(built, found) else claims.APART_MS


def why_not(plan: Plan) -> str | None:
    """Why the plan cannot be run; None if it can."""
    if plan.check.crashes >= MAX_CRASHES:
        return _CRASHED
    if not plan.tables:
        return "no_rules: no active rule was left in scope when the check started"
    if (table := specification.table_without_window_column(plan.check.request, plan.tables)) is not None:
        return f"no_window: {table} has no window_column any more, and the request names no column"
    return None
