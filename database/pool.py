"""Connections to the internal database. A driver's exception never leaves this module untranslated."""

import select
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions, extras, pool

from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError, Unavailable

Row = dict[str, Any]
_WAIT_S = 30.0  # above the longest statement, which the server ends itself
_PROBE_S = 5.0  # for a login, and for the first answer of a connection that lay in the pool
_FRESH_S = 1.0
_HELD_S = 6  # a process that is frozen in a transaction holds its locks no longer: less than others wait for a lock
_MILLISECONDS = 1000
_GONE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    pool.PoolError,
    psycopg2.errors.ReadOnlySqlTransaction,
    psycopg2.errors.IdleInTransactionSessionTimeout,
)
_ROWS = extras.RealDictCursor
_waits = threading.local()


class Database:
    """A bounded pool; `transaction()` gives a cursor whose work is committed together or not at all."""

    def __init__(self, url: str, size: int = 10, application_name: str = "stringx") -> None:
        self.url = url
        self._application_name = application_name
        self._slots = threading.BoundedSemaphore(size)
        self._pool: pool.ThreadedConnectionPool | None = None
        self._size = size
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator["Cursor"]:
        """One transaction; Unavailable where the database cannot be reached or goes away meanwhile, Invalid for a value that it
        cannot hold, DatabaseFault for everything else that it refuses."""
        with self._lent(autocommit=False) as connection, connection, connection.cursor(cursor_factory=_ROWS) as cursor:
            yield Cursor(cursor)

    @contextmanager
    def statements(self) -> Iterator["Cursor"]:
        """Each statement a transaction of its own, in one round trip to the server in place of three; errors as above."""
        with self._lent(autocommit=True) as connection, connection.cursor(cursor_factory=_ROWS) as cursor:
            yield Cursor(cursor)

    @contextmanager
    def _lent(self, autocommit: bool) -> Iterator["_Connection"]:
        if not self._slots.acquire(timeout=10):
            raise Unavailable("every database connection is in use; try again")
        try:
            with _translated():
                connections, connection = self._connection(autocommit)
                broken = True
                try:
                    yield connection
                    broken = False
                except StringXError:
                    broken = False
                    raise
                finally:
                    connection.used_at = time.monotonic()
                    self._give_back(connections, connection, broken or connection.closed != 0)
        finally:
            self._slots.release()

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.closeall()
                self._pool = None

    def connect(self) -> extensions.connection:
        """A connection outside the pool, in autocommit, for LISTEN; the caller closes it. Errors as of `transaction`."""
        with _translated():
            connection = connect(self.url, f"{self._application_name} listen")
            connection.autocommit = True
            return connection

    def _connection(self, autocommit: bool) -> tuple[pool.ThreadedConnectionPool, "_Connection"]:
        """A live connection and its pool. One used within the last second is not tested. If one has died, its whole pool is
        dropped without testing the others: on a network that swallows packets, each test would take seconds."""
        for _ in range(2):
            connections = self._get_pool()
            with limit_waits(_PROBE_S):
                connection = connections.getconn()
                assert isinstance(connection, _Connection)  # as `connection_factory` says
                if self._is_alive(connection, autocommit):
                    return connections, connection
            with self._lock:
                if self._pool is connections:
                    self._pool = None
            self._give_back(connections, connection, broken=True)
        raise psycopg2.OperationalError("no connection stays open")

    @staticmethod
    def _is_alive(connection: "_Connection", autocommit: bool) -> bool:
        try:
            connection.autocommit = autocommit
            if time.monotonic() - connection.used_at > _FRESH_S:
                with connection.cursor() as cursor:
                    cursor.execute("select 1")  # begins the transaction that the caller goes on with, where there is to be one
        except psycopg2.Error:
            return False
        return True

    def _get_pool(self) -> pool.ThreadedConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = pool.ThreadedConnectionPool(0, self._size, self.url, **_connect_options(self._application_name))
                self._pool.minconn = self._size  # opened one by one as needed, then kept: a login costs 10 ms
            return self._pool

    def _give_back(self, connections: pool.ThreadedConnectionPool, connection: extensions.connection, broken: bool) -> None:
        with self._lock:
            if connections.closed:
                return
            try:
                connections.putconn(connection, close=broken or self._pool is not connections)
            except psycopg2.Error:  # it has just died; unless it is forgotten, its place in the pool is lost
                connections.putconn(connection, close=True)


class _Connection(extensions.connection):
    """Knows when it was given back."""

    used_at = float("-inf")


class Cursor:
    """Runs named SQL; rows are dictionaries."""

    def __init__(self, cursor: extras.RealDictCursor) -> None:
        self._cursor = cursor

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """The number of rows that were written or found."""
        self._execute(sql, parameters)
        return int(self._cursor.rowcount)

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self._execute(sql, parameters)
        try:
            return [dict(row) for row in self._cursor.fetchall()]
        except (ValueError, OverflowError) as error:  # a date that Python has not
            raise DatabaseFault(f"the internal database holds a value that cannot be read: {first_line(error)}") from error

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        return next(iter(self.all(sql, parameters)), None)

    def _execute(self, sql: str, parameters: Mapping[str, Any] | None) -> None:
        try:
            self._cursor.execute(sql, parameters)
        except ValueError as error:  # the driver's own, before anything is sent: a NUL, half of a surrogate pair
            raise Invalid(f"PostgreSQL cannot hold a value of it: {first_line(error)}") from error


@contextmanager
def _translated() -> Iterator[None]:
    """Every error of the driver becomes one of ours."""
    try:
        yield
    except _GONE as error:
        raise Unavailable(f"the internal database does not answer: {first_line(error)}") from error
    except psycopg2.DataError as error:
        raise Invalid(f"PostgreSQL cannot hold a value of it: {first_line(error)}") from error
    except psycopg2.Error as error:
        raise DatabaseFault(f"the internal database refused a statement ({type(error).__name__}); the log says more") from error


def json_value(value: Any) -> Any:
    """A parameter of type jsonb."""
    return extras.Json(value)


def bound_waits() -> None:
    """From now on no connection of this process waits longer for the network than a statement may take: one that swallows
    packets would hold its caller for ever. COPY is not possible then."""
    extensions.set_wait_callback(_wait)


@contextmanager
def limit_waits(seconds: float) -> Iterator[None]:
    """A shorter limit, for this thread, where waits are bounded at all."""
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


def connect(url: str, application_name: str) -> extensions.connection:
    connection: extensions.connection = psycopg2.connect(url, **_connect_options(application_name))
    return connection


def _connect_options(application_name: str) -> dict[str, Any]:
    return {
        "application_name": application_name,
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "connection_factory": _Connection,
        "options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=25s"
        f" -c idle_in_transaction_session_timeout={_HELD_S}s",
    }


def first_line(error: BaseException) -> str:
    lines: Sequence[str] = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
