"""What the gate test's macros need of Trino and Jinja cannot do: statements that fail alone and within a time, and tables of
Iceberg that all statements read at one snapshot.

`plugins/trino/` imports it, which adds methods to dbt's adapter. Nothing else imports it.
"""

import copy
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests
import trino.exceptions
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.trino.impl import TrinoAdapter
from dbt_common.clients import agate_helper
from dbt_common.exceptions import DbtDatabaseError

from api.engine.trino_snapshots import fault_of_reads, pinned
from api.engine.trino_states import Columns, States

# The SQLSTATE that stands for each of Trino's errors, which have names. Those of classes 22 are about values of rows.
_STATES = {
    "SYNTAX_ERROR": "42601",
    "COLUMN_NOT_FOUND": "42703",
    "AMBIGUOUS_NAME": "42702",
    "FUNCTION_NOT_FOUND": "42883",
    "TYPE_NOT_FOUND": "42704",
    "TYPE_MISMATCH": "42804",
    "TABLE_NOT_FOUND": "42P01",
    "SCHEMA_NOT_FOUND": "3F000",
    "CATALOG_NOT_FOUND": "3D000",
    "PERMISSION_DENIED": "42501",
    "NOT_SUPPORTED": "0A000",
    "DIVISION_BY_ZERO": "22012",
    "NUMERIC_VALUE_OUT_OF_RANGE": "22003",
    "INVALID_CAST_ARGUMENT": "22018",
    "INVALID_LITERAL": "22P02",
    "INVALID_FUNCTION_ARGUMENT": "22023",
    "GENERIC_USER_ERROR": "22000",
    "FUNCTION_IMPLEMENTATION_ERROR": "22000",
    "EXCEEDED_TIME_LIMIT": "57014",
    "EXCEEDED_CPU_LIMIT": "53400",
    "COMPILER_ERROR": "54001",
    "QUERY_TEXT_TOO_LARGE": "54000",
    "EXPRESSION_TOO_DEEP": "54001",
    "STACK_OVERFLOW": "54001",
}
# A number that has more than 38 digits with the scale of another one, to which it is cast implicitly.
_TOO_WIDE = re.compile(r"Cannot cast (?:TINYINT|SMALLINT|INTEGER|BIGINT|DECIMAL\([0-9]+, ?[0-9]+\)) '[^']*' to DECIMAL\(")
# A moment beside a text, which other databases cast to it.
_TEXT_BESIDE = re.compile(
    r"Cannot (?:apply operator:|check if) (?:(date|timestamp)\b.* varchar\b|varchar\b.* (date|timestamp)\b)"
)
_BY_TYPE = {"INSUFFICIENT_RESOURCES": "53000", "USER_ERROR": "42000", "EXTERNAL": "58000"}
# What is no fault of one statement: somebody has ended the check, or the cluster goes. Then dbt's run ends, and may be repeated.
_OF_ALL = (
    "USER_CANCELED",
    "ADMINISTRATIVELY_KILLED",
    "ADMINISTRATIVELY_PREEMPTED",
    "ABANDONED_QUERY",
    "SERVER_STARTING_UP",
    "SERVER_SHUTTING_DOWN",
    "NO_NODES_AVAILABLE",
    "QUERY_QUEUE_FULL",
    "REMOTE_HOST_GONE",
    "REMOTE_TASK_ERROR",
)
_CONNECTION = (trino.exceptions.TrinoConnectionError, trino.exceptions.HttpError, requests.RequestException)
_TOLD = ("53", "54")  # classes whose messages name no value of a row
NO_VALUE = "stringx_no_value"  # macros call this function, which does not exist, in place of a value that the column's type lacks
_LEAST_S = 0.2
_CONSTANT = re.compile(r"select '((?:[^']|'')*)'", re.DOTALL)

Answer = str | dict[str, str | None] | None


class _Check:
    """The statements of one run of dbt. Each opens no connection that stays: Trino is asked over HTTP."""

    def __init__(self, adapter: TrinoAdapter, limit_ms: int) -> None:
        self._adapter = adapter
        self._due = time.monotonic() + limit_ms / 1000
        self._limit_s = limit_ms / 1000
        self._connections: dict[str, Any] = {}
        credentials = adapter.connections.get_thread_connection().credentials
        self._catalog, self._schema = str(credentials.database).lower(), str(credentials.schema).lower()
        self.states = States(self._ask, _fault, self._catalog, self._schema)
        now = "select to_iso8601(cast(at_timezone(now(), 'UTC') as timestamp(6))), version()"
        _, [[moment, version]] = self._ask(now)
        self.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        self.version = int((re.findall("[0-9]+", version) or ["0"])[0])

    def columns(self, sql: str) -> Columns:
        """The names and types of what a query returns; none if it cannot be planned."""
        try:
            return self._ask(self._pinned(f"{sql} limit 0"))[0]
        except Exception as error:
            _fault(error)
            return []

    def fault_of_reads(self, query: str, relations: list[list[str]]) -> str | None:
        return fault_of_reads(query, relations, self.states.snapshots, self._catalog, self._schema)

    def answer(self, sql: str, zone: str | None, share: float) -> Answer:
        """The one value of a SELECT, or {sqlstate, message} if it fails. It may use half of the time that is left of this share
        of the check's time."""
        if constant := _CONSTANT.fullmatch(sql):
            return constant[1].replace("''", "'")
        seconds = max(_LEAST_S, (self._due - time.monotonic() - (1 - share) * self._limit_s) / 2)
        try:
            rows = self._run(self._pinned(sql), zone or "UTC", seconds)[1]
        except Exception as error:  # whatever it is: this statement has no answer
            return self._told(_fault(error), sql, zone or "UTC")
        if not rows or rows[0][0] is None:
            return None
        return str(rows[0][0])

    def _told(self, found: dict[str, str | None], sql: str, zone: str) -> Answer:
        """The error with its name in place of its message, if that may name a value of a row: the statement can be planned."""
        sqlstate = found["sqlstate"] or ""
        if sqlstate in ("57014", "SX001", "22P02") or sqlstate[:2] in _TOLD:
            return found
        try:
            self._run(self._pinned(f"explain (type validate) {sql}"), zone, self._limit_s)
        except Exception as error:
            return _fault(error)
        return found | {"message": f"Trino reports {found['name']}" if found.get("name") else None}

    def _pinned(self, sql: str) -> str:
        return pinned(sql, self.states.snapshots, self._catalog, self._schema)

    def _ask(self, sql: str) -> tuple[Columns, list[list[Any]]]:
        return self._run(sql, "UTC", self._limit_s)

    def _run(self, sql: str, zone: str, seconds: float) -> tuple[Columns, list[list[Any]]]:
        """The names and types of a statement's columns, and its rows."""
        cursor = self._connection(zone).cursor()
        ended, late = threading.Event(), threading.Event()

        def end_it() -> None:
            if not ended.wait(seconds):
                late.set()
            while late.is_set() and not ended.wait(0.2):
                with suppress(Exception):  # a query cannot be canceled before Trino has named it
                    cursor.cancel()

        threading.Thread(target=end_it, daemon=True).start()
        try:
            cursor.execute(sql)
            rows: list[list[Any]] = cursor.fetchall()
        except Exception as error:
            if late.is_set():
                raise _Late from error
            raise
        finally:
            ended.set()
        if late.is_set():
            raise _Late
        return [[column[0], column[1]] for column in cursor.description or []], rows

    def _connection(self, zone: str) -> Any:
        """dbt's own connection, but with this time zone."""
        if zone not in self._connections:
            own = self._adapter.connections.get_thread_connection()
            credentials = copy.copy(own.credentials)
            credentials.timezone = zone
            opened = Connection(type=own.type, name=f"{own.name} {zone}", credentials=credentials)
            try:
                self._connections[zone] = type(self._adapter.connections).open(opened).handle.handle
            except (KeyError, ValueError) as error:  # of zoneinfo
                raise _UnknownZone(zone) from error
        return self._connections[zone]


class _Late(Exception):
    """A statement that took too long, and was canceled."""


class _UnknownZone(Exception):
    """A time zone that cannot be set."""


def _fault(error: Exception) -> dict[str, str | None]:
    """How one statement has failed. What is no fault of the statement is raised."""
    if isinstance(error, _CONNECTION) or getattr(error, "error_name", None) in _OF_ALL:
        raise DbtDatabaseError(str(error)) from error
    if isinstance(error, _Late):
        return {"sqlstate": "57014", "message": None}
    if isinstance(error, _UnknownZone):
        return {"sqlstate": "SX001", "message": f"the target does not know the time zone {error}"}
    if not isinstance(error, trino.exceptions.TrinoQueryError):
        return {"sqlstate": "08006", "message": None}
    message = (str(error.message).splitlines() or [""])[0]
    if NO_VALUE in message:
        return {"sqlstate": "22P02", "message": None}
    if _TOO_WIDE.match(message):
        return {"sqlstate": "22003", "message": message[:1000], "name": "NUMERIC_VALUE_OUT_OF_RANGE"}
    sqlstate = _STATES.get(error.error_name) or _BY_TYPE.get(error.error_type, "XX000")
    words = re.sub(r"^line \d+:\d+: ", "", message)[:1000]
    if of_type := _TEXT_BESIDE.match(words):
        moment = "2026-01-31" if (of_type[1] or of_type[2]) == "date" else "2026-01-31 06:00:00"
        words += f"; write {of_type[1] or of_type[2]} '{moment}' in place of a text"
    return {"sqlstate": sqlstate, "message": words or None, "name": error.error_name}


_open: _Check | None = None


def stringx_begin(self: TrinoAdapter, limit_ms: int) -> int:
    """Begin the check; returns the version of Trino."""
    global _open
    _open = _Check(self, limit_ms)
    return _open.version


def stringx_now(_: TrinoAdapter) -> str:
    """The moment when the check began, in UTC, as YYYY-MM-DD HH:MM:SS.ffffff; the present if it has not."""
    return (_open.now if _open is not None else datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S.%f")


def stringx_look_up(_: TrinoAdapter, relations: list[str]) -> list[dict[str, Any]]:
    """What is known of each relation: {columns, error, note}."""
    assert _open is not None
    return _open.states.look_up(relations)


def stringx_columns(_: TrinoAdapter, sql: str) -> Columns:
    """The names and types of what a query returns."""
    assert _open is not None
    return _open.columns(sql)


def stringx_fault_of_reads(_: TrinoAdapter, query: str, relations: list[list[str]]) -> str | None:
    """Why a query would read one of its tables at another state than the rest of the check; none if it would not."""
    assert _open is not None
    return _open.fault_of_reads(query, relations)


def stringx_answers(_: TrinoAdapter, slots: list[dict[str, Any]]) -> list[Answer]:
    """What each of these statements {sql, timezone, shadow} gives, one after the other."""
    assert _open is not None
    return [_open.answer(slot["sql"], slot.get("timezone"), 0.75 if slot.get("shadow") else 1.0) for slot in slots]


def stringx_changed(_: TrinoAdapter) -> list[str]:
    """Relations that were to be read as they were, and have changed."""
    assert _open is not None
    return _open.states.changed()


def stringx_result(_: TrinoAdapter, failures: int, should_warn: bool, should_error: bool) -> Any:
    """A dbt result, as if a query had returned it."""
    row = {"failures": failures, "should_warn": should_warn, "should_error": should_error}
    return agate_helper.table_from_data_flat([row], list(row))


_METHODS = (
    *(stringx_begin, stringx_now, stringx_look_up, stringx_columns, stringx_fault_of_reads, stringx_answers),
    *(stringx_changed, stringx_result),
)
for _method in _METHODS:
    setattr(TrinoAdapter, _method.__name__, _method)
TrinoAdapter._available_ = TrinoAdapter._available_ | {method.__name__ for method in _METHODS}
