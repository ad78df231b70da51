"""Long polls: a client waits for the end of something, as long as a place is free and the client is there."""

import socket
from collections.abc import Callable
from typing import TypeVar

from flask import request

from database.notifications import Listener

T = TypeVar("T")


def wait_for(listener: Listener, payload: str, look: Callable[[], T | None], seconds: float) -> T | None:
    """What `look` finds within the time; None where it finds nothing, no place is free, or the client has gone away."""
    client: socket.socket | None = request.environ.get("gunicorn.socket")

    def found_or_gone() -> tuple[T | None] | None:
        found = look()
        return (found,) if found is not None or (client is not None and _is_gone(client)) else None

    with listener.place() as taken:
        ended = listener.wait_for(payload, found_or_gone, seconds) if taken else None
    return ended[0] if ended is not None else None


def _is_gone(client: socket.socket) -> bool:
    """Whether the other side has closed the connection; what it may have sent ahead stays where it is."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
