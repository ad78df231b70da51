"""The worker's threads: they claim checks, run each in a warm dbt child, have its end stored, and deliver results.

There is a loop per child, two for deliveries, and one each for leases, for checks that other workers left behind, for cancels and
for retention.
"""

import logging
import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from api import retention
from api.checks import claims, lifecycle
from api.delivery import outbox
from api.delivery.batches import ResultDeliverer
from api.delivery.handover import Handover
from api.delivery.sender import Credentials
from api.engine.command import DbtProject, Executable
from api.engine.pool import ChildFactory, Slot
from api.engine.processes import ChildDied, ProjectFault
from api.worker import heartbeats, loading, spans, together
from api.worker.attempt import Attempt, Batch
from api.worker.claiming import Claiming
from api.worker.endings import Endings
from api.worker.execution import AttemptEnd, Executor, HandBack
from api.worker.other_adapters import OtherAdapters
from database import probes, reports
from database.loops import Loop, Loops, Turn
from database.notifications import Listener
from database.pool import Database
from database.sending import all_that_is_due
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.problems import StringXError, Unavailable
from stringx_dataops.contract.settings import Settings

_IDLE_S = 2.0  # how often to look without a notification, because notifications may be lost
_LOOK_FOR_MESSAGES_S = 10.0  # the same for messages that are due
_STOP_S = 18.0  # how long running checks may go on after SIGTERM
_STOP_STEP_S = 4.0  # how long each way to end them may take after that
_LONGEST_START_S = 180.0  # of a child, in which dbt loads the project
_LONGEST_END_S = 120.0  # of a check after its timeout: it is ended on the target, killed, and stored
_NO_ROOM_S = 5.0  # the pause before a check is claimed again that this machine could not run
_LOOK_FOR_ADAPTERS_S = 30.0  # of targets that are new
_DELIVERIES = 2  # threads that post results

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class Worker:
    """The state that the threads share, and their loops."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    listener: Listener
    name: str
    credentials: Credentials
    stop: threading.Event = field(default_factory=threading.Event)
    loops: Loops = field(default_factory=Loops)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    slots: list[Slot] = field(init=False)
    others: OtherAdapters = field(init=False)
    endings: Endings = field(init=False)
    handover: Handover = field(init=False)
    claiming: Claiming = field(init=False)
    child_factory: ChildFactory | None = None  # that of the default adapter, if it has begun to load
    fault: str | None = None  # what is wrong with the dbt project, so that no child is warm
    stop_by: float = float("inf")  # until then running checks may go on; on the monotonic clock
    _lock: threading.Lock = field(default_factory=threading.Lock)  # guards `attempts`

    def __post_init__(self) -> None:
        self.handover = Handover(partial(self.listener.wake, outbox.OUTBOX))
        self.endings = Endings(self.database, self.settings.backend_url, self.handover, self.name, lambda: self.stop_by)
        most = 1 if self.executable_only else self.settings.batch_checks
        self.claiming = Claiming(self.database, self.listener, self.name, most, self.settings.lease_s)
        self.others = OtherAdapters(self.settings, self.database, self.catalogue)
        child_factory = self.child_factory or loading.child_factory(self.settings)
        self.slots = [Slot(child_factory, self.settings.worker_max_checks) for _ in range(self.settings.worker_concurrency)]

    @property
    def project(self) -> DbtProject:
        """As the settings name it."""
        return loading.project_of(self.settings)

    @property
    def home(self) -> Path:
        """The worker's own folder."""
        return loading.home_of(self.settings)

    @property
    def executable_only(self) -> bool:
        """Whether each check runs the `dbt test` executable, and no child is kept warm."""
        return not loading.keeps_children_warm(self.settings)

    def run_checks(self, slot: Slot) -> Turn:
        """A loop's turn that claims a check, or a batch of small ones, and serves it."""
        runner = Executable(self.project) if self.executable_only else slot
        folder = self._folder_of(slot)
        others = cache(partial(self.others.executor, folder))
        executor = Executor(self.settings, self.database, self.catalogue, self.project, runner, folder, others)

        def turn(loop: Loop) -> float | None:
            try:
                if not self.executable_only:
                    slot.ensure_warm()
                    self.fault = None
                attempts = self.listener.wait_for(lifecycle.QUEUE, partial(self._claim, slot), _IDLE_S, in_turn=True)
            except ProjectFault as error:
                if self.fault is None:
                    log.error("%s", error)
                self.fault = str(error)
                self._refuse(executor, self.fault)
                return _IDLE_S
            except ChildDied as error:
                raise Unavailable(str(error)) from error
            if attempts is not None:
                loop.may_take(max(attempt.check.timeout_s for attempt in attempts) + _LONGEST_END_S)
                self._serve(executor, attempts)
            return None

        return turn

    def load_others(self, _: Loop) -> float:
        """Load dbt for other adapters; the default adapter's children come first."""
        if not all(slot.warm for slot in self.slots):
            return _IDLE_S
        self.others.load()
        return _LOOK_FOR_ADAPTERS_S

    def _folder_of(self, slot: Slot) -> Path:
        """What the checks of this slot's loop leave behind."""
        return self.home / f"slot-{self.slots.index(slot)}"

    def _claim(self, slot: Slot) -> list[Attempt] | None:
        """The next check, or a batch; if there is none, the idle child prepares."""
        if self.stop.is_set():
            return None
        attempts = self.claiming.next()
        if not attempts:
            for each in (slot, *self.others.beside(self._folder_of(slot))):
                each.prepare()
            return None
        with self._lock:
            self.attempts |= {attempt.check.check_id: attempt for attempt in attempts}
        return attempts

    def _refuse(self, executor: Executor, fault: str) -> None:
        """End the waiting checks with the fault as their reason, unless another worker can run them."""
        try:
            while not self.stop.is_set() and heartbeats.warm_children(self.database) == 0:
                check = claims.claim(self.database, self.name, self.settings.lease_s)
                if check is None:
                    return
                self.endings.write(check, executor.refused(check, fault))
        except StringXError as error:
            log.warning("%s", error)

    def _serve(self, executor: Executor, attempts: Sequence[Attempt]) -> None:
        try:
            if len(attempts) > 1:
                attempts = self._serve_batch(executor, Batch(attempts, together.PATIENCE_S))
            for attempt in attempts:
                with spans.of_attempt(attempt):
                    self.endings.store(attempt, self._execute(executor, attempt))
        finally:
            for attempt in attempts:
                self._forget(attempt)

    def _serve_batch(self, executor: Executor, batch: Batch) -> list[Attempt]:
        """Run a batch and store its ends; the attempts that are left to be executed by themselves."""
        with ExitStack() as stack:
            for attempt in batch.attempts:
                stack.enter_context(spans.of_attempt(attempt))
            found = self._safely(partial(together.execute, executor, batch), executor, batch.ids)
            if isinstance(found, HandBack):  # whoever is to blame is found alone
                found = [(attempt, replace(found, crashed=False)) for attempt in batch.attempts], []
            ends, left = found
            for attempt, end in reversed(self.endings.store_together(ends)):
                self.endings.store(attempt, end)
        for attempt, _ in ends:
            self._forget(attempt)
        for attempt in left:
            attempt.batch = None
        return left

    def _forget(self, attempt: Attempt) -> None:
        """Remove the attempt, but not another one: once its check is handed back, another thread may claim it."""
        with self._lock:
            if self.attempts.get(attempt.check.check_id) is attempt:
                del self.attempts[attempt.check.check_id]

    def _execute(self, executor: Executor, attempt: Attempt) -> AttemptEnd:
        """Run the attempt to its end, whatever fails."""
        return self._safely(partial(executor.execute, attempt), executor, attempt.ids)

    def _safely(self, execute: Callable[[], T], executor: Executor, ids: dict[str, str]) -> T | HandBack:
        """What it returns; if it fails, how the attempt ends."""
        if isinstance(executor.runner, Slot) and not executor.runner.alive:
            return HandBack("its dbt process had ended while it was idle")  # another child may be warm
        try:
            return execute()
        except Unavailable as error:  # the internal database went away before the run began
            log.warning("%s", error, extra=ids)
            return HandBack("the internal database was away")
        except OSError as error:
            log.error("this machine cannot run the check: %s", error, extra=ids)
            return HandBack("its machine could not run dbt; the worker's log says why", delay_s=_NO_ROOM_S)
        except Exception:  # the check is not lost: after a few attempts it ends as `errored`
            log.exception("the attempt ended unexpectedly", extra=ids)
            return HandBack("it failed unexpectedly; the worker's log says how", crashed=True)

    def deliver(self) -> Turn:
        """Posts what is due."""
        deliverer = ResultDeliverer(self.database, self.credentials, self.handover)
        return all_that_is_due(deliverer, self.listener, outbox.OUTBOX, _LOOK_FOR_MESSAGES_S)

    def keep_leases(self, _: Loop) -> float:
        """Renew the leases of claimed checks, and write the worker's heartbeat, a few times per lease. Stop the attempts whose
        claim is lost. Leave to all workers what the threads that post have no time for."""
        if claimed := set(self.attempts):
            for lost in claimed - claims.renew(self.database, self.name, claimed, self.settings.lease_s):
                if (attempt := self.attempts.get(lost)) is not None:
                    attempt.stop("lost")
        if overdue := self.handover.overdue():
            outbox.release(self.database, overdue, self.name)
        warm = self.settings.worker_concurrency if self.executable_only else sum(slot.warm for slot in self.slots)
        heartbeats.store(self.database, self.name, len(self.slots), warm, self.fault)
        return self.settings.lease_s / 4 if warm == len(self.slots) else 0.2

    def rescue(self, _: Loop) -> float:
        """Return checks with an expired lease to the queue, this worker's and others'."""
        for check_id in claims.rescue(self.database, self.settings.lease_s):
            log.warning("the lease has run out; the check is claimed again", extra={"check_id": check_id})
        return _IDLE_S

    def keep_house(self, loop: Loop) -> float:
        """Delete old rows, at random intervals, so that several workers rarely do it at once."""
        retention.clean(self.database, self.settings, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    def look_for_cancels(self, _: Loop) -> None:
        """Stop the attempts whose check is to be canceled."""
        self.listener.wait_for(lifecycle.CANCEL, self._stop_canceled, _IDLE_S)

    def _stop_canceled(self) -> None:
        for check_id in claims.checks_to_cancel(self.database, self.name) if self.attempts else ():
            if (attempt := self.attempts.get(check_id)) is not None:
                attempt.stop("canceled")
                if attempt.batch is not None and attempt.batch.stopped is None:
                    self.endings.store_canceled(attempt)

    def start(self) -> None:
        """Start every loop in a thread of its own. The loops for leases and cancels go on until the process ends."""
        loops, stop = self.loops, self.stop
        self.listener.start(loops)
        for number, slot in enumerate(self.slots):
            loops.start(f"checks-{number}", self.run_checks(slot), stop=stop, longest_turn_s=_LONGEST_START_S)
        for number in range(_DELIVERIES):
            loops.start(f"deliver-{number}", self.deliver(), stop=stop)
        loops.start("leases", self.keep_leases, delay_s=0.2, longest_pause_s=1.0)
        if not self.executable_only:
            loops.start("adapters", self.load_others, stop=stop, delay_s=_IDLE_S)
        loops.start("rescue", self.rescue, stop=stop, delay_s=_IDLE_S)
        loops.start("cancels", self.look_for_cancels)
        loops.start("housekeeping", self.keep_house, stop=stop, delay_s=random.uniform(20, 60))  # noqa: S311 (no secret)
        reports.start(loops, self.database, "api", self.name)
        probes.start(loops, self.settings.probe_folder, "worker", self._has_warm_child)

    def _has_warm_child(self) -> bool:
        return self.executable_only or any(slot.warm for slot in self.slots)

    def begin_to_stop(self) -> None:
        """Claim no more checks. Called again, do not let running checks go on."""
        self.stop_by = 0.0 if self.stop.is_set() else time.monotonic() + _STOP_S
        self.stop.set()
        self.handover.close()

    def end(self) -> None:
        """Let running checks go on until `stop_by`. Then hand the rest back: end them on the target, and if that takes too long,
        kill their children."""
        while self.attempts and time.monotonic() < self.stop_by:
            time.sleep(0.05)
        for step in (self._stop_attempts, self._terminate_children):
            step()
            until = time.monotonic() + _STOP_STEP_S
            while self.attempts and time.monotonic() < until:
                time.sleep(0.05)
        for slot in (*self.slots, *self.others.slots):
            slot.close()
        try:
            if messages := self.handover.rest():
                outbox.release(self.database, messages, self.name)
            heartbeats.forget(self.database, self.name)
            reports.forget(self.database, self.name)
        except StringXError as error:
            log.warning("%s", error)
        shutil.rmtree(self.home, ignore_errors=True)

    def _stop_attempts(self) -> None:
        for attempt in list(self.attempts.values()):
            attempt.stop("handed_back")

    def _terminate_children(self) -> None:
        for slot in (*self.slots, *self.others.slots):
            slot.terminate()
