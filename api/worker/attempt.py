"""One attempt at a claimed check. One thread runs it. Another thread, its watchdog, cancels the check's statements on the target
if the attempt must stop, and kills the dbt process if that does not help."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from api.checks.lifecycle import Check
from api.targets.engine import Sessions
from stringx_dataops.contract.problems import StringXError

Stop = Literal["canceled", "timed_out", "gives_way", "handed_back", "lost"]
_FIRST_LOOK_S = 1.0  # a run that takes less costs no look at its target
_GRACE_S = 1.5  # past a check's budget, because the database ends its statements itself
_CANCEL_EVERY_S = 0.5
_KILL_AFTER_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunHandle:
    """How to watch and end a dbt run: its sessions on the target, how long it may keep other sessions waiting (None: for ever),
    what to do when one of its sessions has been seen, and how to kill its process. A run without sessions reads in that process,
    and is ended by killing it."""

    sessions: Sessions | None
    yield_after_s: float | None
    on_reached: Callable[[], None]
    kill: Callable[[], None]


class Watched:
    """Something that runs and may have to end: within `budget_s`, or because of `stop`, which may be called from any thread; the
    first reason stays. `ids` are fields for the log."""

    def __init__(self, ids: dict[str, str], budget_s: float) -> None:
        self.ids = ids
        self._deadline = time.monotonic() + budget_s
        self._stopped: Stop | None = None
        self._stopped_at = time.monotonic()
        self._changed = threading.Condition()
        self._run_ended = False

    @property
    def stopped(self) -> Stop | None:
        """Why it must end, or has ended; None while it may go on."""
        return self._stopped

    @property
    def left_s(self) -> float:
        """Seconds left of its budget; 0 after that."""
        return max(0.0, self._deadline - time.monotonic())

    def stop(self, why: Stop) -> None:
        """Have it end; the watchdog ends its run."""
        with self._changed:
            if self._stopped is None:
                self._stopped, self._stopped_at = why, time.monotonic()
                self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until it must end. Returns whether it may go on."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped is not None, min(seconds, self.left_s))
        return self._stopped is None and self.left_s > 0

    @contextmanager
    def watchdog(self, run: RunHandle) -> Iterator[None]:
        """A thread that watches a run for the time of the block."""
        self._run_ended = False
        threading.Thread(target=self._watch, args=(run,), name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._run_ended = True
                self._changed.notify_all()

    def _watch(self, run: RunHandle) -> None:
        is_canceled = is_killed = has_reached = False
        while True:
            with self._changed:
                if not self._run_ended:
                    self._changed.wait(self._pause_s(is_canceled, has_reached, run.yield_after_s))
                if self._run_ended or is_killed:
                    return
            if self._stopped is None and self.left_s == 0:
                self.stop("timed_out")
            if self._stopped is None:
                has_reached = self._look(run, has_reached)
            if self._stopped is not None:
                is_canceled, is_killed = True, self._end(run)

    def _pause_s(self, is_canceled: bool, has_reached: bool, yield_after_s: float | None) -> float:
        """How long the watchdog sleeps until there may be something to do."""
        if self._stopped is not None:
            return _CANCEL_EVERY_S if is_canceled else 0
        pause_s = self.left_s if yield_after_s is None else min(self.left_s, 1.0, max(0.1, yield_after_s / 4))
        return pause_s if has_reached else min(pause_s, _FIRST_LOOK_S)

    def _look(self, run: RunHandle, has_reached: bool) -> bool:
        """Whether the run has reached its target, as far as that is looked at; noted when it is first seen. If it keeps others
        waiting, the attempt stops. The watchdog goes on after any error: nothing else ends a check that is out of time."""
        try:
            if run.yield_after_s is not None and run.sessions is not None and run.sessions.keeps_waiting(run.yield_after_s):
                self.stop("gives_way")
        except Exception as error:
            log.warning("cannot see who waits for the check: %s", error, extra=self.ids, exc_info=_unexpected(error))
        try:
            if has_reached or (run.sessions is not None and not run.sessions.is_connected()):
                return has_reached
            run.on_reached()
        except Exception as error:  # not looked at again: the look takes a session of the target
            log.warning("cannot see the check on its target: %s", error, extra=self.ids, exc_info=_unexpected(error))
        return True

    def _end(self, run: RunHandle) -> bool:
        """Cancel the run on the target; kill its process if that has not helped for 10 s. Returns whether it was killed."""
        if run.sessions is None or time.monotonic() > self._stopped_at + _KILL_AFTER_S:
            if run.sessions is not None:
                log.warning("the check does not end (%s); its dbt process is killed", self._stopped, extra=self.ids)
            try:
                run.kill()
            except Exception:
                log.exception("the dbt process cannot be killed; trying again", extra=self.ids)
                return False
            return True
        try:
            run.sessions.cancel()
        except Exception as error:
            log.warning("cannot cancel on the target: %s", error, extra=self.ids, exc_info=_unexpected(error))
        return False


class Attempt(Watched):
    """A check in a worker's hands, alone or in a batch. Its budget is that of the check, with some grace."""

    def __init__(self, check: Check) -> None:
        super().__init__({"check_id": check.check_id, "request_id": check.request_id}, check.timeout_s + _GRACE_S)
        self.check = check
        self.is_traced = False  # whether its span was begun
        self.batch: Batch | None = None
        self.is_stored = False  # whether it has ended before its batch
        self._stopped = "canceled" if check.cancel_requested else None

    def stop(self, why: Stop) -> None:
        """As above; a batch ends when all of its attempts must."""
        super().stop(why)
        if self.batch is not None:
            self.batch.stop_if_all_must()


class Batch(Watched):
    """Attempts that share a run. The first leads, and gives the run its name. After `budget_s` each of them runs alone."""

    def __init__(self, attempts: Sequence[Attempt], budget_s: float) -> None:
        super().__init__(attempts[0].ids | {"batch_of": str(len(attempts))}, budget_s)
        self.attempts = attempts
        for attempt in attempts:
            attempt.batch = self

    def stop_if_all_must(self) -> None:
        """End the run if nobody needs it any more."""
        reasons = [attempt.stopped for attempt in self.attempts]
        if None not in reasons:
            self.stop("handed_back" if "handed_back" in reasons else "canceled")


def _unexpected(error: Exception) -> bool:
    """Whether the log needs the error's traceback."""
    return not isinstance(error, StringXError)
