"""The internal database is brought up to date file by file, beside services that write to it."""

import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from database import migrate as migrations
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.problems import StringXError, Unavailable
from tests.support.databases import Admin

ADDED = sorted(path for path in migrations.MIGRATIONS.glob("*.sql") if path.name > "0006")
VALID = "select indisvalid and not indisunique as fine from pg_index where indexrelid = 'app.things_by_id'::regclass"
BUILDS = (
    "select pid from pg_stat_activity where datname = current_database() and query ~ '^create index' and wait_event is not null"
)


@pytest.fixture
def database(admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty one, and migrations that make a table and then an index on it."""
    (tmp_path / "0001_things.sql").write_text("create schema app;\ncreate table app.things (id integer);\n")
    (tmp_path / "0002_index.sql").write_text(
        "-- concurrently\n-- Things; by id.\ncreate index concurrently if not exists things_by_id on app.things (id);\n"
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", tmp_path)
    name = f"migrated_{secrets.token_hex(6)}"
    admin.run(f"create database {name}")
    opened = Database(admin.url(name), size=4)
    yield opened
    opened.close()
    admin.run(f"drop database {name} with (force)")


def one(database: Database, statement: str) -> object:
    with database.transaction() as cursor:
        row = cursor.one(statement)
    return None if row is None else next(iter(row.values()))


def test_a_file_that_fails_leaves_those_before_it(database: Database, tmp_path: Path) -> None:
    (tmp_path / "0003_broken.sql").write_text("create table app.more (id integer);\nselect 1 / 0;\n")
    with pytest.raises(StringXError):
        migrate(database)
    assert one(database, "select count(*) from public.stringx_migrations") == 2
    assert one(database, "select to_regclass('app.more')") is None
    (tmp_path / "0003_broken.sql").write_text("create table app.more (id integer);\n")
    assert migrate(database) == ["0003_broken.sql"]


def test_a_file_waits_for_a_lock_that_another_session_keeps(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    (tmp_path / "0003_column.sql").write_text("alter table app.things add column name text;\n")
    monkeypatch.setattr(migrations, "_TIMEOUTS", "set lock_timeout = '50ms'")
    dump = database.connect()
    dump.autocommit = False
    with dump.cursor() as cursor:
        cursor.execute("set idle_in_transaction_session_timeout = 0; select * from app.things")
    monkeypatch.setattr(migrations, "_LOCKED_S", 0.0)
    with pytest.raises(
        Unavailable, match=rf"0003_column.sql gets no lock .* {dump.get_backend_pid()} \(stringx listen, for \d+ s\)"
    ):
        migrate(database)
    monkeypatch.setattr(migrations, "_LOCKED_S", 300.0)
    with ThreadPoolExecutor() as pool:
        migrating = pool.submit(migrate, database)
        with pytest.raises(TimeoutError):
            migrating.result(timeout=1.5)  # more than one try
        dump.rollback()
        assert migrating.result(timeout=60) == ["0003_column.sql"]
    dump.close()


def test_an_index_is_built_beside_writers_and_again_after_an_interruption(database: Database, tmp_path: Path) -> None:
    later = (tmp_path / "0002_index.sql").rename(tmp_path / "later")
    assert migrate(database) == ["0001_things.sql"]
    later.rename(tmp_path / "0002_index.sql")
    writer = psycopg2.connect(database.url)
    try:
        with writer.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            cursor.execute("insert into app.things values (1)")  # the index waits for the end of this transaction
            building = pool.submit(migrate, database)
            until = time.monotonic() + 60
            while (pid := one(database, BUILDS)) is None:
                assert time.monotonic() < until
                time.sleep(0.05)
            with database.transaction() as other:
                other.run("insert into app.things values (2)")
            one(database, f"select pg_terminate_backend({pid})")
            with pytest.raises(Unavailable):
                building.result(60)
    finally:
        writer.commit()
        writer.close()
    assert one(database, VALID) is False
    assert migrate(database) == ["0002_index.sql"]
    assert one(database, VALID) is True


def test_several_at_once_run_each_file_once(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = [name for found in pool.map(migrate, [database] * 4) for name in found]
    assert sorted(done) == ["0001_things.sql", "0002_index.sql"]
    assert one(database, VALID) is True
    held = "select count(*) from pg_locks l join pg_database d on d.oid = l.database where locktype = 'advisory'"
    assert one(database, f"{held} and datname = current_database()") == 0
    assert one(database, "select current_setting('statement_timeout')") == "25s"


@pytest.mark.parametrize("path", ADDED, ids=lambda path: path.name)
def test_no_migration_locks_out_writers_while_it_builds_an_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.startswith("-- concurrently"):
        for statement in migrations._statements(text):
            assert re.match(r"create index concurrently if not exists \w+ on \w+\.|drop index concurrently if exists ", statement)
    else:
        made = set(re.findall(r"create table (?:if not exists )?([\w.]+)", text))
        assert set(re.findall(r"create (?:unique )?index \w* ?on ([\w.]+)", text)) <= made
        assert "drop index" not in text
