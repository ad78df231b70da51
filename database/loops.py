"""Background loops: a turn that fails, with any exception, is logged, counted and tried again after a pause.

A loop knows when it last turned. /readyz of its service names a loop that does not turn, and /metrics shows it.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stringx_dataops.contract.problems import StringXError, Unavailable

FAILING_S = 30.0  # a loop counts as not turning if all turns failed for this long …
LONGEST_TURN_S = 60.0  # … or if one turn takes longer than this
LONGEST_PAUSE_S = 5.0  # after a failure
_SHORTEST_PAUSE_S = 0.5
_LONGEST_MESSAGE = 200  # characters

Turn = Callable[["Loop"], float | None]  # returns the seconds until the next turn; None means at once

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """The state of a loop. `fault` is one line that says why it counts as not turning."""

    name: str
    turns: int
    failures: int
    since_s: float  # seconds since its last successful turn
    fault: str | None = None
    hangs: bool = False  # its thread has ended, or its turn takes too long: only a new process helps

    @classmethod
    def written(cls, stored: Mapping[str, Any], age_s: float) -> "State":
        """The state that a process stored `age_s` seconds ago. Unknown fields, from another release, are ignored."""
        since_s = float(stored["since_s"]) + age_s
        return cls(str(stored["name"]), int(stored["turns"]), int(stored["failures"]), since_s, stored["fault"])


class Loop:
    """Calls `turn` again and again until `stop` is set; the first time after `delay_s`. Without `stop` it runs until the process
    ends. If a turn takes longer than `longest_turn_s`, the loop counts as not turning."""

    def __init__(
        self, name: str, turn: Turn, *, stop: threading.Event | None = None, delay_s: float = 0.0,
        longest_turn_s: float = LONGEST_TURN_S, longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:  # fmt: skip
        self.name = name
        self._turn = turn
        self._stop = stop or threading.Event()
        self._delay_s = delay_s
        self._longest_turn_s, self._longest_pause_s = longest_turn_s, longest_pause_s
        self._thread: threading.Thread | None = None
        self._turns = self._failures = 0
        self._turned_at = time.monotonic()
        self._due_at = self._turned_at + longest_turn_s
        self._failing_since: float | None = None
        self._failures_in_a_row = 0
        self._last_failure = ""

    def start(self) -> None:
        """Run in a new daemon thread."""
        self._thread = threading.Thread(target=self.run, name=self.name, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Run in this thread; returns when `stop` is set."""
        self._thread = threading.current_thread()
        self._turned_at = time.monotonic()
        self._pause(self._delay_s)
        while not self._stop.is_set():
            self.may_take(self._longest_turn_s)
            try:
                pause_s = self._turn(self) or 0.0
            except BaseException as error:  # SystemExit too, which would end the thread silently
                pause_s = self._failed(error)
            else:
                self._turns += 1
                self._turned_at = time.monotonic()
                self._failing_since, self._failures_in_a_row = None, 0
            self._pause(pause_s)

    def _pause(self, seconds: float) -> None:
        if seconds:
            self.may_take(seconds + self._longest_turn_s)
            self._stop.wait(seconds)

    def join(self, seconds: float) -> None:
        """Wait up to so many seconds for the current turn to end, after `stop` was set."""
        if self._thread is not None:
            self._thread.join(seconds)

    def may_take(self, seconds: float) -> None:
        """Allow the current turn so many seconds from now on."""
        self._due_at = time.monotonic() + seconds

    def alive(self) -> None:
        """A turn in several parts calls this after each part: the next part may take as long as a whole turn."""
        self.may_take(self._longest_turn_s)

    @property
    def state(self) -> State:
        """How the loop is doing now; may be called from any thread."""
        since_s = time.monotonic() - self._turned_at
        return State(self.name, self._turns, self._failures, since_s, self._fault(since_s), self._hangs())

    def _failed(self, error: BaseException) -> float:
        """Log and count a failed turn; returns the seconds until the next try."""
        if isinstance(error, Unavailable):
            log.warning("the loop %s goes on: %s", self.name, error)  # no traceback: the message says what is away
        else:
            log.error("the loop %s goes on after an error", self.name, exc_info=error)
        if self._failing_since is None:
            self._failing_since = time.monotonic()
        self._failures += 1
        self._failures_in_a_row += 1
        self._last_failure = _in_one_line(error)
        longest_s = min(self._longest_pause_s, _SHORTEST_PAUSE_S * 2.0 ** min(self._failures_in_a_row - 1, 10))
        return random.uniform(longest_s / 2, longest_s)  # noqa: S311 (no secret)

    def _hangs(self) -> bool:
        if self._thread is None or self._stop.is_set():
            return False
        return not self._thread.is_alive() or time.monotonic() > self._due_at

    def _fault(self, since_s: float) -> str | None:
        if self._thread is None or self._stop.is_set():
            return None
        now, since = time.monotonic(), f"has not turned for {since_s:.0f} s"
        if not self._thread.is_alive():
            return f"{since}: its thread has ended"
        if self._failing_since is not None and now - self._failing_since > FAILING_S:
            return f"{since}: {self._last_failure}"
        return since if now > self._due_at else None


class Loops:
    """All loops of a process."""

    def __init__(self) -> None:
        self._loops: list[Loop] = []

    def add(self, loop: Loop) -> Loop:
        """Include a loop in `states`; its caller starts it."""
        self._loops.append(loop)
        return loop

    def start(self, name: str, turn: Turn, **options: Any) -> None:
        """Make a loop and run it in a daemon thread; the options are those of `Loop`."""
        self.add(Loop(name, turn, **options)).start()

    def states(self) -> list[State]:
        """The state of each loop, in the order in which they were added."""
        return [loop.state for loop in self._loops]


def _in_one_line(error: BaseException) -> str:
    """The error's class, with its text if it is a StringXError. Texts of other errors may quote secrets and are only logged."""
    message = " ".join(f"{type(error).__name__}: {error}".split()) if isinstance(error, StringXError) else type(error).__name__
    return "".join(char if char.isprintable() else "?" for char in message)[:_LONGEST_MESSAGE]
