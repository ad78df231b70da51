"""Restores a backup into the internal database, in one transaction: all of it or nothing.

The file is read twice: first all of it is checked, then its rows are loaded into a schema that the migrations of the backup have
made. What was loaded is read again and compared with the manifest, before the migrations since then are applied.
"""

import io
import re
from collections.abc import Iterator
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
from stringx_dataops.contract.problems import Conflict, DatabaseFault, Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_CONCURRENTLY = re.compile(r"\b(create index|drop index) concurrently\b")
_OURS = re.compile(r"^stringx( |$)")  # names of the services' sessions


def check(path: Path) -> tuple[Header, Manifest]:
    """Read the whole file. Raises BackupError if it is damaged, or was made by a newer release; OSError if it cannot be read."""
    with path.open("rb") as file:
        reader = Reader(file)
        _require_known(reader.header)
        return reader.header, reader.check()


def restore(url: str, path: Path, replace: bool = False) -> tuple[Header, Manifest]:
    """Restore the file into this database. `replace`: also where it holds something, which is lost.

    Raises BackupError as `check`, Conflict if services use the database or it is not empty, Unavailable and DatabaseFault. After
    any error, the database is as it was.
    """
    checked = check(path)
    try:
        connection = connect(url, "stringx restore")
        try:
            with connection, connection.cursor() as cursor:
                _restore(connection, cursor, path, replace)
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("set statement_timeout = 0; analyze")
        finally:
            connection.close()
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise Unavailable(f"the internal database does not answer: {first_line(error)}") from error
    except psycopg2.Error as error:
        raise DatabaseFault(f"the internal database refuses the backup: {first_line(error)}") from error
    return checked


def is_used(url: str) -> bool:
    """Whether the database holds more than a migration leaves. Raises psycopg2's errors."""
    connection = connect(url, "stringx restore")
    try:
        with connection, connection.cursor() as cursor:
            return bool(_value(cursor, SQL["has_schema"]) and _value(cursor, SQL["is_used"]))
    finally:
        connection.close()


def _restore(connection: extensions.connection, cursor: extensions.cursor, path: Path, replace: bool) -> None:
    cursor.execute(SQL["settings"])
    _require_nobody(cursor)
    if not replace and _value(cursor, SQL["has_schema"]) and _value(cursor, SQL["is_used"]):
        raise Conflict("the internal database is not empty; restore into an empty one, or give --replace: what it holds is lost")
    with path.open("rb") as file:
        reader = Reader(file)
        cursor.execute(SQL["drop"])
        _migrate(cursor, reader.header.migrations)
        _load(connection, cursor, reader)
        _migrate(cursor, [name for name in _shipped() if name not in reader.header.migrations])
        details = {"made_at": reader.header.created_at, "release": reader.header.release}
        cursor.execute(SQL["record"], {"actor": ITSELF, "details": extras.Json(details)})


def _load(connection: extensions.connection, cursor: extensions.cursor, reader: Reader) -> None:
    tables = {row["name"]: row for row in backup.tables_of(cursor)}
    if {name: row["columns"] for name, row in tables.items()} != reader.header.tables:
        raise BackupError("its tables are not those of its migrations")
    for row in tables.values():
        cursor.execute(f"alter table {row['quoted']} disable trigger user")
    cursor.execute(f"truncate {', '.join(row['quoted'] for row in tables.values())}")
    for month in reader.header.months:
        cursor.execute("select stringx.make_partitions(%s::date)", [month])
    for name, pieces in groupby(reader.pieces(), key=itemgetter(0)):
        columns = ", ".join(extensions.quote_ident(column, connection) for column in tables[name]["columns"])
        rows = _Rows(piece for _, piece in pieces)
        cursor.copy_expert(f"copy {tables[name]['quoted']} ({columns}) from stdin (encoding 'UTF8')", rows, 1 << 20)
    for name, row in tables.items():
        tally = Tally()
        cursor.copy_expert(backup.copy_out(connection, row["quoted"], row["columns"]), tally)
        found, told = tally.content(), reader.manifest.tables[name]
        if (found.rows, found.rows_sha256) != (told.rows, told.rows_sha256):
            raise BackupError(f"{name} was loaded, but holds something else than the backup")
        cursor.execute(f"alter table {row['quoted']} enable trigger user")
    for name, (last, used) in reader.manifest.sequences.items():
        cursor.execute("select setval(%s::regclass, %s, %s)", [name, last, used])


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
    cursor.execute(SQL["sessions"])
    found = [f"{name} (process {pid}{f' from {address}' if address else ''})" for pid, name, address in cursor.fetchall()]
    if running := [each for each in found if _OURS.match(each)]:
        raise Conflict(f"services still use the internal database; stop them first: {', '.join(running)}")


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
