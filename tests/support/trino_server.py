"""A real Trino: one server shared by all processes of a test run, and servers of their own for tests of sign-in or of several workers.

Each has the catalogs `tpch`, `memory` and `lake` (Iceberg tables in a folder); a test makes others by `create catalog`, and a schema of
its own by `a_schema`.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from trino.auth import BasicAuthentication
from trino.dbapi import connect

from tests.support import certificates
from tests.support.processes import free_port
from tests.support.trino_distribution import distribution, java

_VARIABLE = "TESTS_TRINO"  # the folder of the shared server; inherited by the processes that share the tests
_STARTS_WITHIN_S = 120
_GUARDS: dict[int, subprocess.Popen[bytes]] = {}  # that this process has started
_JAVA = ("-server", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "-Djdk.attach.allowAttachSelf=true", "-Xshare:auto")
_COORDINATES = ("node-scheduler.include-coordinator=true", "catalog.store=file")  # its catalogs: etc/catalog where it runs
_CATALOGS = {
    "tpch": "connector.name=tpch\n",
    "memory": "connector.name=memory\nmemory.max-data-per-node=256MB\n",
    "lake": "connector.name=iceberg\niceberg.catalog.type=TESTING_FILE_METASTORE\nhive.metastore.catalog.dir=local:///\n"
    "fs.native-local.enabled=true\nlocal.location={lake}\n",
}


@dataclass(frozen=True)
class Trino:
    """A running Trino. With a password it speaks TLS alone; `authority` is the PEM file of who signed its certificate."""

    port: int
    pid: int
    folder: str
    user: str = "tests"
    password: str | None = None
    authority: str | None = None
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"{'https' if self.password else 'http'}://{self.host}:{self.port}"

    @contextmanager
    def cursor(
        self, catalog: str | None = None, schema: str | None = None, user: str | None = None, **options: Any
    ) -> Iterator[Any]:
        """Of Trino's own client; `options` are those of its `connect`."""
        if self.password is not None:
            auth, session = BasicAuthentication(user or self.user, self.password), requests.Session()
            session.trust_env = False  # else REQUESTS_CA_BUNDLE would count in place of `verify`
            session.verify = self.authority
            options = {"http_scheme": "https", "auth": auth, "http_session": session} | options
        options = {"catalog": catalog, "schema": schema, "user": user or self.user, "timezone": "UTC"} | options
        with closing(connect(host=self.host, port=self.port, **options)) as connection:
            yield connection.cursor()

    def rows(self, query: str, catalog: str | None = None, schema: str | None = None, **options: Any) -> list[tuple[Any, ...]]:
        """Of one statement, each row as a tuple."""
        with self.cursor(catalog, schema, **options) as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def value(self, query: str, catalog: str | None = None, schema: str | None = None) -> Any:
        return self.rows(query, catalog, schema)[0][0]

    def run(self, *statements: str, catalog: str | None = None, schema: str | None = None) -> None:
        """One after the other; there is no transaction around them."""
        for statement in statements:
            self.rows(statement, catalog, schema)

    @contextmanager
    def a_schema(self, catalog: str = "lake") -> Iterator[str]:
        """An empty schema, which is dropped with all that it holds."""
        name = f"test_{secrets.token_hex(5)}"
        self.run(f"create schema {catalog}.{name}")
        try:
            yield name
        finally:
            self.run(f"drop schema if exists {catalog}.{name} cascade")

    def end(self) -> None:
        """With its workers, and with its folder."""
        for pid in [*_pids(Path(self.folder) / "workers"), self.pid]:
            _end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_worker(self, memory_mb: int = 1200) -> None:
        """A second process that takes part in every query; returns when it does."""
        before, port = self._nodes(), free_port()
        node = _Node(Path(self.folder) / f"worker-{port}", Path(self.folder) / "lake", port, memory_mb, self.port)
        pid = node.start(os.getpid())
        with (Path(self.folder) / "workers").open("a") as file:
            file.write(f"{pid}\n")
        _wait(pid, node.log, lambda: self._nodes() > before)

    def _nodes(self) -> int:
        """Those that take part in queries."""
        return int(self.value("select count(*) from system.runtime.nodes where state = 'active'"))


@dataclass(frozen=True)
class _Node:
    """A process of Trino; with `coordinator`, the port of one, it is a worker of that."""

    folder: Path
    lake: Path
    port: int
    memory_mb: int = 1200
    coordinator: int | None = None
    more: tuple[str, ...] = field(default=())

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self, owner: int) -> int:
        """Returns the number of the process that guards it; it ends with the process `owner`."""
        etc, home = self.folder / "etc", distribution()
        (etc / "catalog").mkdir(parents=True)
        self.lake.mkdir(exist_ok=True)
        config = [
            f"coordinator={'true' if self.coordinator is None else 'false'}",
            f"http-server.http.port={self.port}",
            f"discovery.uri=http://127.0.0.1:{self.coordinator or self.port}",
            "catalog.management=dynamic",  # so that a test may make a catalog
            f"plugin.dir={home / 'plugin'}",
            f"query.max-memory-per-node={self.memory_mb // 3}MB",
            f"memory.heap-headroom-per-node={self.memory_mb // 4}MB",
            "query.min-expire-age=30s",
            *(_COORDINATES if self.coordinator is None else ()),
            *self.more,
        ]
        (etc / "config.properties").write_text("\n".join(config) + "\n")
        if self.coordinator is None:
            for name, text in _CATALOGS.items():
                (etc / "catalog" / f"{name}.properties").write_text(text.format(lake=self.lake))
        options = {
            "node.environment": "tests",
            "node.id": f"node-{self.port}",
            "node.data-dir": self.folder / "data",
            "node.internal-address": "127.0.0.1",
            "config": etc / "config.properties",
            "java.io.tmpdir": self.folder,
        }
        command = [
            *(java(), *_JAVA, f"-Xmx{self.memory_mb}m", *(f"-D{name}={value}" for name, value in options.items())),
            *("-cp", f"{home}/lib/*", "io.trino.server.TrinoServer"),
        ]
        guard = Path(__file__).with_name("trino_guard.py")
        process = subprocess.Popen(
            [sys.executable, "-P", guard, str(owner), self.folder, *command],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        _GUARDS[process.pid] = process
        return process.pid


def begin(config: pytest.Config) -> None:
    """Name the folder of the shared server, which ends with the process that names it. It is started by the first test that asks."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = f"{os.getpid()}:{tempfile.mkdtemp(prefix='stringx-trino-')}"
        config.add_cleanup(_end_shared)


def shared() -> Trino:
    """The server of this test run."""
    owner, _, place = os.environ[_VARIABLE].partition(":")
    known = Path(place) / "server.json"
    with (Path(place) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            known.write_text(json.dumps(asdict(_started(Path(place) / "server", int(owner)))))
    return Trino(**json.loads(known.read_text()))


def _end_shared() -> None:
    place = Path(os.environ.pop(_VARIABLE).partition(":")[2])
    if (known := place / "server.json").exists():
        Trino(**json.loads(known.read_text())).end()
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def own(*, password: str | None = None, memory_mb: int = 1200) -> Iterator[Trino]:
    """A server of the caller's own. With a password for the user `tests` it speaks TLS alone, for `127.0.0.1` and `localhost`."""
    folder = Path(tempfile.mkdtemp(prefix="stringx-trino-"))
    try:
        started = _started(folder / "server", os.getpid(), password, memory_mb)
        try:
            yield started
        finally:
            started.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path, owner: int, password: str | None = None, memory_mb: int = 1200) -> Trino:
    folder.mkdir(parents=True)
    port, plain = free_port(), free_port()
    more: list[str] = []
    authority = None
    if password is not None:
        made = certificates.of_a_server(folder / "certificates")
        both = folder / "server.pem"
        both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
        authority = str(made.authority)
        (folder / "passwords").write_text(f"tests:{_pbkdf2(password)}\n")
        (folder / "password.properties").write_text(
            f"password-authenticator.name=file\nfile.password-file={folder / 'passwords'}\nfile.refresh-period=1s\n"
        )
        more = [
            "http-server.authentication.type=PASSWORD", f"password-authenticator.config-files={folder / 'password.properties'}",
            "http-server.https.enabled=true", f"http-server.https.port={port}", f"http-server.https.keystore.path={both}",
            f"internal-communication.shared-secret={secrets.token_hex(16)}",
        ]  # fmt: skip
    node = _Node(folder, folder / "lake", port if password is None else plain, memory_mb, more=tuple(more))
    pid = node.start(owner)
    server = Trino(port, pid, str(folder), password=password, authority=authority)
    _wait(pid, node.log, lambda: _answers(server))
    return server


def _answers(server: Trino) -> bool:
    """It tells that it starts before it knows its catalogs and has a node that runs queries."""
    try:
        told = requests.get(f"{server.url}/v1/info", timeout=10, verify=server.authority or True).json()
        return not told["starting"] and server._nodes() > 0 and {*_CATALOGS} <= {row[0] for row in server.rows("show catalogs")}
    except Exception:  # of the network or of the server, by many names
        return False


def _wait(pid: int, log: Path, holds: Any) -> None:
    until, said = time.monotonic() + _STARTS_WITHIN_S, ""
    while not holds():
        said = log.read_text(errors="replace")[-3000:] if log.exists() else said
        if not _lives(pid) or time.monotonic() > until:
            _end(pid)
            raise RuntimeError(f"Trino does not start: {said}")
        time.sleep(0.1)


def _pbkdf2(password: str) -> str:
    """As Trino's file of passwords has it."""
    salt = secrets.token_bytes(16)
    return f"1000:{salt.hex()}:{hashlib.pbkdf2_hmac('sha1', password.encode(), salt, 1000, 64).hex()}"


def _pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _lives(pid: int) -> bool:
    if (started := _GUARDS.get(pid)) is not None:
        return started.poll() is None
    return Path(f"/proc/{pid}").exists()


def _end(pid: int) -> None:
    """Returns when it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    until = time.monotonic() + 20
    while _lives(pid) and time.monotonic() < until:
        time.sleep(0.05)
