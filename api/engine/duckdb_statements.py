"""What the gate test's macros need of DuckDB and Jinja cannot do: statements that fail alone, within a time, in one transaction.

A plugin of dbt-duckdb that `stringx/duckdb/profiles.yml` names. Importing it adds methods to dbt's adapter. Nothing else
imports it.
"""

import json
import os
import re
import resource
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.impl import DuckDBAdapter
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from api.engine import duckdb_states
from api.engine.duckdb_own_views import faults_of_views
from api.engine.duckdb_states import MEMORY, OVERWRITTEN, Files
from api.engine.duckdb_words import of_csv, of_databases, words_for
from api.engine.s3_faults import fault_in

# The SQLSTATE that stands for each of DuckDB's exceptions, which have none. The first that fits counts.
_STATES: tuple[tuple[str, str], ...] = (
    ("InterruptException", "57014"),
    ("OutOfMemoryException", "53200"),
    ("MemoryError", "53200"),
    ("OutOfRangeException", "22003"),
    ("ConversionException", "22000"),
    ("BinderException", "42000"),
    ("CatalogException", "42704"),
    ("ParserException", "42601"),
    ("SyntaxException", "42601"),
    ("PermissionException", "42501"),
    ("NotImplementedException", "0A000"),
    ("TransactionException", "25000"),
    ("IOException", "58030"),
    ("InvalidInputException", "22000"),
    ("DataError", "22000"),
    ("FatalException", "XX000"),
    ("InternalException", "XX000"),
    ("ProgrammingError", "42000"),
)
# Data exceptions of one class of Python. What follows in the message is a value.
_DATA_STATES = (
    (re.compile(r"invalid (date|time|timestamp) field format"), "22007"),
    (
        re.compile(r"(date|time|timestamp) field value out of range|Type INT(32|64) with value [0-9-]+ can't be cast to the"),
        "22008",
    ),
    (re.compile(r"Could not convert string "), "22P02"),
    (re.compile(r"Type \w+ with value .* can't be cast because the value is out of range"), "22003"),
)
NO_VALUE = "stringx_no_value"  # macros call this function, which does not exist, in place of a value that the column's type lacks
_LEAST_S = 0.05
_LOOKS = 3  # at objects that are replaced while their columns are looked up
_ROOM_BYTES = 2**30  # for what a process needs beside DuckDB's own memory
_TOLD = ("53200", "58030", "SX001")  # whose messages name no value of a row

Answer = str | dict[str, str | None] | None


class Plugin(BasePlugin):  # type: ignore[misc]
    """dbt-duckdb imports the module for it, and calls it before it opens a database."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Note the state of the target's database file; those that it attaches follow. `config` is not changed."""
        duckdb_states.forget_all_but((_reads().get("attach") or {}).values())
        if str(creds.path) != MEMORY:
            duckdb_states.note(str(creds.path))


class _Transaction:
    """The transaction of one run of dbt, in the adapter's own connection."""

    def __init__(self, connection: Any, limit_ms: int) -> None:
        self._connection = connection
        self._due = time.monotonic() + limit_ms / 1000
        self._limit_s = limit_ms / 1000
        self._zone: str | None = None
        self._begin_again()
        self.now: datetime = connection.execute("select now() at time zone 'UTC'").fetchone()[0].replace(tzinfo=UTC)

    def answer(self, sql: str, zone: str | None, share: float) -> Answer:
        """The one value of a SELECT, or {sqlstate, message} if it fails. It may use half of the time that is left of this share
        of the transaction's time. A failed statement ends DuckDB's transaction, so another one begins; nobody writes to a file
        that is open here. If none can begin, the error is raised."""
        seconds = max(_LEAST_S, (self._due - time.monotonic() - (1 - share) * self._limit_s) / 2)
        try:
            self._set_zone(zone or "UTC")
            return self._select(sql, seconds)
        except _Refused as refused:
            found: dict[str, str | None] = {"sqlstate": refused.sqlstate, "message": str(refused)}
        except Exception as error:  # whatever it is: this statement has no answer
            found = _fault(error)
        self._begin_again()
        if found["sqlstate"] not in _TOLD and found["sqlstate"] != "57014" and self._is_planned(sql, seconds):
            found["message"] = None  # a row's value caused it
        return found

    def end(self) -> None:
        """Nothing more is read by it. Its connection is dbt's, and stays open: the next transaction has the same one."""
        with suppress(duckdb.Error):
            self._connection.execute("rollback")

    def _set_zone(self, zone: str) -> None:
        if zone == self._zone:
            return
        try:
            self._connection.execute("set TimeZone = '" + zone.replace("'", "''") + "'")
        except duckdb.Error as error:
            raise _Refused("SX001", f"the target does not know the time zone {zone}") from error
        self._zone = zone

    def _select(self, sql: str, seconds: float) -> str | None:
        statements = self._connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise _Refused("42601", "it is not one SELECT")
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            row = self._connection.execute(statements[0]).fetchone()
        finally:
            timer.cancel()
            timer.join()
        return None if row is None or row[0] is None else str(row[0])

    def _is_planned(self, sql: str, seconds: float) -> bool:
        try:
            self._select(f"select count(*)::varchar from ({sql}) as planned limit 0", seconds)
        except Exception:
            self._begin_again()
            return False
        return True

    def _begin_again(self) -> None:
        with suppress(duckdb.Error):  # there was none
            self._connection.execute("rollback")
        self._connection.execute("begin transaction")


class _Refused(Exception):
    """A statement that is not run."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def _words_of(error: str) -> str | None:
    return fault_in(error) or of_databases(error, _database_files()) or words_for(error, _files_of_tables())


def _fault(error: Exception) -> dict[str, str | None]:
    if (words := _words_of(str(error))) is not None:
        return {"sqlstate": "SX001", "message": words}
    names = {base.__name__ for base in type(error).__mro__}
    lines = str(error).splitlines() or [""]
    if lines[0].startswith("Traceback ") and lines[-1].startswith("MemoryError"):  # while an object was read
        return {"sqlstate": "53200", "message": "it needs more memory than memory_limit allows"}
    sqlstate = next((state for name, state in _STATES if name in names), "XX000")
    message = lines[0]
    if NO_VALUE in message:
        return {"sqlstate": "22P02", "message": None}
    if sqlstate == "22000" and (words := of_csv(lines)) is not None:
        return {"sqlstate": "SX001", "message": words}
    words = message.partition(": ")[2]
    if sqlstate == "22000":
        sqlstate = next((state for pattern, state in _DATA_STATES if pattern.match(words)), sqlstate)
    return {"sqlstate": sqlstate, "message": words[:1000] or None}


def _bound_memory() -> None:
    """Limits the memory of this process, which DuckDB itself does not in every function: a statement that needs more fails, or
    the process ends, and its check with it."""
    limit = re.fullmatch(r"([0-9]+)(MB|GB)", os.environ.get("STRINGX_TARGET_MEMORY_LIMIT", "2GB"))
    used = re.search(r"^VmData:\s+([0-9]+) kB$", _read("/proc/self/status"), re.MULTILINE)
    if limit is None or used is None:
        return
    wanted = int(used[1]) * 1024 + int(limit[1]) * (10**6 if limit[2] == "MB" else 10**9) + _ROOM_BYTES
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


_open: _Transaction | None = None
_unreadable_views: list[list[str]] = []
_files: Files | None = None


def stringx_begin(self: DuckDBAdapter, limit_ms: int) -> None:
    """Begin the transaction in which everything is read. Before that, the tables that are files are looked at, and before that
    the state of these files: whatever changes from then on is noticed by `stringx_files_changed`."""
    global _open, _files, _unreadable_views
    _bound_memory()
    connection = self.connections.get_thread_connection().handle.cursor()
    locations = _reads().get("locations") or {}
    if _open is not None:
        _open.end()
    _files = None
    for _ in range(_LOOKS if locations else 0):
        _files = Files.now(locations)
        if not _files.make_views(connection, locations):
            break
    _unreadable_views = [] if locations else faults_of_views(connection, _reads().get("attach") or {})
    _open = _Transaction(connection, limit_ms)


def _reads() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(os.environ.get("STRINGX_TARGET_READS", "{}"))
    return found


def _database_files() -> list[str]:
    return [each.path for each in duckdb_states.opened()]


def _files_of_tables() -> set[str]:
    return {file for each in (_reads().get("locations") or {}).values() for file in each["files"]}


def stringx_unreadable_views(_: DuckDBAdapter) -> list[list[str]]:
    """[schema, name, why] of each view of the target's file that is not read, as it was when the transaction began."""
    return _unreadable_views


def stringx_files_changed(_: DuckDBAdapter) -> bool:
    """Whether a file behind a table is another one, or has another size or time, than before the transaction began. Raises
    DbtRuntimeError if a database file has, as DuckDB keeps parts of it: it cannot be read again by this process."""
    _require_as_opened()
    return _files is not None and _files.have_changed()


def _require_as_opened() -> None:
    if changed := next((each.path for each in duckdb_states.opened() if each.has_changed()), None):
        raise DbtRuntimeError(OVERWRITTEN.format(changed))


def stringx_now(_: DuckDBAdapter) -> str:
    """The moment when the transaction began, as YYYY-MM-DDTHH:MM:SS.ffffffZ; the present if there is none."""
    moment = _open.now if _open is not None else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stringx_snapshot_at(adapter: DuckDBAdapter) -> str:
    """The moment of the check's snapshot, in the same form: the one before its files were looked up. A file that was put there
    later may be missing, although it was there when the transaction began."""
    looked_up_at: str | None = _reads().get("looked_up_at")
    return looked_up_at or stringx_now(adapter)


def stringx_answers(_: DuckDBAdapter, slots: list[dict[str, Any]]) -> list[Answer]:
    """What each of these statements {sql, timezone, shadow} gives, one after the other."""
    assert _open is not None
    try:
        return [_open.answer(slot["sql"], slot.get("timezone"), 0.75 if slot.get("shadow") else 1.0) for slot in slots]
    except duckdb.Error as error:  # DuckDB has given the database up
        _require_as_opened()
        if (words := of_databases(str(error), _database_files())) is not None:
            raise DbtRuntimeError(words) from error
        raise


_METHODS = (
    stringx_begin,
    stringx_now,
    stringx_snapshot_at,
    stringx_answers,
    stringx_unreadable_views,
    stringx_files_changed,
)
for _method in _METHODS:
    setattr(DuckDBAdapter, _method.__name__, _method)
DuckDBAdapter._available_ = DuckDBAdapter._available_ | {_method.__name__ for _method in _METHODS}
