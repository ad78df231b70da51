"""Waiting for a row to change without holding a connection of the pool.

One LISTEN connection a process wakes all waiters; a notification is a hint, so every waiter looks again at a slow
pace too. Not more than half of a process's threads may wait: the rest takes in the very results they wait for.
"""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg2

from contract.problems import Unavailable
from database.pool import Database

T = TypeVar("T")
_LOOK_AGAIN_S = 2.0


class Listener:
    """Wakes waiters by the payload of notifications on one channel."""

    def __init__(self, database: Database, channel: str, waiters: int = 1) -> None:
        self._database = database
        self._channel = channel
        self._changed = threading.Condition()
        self._serial: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._places = threading.BoundedSemaphore(waiters)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to listen, in a daemon thread; called after a fork, once a process."""
        with self._changed:
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

    def wait_for(self, payload: str, look: Callable[[], T | None], timeout_s: float) -> T | None:
        """What `look` finds, tried at once, after each notification of the payload, and every two seconds."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._waiting[payload] = self._waiting.get(payload, 0) + 1
        try:
            while True:
                with self._changed:
                    seen = self._serial.get(payload, 0)
                if (found := look()) is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                with self._changed:
                    if self._serial.get(payload, 0) == seen:
                        self._changed.wait(min(left, _LOOK_AGAIN_S))
        finally:
            with self._changed:
                self._waiting[payload] -= 1
                if not self._waiting[payload]:
                    del self._waiting[payload]
                    self._serial.pop(payload, None)

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
        with self._changed:
            for waited in [payload] if payload is not None else list(self._waiting):
                if waited in self._waiting:
                    self._serial[waited] = self._serial.get(waited, 0) + 1
            self._changed.notify_all()
