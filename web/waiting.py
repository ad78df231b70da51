"""Long polls: a request waits for a result while there is a free slot to wait in, its client stays connected, and the process
goes on. A client that finds no slot is told when to ask again: many of them would otherwise keep the process busy."""

import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import Flask, Response, g, request

from database.notifications import Listener

T = TypeVar("T")
_end = threading.Event()
_APART_S = 0.05  # between the moments at which clients that were sent away come again
_SOONEST_S, _LATEST_S = 1.0, 30.0
_IN_TIME_S = 0.05  # an answer that comes so little before its time has waited


@dataclass(frozen=True)
class Work(Generic[T]):
    """Something that ends some time, such as a check. `find` reads it anew; `payload` is what its end is notified as."""

    payload: str
    find: Callable[[], T]
    has_ended: Callable[[T], bool]


def end_all() -> None:
    """Let all requests of this process that wait, and those still to come, be answered within seconds: it ends."""
    _end.set()


def install(app: Flask) -> None:
    """Have answers that did not wait as long as asked say when to ask again."""

    @app.after_request
    def say(response: Response) -> Response:
        if "ask_again_s" in g:
            response.headers["Retry-After"] = str(g.ask_again_s)
        return response


def until_ended(listener: Listener, work: Work[T], current: T, seconds: float) -> T:
    """`current` if it has ended. Else as it is at its end, or as it stands when the time is over or no slot to wait is free."""
    if work.has_ended(current) or seconds <= 0:
        return current
    until = time.monotonic() + seconds

    def look() -> T | None:
        latest = work.find()
        return latest if work.has_ended(latest) else None

    latest = wait_for(listener, work.payload, look, seconds) or work.find()
    now, client = time.monotonic(), _client()
    if not work.has_ended(latest) and now < until - _IN_TIME_S and not (client is not None and _is_gone(client)):
        g.ask_again_s = _appointments.next(now)
    return latest


def wait_for(listener: Listener, payload: str, look: Callable[[], T | None], seconds: float) -> T | None:
    """Call `look` now and after each notification of `payload`, until it returns a value or the time is over.

    Returns None if it never returned a value, if no slot is free, if the client has gone away, or if the process ends.
    """
    client = _client()

    def look_unless_gone() -> tuple[T | None] | None:
        value = look()
        is_over = value is not None or _end.is_set() or (client is not None and _is_gone(client))
        return (value,) if is_over else None

    with listener.waiting_slot() as taken:
        ended = listener.wait_for(payload, look_unless_gone, seconds) if taken else None
    return ended[0] if ended is not None else None


class _Appointments:
    """Spreads the clients that found no slot: they ask again one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0.0  # on the monotonic clock

    def next(self, now: float) -> int:
        """In how many whole seconds."""
        with self._lock:
            self._last = min(max(self._last + _APART_S, now + _SOONEST_S), now + _LATEST_S)
            return math.ceil(self._last - now)


_appointments = _Appointments()


def _client() -> socket.socket | None:
    """The connection to the client; None where another server than gunicorn serves."""
    found: socket.socket | None = request.environ.get("gunicorn.socket")
    return found


def _is_gone(client: socket.socket) -> bool:
    """Whether the client has closed the connection. Bytes that it has sent ahead are not consumed."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
