"""Real PostgreSQL for tests: an embedded cluster, databases to be checked, and the internal database at an earlier migration."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg2
import pytest

from api.targets.engine import Engine, Machine
from api.targets.registry import engine_of
from database import embedded
from database import migrate as migrations
from database.account import account
from database.embedded import Cluster
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.settings import ROOT

ENOUGH_MEMORY = 4 << 30  # bytes: each of a run's processes may have a few clusters, of some 200 MB each


def missing(line: str) -> NoReturn:
    """Skip with one line; with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(line)
    pytest.skip(line)


def need(program: str, how: str) -> None:
    """Skip with one line where a program is missing; with CI=true that is a failure."""
    if shutil.which(program) is None:
        missing(f"{program} is missing: {how}")


def place_of_clusters() -> str | None:
    """Where clusters lie that many databases are made in: in memory, where there is enough; None is the usual place."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return None
    room = os.statvfs(memory)
    return str(memory) if room.f_bavail * room.f_frsize > ENOUGH_MEMORY else None


def forgetful(cluster: Cluster, *more: str) -> Cluster:
    """The cluster with settings for tests: what it has written survives the end of its processes, not that of the machine,
    and its passwords are soon compared. Each database that is made or dropped would otherwise wait for the disk. Before its
    server starts."""
    with (cluster.data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{setting}\n" for setting in ("fsync = off", "scram_iterations = 1", *more))
    return cluster


def place_for_a_home(place: Path | None = None) -> Path:
    """A new folder for a state folder that PostgreSQL's account may enter: in memory, or in `place`."""
    home = Path(tempfile.mkdtemp(prefix="stringx-test-", dir=place or place_of_clusters()))
    home.chmod(0o755)
    return home


@contextmanager
def running_cluster(place: Path | None = None, **variables: str) -> Iterator[Cluster]:
    """An embedded PostgreSQL, started as the product starts it, in a folder that its user may enter: of its own in memory, or in
    `place`, then as durable as the product's. Variables are handed to the server itself, to which the product hands none."""
    home = place_for_a_home(place)
    found = embedded.prepare(home)
    if place is None:
        forgetful(found, "full_page_writes = off")
    try:
        with started(found, **variables):
            yield found
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def started(found: Cluster, **variables: str) -> Iterator[None]:
    """The server of a prepared cluster, as the product starts it; its log is `postgres.log` in the home."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("STRINGX_")}
    command, who = [sys.executable, "-P", "-m", "launch", "postgres"], None
    if variables:
        command, who = embedded.command(found), account()
    with (found.home / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environ | {"STRINGX_HOME": str(found.home), "PYTHONPATH": str(ROOT)} | variables,
            stderr=log,
            user=who.pw_uid if who is not None else None,
            group=who.pw_gid if who is not None else None,
            extra_groups=[] if who is not None else None,
        )
    try:
        embedded.wait(found)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def only_with(secrets: Path) -> Machine:
    """A machine of which a target may use its secrets alone."""
    return Machine(secrets, readable=(), private=(secrets,), scratch=secrets.parent)


@dataclass(frozen=True)
class Admin:
    """The superuser's view of the cluster."""

    cluster: Cluster

    def run(self, statement: str, dbname: str = "postgres") -> None:
        with embedded._cursor(self.cluster, dbname) as cursor:
            cursor.execute(statement)

    def copy(self, template: str, name: str, owner: str = "postgres") -> None:
        """A new database like this one. Its files are copied: to write all of them into the log takes five times as long."""
        self.run(f"create database {name} template {template} owner {owner} strategy file_copy")

    def url(self, dbname: str) -> str:
        return self.cluster.address("postgres", embedded.keep(self.cluster.password_file), dbname)


def migrate_before(database: Database, name: str) -> None:
    """The schema as it was before this migration."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        for path in sorted(migrations.MIGRATIONS.glob("*.sql")):
            if path.name < name:
                shutil.copy(path, folder)
        patched.setattr(migrations, "MIGRATIONS", Path(folder))
        migrate(database)


@dataclass(frozen=True)
class Target:
    """A database to be checked: its loader may write, its reader may SELECT and nothing else."""

    host: str
    port: int
    dbname: str
    user: str
    password: str
    loader_url: str
    secrets: Path

    def execute(self, statement: str, parameters: Any = None) -> None:
        connection = psycopg2.connect(self.loader_url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        connection.close()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.loader_url)
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        connection.close()
        return rows

    def document(self, name: str = "shop", **changes: Any) -> dict[str, Any]:
        """A Target document with the password in a secret file."""
        document: dict[str, Any] = {
            "apiVersion": "stringx/v1",
            "kind": "Target",
            "name": name,
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "user": self.user,
            "password_file": "shop",
        }
        return {field: value for field, value in (document | changes).items() if value is not None}

    def environment(self) -> dict[str, str]:
        """What dbt's profile reads."""
        return self.engine().environment(only_with(self.secrets), "stringx test")

    def engine(self) -> Engine:
        """The engine of its document."""
        return engine_of(stored_target(self.document()))


def make_target(admin: Admin, folder: Path, template: str | None = None) -> Target:
    """As `embedded.create_database` makes one, in fewer sessions, as most tests have one."""
    name = f"target_{secrets.token_hex(6)}"
    loader, reader = f"{name}_loader", f"{name}_reader"
    cluster = admin.cluster
    password, loader_password = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    roles = f"create role {loader} login password '{loader_password}'; create role {reader} login password '{password}';"
    if template is None:
        admin.run(roles)
        admin.copy("template1", name, loader)
        admin.run(
            f"revoke all on database {name} from public; grant connect on database {name} to {reader};"
            f" grant usage on schema public to {reader}; grant all on schema public to {loader};"
            f" alter default privileges for role {loader} in schema public grant select on tables to {reader}",
            name,
        )
    else:
        admin.copy(template, name)
        admin.run(
            f"{roles} grant connect on database {name} to {reader}; grant pg_read_all_data to {reader};"
            f" grant pg_write_all_data, pg_read_all_data to {loader}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop").write_text(password + "\n")
    return Target(
        host="127.0.0.1",
        port=cluster.port,
        dbname=name,
        user=f"{name}_reader",
        password=password,
        loader_url=cluster.address(f"{name}_loader", loader_password, name),
        secrets=folder,
    )
