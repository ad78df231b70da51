"""A backup of the internal database is one snapshot, and what is restored from it is the same, row by row, or nothing is."""

import gzip
import hashlib
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from backend.backups import making
from database import backup, keys, restore
from database.migrate import migrate, missing_migrations
from database.pool import Database
from stringx_dataops.contract.backups import BackupError, Reader
from stringx_dataops.contract.problems import Busy, Conflict, DatabaseFault, StringXError, Unavailable
from stringx_dataops.contract.settings import ROOT
from tests.support.backups import contents, empty_database, fill, request
from tests.support.databases import Admin, migrate_before
from tests.support.pooler import pooler
from tests.support.processes import eventually
from tests.support.queue import configure as configure_queue

LEFT_OUT = set(backup.LEFT_OUT)


@pytest.fixture(scope="module")
def made(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    """A backup, and what the database held."""
    name = f"filled_{secrets.token_hex(6)}"
    admin.copy(internal_template, name)
    database = Database(admin.url(name), size=1)
    configure_queue(database)
    fill(database)
    path = tmp_path_factory.mktemp("backup") / "backup.tar.gz"
    with path.open("wb") as out:
        backup.back_up(database.url, out)
    yield path, contents(database.url)
    database.close()
    admin.run(f"drop database {name} with (force)")


@pytest.fixture
def new_database(admin: Admin) -> Iterator[Callable[..., str]]:
    """Makes empty databases; returns their addresses."""
    with ExitStack() as stack:

        def make(owner: str | None = None) -> str:
            name = empty_database(admin, owner)
            stack.callback(admin.run, f"drop database {name} with (force)")
            return admin.url(name)

        yield make


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Names of tables and sequences that do not hold the same, but for the first entry of the restored one's audit log."""
    after = {name: [row for row in rows if "backup.restored" not in row] for name, rows in after.items()}
    ours = {"stringx.audit_entry_id_seq", *LEFT_OUT}
    return [name for name in before.keys() | after.keys() if name not in ours and before.get(name) != after.get(name)]


def test_what_is_restored_is_the_same_row_by_row(made: tuple[Path, Any], new_database: Callable[..., str]) -> None:
    path, before = made
    assert sum(map(len, before.values())) > 500
    url = new_database()
    restore.restore(url, path)
    after = contents(url)
    assert differences(before, after) == []
    assert len([name for name in after if "_points_2" in name]) == 4  # partitions of two months
    database = Database(url, size=1)
    try:
        assert missing_migrations(database) == []
        with pytest.raises(StringXError), database.transaction() as cursor:
            cursor.run("delete from stringx.audit")  # its trigger is back
        with database.transaction() as cursor:
            cursor.run("insert into stringx.subjects (kind, target, name) values ('table', 'north', 'next')")  # its sequence, too
            (entry,) = cursor.all("select details from stringx.audit where action = 'backup.restored'")
        assert entry["details"]["release"]
    finally:
        database.close()
    left = [restored for restored in LEFT_OUT if after[restored]]
    assert left == []


def test_an_owner_who_is_no_superuser_restores_it(made: tuple[Path, Any], new_database: Callable[..., str], admin: Admin) -> None:
    path, before = made
    role = f"owner_{secrets.token_hex(4)}"
    admin.run(f"create role {role} login password 'x' nosuperuser")
    url, other = new_database(role), new_database()
    name = url.rpartition("/")[2]
    try:
        with pytest.raises(DatabaseFault, match=r"permission denied .*; use the role that owns the database$"):
            restore.restore(admin.cluster.address(role, "x", other.rpartition("/")[2]), path)
        restore.restore(admin.cluster.address(role, "x", name), path)
        assert differences(before, contents(url)) == []
    finally:
        admin.run(f"drop database {name} with (force)")
        admin.run(f"create database {name}")
        admin.run(f"drop role {role}")


def test_a_backup_beside_writers_is_one_snapshot(queue: Database, tmp_path: Path, new_database: Callable[..., str]) -> None:
    fill(queue)
    ends, failed = threading.Event(), list[BaseException]()
    both = """insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, timeout_s, is_full)
        values (gen_random_uuid(), %(name)s, '{}', '', 'south', 'public.d', 'async', 9, true)"""

    def write(thread: int) -> None:
        database, number = Database(queue.url, size=1), 0
        try:
            while not ends.is_set():
                number += 1
                name = f"pair {thread} {number}"
                with database.transaction() as cursor:  # a request in one schema, its check in the other
                    cursor.run(both, {"name": name})
                    request(cursor, name)
        except BaseException as error:
            failed.append(error)
        finally:
            database.close()

    writers = [threading.Thread(target=write, args=[each], daemon=True) for each in range(2)]
    for each in writers:
        each.start()
    try:
        for number in range(2):
            path, url = tmp_path / f"{number}.tar.gz", new_database()
            with path.open("wb") as out:
                manifest = backup.back_up(queue.url, out)
            restore.restore(url, path)
            database = Database(url, size=1)
            pairs = "select request_id from {} where request_id like 'pair%%' order by 1"
            with database.transaction() as cursor:
                found = [cursor.all(pairs.format(table)) for table in ("stringx.requests", "dataops.checks")]
            database.close()
            assert found[0] == found[1]
            assert manifest.tables["stringx.requests"].rows == 300 + len(found[0])
    finally:
        ends.set()
        for each in writers:
            each.join()
    assert failed == []


def test_a_database_that_is_not_empty_is_replaced_only_on_demand(
    made: tuple[Path, Any], new_database: Callable[..., str]
) -> None:
    path, before = made
    url = new_database()
    database = Database(url, size=1, application_name="other")
    migrate(database)
    with database.transaction() as cursor:
        cursor.run("insert into stringx.watch_documents (kind, name, document, version) values ('Channel', 'kept', '{}', 1)")
    held = contents(url)
    with pytest.raises(Conflict, match="not empty; restore into an empty one, or give --replace"):
        restore.restore(url, path)
    assert contents(url) == held
    restore.restore(url, path, replace=True)
    assert differences(before, contents(url)) == []
    database.close()


def test_services_that_run_are_named_and_nothing_is_changed(
    made: tuple[Path, Any], new_database: Callable[..., str], admin: Admin
) -> None:
    """However many others there are, and whatever their role."""
    role = f"owner_{secrets.token_hex(4)}"
    admin.run(f"create role {role} login password 'x' nosuperuser")
    url = new_database(role)
    name = url.rpartition("/")[2]
    with ExitStack() as stack:
        stack.callback(admin.run, f"alter database {name} owner to postgres; drop role {role}")
        for number in range(7):
            other = psycopg2.connect(url, application_name=f"DBeaver {number}")
            stack.callback(other.close)
        running = Database(url, size=1, application_name="stringx backend")
        stack.callback(running.close)
        with running.transaction() as cursor:
            cursor.run("select 1")
        with pytest.raises(Conflict, match=r"stop them first: stringx backend \(process \d+"):
            restore.restore(admin.cluster.address(role, "x", name), made[0])
    assert contents(url) == {}


def test_a_session_that_keeps_a_lock_is_named_and_nothing_is_changed(
    made: tuple[Path, Any], new_database: Callable[..., str], internal_url: str
) -> None:
    url = new_database()
    database = Database(url, size=1, application_name="other")
    migrate(database)
    database.close()
    held = contents(url)
    lookers = [psycopg2.connect(each, application_name="psql") for each in (url, internal_url)]
    refused: list[StringXError] = []

    def back_up() -> None:
        try:
            backup.back_up(internal_url, io.BytesIO())
        except StringXError as error:
            refused.append(error)

    beside = threading.Thread(target=back_up, daemon=True)  # both wait for some seconds
    try:
        for looker in lookers:
            looker.cursor().execute("lock table stringx.targets in access exclusive mode")
        beside.start()
        with pytest.raises(Conflict, match=r"keep tables of the internal database locked; end them first: psql \(process \d+"):
            restore.restore(url, made[0])
        beside.join(120)
    finally:
        for looker in lookers:
            looker.close()
    assert [(type(error), "keeps a table" in str(error)) for error in refused] == [(Busy, True)]
    assert contents(url) == held


def test_a_connection_that_is_lost_at_the_last_step_leaves_it_open_whether_all_is_restored(internal_url: str) -> None:
    connection = psycopg2.connect(internal_url)
    with connection.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable, match="either all is restored or nothing was changed; restore again, with --replace"):
        restore.commit(connection)


def test_tables_that_somebody_added_are_left_out_and_changed_ones_are_refused(
    made: tuple[Path, Any], new_database: Callable[..., str], tmp_path: Path
) -> None:
    old, url, path = new_database(), new_database(), tmp_path / "b.tar.gz"
    restore.restore(old, made[0])
    connection = psycopg2.connect(old)
    with connection, connection.cursor() as cursor:
        cursor.execute("create table stringx.mine (a integer primary key); insert into stringx.mine values (1)")
        # as where migrations were applied in the order in which they were written
        cursor.execute(
            """alter table stringx.audit disable trigger user; alter table stringx.audit rename action to before;
            alter table stringx.audit add action text; update stringx.audit set action = before;
            alter table stringx.audit drop before; alter table stringx.audit enable trigger user"""
        )
    with path.open("wb") as out:
        backup.back_up(old, out)
    assert restore.restore(url, path).left_out == ["stringx.mine"]
    after = contents(url)
    assert differences(made[1], after) == []
    with connection, connection.cursor() as cursor:
        cursor.execute("alter table stringx.requests add mine integer")
    with path.open("wb") as out:
        backup.back_up(old, out)
    connection.close()
    with pytest.raises(BackupError, match=r"its table stringx.requests is not as its migrations make it: mine$"):
        restore.restore(url, path, replace=True)
    assert contents(url) == after


def test_schemas_of_another_program_are_left_alone(made: tuple[Path, Any], new_database: Callable[..., str]) -> None:
    url = new_database()
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema dataops; create table dataops.jobs (id integer); insert into dataops.jobs values (1)")
    connection.close()
    for replace in (False, True):
        with pytest.raises(Conflict, match="a schema stringx or dataops of another program"):
            restore.restore(url, made[0], replace)
    assert contents(url) == {"dataops.jobs": ["(1)"]}


def test_a_pooler_is_no_hindrance(made: tuple[Path, Any], new_database: Callable[..., str], admin: Admin, tmp_path: Path) -> None:
    """Nor does a session of the server, which others get, keep settings."""
    url = new_database()
    name = url.rpartition("/")[2]
    admin.run(f"alter database {name} set timezone = 'Asia/Tokyo'")
    with pooler(url, "transaction", default_pool_size="1") as pooled:
        restore.restore(pooled.url, made[0])
        with (tmp_path / "b").open("wb") as out:
            backup.back_up(pooled.url, out)
        connection = psycopg2.connect(pooled.url)
        with connection, connection.cursor() as cursor:
            cursor.execute("select setting, reset_val from pg_settings where name in ('statement_timeout', 'TimeZone')")
            assert [setting == reset for setting, reset in cursor.fetchall()] == [True, True]
        connection.close()
    admin.run(f"alter database {name} reset timezone")
    assert differences(made[1], contents(url)) == []


def test_a_backup_has_what_was_stored_before_it_was_asked_for(
    made: tuple[Path, Any], new_database: Callable[..., str], internal_url: str
) -> None:
    """Otherwise the direct address leads elsewhere."""
    database, other = Database(internal_url, size=1), new_database()
    restore.restore(other, made[0])
    for _ in range(2):
        with database.transaction() as cursor:
            mark = backup.mark(cursor)
        assert b"".join(making.start(internal_url, mark)) != b""
        with pytest.raises(Unavailable, match="STRINGX_DATABASE_DIRECT_URL leads to another database"):
            making.start(other, mark)
        elsewhere = Database(other, size=1)
        with elsewhere.transaction() as cursor:
            backup.mark(cursor)
            cursor.run("update public.stringx_probe set written_at = %(mark)s::timestamptz - interval '1 s'", {"mark": mark})
        elsewhere.close()
    database.close()


def test_a_backup_of_an_older_release_is_brought_up_to_date(
    admin: Admin, tmp_path: Path, new_database: Callable[..., str]
) -> None:
    old, path, url = new_database(), tmp_path / "old.tar.gz", new_database()
    database = Database(old, size=1)
    migrate_before(database, "0036")
    with database.transaction() as cursor:
        cursor.run("insert into stringx.targets values ('old', '{\"a\": 1}', 7)")
    with path.open("wb") as out:
        backup.back_up(old, out)
    restore.restore(url, path)
    migrate(database)
    database.close()
    assert differences(contents(old), contents(url)) == []
    after = Database(url, size=1)
    assert missing_migrations(after) == []
    after.close()


def test_a_backup_of_a_newer_release_is_refused(made: tuple[Path, Any], new_database: Callable[..., str], tmp_path: Path) -> None:
    newer, url = tmp_path / "newer.tar.gz", new_database()
    rewrite(made[0], newer, {"backup.json": lambda header: header["migrations"].append("9999_later.sql")})
    with pytest.raises(BackupError, match=r"newer release \(.*, migration 9999_later.sql\)"):
        restore.restore(url, newer)
    assert contents(url) == {}


def rewrite(path: Path, to: Path, changes: dict[str, Callable[[Any], object]], honest: bool = False) -> None:
    """As a person with an editor would change it. `honest`: with the digests of what stands in it then, but for those of rows."""
    members: dict[str, bytes] = {}
    with tarfile.open(path) as old:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            members[member.name] = file.read()
    for name, change in changes.items():
        if name.endswith(".json"):
            value = json.loads(members[name])
            change(value)
            members[name] = json.dumps(value).encode()
        else:
            changed = change(members[name])
            assert isinstance(changed, bytes)
            assert changed != members[name]
            members[name] = changed
    if honest:
        manifest = json.loads(members["manifest.json"])
        manifest["header_sha256"] = hashlib.sha256(members["backup.json"]).hexdigest()
        for table, told in manifest["tables"].items():
            data = b"".join(value for name, value in members.items() if name.startswith(f"data/{table}/"))
            told.update(sha256=hashlib.sha256(data).hexdigest(), size=len(data), rows=data.count(b"\n"))
        members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(to, "w:gz") as new:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))


def unpacked(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None


def test_a_damaged_file_is_refused_wherever_the_damage_is(made: tuple[Path, Any]) -> None:
    data = made[0].read_bytes()
    whole = Reader(io.BytesIO(data)).check()
    steps = len(data) // 60 + 1
    for end in (*range(0, len(data), steps), len(data) - 1, len(data) - 8):
        with pytest.raises(BackupError):
            Reader(io.BytesIO(data[:end])).check()
    damaged = 0
    for place in (*range(0, len(data), steps), len(data) - 1, len(data) - 5):
        flipped = bytearray(data)
        flipped[place] ^= 0x20
        if unpacked(flipped) == unpacked(data):  # gzip ignores times and what fills up a byte
            continue
        damaged += 1
        with pytest.raises(BackupError):
            Reader(io.BytesIO(flipped)).check()
    assert damaged > 50
    for more in (b"x", data, gzip.compress(b"more")):
        with pytest.raises(BackupError):
            Reader(io.BytesIO(data + more)).check()
    for foreign in (b"", b"PK\x03\x04", gzip.compress(b""), gzip.compress(b"x" * 5000), b"\x1f\x8b"):
        with pytest.raises(BackupError, match=r"no backup of StringX DataOps|ends early"):
            Reader(io.BytesIO(foreign)).check()
    assert Reader(io.BytesIO(data)).check() == whole


CHANGES: list[tuple[str, Any]] = [
    ("data/stringx.requests/000001", lambda rows: rows.replace(b"request 7\t", b"request z\t", 1)),
    ("data/stringx.targets/000001", lambda rows: rows.replace(b"north", b"third", 1)),
    ("backup.json", lambda header: header["tables"]["stringx.targets"].reverse()),
    ("backup.json", lambda header: header.update(months=["2026-03-01'); drop table stringx.audit; --"])),
    ("backup.json", lambda header: header["migrations"].pop()),
    ("backup.json", lambda header: header.update(version=2)),
    ("backup.json", lambda header: header.update(tables={})),
    ("backup.json", lambda header: header.pop("release")),
    ("manifest.json", lambda manifest: manifest["tables"].pop("stringx.targets")),
    ("manifest.json", lambda manifest: manifest["tables"]["stringx.targets"].update(rows=1)),
    ("manifest.json", lambda manifest: manifest.update(sequences=[])),
]
HONEST = [*CHANGES[:4], ("manifest.json", lambda manifest: manifest["sequences"].pop("stringx.subjects_subject_id_seq"))]


@pytest.mark.parametrize(("member", "change"), CHANGES, ids=range(len(CHANGES)))
def test_a_file_that_was_changed_by_hand_is_refused(made: tuple[Path, Any], tmp_path: Path, member: str, change: Any) -> None:
    rewrite(made[0], tmp_path / "changed", {member: change})
    with pytest.raises(BackupError):
        restore.check(tmp_path / "changed")


@pytest.mark.parametrize(("member", "change"), HONEST, ids=range(len(HONEST)))
def test_so_is_one_with_the_right_digests_of_its_members(
    made: tuple[Path, Any], new_database: Callable[..., str], tmp_path: Path, member: str, change: Any
) -> None:
    rewrite(made[0], tmp_path / "changed", {member: change}, honest=True)
    url = new_database()
    with pytest.raises((BackupError, StringXError)):
        restore.restore(url, tmp_path / "changed")
    assert contents(url) == {}


def test_restoring_that_is_killed_changes_nothing(
    made: tuple[Path, Any], new_database: Callable[..., str], tmp_path: Path
) -> None:
    path, before = made
    url = new_database()
    command = [sys.executable, "-P", "-m", "launch", "restore", str(path)]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "STRINGX_DATABASE_URL": url, "STRINGX_HOME": str(path.parent / "home")}
    looking = psycopg2.connect(url)
    looking.autocommit = True
    cursor = looking.cursor()

    def is_at(words: str) -> bool:
        cursor.execute(
            "select count(*) from pg_stat_activity where application_name = 'stringx restore' and query ~* %s", [words]
        )
        (number,) = cursor.fetchone() or (0,)
        return bool(number)

    for words in ("create (table|index|function)", "copy|alter|setval"):
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda words=words: is_at(words) or None, 60)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        eventually(lambda: not is_at(".") or None, 60)
        assert contents(url) == {}
    command[-1] = str(tmp_path / "stream")  # as of a shell's <(…), which can be read once
    os.mkfifo(command[-1])
    writer = threading.Thread(target=lambda: Path(command[-1]).write_bytes(path.read_bytes()), daemon=True)
    writer.start()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    writer.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("restored ")
    after = contents(url)
    looking.close()
    assert differences(before, after) == []
    assert not (path.parent / "home" / "api-key").exists()  # it would not be that of those who use the server
    command[-1:] = [str(path), "--replace"]
    environ["STRINGX_SERVICE_KEY"] = "sx_ours"
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "valid from now on: service-key\n" in done.stdout
    database = Database(url, size=1)
    assert keys.authenticate(database, "sx_ours").name == "service-key"
    database.close()
