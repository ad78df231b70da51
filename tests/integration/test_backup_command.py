"""`dataops backup` against a Backend: a file that is complete, or none."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from database import keys
from stringx_dataops.contract.backups import Reader
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.settings import ROOT
from tests.support.apps import Apps
from tests.support.apps import made as apps_of
from tests.support.commands import Dataops, served
from tests.support.databases import Admin
from tests.support.processes import eventually

ANOTHER = "select pg_advisory_lock(7418205361)"
RUNNING = "select count(*) as n from pg_stat_activity where application_name = 'stringx backup'"


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Apps, str]]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        keys.register(made.database, "api-key", "sx_owner", SCOPES)
        with made.database.transaction() as cursor:  # more than fits into the pipes
            cursor.run(
                """insert into stringx.requests (request_id, source, body, body_hash, target, table_name, mode, is_full, status)
                select 'r' || n, 'cli', jsonb_build_object('a', (select string_agg(md5(random()::text || n || m), '') from generate_series(1, 60) m)),
                    '', 'north', 'public.a', 'async', true, 'queued' from generate_series(1, 8000) n"""
            )
        with served(made.apps["backend"]) as server:
            yield made, server


@pytest.fixture
def run(apps: tuple[Apps, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dataops:
    return Dataops(monkeypatch, capsys, apps[1])


def test_a_backup_is_a_file_for_its_owner_alone(run: Dataops, apps: tuple[Apps, str], tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_text("the one before")
    code, out, words = run("backup", str(path))
    assert (code, out) == (0, ""), words
    assert words.startswith(f"{path}: 8,0")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("rb") as file:
        manifest = Reader(file).check()
    assert manifest.tables["stringx.requests"].rows == 8000
    assert [each.name for each in tmp_path.iterdir()] == ["b.tar.gz"]
    (entry,) = apps[0].ask("/api/v1/audit?action=backup.made").get_json()["items"]
    assert (entry["actor"], entry["subject"]) == ("api-key", "database:internal")
    command = [sys.executable, "-P", "-m", "stringx_dataops.cli.main", "backup", "-"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "STRINGX_BACKEND_URL": apps[1], "STRINGX_API_KEY": "sx_owner"}
    piped = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
    path.write_bytes(piped.stdout)
    with path.open("rb") as file:
        assert Reader(file).check().tables["stringx.requests"] == manifest.tables["stringx.requests"]


def test_one_backup_at_a_time(run: Dataops, apps: tuple[Apps, str], tmp_path: Path) -> None:
    other = psycopg2.connect(apps[0].database.url)
    try:
        with other.cursor() as cursor:
            cursor.execute(ANOTHER)
        code, _, words = run("backup", str(tmp_path / "b"))
        assert (code, words) == (3, "dataops: another backup is being made; try again when it has ended\n")
        answer = apps[0].ask("/api/v1/backup", "POST")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    finally:
        other.close()
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_breaks_off_leaves_no_file(run: Dataops, apps: tuple[Apps, str], tmp_path: Path) -> None:
    response = apps[0].ask("/api/v1/backup", "POST")
    body = response.data
    response.close()
    for kept in (0, 10, len(body) // 2, len(body) - 1):

        def cut(environ: object, start: object, kept: int = kept) -> list[bytes]:
            start("200 OK", [("Content-Type", "application/gzip")])  # type: ignore[operator]
            return [body[:kept]]

        with served(cut) as server:
            code, _, words = run("--server", server, "backup", str(tmp_path / "b"))
        assert (code, words.count("\n")) == (3, 1), words
        assert words.startswith("dataops: the backup did not arrive whole: ")
        assert list(tmp_path.iterdir()) == []
    os.mkfifo(tmp_path / "pipe")
    for wrong, words in (
        (str(tmp_path), "Is a directory"),
        (str(tmp_path / "no" / "b"), "No such file"),
        (str(tmp_path / "pipe"), "it is no file; write to standard output with -"),
    ):
        code, _, said = run("backup", wrong)
        assert (code, words in said, said.count("\n")) == (2, True, 1), said


def test_a_client_that_leaves_ends_the_backup(apps: tuple[Apps, str]) -> None:
    response = apps[0].ask("/api/v1/backup", "POST", buffered=False)
    pieces = response.iter_encoded()
    next(pieces)
    database = apps[0].database

    def running() -> int:
        with database.transaction() as cursor:
            (row,) = cursor.all(RUNNING)
        return int(row["n"])

    assert running() == 1
    response.close()
    eventually(lambda: running() == 0 or None, 30)


def test_a_backup_that_is_ended_by_a_signal_leaves_no_file(tmp_path: Path) -> None:
    asked, ends = threading.Event(), threading.Event()

    def hang(environ: object, start: object) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "application/gzip")])  # type: ignore[operator]
        yield b"\x1f\x8b"
        asked.set()
        ends.wait(120)

    with served(hang) as server:
        command = [sys.executable, "-P", "-m", "stringx_dataops.cli.main", "backup", str(tmp_path / "b")]
        environ = os.environ | {"PYTHONPATH": str(ROOT), "STRINGX_BACKEND_URL": server, "STRINGX_API_KEY": "sx_owner"}
        process = subprocess.Popen(command, env=environ)
        try:
            assert asked.wait(120)
            assert len(list(tmp_path.iterdir())) == 1
            process.terminate()
            assert process.wait(120) == 130
        finally:
            ends.set()
            process.kill()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_to_standard_output_is_one_line(apps: tuple[Apps, str]) -> None:
    command = [sys.executable, "-P", "-m", "stringx_dataops.cli.main", "backup", "-"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "STRINGX_BACKEND_URL": apps[1], "STRINGX_API_KEY": "sx_owner"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, env=environ, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (3, b"dataops: the backup cannot be written: No space left on device\n")
