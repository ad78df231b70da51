"""Connections to the internal database. A driver's exception never leaves this module untranslated."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2 import extras

from database.connecting import SETTINGS, Connection, Pool, Servers, limit_waits
from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError, Unavailable

Json = extras.Json  # a parameter of type json or jsonb
Row = dict[str, Any]  # a row: values by the names of its columns
_PROBE_S = 5.0  # for a login, and for the first answer of a connection from the pool
_LOOKS = 3  # at which process of the server a connection has behind a pooler
_FRESH_S = 1.0  # a connection used within this time is not tested
_GONE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.errors.ReadOnlySqlTransaction,
    psycopg2.errors.IdleInTransactionSessionTimeout,
)
_ROWS = extras.RealDictCursor


class Database:
    """A pool of at most `size` connections, opened on demand. `direct_url` leads to the server itself where `url` leads to a
    pooler."""

    def __init__(self, url: str, size: int = 10, application_name: str = "stringx", direct_url: str | None = None) -> None:
        self.url, self.session_url = url, direct_url or url
        self._servers = Servers(url, application_name)
        self._listened = Servers(self.session_url, f"{application_name} listen")
        self.size = size  # the most connections that are lent at one time
        self._slots = threading.BoundedSemaphore(size)
        self._pool: Pool | None = None
        self._lock = threading.Lock()

    @property
    def lent(self) -> int:
        """How many connections are lent just now."""
        return self.size - int(self._slots._value)

    @contextmanager
    def transaction(self) -> Iterator["Cursor"]:
        """Run the block in one transaction, committed at its end, rolled back if it raises.

        Raises Unavailable if the database cannot be reached or the connection is lost, Invalid for a value that PostgreSQL cannot
        hold, and DatabaseFault for every other error of the database.
        """
        with self._lent(autocommit=False) as connection, connection, connection.cursor(cursor_factory=_ROWS) as cursor:
            yield Cursor(cursor, SETTINGS if connection.pooled else "")

    @contextmanager
    def statements(self) -> Iterator["Cursor"]:
        """Run each statement of the block in its own transaction: one round trip to the server instead of three.

        Raises the same errors as `transaction`.
        """
        with self._lent(autocommit=True) as connection, connection.cursor(cursor_factory=_ROWS) as cursor:
            yield Cursor(cursor, SETTINGS if connection.pooled else "", of_each=True)

    @contextmanager
    def _lent(self, autocommit: bool) -> Iterator[Connection]:
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
                except psycopg2.errors.ReadOnlySqlTransaction:  # another server takes the writes now
                    self._drop(connections)
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
                self._pool.close()
                self._pool = None

    def connect(self) -> Connection:
        """Open a connection outside the pool, in autocommit, for LISTEN; the caller closes it. Raises errors as `transaction`."""
        with _translated():
            connection = self._listened.connect()
            connection.autocommit = True
            connection.look()
            return connection

    def _connection(self, autocommit: bool) -> tuple[Pool, Connection]:
        """A live connection and its pool. A connection that was used within the last second is not tested.

        If a connection has died, its whole pool is dropped without testing the others: on a network that swallows packets, each
        test would take seconds.
        """
        for _ in range(2):
            connections = self._get_pool()
            with limit_waits(_PROBE_S):
                connection = connections.take()
                if self._is_alive(connection, autocommit):
                    return connections, connection
            self._drop(connections)
            self._give_back(connections, connection, broken=True)
        raise psycopg2.OperationalError("no connection stays open")

    @staticmethod
    def _is_alive(connection: Connection, autocommit: bool) -> bool:
        try:
            connection.autocommit = autocommit
            if time.monotonic() - connection.used_at > _FRESH_S:
                connection.look()  # without autocommit, this also begins the caller's transaction
        except psycopg2.Error:
            return False
        return True

    def _get_pool(self) -> Pool:
        with self._lock:
            if self._pool is None:
                self._pool = Pool(self._servers)
            return self._pool

    def is_pooled(self) -> bool:
        """Whether `url` leads to a pooler. Raises errors as `transaction`."""
        with self._lent(autocommit=True) as connection:
            return connection.pooled

    def keeps_session(self, connection: Connection) -> bool:
        """Whether a pooler leaves a session of the server to this connection. In transaction mode it lends it to another one as
        soon as it idles. Raises errors as `transaction`."""
        with _translated():
            first = _process(connection)
            for _ in range(_LOOKS):
                with self.transaction() as cursor:
                    lent = cursor.one("select pg_backend_pid() as process")
                    if first != _process(connection) or lent == {"process": first}:
                        return False
        return True

    def _drop(self, connections: Pool) -> None:
        """Open new connections from now on; those of this pool are closed as they are given back."""
        with self._lock:
            if self._pool is connections:
                self._pool = None

    def _give_back(self, connections: Pool, connection: Connection, broken: bool) -> None:
        with self._lock:
            is_used = self._pool is connections
        connections.give_back(connection, keep=is_used and not broken)


class Cursor:
    """Runs SQL with named parameters; rows are dictionaries. Invalid for a parameter that PostgreSQL cannot hold.

    `settings` is sent before the first statement, or before each if each is a transaction, in the same round trip.
    """

    def __init__(self, cursor: extras.RealDictCursor, settings: str = "", of_each: bool = False) -> None:
        self._cursor = cursor
        self._settings, self._of_each = settings, of_each
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
        settings, first, self._first = self._settings, self._first, ""
        self._settings = settings if self._of_each else ""
        try:
            self._cursor.execute(settings + first + sql, parameters)
        except ValueError as error:  # raised by the driver before it sends anything: a NUL, half of a surrogate pair
            self._settings, self._first = settings, first
            raise Invalid(f"PostgreSQL cannot hold a value of it: {first_line(error)}") from error


def _process(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


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


def first_line(error: BaseException) -> str:
    """The first line of the error's text, or its class if it has none."""
    lines: Sequence[str] = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
