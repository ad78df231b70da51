"""Messages on the short way: from the thread that has stored a result to a thread of the same process that posts it.

Such a message is stored as leased to this process, so nobody has to be notified, and nobody else claims it. If the process ends,
the lease runs out, and another one posts the message.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from api.delivery.outbox import Leased
from database.leases import POST_LEASE_S

_MOST = 64  # messages that may be on their way
_PATIENCE_S = 1.0  # while one waits for longer, the threads have enough to post
_OVERDUE_S = 5.0  # after which one takes the long way
LEASE_S = POST_LEASE_S + round(_OVERDUE_S)  # its post may begin so late


class Handover:
    """The messages that wait for a thread of this process. `wake`: wakes one of these threads. May be used from any thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: deque[tuple[float, Leased]] = deque()  # each with the moment it came, by time.monotonic()
        self._lock = threading.Lock()
        self._is_open = True

    def lease_s(self) -> int | None:
        """For how many seconds a message that is stored now is to be leased; None if it should not take this way."""
        with self._lock:
            has_time = not self._waiting or time.monotonic() - self._waiting[0][0] < _PATIENCE_S
            return LEASE_S if self._is_open and has_time and len(self._waiting) < _MOST else None

    @property
    def waits(self) -> bool:
        """Whether any message waits."""
        return bool(self._waiting)

    def put(self, messages: Sequence[Leased]) -> None:
        """Messages that are stored, leased for `lease_s`."""
        now = time.monotonic()
        with self._lock:
            self._waiting.extend((now, message) for message in messages)
        self._wake()

    def take(self, batching: Mapping[str, int], most_bytes: int) -> list[Leased]:
        """The message that has waited longest, and with it others of one address, if its receiver is one of those that take
        several in one post (`batching`: how many), together at most so long. Empty if none waits."""
        with self._lock:
            if not self._waiting:
                return []
            (_, first), *others = self._waiting
            taken, size = [first], len(first.body.encode())
            for _, message in others:
                size += len(message.body.encode())
                if len(taken) >= batching.get(first.origin, 1) or size > most_bytes:
                    break
                if message.address == first.address:
                    taken.append(message)
            chosen = {message.message_id for message in taken}
            self._waiting = deque(each for each in self._waiting if each[1].message_id not in chosen)
            return taken

    def overdue(self) -> list[Leased]:
        """Those that have waited too long; they wait here no more, and are to be released."""
        since = time.monotonic() - _OVERDUE_S
        found: list[Leased] = []
        with self._lock:
            while self._waiting and self._waiting[0][0] < since:
                found.append(self._waiting.popleft()[1])
        return found

    def close(self) -> None:
        """From now on no message takes this way. Called by a signal handler, which waits for no lock."""
        self._is_open = False

    def rest(self) -> list[Leased]:
        """All that wait; they wait here no more, and are to be released."""
        with self._lock:
            found = [message for _, message in self._waiting]
            self._waiting.clear()
        return found
