"""Backs up the internal database, both schemas in one snapshot: `python -m database.backup [MARK]` writes to standard output.

A process of its own, because a web process cannot COPY (`database.connecting.bound_waits`), and because whoever asked can end it.
"""

import os
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from database.connecting import connect
from database.pool import Cursor, first_line
from database.queries import load_queries
from stringx_dataops import __version__
from stringx_dataops.contract.backups import Header, Manifest, Output, Writer
from stringx_dataops.contract.problems import Busy, DatabaseFault, StringXError, Unavailable
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError

SQL = load_queries(Path(__file__).with_suffix(".sql"))
# What is about processes and people of the moment: who is signed in, which workers live, what loops report.
LEFT_OUT = ("stringx.sessions", "stringx.person_sessions", "stringx.login_failures", "dataops.workers")
BUSY = 75  # exit code of this process if another backup runs
_TRIES = 5
_ELSEWHERE = (
    "what the Backend has just written is not in the database that is to be backed up: STRINGX_DATABASE_DIRECT_URL"
    " leads to another database than STRINGX_DATABASE_URL, or to a standby that is behind"
)


def mark(cursor: Cursor) -> str:
    """Write a mark that a backup has to hold (`back_up`), within this transaction."""
    (row,) = cursor.all(SQL["mark"])
    return str(row["mark"])


def back_up(url: str, out: Output, marked: str | None = None) -> Manifest:
    """Write a backup of this database. `marked`: a mark that was committed before.

    Raises Unavailable, also if the database lacks the mark, or DatabaseFault; Busy while another backup runs, or another session
    keeps a table locked; OSError of `out`.
    """
    try:
        connection = connect(url, "stringx backup")
        connection.autocommit = True  # transactions are begun by hand, with their isolation
        try:
            return _write(connection, out, marked)
        finally:
            connection.close()
    except psycopg2.errors.LockNotAvailable as error:
        words = "another session keeps a table of the internal database locked; try again when it has ended"
        raise Busy(words, retry_after_s=60) from error
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise Unavailable(f"the internal database does not answer: {first_line(error)}") from error
    except psycopg2.Error as error:
        raise DatabaseFault(f"the internal database cannot be backed up: {first_line(error)}") from error


def _write(connection: extensions.connection, out: Output, marked: str | None) -> Manifest:
    with connection.cursor() as cursor:
        tables = _begin(cursor)
        if marked is not None and not _rows(cursor, SQL["marked"], {"mark": marked})[0]["is_marked"]:
            raise Unavailable(_ELSEWHERE)
        names = {row["name"]: row for row in tables}
        moment = _rows(cursor, SQL["moment"])[0]
        migrations = [row["name"] for row in _rows(cursor, SQL["migrations"])]
        months = [row["month"] for row in _rows(cursor, SQL["months"])]
        columns = {name: row["columns"] for name, row in names.items()}
        writer = Writer(out, Header(__version__, moment["now"], moment["version"], migrations, months, columns))
        for name, row in names.items():
            statement = copy_out(connection, row["quoted"], row["columns"])
            writer.table(name, lambda pieces, statement=statement: cursor.copy_expert(statement, pieces))  # type: ignore[misc]
        sequences = {}
        for name, quoted in sequences_of(cursor).items():
            (value,) = _rows(cursor, f"select last_value, is_called from {quoted}")  # noqa: S608 - quoted by the server
            sequences[name] = (value["last_value"], value["is_called"])
        cursor.execute("rollback")
        return writer.finish(sequences)


def copy_out(connection: extensions.connection, quoted: str, columns: list[str]) -> str:
    """The statement that copies the rows of a table, those of its partitions too."""
    listed = ", ".join(extensions.quote_ident(column, connection) for column in columns)
    return f"copy (select {listed} from {quoted}) to stdout (encoding 'UTF8')"  # noqa: S608


def tables_of(cursor: extensions.cursor) -> list[dict[str, Any]]:
    """The tables that are backed up: name, quoted name, columns; what is referred to comes first."""
    rows = {row["id"]: row for row in _rows(cursor, SQL["tables"], {"left_out": list(LEFT_OUT)})}
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(rows, ()))
    for row in _rows(cursor, SQL["references"]):
        if row["referring"] in rows and row["referred"] in rows:
            order.add(row["referring"], row["referred"])
    return [rows[key] for key in order.static_order()]


def sequences_of(cursor: extensions.cursor) -> dict[str, str]:
    """The quoted name of each sequence, by its name."""
    return {row["name"]: row["quoted"] for row in _rows(cursor, SQL["sequences"])}


def _begin(cursor: extensions.cursor) -> list[dict[str, Any]]:
    """Begin the snapshot with all tables locked, so that none is dropped, truncated or altered while it is read; returns them.

    `lock table` comes first in the transaction, because it takes no snapshot yet.
    """
    for _ in range(_TRIES):
        before = tables_of(cursor)
        if not before:
            raise Unavailable("the internal database has no tables; run the role migrate first")
        cursor.execute(SQL["begin"])
        cursor.execute(f"lock table {', '.join(row['quoted'] for row in before)} in access share mode")
        (locks,) = _rows(cursor, SQL["alone"])
        if not locks["is_alone"]:
            raise Busy("another backup is being made; try again when it has ended", retry_after_s=60)
        if not locks["is_settled"]:
            raise Busy("the internal database is being migrated; try again when that has ended", retry_after_s=60)
        if tables_of(cursor) == before:
            return before
        cursor.execute("rollback")
    raise Unavailable("the tables of the internal database keep changing; try again")


def _rows(cursor: extensions.cursor, statement: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    cursor.execute(statement, parameters or {})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def main() -> int:
    """Write to standard output; returns 0, BUSY, or 2 after a line on standard error. An argument is the mark."""
    out = os.fdopen(os.dup(1), "wb")
    try:
        back_up(read_settings().require_session_url(), out, next(iter(sys.argv[1:]), None))
        out.close()
    except Busy as error:
        print(error, file=sys.stderr)
        return BUSY
    except (SettingsError, StringXError) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever asked has gone
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
