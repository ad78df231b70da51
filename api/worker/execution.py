"""From a claimed check to what came of it: its rules are looked up, dbt runs its gate test, the answer becomes a result."""

import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from pydantic import ValidationError

from api.checks import lifecycle, lookup, specification
from api.checks.claims import MAX_CRASHES, MAX_YIELDS
from api.checks.lifecycle import Check
from api.engine import command, encodings, faulty_rules, lock_retry, outcome
from api.engine.command import Answer, DbtProject, Executable
from api.engine.pool import Child
from api.engine.processes import ChildDied
from api.targets.engine import TargetUnusable
from api.targets.registry import engine_of
from api.worker import results
from api.worker.attempt import Attempt, Watched
from api.worker.results import Run
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import Invalid, NotFound
from stringx_dataops.contract.settings import Settings

_UNREACHABLE_FOR_S = (0.5, 1.0, 2.0)  # pauses before a target that did not answer is tried again
_YIELD_PAUSE_S = 1.0  # what waits for the locks has them by then
_CRASHED = f"ended {MAX_CRASHES} workers; see the worker's log"
_FALLBACK_S = 20.0  # past the budget: whoever watches has killed the process long before

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HandBack:
    """The attempt is over without a result: the check is to be claimed again."""

    crashed: bool = False
    yielded: bool = False
    delay_s: float = 0
    tables: list[str] | None = None


Outcome = CheckResult | HandBack | None  # None: the claim is lost, nothing is to be written


@dataclass(frozen=True)
class Executor:
    """Runs attempts one at a time, in its warm child, or each by the `dbt test` executable where there is none."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    project: DbtProject
    runner: Child | Executable
    folder: Path  # nobody else's: for what dbt leaves behind

    def execute(self, attempt: Attempt) -> Outcome:
        check = attempt.check
        if attempt.stopped == "canceled":
            return self._without_run(check, "canceled", str(lifecycle.CANCELED["reason"]))
        try:
            subject = lookup.find_subject(self.database, check.request, check.tables)
        except (NotFound, Invalid):
            what = "table" if check.request.dataset is None else "dataset"
            reason = f"no_rules: the {what}'s configuration was deleted after the check was accepted"
            return self._without_run(check, "errored", reason)
        except ValidationError:  # another release has stored what this one cannot read; another worker may be able to
            if check.crashes < MAX_CRASHES:
                raise
            return self._without_run(check, "errored", _CRASHED)
        if check.request.dataset is not None and (moved := self._moved(check, check.request.dataset)) is not None:
            return HandBack(tables=moved)
        tables = subject.in_scope(check.request, self.catalogue.default_dimensions)
        started_at = check.started_at or check.queued_at  # a claimed check has been started

        def run(command_line: str = "") -> Run:
            return Run(check, subject, tables, started_at, self._now(), command_line)

        if check.crashes >= MAX_CRASHES:
            return results.errored(run(), _CRASHED)
        if not tables:
            return results.errored(run(), "no_rules: no active rule was left in scope when the check started")
        if (table := specification.without_window(check.request, tables)) is not None:
            return results.errored(run(), f"no_window: {table} has no window_column any more, and the request names no column")
        asked = specification.build(check.request, subject.target, tables, self.catalogue, check.timeout_s)
        try:
            answer = self._answer(attempt, asked, subject.target)
            by_hand = command.by_hand(
                self.project, asked, self.settings.home / "by-hand" / check.check_id,
                self._variables(subject.target, f"stringx {check.check_id} by hand"),
            )  # fmt: skip
            return self._outcome(attempt, run(by_hand), answer)
        except TargetUnusable as error:
            return results.errored(run(), error.detail)
        except ChildDied as error:
            if attempt.stopped is not None:
                return self._outcome(attempt, run(), Answer(None, "", None, None, timed_out=True))
            log.error("%s", error, extra=attempt.ids)
            return HandBack(crashed=True)
        finally:
            if isinstance(self.runner, Executable):  # its results; a child writes none
                shutil.rmtree(self.folder, ignore_errors=True)

    def _moved(self, check: Check, dataset: str) -> list[str] | None:
        """The dataset's tables if they changed since the check was accepted, which is then queued anew; None if not."""
        tables = lookup.tables_of_dataset(self.database, dataset)
        return None if tables == check.tables else tables

    def _outcome(self, attempt: Attempt, run: Run, answer: Answer) -> Outcome:
        """What a run that was told to stop has come to; its answer counts where it was complete before."""
        stopped = attempt.stopped
        if stopped == "lost":
            return None
        if stopped is None or outcome.outcome_of(answer) is not None:
            return results.from_answer(run, answer, self.catalogue)
        match stopped:
            case "canceled":
                return results.canceled(run, answer)
            case "timed_out":
                return results.from_answer(run, replace(answer, timed_out=True), self.catalogue)
            case "gives_way":
                if attempt.check.yields >= MAX_YIELDS:
                    return results.errored(run, f"gave way {MAX_YIELDS} times to sessions that waited for its locks: yield_after")
                return HandBack(yielded=True, delay_s=_YIELD_PAUSE_S)
            case "handed_back":
                return HandBack()
            case _:
                assert_never(stopped)

    def _answer(self, attempt: Attempt, asked: Specification, target: TargetDocument) -> Answer:
        """dbt's answer. Runs again while locks are held or the target restarts; leaves out rules that cannot be compiled."""
        variables = self._variables(target, f"stringx {attempt.check.check_id} {attempt.check.attempt}")
        engine = engine_of(target)

        def once(specification: Specification) -> Answer:
            return self.runner.run(specification, self.folder, variables, attempt.left_s + _FALLBACK_S)

        def reached(specification: Specification) -> Answer:
            for pause_s in (*_UNREACHABLE_FOR_S, None):
                answer = once(specification)
                failed = not answer.outcome and not answer.timed_out and engine.may_pass(answer.message or "")
                if not failed or pause_s is None or not attempt.pause(pause_s):
                    break
            return answer

        def locked(specification: Specification) -> Answer:
            return lock_retry.answer_of(reached, specification, attempt.pause)

        with attempt.watched(Watched(engine.sessions(variables), engine.yield_after_s, self.runner.terminate)):
            return faulty_rules.answer_of(lambda specification: encodings.answer_of(locked, specification), asked)

    def _variables(self, target: TargetDocument, application_name: str) -> dict[str, str]:
        return engine_of(target).environment(self.settings.secrets, application_name)

    def refused(self, check: Check, reason: str) -> CheckResult:
        """The result of a check that cannot be begun."""
        return self._without_run(check, "errored", reason)

    def _without_run(self, check: Check, status: str, reason: str) -> CheckResult:
        ended = {"status": status, "verdict": "error", "reason": reason, "finished_at": self._now()}
        return check.pending().model_copy(update=ended)

    def _now(self) -> Any:
        with self.database.statements() as cursor:
            return lifecycle.now(cursor)
