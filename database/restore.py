"""Restores a backup into the internal database, in one transaction: all of it or nothing.

The file is read twice: first all of it is checked, then its rows are loaded into a schema that the migrations of the backup have
made. What was loaded is read again and compared with the manifest, before the migrations since then are applied.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions, extras

from database import backup
from database.connecting import connect
from database.migrate import MIGRATIONS
from database.pool import first_line
from database.queries import load_queries
from stringx_dataops.contract.backups import BackupError, Header, Manifest, Reader, Tally
from stringx_dataops.contract.keys import ITSELF
from stringx_dataops.contract.problems import Conflict, DatabaseFault, StringXError, Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_CONCURRENTLY = re.compile(r"\b(create index|drop index) concurrently\b")
# What people and their programs store; every other table follows from these, or is filled by migrations and loops.
_STORED = (
    "stringx.targets", "stringx.tables", "stringx.datasets", "stringx.layers", "stringx.watch_documents", "stringx.requests",
    "stringx.waivers", "stringx.badges", "dataops.checks",
)  # fmt: skip


@dataclass(frozen=True)
class Restored:
    """What was restored. `left_out`: tables of the backup that no migration makes, so somebody had added them."""

    header: Header
    manifest: Manifest
    left_out: list[str]


def check(path: Path) -> tuple[Header, Manifest]:
    """Read the whole file. Raises BackupError if it is damaged, or was made by a newer release; OSError if it cannot be read."""
    with path.open("rb") as file:
        reader = Reader(file)
        _require_known(reader.header)
        return reader.header, reader.check()


def restore(url: str, path: Path, replace: bool = False) -> Restored:
    """Restore the file into this database. `replace`: also where it holds something, which is lost.

    Raises BackupError as `check`, Conflict if services use the database, it is not empty or is another program's, Unavailable and
    DatabaseFault. After any error the database is as it was, unless the error says that this is not known.
    """
    header, manifest = check(path)
    try:
        connection = connect(url, "stringx restore")
        try:
            left_out = _in_one_transaction(connection, path, replace)
            with suppress(psycopg2.Error), connection, connection.cursor() as cursor:  # the server does it, too, but later
                cursor.execute("set local statement_timeout = 0; analyze")
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise _problem(error) from error
    return Restored(header, manifest, left_out)


def is_used(url: str) -> bool:
    """Whether the database holds more than a migration leaves. Raises Conflict if it is another program's, Unavailable and
    DatabaseFault."""
    try:
        connection = connect(url, "stringx restore")
        try:
            with connection, connection.cursor() as cursor:
                return _is_used(cursor)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise _problem(error) from error


def _in_one_transaction(connection: extensions.connection, path: Path, replace: bool) -> list[str]:
    try:
        with connection.cursor() as cursor:
            left_out = _restore(connection, cursor, path, replace)
    except psycopg2.errors.LockNotAvailable as error:
        connection.rollback()
        with connection.cursor() as cursor:
            holders = ", ".join(_sessions(cursor, services=False)) or "none now"
        raise Conflict(f"other sessions keep tables of the internal database locked; end them first: {holders}") from error
    commit(connection)
    return left_out


def commit(connection: extensions.connection) -> None:
    """Commit. Unavailable if the connection is lost meanwhile, which leaves open whether it was done. Raises psycopg2's errors
    where the server says that it was not."""
    try:
        connection.commit()
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        if _is_answer(error):
            raise
        raise Unavailable(
            f"the connection was lost at the last step ({first_line(error)}): either all is restored or nothing was changed;"
            " restore again, with --replace if it is not empty then"
        ) from error


def _problem(error: psycopg2.Error) -> StringXError:
    if isinstance(error, psycopg2.errors.InsufficientPrivilege):
        return DatabaseFault(
            f"the internal database refuses the backup: {first_line(error)}; use the role that owns the database"
        )
    if _is_answer(error) or not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return DatabaseFault(f"the internal database refuses the backup: {first_line(error)}")
    return Unavailable(f"the internal database does not answer: {first_line(error)}")


def _is_answer(error: psycopg2.Error) -> bool:
    """Whether the server has refused a statement and goes on, as when its disk is full."""
    return error.pgcode is not None and not error.pgcode.startswith(("08", "57P"))


def _is_used(cursor: extensions.cursor) -> bool:
    if not _value(cursor, SQL["has_schema"]):
        return False
    if not _value(cursor, SQL["is_ours"]):
        raise Conflict("the database has a schema stringx or dataops of another program; give a database of its own")
    tables = {row["name"]: row["quoted"] for row in backup.tables_of(cursor)}
    return any(_value(cursor, f"select exists (select from {tables[name]})") for name in _STORED if name in tables) or (  # noqa: S608
        "stringx.api_keys" in tables and bool(_value(cursor, SQL["keys"]))
    )


def _restore(connection: extensions.connection, cursor: extensions.cursor, path: Path, replace: bool) -> list[str]:
    cursor.execute(SQL["settings"])
    _require_nobody(cursor)
    if _is_used(cursor) and not replace:
        raise Conflict("the internal database is not empty; restore into an empty one, or give --replace: what it holds is lost")
    with path.open("rb") as file:
        reader = Reader(file)
        _require_known(reader.header)
        cursor.execute(SQL["drop"])
        _migrate(cursor, reader.header.migrations)
        left_out = _load(connection, cursor, reader)
        _migrate(cursor, [name for name in _shipped() if name not in reader.header.migrations])
        details = {"made_at": reader.header.created_at, "release": reader.header.release}
        cursor.execute(SQL["record"], {"actor": ITSELF, "details": extras.Json(details)})
    return left_out


def _load(connection: extensions.connection, cursor: extensions.cursor, reader: Reader) -> list[str]:
    """Load the rows and read them again; the names of tables that are left out."""
    tables = {row["name"]: row for row in backup.tables_of(cursor)}
    columns = _columns(tables, reader.header)
    for row in tables.values():
        cursor.execute(f"alter table {row['quoted']} disable trigger user")
    cursor.execute(f"truncate {', '.join(row['quoted'] for row in tables.values())}")
    for month in reader.header.months:
        cursor.execute("select stringx.make_partitions(%s::date)", [month])
    for name, pieces in groupby(reader.pieces(), key=itemgetter(0)):
        if name not in tables:
            continue
        listed = ", ".join(extensions.quote_ident(column, connection) for column in columns[name])
        rows = _Rows(piece for _, piece in pieces)
        cursor.copy_expert(f"copy {tables[name]['quoted']} ({listed}) from stdin (encoding 'UTF8')", rows, 1 << 20)
    for name, row in tables.items():
        tally = Tally()
        cursor.copy_expert(backup.copy_out(connection, row["quoted"], columns[name]), tally)
        found, told = tally.content(), reader.manifest.tables[name]
        if (found.rows, found.rows_sha256) != (told.rows, told.rows_sha256):
            raise BackupError(f"{name} was loaded, but holds something else than the backup")
        cursor.execute(f"alter table {row['quoted']} enable trigger user")
    for name in backup.sequences_of(cursor):
        if name not in reader.manifest.sequences:
            raise BackupError(f"it lacks the sequence {name}, which its migrations make")
        cursor.execute("select setval(%s::regclass, %s, %s)", [name, *reader.manifest.sequences[name]])
    return [name for name in reader.header.tables if name not in tables]


def _columns(tables: Mapping[str, Mapping[str, Any]], header: Header) -> dict[str, list[str]]:
    """The columns of each table in the order of the backup. BackupError unless these are what its migrations make: theirs may be
    in another order, if they were applied as they were written and not by number."""
    for name, row in tables.items():
        if name not in header.tables:
            raise BackupError(f"it lacks the table {name}, which its migrations make")
        if odd := sorted(set(header.tables[name]) ^ set(row["columns"])):
            raise BackupError(f"its table {name} is not as its migrations make it: {', '.join(odd)[:200]}")
    return {name: header.tables[name] for name in tables}


class _Rows(io.RawIOBase):
    """The pieces of a table as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = memoryview(piece)
        taken, self._left = self._left[:size], self._left[size:]
        return bytes(taken)


def _require_nobody(cursor: extensions.cursor) -> None:
    if not _value(cursor, SQL["alone"]):
        raise Conflict("the internal database is being migrated, backed up or restored; try again when that has ended")
    if running := _sessions(cursor, services=True):
        raise Conflict(f"services still use the internal database; stop them first: {', '.join(running)}")


def _sessions(cursor: extensions.cursor, services: bool) -> list[str]:
    """The first sessions beside this one, for a message. `services`: of services alone."""
    cursor.execute(SQL["sessions"], {"services": services})
    return [f"{name} (process {pid}{f' from {address}' if address else ''})" for pid, name, address in cursor.fetchall()]


def _require_known(header: Header) -> None:
    if unknown := sorted(set(header.migrations) - set(_shipped())):
        raise BackupError(
            f"it was made by a newer release ({header.release}, migration {unknown[-1][:80]});"
            " restore it with that one or a later one"
        )


def _shipped() -> list[str]:
    return sorted(path.name for path in MIGRATIONS.glob("*.sql"))


def _migrate(cursor: extensions.cursor, names: list[str]) -> None:
    """Apply these files within the transaction; nobody else uses the tables, so that indexes need not be built beside writers."""
    cursor.execute(
        "create table if not exists public.stringx_migrations"
        " (name text primary key, applied_at timestamptz not null default now())"
    )
    for name in sorted(names):
        cursor.execute(_CONCURRENTLY.sub(r"\1", (MIGRATIONS / name).read_text(encoding="utf-8")))
        cursor.execute("insert into public.stringx_migrations (name) values (%s)", [name])


def _value(cursor: extensions.cursor, statement: str) -> Any:
    cursor.execute(statement)
    row = cursor.fetchone()
    return None if row is None else row[0]
