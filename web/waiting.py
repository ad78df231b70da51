"""Long polls: a request waits for a result while there is a free place to wait in and its client stays connected."""

import socket
from collections.abc import Callable
from typing import TypeVar

from flask import request

from database.notifications import Listener

T = TypeVar("T")


def wait_for(listener: Listener, payload: str, look: Callable[[], T | None], seconds: float) -> T | None:
    """Call `look` now and after each notification of `payload`, until it returns a value or the time is over.

    Returns None if it never returned a value, if no place is free, or if the client has gone away.
    """
    client: socket.socket | None = request.environ.get("gunicorn.socket")

    def look_unless_gone() -> tuple[T | None] | None:
        value = look()
        return (value,) if value is not None or (client is not None and _is_gone(client)) else None

    with listener.place() as taken:
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
