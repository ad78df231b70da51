"""A deadline that ends a request however slowly its answer comes: its connection is shut, so that whoever reads goes on.

The timeouts of sockets are of one receipt each, so a server that sends a byte now and then never runs into them.
"""

import os
import socket
import threading
import time
from types import TracebackType
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from api.engine.s3_faults import StorageFault

_of_thread = threading.local()


class Deadline:
    """Of the requests that a thread sends within it. Raises StorageFault at its end, with `words`, if the time was over."""

    def __init__(self, seconds: float, words: str) -> None:
        self._until, self._words = time.monotonic() + seconds, words
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []  # the connections of the requests, each by a descriptor of its own
        self._is_over = False
        self._timer = threading.Timer(max(seconds, 0.0), self._end)
        self._timer.daemon = True

    def left(self) -> float:
        """In seconds. Raises StorageFault if it is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise StorageFault(self._words)
        return left

    def watch(self, line: socket.socket) -> None:
        """Of a connection with TLS, too, during its handshake."""
        with self._lock:
            self._lines.append(socket.socket(fileno=os.dup(line.fileno())))
        if self._is_over:
            self._end()

    def __enter__(self) -> "Deadline":
        _of_thread.deadline = self
        self._timer.start()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._timer.cancel()
        _of_thread.deadline = None
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines = []
        if self._is_over and (error is None or isinstance(error, Exception)):
            raise StorageFault(self._words) from error

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            for line in self._lines:
                try:
                    line.shutdown(socket.SHUT_RDWR)
                except OSError:  # the other side has ended it
                    continue


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        _watch(line)
        return line

    def request(self, *arguments: Any, **named: Any) -> None:
        if self.sock is not None:  # from a request before
            _watch(self.sock)
        super().request(*arguments, **named)


class _Secure(_Plain, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}  # whose connections the deadline of the thread ends


def _watch(line: socket.socket) -> None:
    deadline: Deadline | None = getattr(_of_thread, "deadline", None)
    if deadline is not None:
        deadline.watch(line)
