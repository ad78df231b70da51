"""The worker: claims checks, runs each in a warm dbt child, stores what came of it, and delivers results.

One thread a child, one for deliveries, one that renews leases. `python -m api.worker`; ends on SIGTERM.
"""

import logging
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from api import checks, outbox, rules, specification, workers
from api.checks import Check
from api.engine import command, contention, isolation, results
from api.engine.command import Answer, DbtProject
from api.engine.pool import Child, ChildDied
from api.engine.results import Run
from api.targets import TargetUnusable, connection_environment
from contract import environment
from contract.catalogue import Catalogue
from contract.checks import CheckResult
from contract.dbt_project import fault_of_profile
from contract.environment import Settings, SettingsError
from contract.problems import Invalid, NotFound, StringXError
from database import leases
from database.notifications import Listener
from database.pool import Database
from web import logs

_IDLE_S = 2.0  # how often to look without being woken: the guarantee behind the notifications
_WARM_UP_S = 10.0  # how long a child lets an earlier one go first
_GRACE_S = 15.0  # past a check's budget, before its child is killed: the database ends its statements itself

log = logging.getLogger(__name__)


@dataclass
class Worker:
    """What the threads share."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    listener: Listener
    name: str
    sender: outbox.Sender
    stop: threading.Event = field(default_factory=threading.Event)
    claimed: set[str] = field(default_factory=set)
    children: list[Child] = field(default_factory=list)

    @property
    def project(self) -> DbtProject:
        return DbtProject(self.settings.dbt_project_dir, self.settings.dbt_profiles_dir)

    @property
    def executable_only(self) -> bool:
        """One check a process: nothing is kept warm, each check runs the `dbt test` executable."""
        return self.settings.worker_max_checks == 1

    def run_checks(self, slot: int) -> None:
        """Serve checks one at a time until the worker stops."""
        home = self.settings.home / "work" / f"slot-{slot}"
        child = Child(self.project, home, self.settings.worker_max_checks)
        self.children.append(child)
        self._let_earlier_ones_warm_up(slot)
        while not self.stop.is_set():
            try:
                if not self.executable_only:
                    child.ensure_warm()
                check = self.listener.wait_for(checks.QUEUE, self._claim, _IDLE_S)
                if check is not None:
                    self._run(child, check)
            except ChildDied as error:
                log.error("%s", error)
                self.stop.wait(2)
            except StringXError as error:  # the internal database is away
                log.warning("%s", error)
                self.stop.wait(0.5)
        child.kill()

    def _let_earlier_ones_warm_up(self, slot: int) -> None:
        """One after another: the first child is warm sooner, and the worker with it, than if all shared the cores."""
        until = time.monotonic() + slot * _WARM_UP_S
        while (
            slot and time.monotonic() < until and sum(child.warm for child in self.children) < slot and not self.executable_only
        ):
            if self.stop.wait(0.1):
                return

    def deliver(self) -> None:
        """Post what is due until the worker stops."""
        session = requests.Session()
        session.trust_env = False  # a proxy of the machine is none of the way between the two services
        while not self.stop.is_set():
            try:
                self.listener.wait_for(outbox.OUTBOX, lambda: outbox.deliver_next(self.database, self.sender, session), _IDLE_S)
            except StringXError as error:
                log.warning("%s", error)
                self.stop.wait(0.5)

    def keep_leases(self) -> None:
        """Renew what is claimed and write down that the worker lives, a few times a lease."""
        interval = 0.2
        while not self.stop.wait(interval):
            try:
                if claimed := sorted(self.claimed):
                    leases.renew(self.database, "dataops.checks", "check_id", claimed, self.name)
                warm = self.settings.worker_concurrency if self.executable_only else sum(c.warm for c in self.children)
                workers.seen(self.database, self.name, len(self.children), warm)
                interval = leases.RENEW_EVERY_S if warm == len(self.children) else 0.2
            except StringXError as error:
                log.warning("leases not renewed: %s", error)

    def _claim(self) -> Check | None:
        if self.stop.is_set():
            return None
        check = checks.claim(self.database, self.name)
        if check is not None:
            self.claimed.add(check.check_id)
        return check

    def _run(self, child: Child, check: Check) -> None:
        ids = {"check_id": check.check_id, "request_id": check.request_id, "worker": self.name}
        try:
            result = self._result(child, check)
            if result is None:
                checks.hand_back(self.database, check, counted=not self.stop.is_set())
            elif checks.finish(self.database, check, result, self._callback_url(check)):
                log.info("check of %s ended: %s %s", check.request.subject, result.status, result.verdict, extra=ids)
            else:
                log.warning("the claim was lost; the result is thrown away", extra=ids)
        finally:
            self.claimed.discard(check.check_id)

    def _result(self, child: Child, check: Check) -> CheckResult | None:
        """What came of the check; None where this attempt is to be made again."""
        started_at = check.started_at or check.queued_at  # a claimed check has been started
        try:
            subject = rules.find_subject(self.database, check.request, check.tables)
        except (NotFound, Invalid):
            what = "table" if check.request.dataset is None else "dataset"
            return check.pending().model_copy(
                update={
                    "status": "errored",
                    "verdict": "error",
                    "reason": f"no_rules: the {what}'s configuration was deleted after the check was accepted",
                    "finished_at": checks.now(self.database),
                }
            )
        tables = subject.in_scope(check.request, self.catalogue.default_dimensions)
        folder = self.settings.home / "work" / check.check_id

        def run(command_line: str = "") -> Run:
            return Run(check, subject, tables, started_at, checks.now(self.database), command_line)

        if check.attempt > checks.MAX_ATTEMPTS:
            return results.errored(run(), f"ended {checks.MAX_ATTEMPTS} workers; see the worker's log")
        if not tables:
            return results.errored(run(), "no_rules: no active rule was left in scope when the check started")
        gate = specification.build(check.request, subject.target, tables, self.catalogue, check.timeout_s)
        try:
            variables = self._variables(subject, f"stringx {check.check_id} {check.attempt}")
            answer = self._dbt(child, check, gate, folder, variables)
            by_hand = command.by_hand(
                self.project, gate, self.settings.home / "by-hand" / check.check_id,
                self._variables(subject, f"stringx {check.check_id} by hand"),
            )  # fmt: skip
            return results.from_answer(run(by_hand), answer, self.catalogue)
        except TargetUnusable as error:
            return results.errored(run(), error.detail)
        except ChildDied as error:
            log.error("%s", error, extra={"check_id": check.check_id})
            return None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _variables(self, subject: rules.Subject, application_name: str) -> dict[str, str]:
        return connection_environment(subject.target, self.settings.secrets, application_name)

    def _dbt(self, child: Child, check: Check, gate: dict[str, Any], folder: Path, variables: dict[str, str]) -> Answer:
        until = time.monotonic() + check.timeout_s + _GRACE_S

        def run(specification: dict[str, Any]) -> Answer:
            left = max(0.1, until - time.monotonic())
            if self.executable_only:
                return command.run(self.project, specification, folder, variables, left)
            return child.run(specification, folder, variables, left)

        return isolation.answer_of(lambda specification: contention.answer_of(run, specification), gate)

    def _callback_url(self, check: Check) -> str:
        path = f"/api/v1/requests/{quote(check.request_id, safe='')}/results"
        return check.request.callback_url or self.settings.backend_url + path


def main() -> int:
    logs.configure()
    try:
        worker = _make(environment.read())
    except (SettingsError, ValueError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop.set())
    shutil.rmtree(worker.settings.home / "work", ignore_errors=True)
    threads = [
        threading.Thread(target=worker.run_checks, args=(slot,), name=f"slot-{slot}")
        for slot in range(worker.settings.worker_concurrency)
    ]
    threads += [threading.Thread(target=worker.deliver, name="deliver")]
    threads += [threading.Thread(target=worker.keep_leases, name="leases", daemon=True)]
    worker.listener.start()
    for thread in threads:
        thread.start()
    while not worker.stop.wait(3600):
        continue
    return _end(worker, threads)


def _make(settings: Settings) -> Worker:
    database = Database(settings.require_database_url(), settings.worker_concurrency + 3, "stringx worker")
    name = leases.worker_name("worker")
    key = environment.secret("STRINGX_SERVICE_KEY", settings.home / "service-key")
    signing = environment.secret("STRINGX_SIGNING_SECRET", settings.home / "signing-secret")
    if fault := fault_of_profile(settings.dbt_project_dir, settings.dbt_profiles_dir):
        raise SettingsError(fault)
    if key is None or signing is None:
        missing = "STRINGX_SERVICE_KEY" if key is None else "STRINGX_SIGNING_SECRET"
        raise SettingsError(f"{missing} is not set and has no file in {settings.home}; run the role migrate first")
    return Worker(
        settings=settings,
        database=database,
        catalogue=Catalogue.load(settings.dbt_project_dir),
        listener=Listener(database, checks.CHANNEL),
        name=name,
        sender=outbox.Sender(name, key, signing),
    )


def _end(worker: Worker, threads: list[threading.Thread]) -> int:
    """Let running checks end for a while, then kill their children: what was not finished is handed back."""
    for thread in threads[:-1]:
        thread.join(timeout=20 / len(threads))
    for child in worker.children:
        child.kill()
    for thread in threads[:-1]:
        thread.join(timeout=5)
    try:
        workers.gone(worker.database, worker.name)
    except StringXError as error:
        log.warning("%s", error)
    os._exit(0)  # a thread that still waits for a lost connection must not keep the process


if __name__ == "__main__":
    sys.exit(main())
