"""The embedded PostgreSQL's data folder of an older major version, made by that version's own programs, is upgraded at a start."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from database import embedded, major_upgrade
from database.account import account
from database.embedded import Cluster
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import place_for_a_home, started

OLDER = "16"  # the package carries it beside the one in use


@pytest.fixture
def older() -> Iterator[Cluster]:
    """A home whose server of the older version was killed, with a table in the database `stringx`."""
    cluster = Cluster(place_for_a_home())
    programs = embedded._binaries_of(OLDER)
    assert programs is not None
    cluster.sockets.mkdir(parents=True)
    (secret := cluster.sockets / "given").write_text(embedded.keep(cluster.password_file))
    embedded._own(cluster.sockets)
    embedded._own(cluster.data)
    as_account(
        programs / "initdb",
        "-D",
        cluster.data,
        "-U",
        "postgres",
        f"--pwfile={secret}",
        "-E",
        "UTF8",
        "--auth=scram-sha-256",
        "--locale=C",
    )
    secret.unlink()
    options = f"-c listen_addresses='' -c unix_socket_directories='{cluster.sockets}' -p 5999"
    as_account(programs / "pg_ctl", "-D", cluster.data, "-w", "-o", options, "-l", cluster.sockets / "log", "start")
    reach = {"host": str(cluster.sockets), "port": 5999, "user": "postgres", "password": embedded.keep(cluster.password_file)}
    for dbname, statements in (
        ("postgres", ("create role stringx login password 'one'", "create database stringx owner stringx")),
        ("stringx", ("create table kept as select n, 'ä' || n as text from generate_series(1, 1000) n", "alter table kept owner to stringx")),
    ):  # fmt: skip
        connection = psycopg2.connect(dbname=dbname, **reach)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()
    as_account(programs / "pg_ctl", "-D", cluster.data, "-m", "immediate", "stop")
    yield cluster
    shutil.rmtree(cluster.home, ignore_errors=True)


def as_account(*arguments: str | Path) -> None:
    who = account()
    subprocess.run(
        arguments, cwd="/", check=True, stdout=subprocess.DEVNULL, env={"PATH": os.defpath, "LC_ALL": "C"},
        user=who.pw_uid if who else None, group=who.pw_gid if who else None, extra_groups=[] if who else None,
    )  # fmt: skip


def test_an_older_folder_is_upgraded_whenever_a_start_was_killed(older: Cluster) -> None:
    for passed in ("upgrading/data/PG_VERSION", "upgrading/data/pg_upgrade_output.d"):
        killed_when_there_is(older, older.home / f"postgres.{passed}")
        assert (older.data / "PG_VERSION").read_text() == f"{OLDER}\n"
    left = process_in(older.home / "postgres.upgrading" / "data")
    embedded.prepare(older.home)
    assert left.wait(60) == -signal.SIGKILL
    assert rows_of(older) == (1000, "ä1000", 18)
    assert sorted(entry.name for entry in older.home.glob("postgres*") if entry.is_dir()) == ["postgres", f"postgres-{OLDER}"]


def test_a_first_start_ends_what_one_that_was_killed_has_left() -> None:
    home = place_for_a_home()
    try:
        left, shell = process_in(home / "postgres.partial"), process_in(home / "postgres.partial", "shell")
        assert embedded.prepare(home).data.exists()
        assert left.wait(60) == -signal.SIGKILL
        assert shell.poll() is None, "somebody else's"
        shell.kill()
        shell.wait()
    finally:
        shutil.rmtree(home)


def process_in(folder: Path, name: str = "initdb") -> "subprocess.Popen[bytes]":
    """Works there under that name, as initdb does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder.parent / name
    shutil.copy("/bin/sleep", program)
    return subprocess.Popen([program, "600"], cwd=folder)


def killed_when_there_is(cluster: Cluster, path: Path) -> None:
    """A start that upgrades, killed as soon as this path exists."""
    program = "import sys, pathlib; from database import embedded; embedded.prepare(pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", program, str(cluster.home)], cwd=ROOT, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def rows_of(cluster: Cluster) -> tuple[int, str, int]:
    """How many rows there are, the text of the last, and the server's major version, as the product connects after a first start."""
    with started(cluster):
        embedded.create(cluster, "stringx", embedded.keep(cluster.home / "stringx-password"))
        connection = psycopg2.connect(cluster.url_file.read_text().strip())
        with connection.cursor() as cursor:
            cursor.execute("select count(*), max(text) filter (where n = 1000) from kept")
            count, text = cursor.fetchone()
        version = connection.server_version // 10_000
        connection.close()
    return count, text, version


def test_a_crash_between_the_renames_is_no_loss(tmp_path: Path) -> None:
    for there in ({"postgres": OLDER, "postgres.upgraded": "18"}, {f"postgres-{OLDER}": OLDER, "postgres.upgraded": "18"}):
        home = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, version in there.items():
            (home / name).mkdir(parents=True)
            (home / name / "PG_VERSION").write_text(f"{version}\n")
        major_upgrade.finish(home / "postgres")
        found = {entry.name: (entry / "PG_VERSION").read_text().strip() for entry in home.iterdir()}
        assert found == {"postgres": "18", f"postgres-{OLDER}": OLDER}


def test_what_cannot_be_upgraded_stays_as_it_is(older: Cluster) -> None:
    older.password_file.write_text("wrong")
    with pytest.raises(
        embedded.EmbeddedError, match=r"^PostgreSQL 16 of .* could not be upgraded to 18, and nothing was changed: .*password"
    ):
        embedded.prepare(older.home)
    assert (older.data / "PG_VERSION").read_text() == f"{OLDER}\n"
