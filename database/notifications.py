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

from contract.problems import Unavailable
from database.pool import Database

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
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to listen, in a daemon thread; called after a fork, once a process."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"listen-{self._channel}", daemon=True)
                self._thread.start()

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

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (psycopg2.Error, Unavailable, OSError):
                self._stop.wait(0.5)  # the database is away; waiters look by themselves meanwhile

    def _listen(self) -> None:
        connection = self._database.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(f'listen "{self._channel}"')  # a channel is a name of ours, never input
            self._wake(None)  # what happened before LISTEN began
            while not self._stop.is_set():
                if select.select([connection], [], [], 5)[0]:
                    connection.poll()
                else:
                    cursor.execute("select 1")  # a link that swallows packets is told from one on which nothing happens
                while connection.notifies:
                    self._wake(connection.notifies.pop(0).payload)
        finally:
            connection.close()

    def _wake(self, payload: str | None) -> None:
        with self._lock:
            for waited in [self._waited.get(payload)] if payload is not None else list(self._waited.values()):
                if waited is not None:
                    waited.wake()
