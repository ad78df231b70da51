"""Messages on the short way: from the thread that has stored a result to a thread of the same process that posts it.

Such a message is stored as leased to this process, so it is claimed by nobody else. If the process ends, the lease runs out, and
another one posts the message.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from api.delivery.outbox import Leased
from database.leases import POST_LEASE_S

_MOST = 64  # messages that may be on their way, when one more transaction begins
_PATIENCE_S = 1.0  # while one waits for longer, the threads have enough to post
_OVERDUE_S = 5.0  # after which one takes the long way
LEASE_S = POST_LEASE_S + round(_OVERDUE_S)  # its post may begin so late


@dataclass
class Passage:
    """The messages of one transaction, and whether they take the short way: for how many seconds they are to be stored as leased,
    or None. `began`: by time.monotonic()."""

    began: float
    lease_s: int | None
    messages: list[Leased] = field(default_factory=list)

    def add(self, message: Leased) -> None:
        """A message that the transaction stores."""
        if self.lease_s is not None:
            self.messages.append(message)


class Handover:
    """The messages that wait for a thread of this process. `wake`: wakes one of these threads. May be used from any thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: deque[tuple[float, Leased]] = deque()  # each with the moment at which its transaction began
        self._lost: list[Leased] = []  # those of which it is not known whether they were stored
        self._lock = threading.Lock()
        self._is_open = True

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Around a transaction. After its commit, its messages wait here. If it fails, nobody knows whether the server has
        committed it, so they are released: to do that with what was never stored changes nothing."""
        found = self._open()
        try:
            yield found
        except BaseException:
            with self._lock:
                self._lost.extend(found.messages)
            raise
        if found.messages:
            with self._lock:
                self._waiting.extend((found.began, message) for message in found.messages)
            self._wake()

    def _open(self) -> Passage:
        now = time.monotonic()
        with self._lock:
            has_time = not self._waiting or now - self._waiting[0][0] < _PATIENCE_S
            is_short = self._is_open and has_time and len(self._waiting) < _MOST
            return Passage(now, LEASE_S if is_short else None)

    @property
    def waits(self) -> bool:
        """Whether any message waits."""
        return bool(self._waiting)

    def take(self, batching: Mapping[str, int], most_bytes: int) -> list[Leased]:
        """The message that has waited longest, and with it others of one address, if its receiver is one of those that take
        several in one post (`batching`: how many), together at most so long. Empty if none waits that is not overdue."""
        since = time.monotonic() - _OVERDUE_S
        with self._lock:
            due = [message for began, message in self._waiting if began >= since]
            if not due:
                return []
            first, taken, size = due[0], [due[0]], len(due[0].body.encode())
            alike = (message for message in due[1:] if message.address == first.address)
            for message in alike:
                size += len(message.body.encode())
                if len(taken) >= batching.get(first.origin, 1) or size > most_bytes:
                    break
                taken.append(message)
            chosen = {message.message_id for message in taken}
            self._waiting = deque(each for each in self._waiting if each[1].message_id not in chosen)
            return taken

    def overdue(self) -> list[Leased]:
        """Those that have waited too long, or were lost. They wait here no more, and are to be released."""
        since = time.monotonic() - _OVERDUE_S
        with self._lock:
            found = [message for began, message in self._waiting if began < since] + self._lost
            self._waiting = deque(each for each in self._waiting if each[0] >= since)
            self._lost = []
        return found

    def close(self) -> None:
        """From now on no message takes this way. Called by a signal handler, which waits for no lock."""
        self._is_open = False

    def rest(self) -> list[Leased]:
        """All that wait or were lost. They wait here no more, and are to be released."""
        with self._lock:
            found = [message for _, message in self._waiting] + self._lost
            self._waiting.clear()
            self._lost = []
        return found


CLOSED = Handover(lambda: None)  # for whoever stores results and posts none
CLOSED.close()
