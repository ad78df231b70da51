"""Clusters of PostgreSQL: Debian's with contrib, the oldest supported release, the newest."""

import os
import platform
import secrets
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from database import embedded
from database.account import account
from tests.support.databases import Target, missing, need

OLDEST = "14.24.0"
ARTIFACT = "io.zonky.test.postgres:embedded-postgres-binaries-linux-{machine}"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64v8"}


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL; `postgres` is its superuser."""

    name: str
    port: int
    password: str

    def url(self, dbname: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{dbname}"

    def run(self, statement: str, dbname: str = "postgres") -> None:
        """As the superuser; several statements are one transaction."""
        with session(self.url(dbname)) as cursor:
            cursor.execute(statement)

    def value(self, query: str, dbname: str = "postgres") -> Any:
        with session(self.url(dbname)) as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]


@contextmanager
def session(url: str, autocommit: bool = True) -> Iterator[Any]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = autocommit
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def debian(_: Path) -> Path:
    """The newest of Debian's packages, which bring contrib."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not found:
        missing("Debian's PostgreSQL is missing: apt-get install postgresql")
    return max(found, key=lambda path: float(path.parent.name))


def oldest(home: Path) -> Path:
    """A build for tests from Maven Central: fetched once, unpacked where PostgreSQL's account may read it."""
    machine = MACHINES.get(platform.machine())
    if platform.system() != "Linux" or machine is None:
        missing(f"no build of PostgreSQL 14 for {platform.system()} {platform.machine()}: run these tests on Linux")
    artifact = ARTIFACT.format(machine=machine)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stringx-tests"
    jar = cache / f"{artifact.rpartition(':')[2]}-{OLDEST}.jar"
    if not jar.exists():
        need("mvn", "apt-get install maven default-jre-headless (it fetches PostgreSQL 14)")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as partial:
            done = subprocess.run(
                ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={artifact}:{OLDEST}", f"-DoutputDirectory={partial}"],
                cwd=partial, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250,
            )  # fmt: skip
            if done.returncode != 0 or not (Path(partial) / jar.name).exists():
                missing(f"PostgreSQL 14 is missing: `mvn dependency:get -Dartifact={artifact}:{OLDEST}` must work here")
            (Path(partial) / jar.name).rename(jar)
    with zipfile.ZipFile(jar) as outer:
        (archive,) = [name for name in outer.namelist() if name.endswith(".txz")]
        with outer.open(archive) as packed, tarfile.open(fileobj=packed, mode="r:xz") as files:
            files.extractall(home / "binaries", filter="data")
    return home / "binaries" / "bin"


def newest(_: Path) -> Path:
    """What the product embeds."""
    return embedded.binaries()


BINARIES: dict[str, Callable[[Path], Path]] = {"14": oldest, "debian": debian, "18": newest}


@dataclass
class Servers:
    """Each is started when the first test asks for it; one that is missing is looked for once."""

    home: Path
    running: dict[str, tuple[Server, subprocess.Popen[bytes]]] = field(default_factory=dict)

    def get(self, name: str) -> Server:
        if name not in self.running:
            home = self.home / name
            home.mkdir(mode=0o755)
            try:
                self.running[name] = _start(name, home)
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)  # so that the next test can say the same
                raise
        return self.running[name][0]

    def standby(self, name: str) -> Server:
        """A copy of that server which follows it."""
        copied = f"{name} standby"
        if copied not in self.running:
            home = self.home / f"{name}-standby"
            home.mkdir(mode=0o755)
            self.running[copied] = _copy(self.get(name), home)
        return self.running[copied][0]

    def stop(self) -> None:
        """The standby first, which would keep its primary waiting."""
        for _, process in reversed(self.running.values()):
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _start(name: str, home: Path) -> tuple[Server, subprocess.Popen[bytes]]:
    programs = BINARIES[name](home)
    password, given = secrets.token_urlsafe(12), home / "password"
    given.write_text(password)
    given.chmod(0o644)
    data = ["-D", home / "data", "-U", "postgres", f"--pwfile={given}"]
    _own(home / "data")
    _as_postgres([programs / "initdb", *data, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"])
    return _serve(name, programs, home, password)


def _copy(primary: Server, home: Path) -> tuple[Server, subprocess.Popen[bytes]]:
    """A standby that follows the primary; it takes no write."""
    programs = BINARIES[primary.name](home)
    _own(home / "data")
    _as_postgres([programs / "pg_basebackup", "-D", home / "data", "-R", "-c", "fast", "-d", primary.url("")])
    return _serve(primary.name, programs, home, primary.password)


def _serve(name: str, programs: Path, home: Path, password: str) -> tuple[Server, subprocess.Popen[bytes]]:
    server, log = (
        Server(name, secrets.choice([port for port in embedded.PORTS if embedded._free(port)]), password),
        home / "postgres.log",
    )
    settings = {
        "port": server.port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 50,
        "dynamic_shared_memory_type": embedded._shared_memory(),
        "timezone": "UTC",
    }
    options = [part for setting, value in settings.items() for part in ("-c", f"{setting}={value}")]
    with log.open("wb") as output:
        command = [programs / "postgres", "-D", home / "data", *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_unprivileged())
    until = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(server.url(), connect_timeout=5).close()
            return server, process
        except psycopg2.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RuntimeError(f"PostgreSQL ({name}) does not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.1)


def _as_postgres(command: list[Any]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **_unprivileged())
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")


def _unprivileged() -> dict[str, Any]:
    who = account()
    common: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}}
    return common if who is None else common | {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def _own(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    if (who := account()) is not None:
        os.chown(folder, who.pw_uid, who.pw_gid)


@dataclass(frozen=True)
class Made:
    """Databases made for one test, dropped after it."""

    server: Server
    folder: Path
    names: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    def target(self, options: str = "") -> Target:
        """A database with a loader that owns it and a reader that may SELECT; `options` follow `create database`."""
        name = f"target_{secrets.token_hex(6)}"
        loader, reader, password = f"{name}_loader", f"{name}_reader", secrets.token_hex(8)
        for role in (loader, reader):
            self.server.run(f"create role {role} login password '{password}'")
            self.roles.append(role)
        self.server.run(f"create database {name} owner {loader} {options}")
        self.names.append(name)
        self.server.run(
            f"grant all on schema public to {loader}; grant usage on schema public to {reader};"
            f" alter default privileges for role {loader} grant select on tables to {reader};"
            f" alter default privileges for role {loader} grant usage on schemas to {reader}",
            name,
        )
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "shop").write_text(password)
        return Target("127.0.0.1", self.server.port, name, reader, password, self.server.url(name, loader, password), folder)
