"""Opening a connection to the internal database: which server, over which pooler, with which settings.

The address may name several servers, of which the one that takes writes is used, and it may lead to a pooler such as PgBouncer.
A pooler does not pass on the settings of a session, and in transaction mode it keeps no session: they are then set anew in each
transaction (`SETTINGS`).
"""

import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import extensions

_WAIT_S = 30.0  # longer than any statement may take, because the server ends those after 25 s
_HOST_S = 2.0  # for a login at one of several servers, so that one that is gone does not take the time of the others
_MOST_SERVERS = 16
_HELD_S = 6  # the server ends a transaction that idles so long: less than others wait for its locks
_MILLISECONDS = 1000
_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "10s",
    "statement_timeout": "25s",
    "idle_in_transaction_session_timeout": f"{_HELD_S}s",
}
SETTINGS = "".join(f"set local {name} = '{value}';" for name, value in _SETTINGS.items())
_REFUSED_BY_POOLER = "unsupported startup parameter"
_waits = threading.local()


class Connection(extensions.connection):
    """A connection that knows when it was last used, and whether a pooler is in between."""

    used_at = float("-inf")  # when it was given back to the pool, by time.monotonic()
    pooled = False  # known after `look`

    def look(self) -> None:
        """Find out whether the server answers, and whether it is who logged in: a pooler invents the process of a session."""
        with self.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            row = cursor.fetchone()
        self.pooled = row is None or row[0] != self.info.backend_pid


class Servers:
    """The servers of an address: its hosts, and all numbers of their names. Each connection is first tried where the last one
    succeeded."""

    def __init__(self, url: str, application_name: str) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "application_name": application_name,
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "connection_factory": Connection,
            "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
        }
        self._last: dict[str, str] | None = None

    @cached_property
    def _hosts(self) -> list[dict[str, str]]:
        return list(_servers(self._url))

    def connect(self) -> Connection:
        """Open a connection with this project's settings. Raises psycopg2's errors untranslated."""
        each = [server for host in self._hosts for server in _numbered(host)][:_MOST_SERVERS]
        if len(each) == 1:
            return self._connect(each[0])
        for server in sorted(each, key=lambda server: server != self._last):
            try:
                with limit_waits(_HOST_S):
                    connection = self._connect(server)
            except psycopg2.OperationalError as error:
                refused = error
            else:
                self._last = server
                return connection
        raise refused

    def _connect(self, server: Mapping[str, str]) -> Connection:
        try:
            connection: Connection = psycopg2.connect(self._url, **{**self._options, **server})
        except psycopg2.OperationalError as error:
            if _REFUSED_BY_POOLER not in str(error) or "options" not in self._options:
                raise
            self._options = {name: value for name, value in self._options.items() if name != "options"}
            return self._connect(server)
        return connection


def connect(url: str, application_name: str) -> Connection:
    """Open one connection with this project's settings. Raises psycopg2's errors untranslated."""
    return Servers(url, application_name).connect()


class Pool:
    """Connections that are kept for their next use. A login costs 10 ms. Whoever takes one limits how many are lent."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._lent: list[Connection] = []
        self._is_closed = False

    def take(self) -> Connection:
        """The connection that was given back last, or a new one. Raises psycopg2's errors untranslated."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._servers.connect()
        with self._lock:
            self._lent.append(connection)
        return connection

    def give_back(self, connection: Connection, *, keep: bool) -> None:
        """Without its transaction, if one is open. Without `keep`, and after the pool was closed, it is closed."""
        with self._lock:
            self._lent.remove(connection)
            keep = keep and not self._is_closed
        try:
            if keep and connection.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
                connection.rollback()
        except psycopg2.Error:  # it has just died
            keep = False
        if not keep:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Also those that are lent."""
        with self._lock:
            self._is_closed = True
            connections, self._idle = [*self._idle, *self._lent], []
        for connection in connections:
            connection.close()


def _servers(url: str) -> Iterator[dict[str, str]]:
    """What names each server. `read-write`: of several, a standby is passed over."""
    parts = _parsed(url)
    hosts, addresses = parts.get("host", "").split(","), parts.get("hostaddr", "").split(",")
    number = max(len(hosts), len(addresses))
    ports = parts.get("port", "").split(",")
    wanted = {"target_session_attrs": parts.get("target_session_attrs", "read-write")} if number > 1 else {}
    for place in range(number):
        named = {"host": hosts, "hostaddr": addresses, "port": ports if len(ports) > 1 else ports * number}
        of_one = {name: values[place] for name, values in named.items() if place < len(values) and values[place]}
        yield of_one | wanted


def _numbered(server: dict[str, str]) -> Iterator[dict[str, str]]:
    """The server under each number of its name. libpq, while waits are bounded, never goes on from one that is silent."""
    host = server.get("host", "/")
    found: list[str] = []
    if not host.startswith("/") and "hostaddr" not in server:
        with suppress(OSError, UnicodeError):  # libpq says what is wrong with the name
            found = list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))
    if len(found) < 2:
        yield server
        return
    for number in found:
        yield server | {"hostaddr": number}


def _parsed(url: str) -> dict[str, str]:
    """The parameters of the address. The error quotes none of it, because libpq may quote a part of the password."""
    try:
        return dict(extensions.parse_dsn(url))
    except psycopg2.ProgrammingError as error:
        what = str(error).partition('"')[0].removeprefix("invalid dsn: ").strip(" :")
    raise psycopg2.OperationalError(f"its address cannot be read: {what}")


def bound_waits() -> None:
    """Limit how long this process waits for the network, for all connections from now on.

    Without it, a network that swallows packets would block a caller for ever. psycopg2 cannot COPY in this mode.
    """
    extensions.set_wait_callback(_wait)


@contextmanager
def limit_waits(seconds: float) -> Iterator[None]:
    """Wait for the network at most so many seconds in this thread; no effect before `bound_waits` was called."""
    outer = getattr(_waits, "seconds", _WAIT_S)
    _waits.seconds = min(outer, seconds)
    try:
        yield
    finally:
        _waits.seconds = outer


def _wait(connection: extensions.connection) -> None:
    deadline = time.monotonic() + getattr(_waits, "seconds", _WAIT_S)
    poller = select.poll()
    while (state := connection.poll()) != extensions.POLL_OK:
        wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        poller.register(connection.fileno(), wanted)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * _MILLISECONDS):
            raise psycopg2.OperationalError("no answer in time; the network or the server is held up")
