"""The worker's threads: they claim checks, have each run in a warm dbt child, store what came of it, and deliver results.

One loop per child, some for deliveries, one that renews leases, one that rescues what others left behind, one that looks for
cancels.
"""

import logging
import os
import random
import shutil
import socket
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from api import retention
from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.delivery import outbox
from api.delivery.sender import Credentials, ResultSender
from api.engine.command import DbtProject, Executable
from api.engine.pool import Child, Nursery
from api.engine.processes import ChildDied, ProjectFault
from api.worker import heartbeats
from api.worker.attempt import Attempt
from api.worker.execution import Executor, HandBack, Outcome
from database import reports
from database.loops import Loop, Loops, Turn
from database.notifications import Listener
from database.pool import Database
from database.sending import all_that_is_due
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError, Unavailable
from stringx_dataops.contract.settings import Settings

_IDLE_S = 2.0  # how often to look without being woken: the guarantee behind the notifications
_LOOK_FOR_MESSAGES_S = 10.0  # in one go, looking now and then
_STOP_S = 18.0  # how long running checks may go on after SIGTERM
_STOP_STEP_S = 4.0  # … and how long each way to end them may take
_STORE_AGAIN_S = 0.5
_REFUSED_S = 60.0  # so long an outcome is tried to be stored that the internal database refuses
_LONGEST_START_S = 180.0  # of a child: dbt loads the project
_LONGEST_END_S = 120.0  # of a check, after its own time: ended on the target, killed, stored
_NO_ROOM_S = 5.0
_DELIVERIES = 2  # threads that post results

log = logging.getLogger(__name__)


@dataclass
class Worker:
    """What the threads share."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    listener: Listener
    name: str
    credentials: Credentials
    stop: threading.Event = field(default_factory=threading.Event)
    loops: Loops = field(default_factory=Loops)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    children: list[Child] = field(init=False)
    fault: str | None = None  # of the dbt project, which keeps children from being warm
    stop_by: float = float("inf")  # until then running checks may go on
    _lock: threading.Lock = field(default_factory=threading.Lock)  # of the attempts

    def __post_init__(self) -> None:
        nursery = Nursery(self.project, self.home / "dbt")
        self.children = [Child(nursery, self.settings.worker_max_checks) for _ in range(self.settings.worker_concurrency)]

    @property
    def project(self) -> DbtProject:
        return DbtProject(self.settings.dbt_project_dir, self.settings.dbt_profiles_dir)

    @property
    def home(self) -> Path:
        """Its own folder: several workers may share a home."""
        return self.settings.home / "work" / f"{socket.gethostname()}-{os.getpid()}"

    @property
    def executable_only(self) -> bool:
        """One check a process: nothing is kept warm, each check runs the `dbt test` executable."""
        return self.settings.worker_max_checks == 1

    def run_checks(self, child: Child) -> Turn:
        """Serves one check a turn."""
        runner = Executable(self.project) if self.executable_only else child
        folder = self.home / f"slot-{self.children.index(child)}"
        executor = Executor(self.settings, self.database, self.catalogue, self.project, runner, folder)

        def turn(loop: Loop) -> float | None:
            try:
                if not self.executable_only:
                    child.ensure_warm()
                    self.fault = None
                attempt = self.listener.wait_for(lifecycle.QUEUE, partial(self._claim, child), _IDLE_S, in_turn=True)
            except ProjectFault as error:
                if self.fault is None:
                    log.error("%s", error)
                self.fault = str(error)
                self._refuse(executor, self.fault)
                return _IDLE_S
            except ChildDied as error:
                raise Unavailable(str(error)) from error
            if attempt is not None:
                loop.may_take(attempt.check.timeout_s + _LONGEST_END_S)
                self._serve(executor, attempt)
            return None

        return turn

    def _claim(self, child: Child) -> Attempt | None:
        if self.stop.is_set():
            return None
        check = claims.claim(self.database, self.name, self.settings.lease_s)
        if check is None:
            child.prepare()
            return None
        attempt = Attempt(check)
        with self._lock:
            self.attempts[check.check_id] = attempt
        return attempt

    def _refuse(self, executor: Executor, fault: str) -> None:
        """End the checks that wait, with the reason: no worker can run them until the project is corrected."""
        try:
            while not self.stop.is_set() and heartbeats.ready_workers(self.database) == 0:
                check = claims.claim(self.database, self.name, self.settings.lease_s)
                if check is None:
                    return
                self._write(check, executor.refused(check, fault))
        except StringXError as error:
            log.warning("%s", error)

    def _serve(self, executor: Executor, attempt: Attempt) -> None:
        try:
            self._store(attempt, self._outcome(executor, attempt))
        finally:
            self._forget(attempt)

    def _forget(self, attempt: Attempt) -> None:
        """Its check may have been claimed again by another thread as soon as it was handed back."""
        with self._lock:
            if self.attempts.get(attempt.check.check_id) is attempt:
                del self.attempts[attempt.check.check_id]

    def _outcome(self, executor: Executor, attempt: Attempt) -> Outcome:
        if isinstance(executor.runner, Child) and not executor.runner.alive:
            return HandBack()  # it ended while it was idle; another child may be warm
        try:
            return executor.execute(attempt)
        except Unavailable as error:  # the internal database went away before the run began
            log.warning("%s", error, extra=attempt.ids)
            return HandBack()
        except OSError as error:
            log.error("this machine cannot run the check: %s", error, extra=attempt.ids)
            return HandBack(delay_s=_NO_ROOM_S)
        except Exception:  # whatever it is, the check is not lost: it ends as `errored` after a few attempts
            log.exception("the attempt ended unexpectedly", extra=attempt.ids)
            return HandBack(crashed=True)

    def _store(self, attempt: Attempt, outcome: Outcome) -> None:
        """As often as it takes for the internal database to answer; a worker that stops does not wait for long. An outcome that
        the database refuses costs the check an attempt."""
        refused_until = time.monotonic() + _REFUSED_S
        while outcome is not None and attempt.stopped != "lost":
            try:
                self._write(attempt.check, outcome)
                return
            except StringXError as error:
                log.warning("the result is not stored yet: %s", error, extra=attempt.ids, exc_info=error.__cause__)
                is_late = isinstance(error, DatabaseFault) and time.monotonic() > refused_until
                if isinstance(error, Invalid) or is_late:
                    outcome = HandBack(crashed=True)
                if time.monotonic() > self.stop_by:
                    return
                time.sleep(_STORE_AGAIN_S)

    def _write(self, check: Check, outcome: CheckResult | HandBack) -> None:
        ids = {"check_id": check.check_id, "request_id": check.request_id, "worker": self.name}
        if isinstance(outcome, HandBack):
            stored, said = claims.hand_back(self.database, check, **asdict(outcome)), "handed back"
        else:
            stored = claims.finish(self.database, check, outcome, self.settings.backend_url)
            said = f"ended: {outcome.status} {outcome.verdict}"
        if stored:
            log.info("check of %s %s", check.request.subject, said, extra=ids)
        else:
            log.warning("the claim was lost; what came of it is thrown away", extra=ids)

    def deliver(self) -> Turn:
        """Posts what is due."""
        sender = ResultSender(self.database, self.credentials)
        return all_that_is_due(sender, self.listener, outbox.OUTBOX, _LOOK_FOR_MESSAGES_S)

    def keep_leases(self, _: Loop) -> float:
        """Renew what is claimed and write down that the worker lives, a few times a lease; stop what others have taken over."""
        if claimed := set(self.attempts):
            for lost in claimed - claims.renew(self.database, self.name, claimed, self.settings.lease_s):
                if (attempt := self.attempts.get(lost)) is not None:
                    attempt.stop("lost")
        warm = self.settings.worker_concurrency if self.executable_only else sum(c.warm for c in self.children)
        heartbeats.seen(self.database, self.name, len(self.children), warm, self.fault)
        return self.settings.lease_s / 4 if warm == len(self.children) else 0.2

    def rescue(self, _: Loop) -> float:
        """Give back to the queue what workers that are gone have held, their own and others'."""
        for check_id in claims.rescue(self.database, self.settings.lease_s):
            log.warning("the lease has run out; the check is claimed again", extra={"check_id": check_id})
        return _IDLE_S

    def keep_house(self, loop: Loop) -> float:
        """Now and then, at no fixed time, so that several workers do not meet."""
        retention.clean(self.database, self.settings, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    def look_for_cancels(self, _: Loop) -> None:
        """Stop those of its checks that somebody wants to end."""

        def look() -> None:
            for check_id in claims.canceled(self.database, self.name) if self.attempts else ():
                if (attempt := self.attempts.get(check_id)) is not None:
                    attempt.stop("canceled")

        self.listener.wait_for(lifecycle.CANCEL, look, _IDLE_S)

    def start(self) -> None:
        """Every loop in a thread of its own. Leases and cancels are looked after until the process ends."""
        loops, stop = self.loops, self.stop
        self.listener.start(loops)
        for number, child in enumerate(self.children):
            loops.start(f"checks-{number}", self.run_checks(child), stop=stop, longest_turn_s=_LONGEST_START_S)
        for number in range(_DELIVERIES):
            loops.start(f"deliver-{number}", self.deliver(), stop=stop)
        loops.start("leases", self.keep_leases, delay_s=0.2, longest_pause_s=1.0)
        loops.start("rescue", self.rescue, stop=stop, delay_s=_IDLE_S)
        loops.start("cancels", self.look_for_cancels)
        loops.start("housekeeping", self.keep_house, stop=stop, delay_s=random.uniform(20, 60))  # noqa: S311 (no secret)
        reports.start(loops, self.database, "api", self.name)

    def begin_to_stop(self) -> None:
        """On a signal: no new check; a second one hands back what runs at once."""
        self.stop_by = 0.0 if self.stop.is_set() else time.monotonic() + _STOP_S
        self.stop.set()

    def end(self) -> None:
        """Let running checks go on until it is time, then end them on the target, then with their process; hand them back."""
        while self.attempts and time.monotonic() < self.stop_by:
            time.sleep(0.05)
        for step in (self._stop_attempts, self._terminate_children):
            step()
            until = time.monotonic() + _STOP_STEP_S
            while self.attempts and time.monotonic() < until:
                time.sleep(0.05)
        for child in self.children:
            child.close()
        try:
            heartbeats.gone(self.database, self.name)
            reports.forget(self.database, self.name)
        except StringXError as error:
            log.warning("%s", error)
        shutil.rmtree(self.home, ignore_errors=True)

    def _stop_attempts(self) -> None:
        for attempt in list(self.attempts.values()):
            attempt.stop("handed_back")

    def _terminate_children(self) -> None:
        for child in self.children:
            child.terminate()
