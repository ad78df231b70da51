"""A gunicorn worker whose threads get only complete requests.

The main thread reads the header and small body of every request, on all connections at once, and hands a request to a thread
when it is complete. So a slow or silent client holds no thread, and its connection is closed after REQUEST_S. In gunicorn's own
threaded worker, each thread waits for its client.
"""

import errno
import json
import os
import re
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from web import waiting

REQUEST_S = 15.0  # from the connection, or a request's first byte, until it is complete
LARGEST_HEAD = 32 * 1024
SMALL_BODY = 32 * 1024  # the thread reads a longer body, after it has checked the caller's key
_THREAD_WAITS_S = 15  # how long a thread waits for the next bytes of a longer body
_ANSWER_S = 15.0  # how long a client may take to read an answer …
_ANSWER_RATE = 32 * 1024  # … plus one second per so many bytes
_PIECE_SENT = 256 * 1024  # size of a piece; each adds its share to the time limit, so a client must go on reading
_DRAIN_S = 0.1  # how long to read over the unread rest of a body before the connection is kept alive
_LINGER_S = 2.0  # how long a closed connection is still read, so that the client gets its answer
_MOST_DRAINED = 64 * 1024
_PIECE = 64 * 1024
_PROBE = b"GET /healthz "
_PROBE_THREADS = 2
_HEADERS = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class _Client(socket.socket):
    """The socket of a client. Sending raises BrokenPipeError if the client reads the answer too slowly."""

    _sent, _took_s = 0, 0.0  # bytes of the current answer, and the time that they took

    def begin_answer(self) -> None:
        """Start the time limit anew."""
        self._sent, self._took_s = 0, 0.0

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        if self.gettimeout() == 0:
            super().sendall(data, flags)
            return
        for piece in (data[begin : begin + _PIECE_SENT] for begin in range(0, len(data), _PIECE_SENT)):
            with self._bounded(len(piece)):
                super().sendall(piece, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        end = os.fstat(file.fileno()).st_size if count is None else offset + count
        for begin in range(offset, end, _PIECE_SENT):
            with self._bounded(min(_PIECE_SENT, end - begin)):
                super().sendfile(file, begin, min(_PIECE_SENT, end - begin))
        return end - offset

    @contextmanager
    def _bounded(self, size: int) -> Iterator[None]:
        began = time.monotonic()
        self._sent += size
        left_s = _ANSWER_S + self._sent / _ANSWER_RATE - self._took_s
        try:
            self.settimeout(max(0.001, left_s))
            yield
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "the client did not read the answer in time") from error
        finally:
            self._took_s += time.monotonic() - began
            self.settimeout(None)


class _Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection whose next request is being received, or which is being closed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.received = bytearray()
        self.deadline = 0.0
        self.drained = 0
        self.is_probe = False  # of the request that a thread has
        self._wanted: int | None = None  # bytes of header and small body; None until the header is complete
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _THREAD_WAITS_S, 0))

    def expect(self, received: bytes) -> None:
        """Begin to wait for a request, of which `received` has arrived already."""
        self.received, self._wanted = bytearray(received), None
        self.deadline = time.monotonic() + REQUEST_S

    @property
    def is_complete(self) -> bool:
        """Whether header and small body have arrived. A thread reads the rest of a long or chunked body itself."""
        if self._wanted is None:
            blank = len(self.received) - len(self.received.lstrip(b"\r\n"))
            del self.received[:blank]  # HTTP allows empty lines before a request line
            end = self.received.find(b"\r\n\r\n")
            if end >= 0:
                self._wanted = end + 4 + _small_body(bytes(self.received[:end]))
        return self._wanted is not None and len(self.received) >= self._wanted

    @property
    def is_too_long(self) -> bool:
        """Whether the header is over LARGEST_HEAD."""
        return self._wanted is None and len(self.received) > LARGEST_HEAD


def _small_body(head: bytes) -> int:
    """How many bytes of the body to receive before a thread gets the request: its Content-Length, at most SMALL_BODY.

    0 if the length is missing or malformed, or if the client waits for `100 Continue`.
    """
    headers = {name.lower(): value.strip() for name, value in _HEADERS.findall(head)}
    length = headers.get(b"content-length", b"")
    if len(headers) != 1 or not length.isdigit() or len(length) > 12:
        return 0
    return min(int(length), SMALL_BODY)


class RequestWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker, changed so that threads get complete requests."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._arriving: dict[_Connection, None] = {}  # requests still incomplete; ordered by deadline, as all get the same time
        self._ending: dict[_Connection, None] = {}  # closed by this side, and still read; ordered by deadline too

    def init_process(self) -> None:
        """Make gunicorn's own refusals problem documents, then start the worker."""
        util.write_error = _write_problem
        self._probe_threads = ThreadPoolExecutor(_PROBE_THREADS)
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: whoever waits for a result gets an answer while there is time for one."""
        waiting.end_all()
        super().handle_exit(sig, frame)

    def enqueue_req(self, conn: _Connection) -> None:
        """Give it to a thread. Whether the process lives is answered although all threads wait, as for a slow database: to end it
        then would help nobody."""
        threads = self._probe_threads if conn.is_probe else self.tpool
        done = partial(self.finish_request, conn)
        threads.submit(self.handle, conn).add_done_callback(lambda handled: self.method_queue.defer(done, handled))

    def accept(self, listener: socket.socket) -> None:
        """Accept one connection. At the limit of connections or files, the connection that has waited longest is closed."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        client = _Client(fileno=client.detach())
        self._await(_Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: _Connection, client: socket.socket) -> None:
        """Receive the next request of a connection that was kept alive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await(conn)
        self._receive(conn, client)

    def finish_request(self, conn: _Connection, fs: "Future[Any]") -> None:
        """Keep or close a connection after a thread has answered its request."""
        try:
            goes_on = not fs.cancelled() and fs.result()
            rest = conn.parser.unreader.take_buffered() if goes_on else b""
        except Exception:
            self.log.exception("a connection is closed")
            goes_on, rest = False, b""
        if not goes_on:
            self._end(conn)
        elif rest:
            self._await(conn, rest)
            self._hand_over_if_complete(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections whose request is not complete in time, or whose client does not close its side in time."""
        now = time.monotonic()
        ahead = 0.0 if self.alive else REQUEST_S - _LINGER_S  # a stopping worker waits only _LINGER_S for requests
        while self._arriving and (conn := next(iter(self._arriving))).deadline - ahead <= now:
            self._refuse(conn, HTTPStatus.REQUEST_TIMEOUT, f"the request was not complete within {REQUEST_S:.0f} seconds")
        while self._ending and (conn := next(iter(self._ending))).deadline <= now:
            self._close(conn)

    def _make_room(self) -> None:
        """Close the connection whose request has been incomplete for longest."""
        if self._arriving:
            self._close(next(iter(self._arriving)))

    def _await(self, conn: _Connection, received: bytes = b"") -> None:
        conn.sock.setblocking(False)
        conn.expect(received)
        self._arriving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))

    def _receive(self, conn: _Connection, client: socket.socket) -> None:
        if conn not in self._arriving:
            return  # closed meanwhile, because of another connection's event in the same poll
        try:
            piece = client.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._close(conn)
            return
        conn.received += piece
        if piece:
            self._hand_over_if_complete(conn)
        elif b"\r\n\r\n" in conn.received:
            self._hand_over(conn)  # the client closed before its body ended; the service refuses such a request
        else:
            self._close(conn)

    def _hand_over_if_complete(self, conn: _Connection) -> None:
        if conn.is_complete:
            self._hand_over(conn)
        elif conn.is_too_long:
            size = f"{LARGEST_HEAD // 1024} KiB"
            self._refuse(conn, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the request's header is over {size}")

    def _hand_over(self, conn: _Connection) -> None:
        self._forget(conn)
        conn.init()
        conn.sock.begin_answer()
        conn.is_probe = conn.received.startswith(_PROBE)
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received.clear()
        self.enqueue_req(conn)

    def _keepalive_after(self, conn: _Connection, keepalive: bool) -> bool:
        """Whether to keep the connection: only if the rest of the body has arrived, because no thread waits for it."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + _DRAIN_S))

    def _refuse(self, conn: _Connection, status: HTTPStatus, detail: str) -> None:
        """Close the connection, with an answer if a request had begun."""
        if conn.received:
            try:
                _write_problem(conn.sock, status.value, status.phrase, detail)
            except OSError:
                self._close(conn)
                return
            self._end(conn)
        else:
            self._close(conn)

    def _end(self, conn: _Connection) -> None:
        """Shut down this side and read for a moment what the client still sends. Closing at once could destroy the answer."""
        self._forget(conn)
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        conn.deadline = time.monotonic() + _LINGER_S
        self._ending[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: _Connection, client: socket.socket) -> None:
        if conn not in self._ending:
            return
        try:
            piece = client.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        conn.drained += len(piece)
        if not piece or conn.drained > _MOST_DRAINED:
            self._close(conn)

    def _close(self, conn: _Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: _Connection) -> None:
        for connections in (self._arriving, self._ending):
            if conn in connections:
                del connections[conn]
                self.poller.unregister(conn.sock)


def _write_problem(client: socket.socket, status: int, reason: str, detail: str) -> None:
    """Write a problem document as the answer to a request that the server itself refuses. gunicorn would write HTML."""
    problem = {"type": "about:blank", "title": reason, "status": status, "detail": detail or reason}
    body = json.dumps(problem).encode()
    headers = f"Connection: close\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}"
    util.write_nonblock(client, f"HTTP/1.1 {status} {reason}\r\n{headers}\r\n\r\n".encode("latin1") + body)
