"""Upgrades go from role to role: what a new process waits for, by what the running ones have stored."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from database import migrate
from database.migrate import MIGRATIONS
from database.pool import Database
from database.releases import Presence, older
from launch import order
from stringx_dataops.contract.settings import ROOT, read_settings
from tests.support.databases import Admin
from tests.support.processes import eventually


def waits_for(database: Database, role: str, release: str = "0.10.0") -> str:
    return "; ".join(order.reasons(database, role, release))


def say(database: Database, role: str, release: str) -> Presence:
    presence = Presence(database, role, release)
    presence.say()
    return presence


def test_each_role_waits_for_those_of_an_earlier_release_that_it_sends_to(database: Database) -> None:
    assert [waits_for(database, role) for role in order.BEFORE] == [""] * 5, "nothing runs yet: a first start"
    backends = [say(database, "backend", "0.9.1"), say(database, "backend", "0.10.0")]
    say(database, "api", "0.10.0")
    assert [role for role in order.BEFORE if waits_for(database, role)] == ["api", "worker"]
    assert waits_for(database, "worker").startswith("Backend of release 0.9.1 still runs: backend@")
    backends[0].end()
    assert [role for role in order.BEFORE if waits_for(database, role)] == []


def test_a_worker_waits_for_dataops_too(database: Database) -> None:
    say(database, "backend", "0.10.0")
    for _ in range(5):
        say(database, "api", "0.9.1")
    assert waits_for(database, "api") == ""
    assert waits_for(database, "worker").endswith(" and 2 more")


@pytest.mark.parametrize("running", ["0.10.0", "0.10.1", "0.11.0rc1", "1.0", "0.10.0.dev3"])
def test_nobody_waits_for_the_same_or_a_later_release(database: Database, running: str) -> None:
    say(database, "backend", running)
    assert older(database, "backend", "0.10.0") == []
    assert len(older(database, "backend", "2.0.0")) == 1


def test_a_process_that_was_killed_is_waited_for_as_long_as_it_may_still_run(database: Database) -> None:
    say(database, "backend", "0.9.1")
    with database.transaction() as cursor:
        cursor.run("update public.stringx_loops set reported_at = reported_at - interval '29 s'")
    assert waits_for(database, "api")
    with database.transaction() as cursor:
        cursor.run("update public.stringx_loops set reported_at = reported_at - interval '2 s'")
    assert not waits_for(database, "api")


def test_the_release_that_runs_is_no_loop_of_the_service(database: Database) -> None:
    from database import reports

    say(database, "api", "0.9.1")
    assert reports.read(database, "api") == []


def test_without_the_schema_everybody_waits(database: Database) -> None:
    newest = max(path.name for path in MIGRATIONS.glob("*.sql"))
    with database.transaction() as cursor:
        cursor.run("delete from public.stringx_migrations where name >= '0046' or name = %(name)s", {"name": newest})
    for role in order.BEFORE:
        assert waits_for(database, role).startswith("migrations are missing: 00")


def test_the_wait_ends_and_says_what_for(
    database: Database, internal_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url})
    assert order.wait(settings, "worker") == 0
    say(database, "backend", "0.0.1")
    assert order.wait(settings, "worker", longest_s=0) == 3
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("wait worker: Backend of release 0.0.1 still runs")
    assert last == "wait worker: gave up after 0 s"


def test_a_database_that_is_away_is_waited_for(admin: Admin, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": admin.url("nowhere")})
    assert order.wait(settings, "backend", longest_s=0) == 3
    assert "nowhere" not in capsys.readouterr().out


def begun(folder: Path, url: str, *module: str) -> subprocess.Popen[str]:
    environment = {"STRINGX_HOME": str(folder), "STRINGX_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", *module]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def is_ended(process: subprocess.Popen[str]) -> bool:
    """By a handler of its own: as process 1 of a container, nothing else ends it before the time to end is over."""
    process.terminate()
    return process.wait(60) == 128 + signal.SIGTERM


def test_a_role_that_waits_ends_when_it_is_told_to(admin: Admin, tmp_path: Path) -> None:
    with begun(tmp_path, admin.url("nowhere"), "launch", "wait", "backend") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("wait backend: ")
        assert is_ended(process)


def test_a_migration_that_waits_for_another_ends_when_it_is_told_to(
    database: Database, internal_url: str, tmp_path: Path
) -> None:
    waits = "select 1 from pg_stat_activity where application_name = 'stringx migrate' and datname = current_database()"
    with database.statements() as cursor:
        cursor.run("select pg_advisory_lock(%(lock)s)", {"lock": migrate._LOCK})
        with begun(tmp_path, internal_url, "database.migrate") as process:
            eventually(lambda: cursor.one(waits) is not None, 120, "the migration")
            assert is_ended(process)
        cursor.run("select pg_advisory_unlock(%(lock)s)", {"lock": migrate._LOCK})


def test_the_role_waits_and_refuses_what_is_none(internal_url: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        environment = {"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-P", "-m", "launch", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr

    assert run("wait", "worker") == (0, "")
    code, said = run("wait", "nobody")
    assert code == 2
    assert said.startswith("launch: 'wait nobody' is no role")
