"""Brings the internal database up to date and makes the secrets of an installation: `python -m database.migrate`.

Migrations are numbered SQL files that run once, in order, in one process at a time. Each file runs in its own transaction.
Building an index in the usual way locks out writers until it is done. So files that begin with `-- concurrently` hold only
statements such as `create index concurrently if not exists` and `drop index concurrently if exists`. These statements run one by
one and may run again after an interruption.
"""

import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from database import keys
from database.pool import Cursor, Database, Row
from stringx_dataops.contract import signatures
from stringx_dataops.contract.keys import OWNER, SCOPES, SERVICE, SERVICE_SCOPES, new_key
from stringx_dataops.contract.problems import StringXError, Unavailable
from stringx_dataops.contract.settings import Settings, read_settings
from stringx_dataops.contract.variables import SettingsError, secret, write_secret

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_418_205_331  # an arbitrary number for an advisory lock, so that two migrations never run at once
_LOCK_WAIT_S = 3600  # longer than the slowest file takes in another process
_CONCURRENTLY = "-- concurrently"
_INDEX = re.compile(r"create index concurrently if not exists (\w+)\s+on\s+(\w+)\.")
# Limits how long a migration waits for a lock on a table, because other queries queue up behind it meanwhile.
_TIMEOUTS = "set lock_timeout = '5s'; set statement_timeout = '10min'"
_TIMEOUTS_CONCURRENTLY = (
    "set lock_timeout = '10min'; set statement_timeout = '1h'"  # blocks nobody, but waits for older transactions to end
)
_POOLED = (
    "the internal database is reached by a pooler, and migrations need a session of their own:"
    " set STRINGX_DATABASE_DIRECT_URL to the address of PostgreSQL itself"
)
_LOCKED_S = 300.0  # how long a file is tried again while another session keeps a lock
_SERVICE_OVERLAP_S = 24 * 3600.0  # an older service key stays valid so long: services are started anew one after the other
_AGAIN_S = 1.0  # pause between two tries, in which queries that queued up behind the migration can run
_HOLDERS = """
select pid, application_name, extract(epoch from clock_timestamp() - xact_start)::integer as age_s
from pg_catalog.pg_stat_activity
where datname = current_database() and xact_start is not null and pid <> pg_backend_pid() order by xact_start limit 3
"""
_INTERRUPTED = """
select 1 from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
where c.relname = %(name)s and c.relnamespace = to_regnamespace(%(schema)s) and not i.indisvalid
"""


def migrate(database: Database) -> list[str]:
    """Apply the missing files and return their names.

    Raises Unavailable if another process migrates for an hour, or if another session keeps a lock for _LOCKED_S; SettingsError
    if a pooler is in between, which may not keep the session that holds the lock of migrations.
    """
    if database.is_pooled():
        raise SettingsError(_POOLED)
    with database.statements() as cursor, _alone(cursor):
        cursor.run(
            "create table if not exists public.stringx_migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        missing = _missing(cursor.all("select name from public.stringx_migrations"))
        for path in missing:
            apply(cursor, path)
    return [path.name for path in missing]


def apply(cursor: Cursor, path: Path) -> None:
    """Run one file and record its name, on a connection in autocommit.

    Both happen in one transaction, except for a `-- concurrently` file, which is recorded after its last statement.
    Raises Unavailable if another session keeps a lock for _LOCKED_S.
    """
    text = path.read_text(encoding="utf-8")
    record = "insert into public.stringx_migrations (name) values (%(name)s)"
    if text.startswith(_CONCURRENTLY):
        cursor.run(_TIMEOUTS_CONCURRENTLY)
        for statement in _statements(text):
            _drop_interrupted(cursor, statement)
            cursor.run(statement)
        cursor.run(record, {"name": path.name})
        return
    cursor.run(_TIMEOUTS)
    until = time.monotonic() + _LOCKED_S
    while True:
        cursor.run("begin")
        try:
            cursor.run(text)
            cursor.run(record, {"name": path.name})
            cursor.run("commit")
            return
        except psycopg2.errors.LockNotAvailable as error:
            cursor.run("rollback")
            if time.monotonic() > until:
                raise Unavailable(_locked(path.name, cursor.all(_HOLDERS))) from error
            time.sleep(_AGAIN_S)


def _locked(name: str, holders: Sequence[Row]) -> str:
    sessions = ", ".join(f"{row['pid']} ({row['application_name'] or 'unnamed'}, for {row['age_s']} s)" for row in holders)
    return (
        f"{name} gets no lock in the internal database; transactions are open in: {sessions or 'none now'};"
        " end them and try again"
    )


@contextmanager
def _alone(cursor: Cursor) -> Iterator[None]:
    """Hold the migrations' advisory lock on this connection, across its transactions; if the block fails, closing the connection
    releases it.

    The lock is polled. A statement that waits for it would be a running transaction, and `create index concurrently` in the
    other process waits for all of those.
    """
    until = time.monotonic() + _LOCK_WAIT_S
    while not (cursor.one("select pg_try_advisory_lock(%(lock)s) as held", {"lock": _LOCK}) or {})["held"]:
        if time.monotonic() > until:
            raise Unavailable("another process has been migrating the internal database for an hour; see what it waits for")
        time.sleep(0.2)
    yield
    cursor.run("reset lock_timeout; reset statement_timeout")
    cursor.run("select pg_advisory_unlock(%(lock)s)", {"lock": _LOCK})


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


def _drop_interrupted(cursor: Cursor, statement: str) -> None:
    """Drop the invalid index that an interrupted build has left; `if not exists` would take it for a complete one."""
    index = _INDEX.match(statement)
    if index and cursor.one(_INTERRUPTED, {"name": index[1], "schema": index[2]}):
        cursor.run(f"drop index concurrently if exists {index[2]}.{index[1]}")


def missing_migrations(database: Database) -> list[str]:
    """Names of the files that were not applied yet, for /readyz."""
    with database.transaction() as cursor:
        if cursor.one("select 1 from pg_tables where schemaname = 'public' and tablename = 'stringx_migrations'") is None:
            return [path.name for path in _missing([])]
        return [path.name for path in _missing(cursor.all("select name from public.stringx_migrations"))]


def _missing(applied: list[dict[str, str]]) -> list[Path]:
    known = {row["name"] for row in applied}
    return [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in known]


def make_secrets(settings: Settings, database: Database) -> None:
    """Make the owner's key, the services' key and the signing secret if they are missing, and store the hashes of both keys."""
    for variable, file in (("STRINGX_API_KEY", OWNER), ("STRINGX_SERVICE_KEY", SERVICE)):
        if secret(variable, settings.home / file) is None:
            write_secret(settings.home / file, new_key())
    register_keys(settings, database)
    if secret("STRINGX_SIGNING_SECRET", settings.home / "signing-secret") is None:
        write_secret(settings.home / "signing-secret", signatures.new_secret())


def register_keys(settings: Settings, database: Database) -> list[str]:
    """Store the hashes of the keys that this installation has; returns their names."""
    found = []
    for variable, file, scopes, overlap_s in (
        ("STRINGX_API_KEY", OWNER, SCOPES, 0.0),
        ("STRINGX_SERVICE_KEY", SERVICE, SERVICE_SCOPES, _SERVICE_OVERLAP_S),
    ):
        if (key := secret(variable, settings.home / file)) is not None:
            keys.register(database, file, key, scopes, overlap_s)
            found.append(file)
    return found


def main() -> int:
    """Migrate and make the secrets; returns the exit code, 2 with one line on standard error if that fails."""
    try:
        settings = read_settings()
        url = settings.require_session_url()
        database = Database(url, size=1, application_name="stringx migrate")
        for name in migrate(database):
            print(f"applied {name}")
        make_secrets(settings, database)
    except (SettingsError, StringXError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # Also as process 1 of a container, which no signal ends unless it handles it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
