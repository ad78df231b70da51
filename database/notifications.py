"""Waiting for a row to change without holding a connection of the pool.

One LISTEN connection a process wakes all waiters; a notification is a hint, so every waiter looks again at a slow
pace too. Not more than half of a process's threads may wait: the rest takes in the very results they wait for.
"""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg2
from psycopg2 import extensions

from database.loops import Loop, Loops
from database.pool import Database, first_line
from stringx_dataops.contract.problems import Unavailable

T = TypeVar("T")
_LOOK_AGAIN_S = 2.0


@dataclass
class _Waited:
    """A payload that somebody waits for."""

    changed: threading.Condition
    waiting: int = 0
    serial: int = 0  # how often it was notified
    in_turn: bool = False

    def wake(self) -> None:
        self.serial += 1
        if self.in_turn:
            self.changed.notify()
        else:
            self.changed.notify_all()


class Listener:
    """Wakes waiters by the payload of notifications on one channel."""

    def __init__(self, database: Database, channel: str, waiters: int = 1) -> None:
        self._database = database
        self._channel = channel
        self._lock = threading.Lock()
        self._waited: dict[str, _Waited] = {}
        self._places = threading.BoundedSemaphore(waiters)
        self._connection: extensions.connection | None = None
        self._stop = threading.Event()

    def start(self, loops: Loops) -> None:
        """Begin to listen, in a daemon thread; called after a fork, once a process."""
        loops.start("listen", self._listen, stop=self._stop, longest_pause_s=1.0)

    def stop(self) -> None:
        self._stop.set()

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Whether there is a place to wait in."""
        taken = self._places.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._places.release()

    def wait_for(self, payload: str, look: Callable[[], T | None], timeout_s: float, *, in_turn: bool = False) -> T | None:
        """What `look` finds, tried at once, after each notification of the payload, and every two seconds.

        `in_turn`, for those who take from one queue: a notification wakes one of them, and who finds something the next one.
        """
        deadline = time.monotonic() + timeout_s
        waited = self._enter(payload, in_turn)
        try:
            while True:
                with self._lock:
                    seen = waited.serial
                if (found := look()) is not None:
                    if in_turn:
                        with self._lock:
                            waited.wake()
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                with self._lock:
                    waited.changed.wait_for(lambda: waited.serial != seen, min(left, _LOOK_AGAIN_S))  # noqa: B023 (called at once)
        finally:
            self._leave(payload, waited)

    def wake(self, payload: str) -> None:
        """As a notification of it does, for the waiters of this process."""
        self._wake(payload)

    def _enter(self, payload: str, in_turn: bool) -> _Waited:
        with self._lock:
            waited = self._waited.setdefault(payload, _Waited(threading.Condition(self._lock), in_turn=in_turn))
            waited.waiting += 1
            return waited

    def _leave(self, payload: str, waited: _Waited) -> None:
        with self._lock:
            waited.waiting -= 1
            if not waited.waiting:
                del self._waited[payload]

    def _listen(self, _: Loop) -> None:
        """Wake whom notifications name, for a few seconds; where the database is away, waiters look by themselves meanwhile."""
        try:
            if self._connection is None:
                self._connection = self._database.connect()
                self._connection.cursor().execute(f'listen "{self._channel}"')  # a channel is a name of ours, never input
                self._wake(None)  # what happened before LISTEN began
            if select.select([self._connection], [], [], 5)[0]:
                self._connection.poll()
            else:
                self._connection.cursor().execute("select 1")  # a link that swallows packets is told from one without news
            while self._connection.notifies:
                self._wake(self._connection.notifies.pop(0).payload)
        except BaseException as error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if isinstance(error, (psycopg2.Error, OSError)):
                raise Unavailable(f"the internal database does not notify: {first_line(error)}") from error
            raise

    def _wake(self, payload: str | None) -> None:
        with self._lock:
            for waited in [self._waited.get(payload)] if payload is not None else list(self._waited.values()):
                if waited is not None:
                    waited.wake()
