"""One attempt at a claimed check. One thread runs it. Another thread watches it: it cancels the check's statements on the target
if the attempt must stop, and kills the dbt process if that does not help."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from api.checks.lifecycle import Check
from api.targets.engine import Sessions
from stringx_dataops.contract.problems import StringXError

Stop = Literal["canceled", "timed_out", "gives_way", "handed_back", "lost"]
_GRACE_S = 1.5  # past a check's budget: the database ends its statements itself
_CANCEL_EVERY_S = 0.5
_KILL_AFTER_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """What the watching thread needs of a run: its sessions, how long it may keep others waiting, how to kill it."""

    sessions: Sessions
    yield_after_s: float | None
    kill: Callable[[], None]


class Attempt:
    """A check in a worker's hands. `stop` may come from any thread; the first reason stays."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._deadline = time.monotonic() + check.timeout_s + _GRACE_S
        self._stopped: Stop | None = "canceled" if check.cancel_requested else None
        self._stopped_at = time.monotonic()
        self._changed = threading.Condition()
        self._ended = False

    @property
    def stopped(self) -> Stop | None:
        """Why it is to end, or has ended; None while it may go on."""
        return self._stopped

    @property
    def left_s(self) -> float:
        """What is left of the check's budget, and a little more."""
        return max(0.0, self._deadline - time.monotonic())

    def stop(self, why: Stop) -> None:
        with self._changed:
            if self._stopped is None:
                self._stopped, self._stopped_at = why, time.monotonic()
                self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Wait a while; whether the attempt may go on."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped is not None, min(seconds, self.left_s))
        return self._stopped is None and self.left_s > 0

    def watched(self, watched: Watched) -> "_Watch":
        """For the time that its dbt process works at it."""
        return _Watch(self, watched)

    def _watch(self, watched: Watched) -> None:
        told = killed = False
        while True:
            with self._changed:
                if not self._ended:
                    self._changed.wait(self._pause(told, watched.yield_after_s))
                if self._ended or killed:
                    return
            if self._stopped is None and self.left_s == 0:
                self.stop("timed_out")
            if self._stopped is None and watched.yield_after_s is not None:
                self._give_way(watched.sessions, watched.yield_after_s)
            if self._stopped is not None:
                told, killed = True, self._end(watched)

    def _pause(self, told: bool, yield_after_s: float | None) -> float:
        """Until there is something to look for again."""
        if self._stopped is not None:
            return _CANCEL_EVERY_S if told else 0
        return self.left_s if yield_after_s is None else min(self.left_s, 1.0, max(0.1, yield_after_s / 4))

    def _give_way(self, sessions: Sessions, seconds: float) -> None:
        try:
            if sessions.keeps_waiting(seconds):
                self.stop("gives_way")
        except Exception as error:  # the watch goes on: nothing else ends a check that is out of time
            log.warning("cannot see who waits for the check: %s", error, extra=self.ids, exc_info=_unexpected(error))

    def _end(self, watched: Watched) -> bool:
        """Whether its process was killed: after 10 s in which it was cancelled on the target again and again."""
        if time.monotonic() > self._stopped_at + _KILL_AFTER_S:
            log.warning("the check does not end (%s); its dbt process is killed", self._stopped, extra=self.ids)
            try:
                watched.kill()
            except Exception:
                log.exception("the dbt process cannot be killed; trying again", extra=self.ids)
                return False
            return True
        try:
            watched.sessions.cancel()
        except Exception as error:
            log.warning("cannot cancel on the target: %s", error, extra=self.ids, exc_info=_unexpected(error))
        return False

    @property
    def ids(self) -> dict[str, str]:
        """For the log."""
        return {"check_id": self.check.check_id, "request_id": self.check.request_id}


def _unexpected(error: Exception) -> bool:
    """Whether its traceback is of use."""
    return not isinstance(error, StringXError)


class _Watch:
    def __init__(self, attempt: Attempt, watched: Watched) -> None:
        self._attempt = attempt
        self._thread = threading.Thread(target=attempt._watch, args=(watched,), name="watch", daemon=True)

    def __enter__(self) -> None:
        self._attempt._ended = False
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._attempt._changed:
            self._attempt._ended = True
            self._attempt._changed.notify_all()
