"""Real PostgreSQL for every test that needs one: a cluster a test process, a database of its own a test."""

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
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from xdist.scheduler import LoadScopeScheduling

from api.targets.postgres import connection_environment
from database import embedded
from database import migrate as migrations
from database.account import account
from database.embedded import Cluster
from database.migrate import migrate
from database.pool import Database
from launch import demo
from stringx_dataops.contract.documents.configuration import TargetDocument
from stringx_dataops.contract.settings import ROOT, read_settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long campaigns, too")


def need(program: str, how: str) -> None:
    """Skip with one line where a program is missing; with CI=true that is a failure."""
    if shutil.which(program) is None:
        line = f"{program} is missing: {how}"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


@contextmanager
def running_cluster(**variables: str) -> Iterator[Cluster]:
    """An embedded PostgreSQL, started as the product starts it, in a folder that its user may enter. Variables are handed to the
    server itself, to which the product hands none."""
    home = Path(tempfile.mkdtemp(prefix="stringx-test-"))
    home.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("STRINGX_")}
    found = embedded.prepare(home)
    command, who = [sys.executable, "-P", "-m", "launch", "postgres"], None
    if variables:
        command, who = embedded.command(found), account()
    with (home / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environ | {"STRINGX_HOME": str(home), "PYTHONPATH": str(ROOT)} | variables,
            stderr=log,
            user=who.pw_uid if who is not None else None,
            group=who.pw_gid if who is not None else None,
            extra_groups=[] if who is not None else None,
        )
    try:
        embedded.wait(found)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@dataclass(frozen=True)
class Admin:
    """The superuser's view of the cluster."""

    cluster: Cluster

    def run(self, statement: str, dbname: str = "postgres") -> None:
        with embedded._cursor(self.cluster, dbname) as cursor:
            cursor.execute(statement)

    def url(self, dbname: str) -> str:
        return self.cluster.address("postgres", embedded.keep(self.cluster.password_file), dbname)


@pytest.fixture(scope="session")
def admin(cluster: Cluster) -> Admin:
    return Admin(cluster)


@pytest.fixture(scope="session")
def internal_template(admin: Admin) -> str:
    """The internal database, migrated once."""
    admin.run("create database internal_template")
    database = Database(admin.url("internal_template"), size=1)
    migrate(database)
    database.close()
    return "internal_template"


def migrate_before(database: Database, name: str) -> None:
    """The schema as it was before this migration."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        for path in sorted(migrations.MIGRATIONS.glob("*.sql")):
            if path.name < name:
                shutil.copy(path, folder)
        patched.setattr(migrations, "MIGRATIONS", Path(folder))
        migrate(database)


@pytest.fixture
def internal_url(admin: Admin, internal_template: str) -> Iterator[str]:
    """The address of a migrated internal database of this test's own."""
    name = f"internal_{secrets.token_hex(6)}"
    admin.run(f"create database {name} template {internal_template}")
    yield admin.url(name)
    admin.run(f"drop database {name} with (force)")


@pytest.fixture
def database(internal_url: str) -> Iterator[Database]:
    opened = Database(internal_url, size=8)
    yield opened
    opened.close()


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
        return connection_environment(TargetDocument.model_validate(self.document()), self.secrets, "stringx test")


def make_target(admin: Admin, folder: Path, template: str | None = None) -> Target:
    name = f"target_{secrets.token_hex(6)}"
    cluster = admin.cluster
    password, loader_password = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    embedded.create(cluster, f"{name}_loader", loader_password)
    embedded.create(cluster, f"{name}_reader", password)
    if template is None:
        embedded.create_database(cluster, name, f"{name}_loader", readers=(f"{name}_reader",))
        admin.run(f"grant all on schema public to {name}_loader", name)
    else:
        admin.run(f"create database {name} template {template}")
        admin.run(f"grant connect on database {name} to {name}_reader; grant pg_read_all_data to {name}_reader")
        admin.run(f"grant pg_write_all_data, pg_read_all_data to {name}_loader")
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


@pytest.fixture
def target(admin: Admin, tmp_path: Path) -> Iterator[Target]:
    """An empty target of this test's own."""
    made = make_target(admin, tmp_path / "secrets")
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


@pytest.fixture(scope="session")
def flights_template(admin: Admin, cluster: Cluster) -> str:
    """The demo's database, loaded once."""
    settings = read_settings({"STRINGX_HOME": str(cluster.home)})
    demo.prepare(cluster, settings)
    demo.load(cluster)
    return demo.DATABASE


@pytest.fixture
def flights_target(admin: Admin, flights_template: str, tmp_path: Path) -> Iterator[Target]:
    """The five tables of the demo."""
    made = make_target(admin, tmp_path / "secrets", flights_template)
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


class _GroupScheduling(LoadScopeScheduling):
    """The acceptance tests on one worker, a module's tests together where they share what takes long to make, every other test
    wherever there is room.

    xdist 3.8 writes a test's group into an attribute that pytest 9.2 does not read, so `xdist_group` has no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = next((name for name in ("acceptance", "kafka") if nodeid.startswith(f"tests/{name}/")), None)
        if folder is not None:
            return folder
        module = nodeid.split("::", 1)[0]
        return module if module.startswith(("tests/safety/", "tests/faults/")) or _shares(module) else nodeid


@cache
def _shares(module: str) -> bool:
    return 'fixture(scope="module")' in (ROOT / module).read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _GroupScheduling(config, log)
