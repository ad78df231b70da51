"""Long polls: a request waits for a result while there is a free slot to wait in, its client stays connected, and the process
goes on."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

from database.notifications import Listener

T = TypeVar("T")
_end = threading.Event()


@dataclass(frozen=True)
class Work(Generic[T]):
    """Something that ends some time, such as a check. `find` reads it anew; `payload` is what its end is notified as."""

    payload: str
    find: Callable[[], T]
    has_ended: Callable[[T], bool]


def end_all() -> None:
    """Let all requests of this process that wait, and those still to come, be answered within seconds: it ends."""
    _end.set()


def until_ended(listener: Listener, work: Work[T], current: T, seconds: float) -> T:
    """`current` if it has ended. Else as it is at its end, or as it stands when the time is over or no slot to wait is free."""
    if work.has_ended(current) or seconds <= 0:
        return current

    def look() -> T | None:
        latest = work.find()
        return latest if work.has_ended(latest) else None

    return wait_for(listener, work.payload, look, seconds) or work.find()


def wait_for(listener: Listener, payload: str, look: Callable[[], T | None], seconds: float) -> T | None:
    """Call `look` now and after each notification of `payload`, until it returns a value or the time is over.

    Returns None if it never returned a value, if no slot is free, if the client has gone away, or if the process ends.
    """
    client: socket.socket | None = request.environ.get("gunicorn.socket")

    def look_unless_gone() -> tuple[T | None] | None:
        value = look()
        is_over = value is not None or _end.is_set() or (client is not None and _is_gone(client))
        return (value,) if is_over else None

    with listener.waiting_slot() as taken:
        ended = listener.wait_for(payload, look_unless_gone, seconds) if taken else None
    return ended[0] if ended is not None else None


def _is_gone(client: socket.socket) -> bool:
    """Whether the client has closed the connection. Bytes that it has sent ahead are not consumed."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
