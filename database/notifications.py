"""Waiting for a row to change without holding a connection of the pool.

One LISTEN connection per process wakes all waiters. A notification is only a hint, so every waiter also looks at the row every
two seconds, or twice per second where there is no LISTEN because a pooler keeps no session. At most half of a process's threads
may wait, because the others must receive the results that are waited for.
"""

import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg2

from database.connecting import Connection
from database.loops import Loop, Loops
from database.pool import Cursor, Database, first_line
from database.queries import load_queries
from stringx_dataops.contract.problems import Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
T = TypeVar("T")
LOOK_AGAIN_S = 2.0
_WITHOUT_NOTIFICATIONS_S = 0.5
_TURN_S = 5.0
_STILL_LISTENS = """
select current_setting('transaction_read_only') = 'off' as is_primary,
       exists (select from pg_listening_channels() as channel where channel = %s) as listens
"""
_NO_SESSION = (
    "the internal database is behind a pooler that keeps no session, so this process is not notified and looks twice per second:"
    " set STRINGX_DATABASE_DIRECT_URL to the address of PostgreSQL itself"
)

log = logging.getLogger(__name__)


def notify(cursor: Cursor, channel: str, *payloads: str) -> None:
    """Send notifications on a channel; they arrive once the transaction has ended."""
    cursor.run(SQL["notify"], {"channel": channel, "payloads": list(payloads)})


@dataclass
class _Waited:
    """A payload that threads wait for."""

    changed: threading.Condition
    waiting: int = 0  # number of threads
    serial: int = 0  # number of notifications so far
    in_turn: bool = False  # a notification wakes one thread instead of all

    def wake(self) -> None:
        """Wake one or all threads; the caller holds the lock."""
        self.serial += 1
        if self.in_turn:
            self.changed.notify()
        else:
            self.changed.notify_all()


class Listener:
    """Wakes waiting threads by the payload of notifications on one channel. `waiters` is the number of waiting slots."""

    def __init__(self, database: Database, channel: str, waiters: int = 1) -> None:
        self._database = database
        self._channel = channel
        self._lock = threading.Lock()
        self._waited: dict[str, _Waited] = {}
        self._slots = threading.BoundedSemaphore(waiters)
        self._connection: Connection | None = None
        self.is_notified = True  # False where a pooler keeps no session
        self._stop = threading.Event()

    def start(self, loops: Loops) -> None:
        """Begin to listen in a daemon thread; call it once per process, after a fork."""
        loops.start("listen", self._listen, stop=self._stop, longest_pause_s=1.0)

    def stop(self) -> None:
        """End listening after the current turn; waiters then rely on looking every two seconds."""
        self._stop.set()

    @contextmanager
    def waiting_slot(self) -> Iterator[bool]:
        """Take one of the slots for waiting until the block ends; False if all are taken."""
        taken = self._slots.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._slots.release()

    def wait_for(
        self,
        payload: str,
        look: Callable[[], T | None],
        timeout_s: float,
        *,
        in_turn: bool = False,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> T | None:
        """Call `look` at once, after each notification of the payload and every `look_again_s`. Return its first value that is
        not None, or None when the time is over.

        `in_turn` is for threads that take items from one queue: a notification wakes only one of them, and a thread that knows of
        more items has to `wake` the next.
        """
        deadline = time.monotonic() + timeout_s
        waited = self._enter(payload, in_turn)
        try:
            while True:
                with self._lock:
                    seen = waited.serial
                if (value := look()) is not None:
                    return value
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                with self._lock:
                    pause_s = look_again_s if self.is_notified else min(look_again_s, _WITHOUT_NOTIFICATIONS_S)
                    waited.changed.wait_for(lambda: waited.serial != seen, min(left, pause_s))  # noqa: B023 (called at once)
        finally:
            self._leave(payload, waited)

    @property
    def listens(self) -> bool:
        """Whether a notification would arrive now, as far as is known."""
        return self._connection is not None

    def notifications(self, payload: str) -> int:
        """How many notifications of a payload have come since this was first asked, or since `wait_for` with `in_turn`."""
        with self._lock:
            return self._waited.setdefault(payload, _Waited(threading.Condition(self._lock), in_turn=True)).serial

    def wake(self, payload: str) -> None:
        """Wake the waiters of this process, as a notification of the payload would."""
        self._wake(payload)

    def _enter(self, payload: str, in_turn: bool) -> _Waited:
        with self._lock:
            waited = self._waited.setdefault(payload, _Waited(threading.Condition(self._lock), in_turn=in_turn))
            waited.waiting += 1
            return waited

    def _leave(self, payload: str, waited: _Waited) -> None:
        with self._lock:
            waited.waiting -= 1
            if not (waited.waiting or waited.in_turn):
                del self._waited[payload]

    def _listen(self, _: Loop) -> None:
        """One turn of the loop: wait up to five seconds for notifications and wake their waiters.

        Raises Unavailable without the database; waiters still look every two seconds meanwhile.
        """
        if not self.is_notified:
            self._stop.wait(_TURN_S)
            return
        try:
            if self._connection is None:
                self._connection = self._database.connect()
                if self._connection.pooled and not self._database.keeps_session(self._connection):
                    self._do_without()
                    return
                self._connection.cursor().execute(f'listen "{self._channel}"')  # the channel is a constant, never input
                self._wake(None)  # rows may have changed before LISTEN began
            if select.select([self._connection], [], [], _TURN_S)[0]:
                self._connection.poll()
            elif not self._still_listens(self._connection):  # which also notices a network that swallows packets
                self._do_without()
                return
            while self._connection.notifies:
                self._wake(self._connection.notifies.pop(0).payload)
        except BaseException as error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if isinstance(error, (psycopg2.Error, OSError)):
                raise Unavailable(f"the internal database does not notify: {first_line(error)}") from error
            raise

    def _still_listens(self, connection: Connection) -> bool:
        """Raises psycopg2's OperationalError if the server takes no writes any more, and so sends no notifications either."""
        with connection.cursor() as cursor:
            cursor.execute(_STILL_LISTENS, (self._channel,))
            is_primary, listens = cursor.fetchone() or (False, False)
        if not is_primary:
            raise psycopg2.OperationalError("the server has become a standby")
        return bool(listens)

    def _do_without(self) -> None:
        log.warning(_NO_SESSION)
        self.is_notified = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wake(self, payload: str | None) -> None:
        with self._lock:
            for waited in [self._waited.get(payload)] if payload is not None else list(self._waited.values()):
                if waited is not None:
                    waited.wake()
