"""Connections to the internal database. A driver's exception never leaves this module untranslated."""

import select
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2 import extensions, extras, pool

from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError, Unavailable

Json = extras.Json  # a parameter of type json or jsonb
Row = dict[str, Any]  # a row: values by the names of its columns
_WAIT_S = 30.0  # longer than any statement may take, because the server ends those after 25 s
_PROBE_S = 5.0  # for a login, and for the first answer of a connection from the pool
_FRESH_S = 1.0  # a connection used within this time is not tested
_HELD_S = 6  # the server ends a transaction that idles so long: less than others wait for its locks
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
    """A pool of at most `size` connections, opened on demand."""

    def __init__(self, url: str, size: int = 10, application_name: str = "stringx") -> None:
        self.url = url
        self._application_name = application_name
        self._slots = threading.BoundedSemaphore(size)
        self._pool: pool.ThreadedConnectionPool | None = None
        self._size = size
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator["Cursor"]:
        """Run the block in one transaction, committed at its end, rolled back if it raises.

        Raises Unavailable if the database cannot be reached or the connection is lost, Invalid for a value that PostgreSQL cannot
        hold, and DatabaseFault for every other error of the database.
        """
        with self._lent(autocommit=False) as connection, connection, connection.cursor(cursor_factory=_ROWS) as cursor:
            yield Cursor(cursor)

    @contextmanager
    def statements(self) -> Iterator["Cursor"]:
        """Run each statement of the block in its own transaction: one round trip to the server instead of three.

        Raises the same errors as `transaction`.
        """
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
        """Close all pooled connections; the next use opens a new pool."""
        with self._lock:
            if self._pool is not None:
                self._pool.closeall()
                self._pool = None

    def connect(self) -> extensions.connection:
        """Open a connection outside the pool, in autocommit, for LISTEN; the caller closes it. Raises errors as `transaction`."""
        with _translated():
            connection = connect(self.url, f"{self._application_name} listen")
            connection.autocommit = True
            return connection

    def _connection(self, autocommit: bool) -> tuple[pool.ThreadedConnectionPool, "_Connection"]:
        """A live connection and its pool. A connection that was used within the last second is not tested.

        If a connection has died, its whole pool is dropped without testing the others: on a network that swallows packets, each
        test would take seconds.
        """
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
                    cursor.execute("select 1")  # without autocommit, this also begins the caller's transaction
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
            except psycopg2.Error:  # the connection has just died; it must still be given back, or its place in the pool is lost
                connections.putconn(connection, close=True)


class _Connection(extensions.connection):
    used_at = float("-inf")  # when it was given back to the pool, by time.monotonic()


class Cursor:
    """Runs SQL with named parameters; rows are dictionaries. Invalid for a parameter that PostgreSQL cannot hold."""

    def __init__(self, cursor: extras.RealDictCursor) -> None:
        self._cursor = cursor
        self._first = ""  # is sent before the next statement, in the same round trip

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Return the number of rows that the statement wrote or returned; of several statements, those of the last."""
        self._execute(sql, parameters)
        return int(self._cursor.rowcount)

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return all rows. Raises DatabaseFault for a value that Python cannot hold, such as a date in the year 20000."""
        self._execute(sql, parameters)
        try:
            return [dict(row) for row in self._cursor.fetchall()]
        except (ValueError, OverflowError) as error:  # such as a date beyond Python's range
            raise DatabaseFault(f"the internal database holds a value that cannot be read: {first_line(error)}") from error

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """Return the first row, or None if there is none."""
        return next(iter(self.all(sql, parameters)), None)

    def now(self) -> datetime:
        """Return the time by the internal database's clock, the only one that counts."""
        (row,) = self.all("select clock_timestamp() as now")
        moment: datetime = row["now"]
        return moment

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction. If it fails, nothing of it is done, and the transaction can go on after the error.
        Unavailable, as always, for what may pass: connection, locks, time."""
        self._first = "savepoint part;\n"
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise Unavailable(f"the internal database does not answer: {first_line(error)}") from error
        except Unavailable:
            raise
        except Exception:
            if not self._first:
                self._cursor.execute("rollback to savepoint part")
            raise
        finally:
            self._first = ""

    def _execute(self, sql: str, parameters: Mapping[str, Any] | None) -> None:
        first, self._first = self._first, ""
        try:
            self._cursor.execute(first + sql, parameters)
        except ValueError as error:  # raised by the driver before it sends anything: a NUL, half of a surrogate pair
            self._first = first
            raise Invalid(f"PostgreSQL cannot hold a value of it: {first_line(error)}") from error


@contextmanager
def _translated() -> Iterator[None]:
    """Turn every error of the driver into a StringXError."""
    try:
        yield
    except _GONE as error:
        raise Unavailable(f"the internal database does not answer: {first_line(error)}") from error
    except psycopg2.DataError as error:
        raise Invalid(f"PostgreSQL cannot hold a value of it: {first_line(error)}") from error
    except psycopg2.Error as error:
        raise DatabaseFault(f"the internal database refused a statement ({type(error).__name__}); the log says more") from error


def json_value(value: Any) -> Json:
    """Wrap a value as a parameter of type json or jsonb."""
    return extras.Json(value)


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


def connect(url: str, application_name: str) -> extensions.connection:
    """Open a connection with this project's timeouts. Raises psycopg2's errors untranslated."""
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
    """The first line of the error's text, or its class if it has none."""
    lines: Sequence[str] = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
