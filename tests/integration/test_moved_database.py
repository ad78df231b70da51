"""`dataops restore` into the embedded PostgreSQL of a state folder, and `dataops move-database` from there to a server."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from database import backup, embedded
from database.embedded import Cluster
from database.pool import Database
from launch import preflight
from stringx_dataops.contract.settings import ROOT
from tests.support.backups import contents, empty_database, fill
from tests.support.databases import Admin, place_for_a_home
from tests.support.service import free_ports


@pytest.fixture
def home() -> Iterator[Path]:
    made = place_for_a_home()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run(home: Path, *command: str, **variables: str) -> tuple[int, str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("STRINGX_")}
    environ |= {"STRINGX_HOME": str(home), "PYTHONPATH": str(ROOT)} | variables
    done = subprocess.run(
        [sys.executable, "-P", "-m", *command], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def dataops(home: Path, *arguments: str) -> tuple[int, str, str]:
    return run(home, "stringx_dataops.cli.main", *arguments)


def test_a_backup_becomes_an_embedded_database_which_moves_to_a_server(
    queue: Database, home: Path, admin: Admin, tmp_path: Path
) -> None:
    fill(queue)
    path, secret, name = tmp_path / "b.tar.gz", tmp_path / "secret", empty_database(admin)
    with path.open("wb") as out:
        backup.back_up(queue.url, out)
    code, said, wrong = dataops(home, "restore", str(path))
    assert (code, wrong, said.startswith("restored ")) == (0, "", True)
    assert not (Cluster(home).data / "postmaster.pid").exists()  # nothing is left running
    assert (home / "rules-applied").read_text() == "nyc.yml\n"  # a first start applies no files over what was restored
    assert (home / "api-key").exists()

    descriptor = preflight.lock(home)
    try:
        assert dataops(home, "restore", str(path))[2].startswith(f"restore: already running on {home} (process {os.getpid()})")
    finally:
        os.close(descriptor)

    secret.write_text(f"{embedded.keep(admin.cluster.password_file)}\n")
    url = f"postgresql://postgres@127.0.0.1:{admin.cluster.port}/{name}"
    try:
        code, said, wrong = dataops(home, "move-database", url, "--password-file", str(secret))
        assert (code, wrong, said.startswith("moved ")) == (0, "", True)
        assert url in said
        moved, before = contents(admin.url(name)), contents(queue.url)
        assert [table for table in before if table.startswith("dataops.") and before[table] != moved[table]] == []
        assert moved["stringx.requests"] == before["stringx.requests"]
        assert {"restore.tar.gz", "move.tar.gz"} & {each.name for each in (home / "run").iterdir()} == set()
        code, _, wrong = dataops(home, "move-database", url, "--password-file", str(secret))
        assert (code, wrong.count("\n")) == (2, 1)
        assert f"was moved to {url}: set STRINGX_DATABASE_URL to it; or delete {home / 'database-moved'}" in wrong
    finally:
        admin.run(f"drop database {name} with (force)")
    ports = dict(zip(("DATAOPS_PORT", "BACKEND_PORT", "DOCS_PORT"), map(str, free_ports(3)), strict=True))
    code, _, wrong = run(home, "launch", "all", **ports)
    assert (code, wrong.count("\n")) == (2, 1)
    assert "was moved to" in wrong


def test_what_cannot_be_restored_or_moved_is_one_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no backup")
    for arguments, words in (
        (("restore", str(tmp_path / "missing")), "No such file or directory"),
        (("restore", str(tmp_path)), "Is a directory"),
        (("restore", str(tmp_path / "text")), "this is no backup of StringX DataOps; nothing was changed"),
        (("restore",), "Missing argument 'FILE|-'"),
        (("move-database", "shop"), "URL: give postgresql://user:password@host:port/dbname"),
        (("move-database", "postgresql://a@127.0.0.1:1/b"), f"there is no embedded database in {home}; is STRINGX_HOME right?"),
        (("move-database", "postgresql://a@b/c", "--password-file", "/no"), "--password-file: /no cannot be read"),
    ):
        code, said, wrong = dataops(home, *arguments)
        assert (code, said, wrong.count("\n")) == (2, "", 1), wrong
        assert words in wrong
    assert not (home / "postgres").exists()


def test_the_folder_of_a_postgresql_that_is_not_there_is_left_alone_and_the_way_is_named(home: Path, tmp_path: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        embedded.EmbeddedError, match=r"was made by PostgreSQL 15, .* dataops backup FILE; .* dataops restore FILE$"
    ):
        embedded.prepare(home)
    assert [each.name for each in (home / "postgres").iterdir()] == ["PG_VERSION"]
