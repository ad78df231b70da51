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
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from trino.auth import BasicAuthentication
from trino.dbapi import connect

from tests.support import certificates
from tests.support.processes import free_port
from tests.support.trino_node import CATALOGS, Node, end, wait

_VARIABLE = "TESTS_TRINO"  # the folder of the shared server; inherited by the processes that share the tests


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
    takes_part: bool = True  # in queries, as its workers do
    measured: bool = False  # how fast it is counts

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
            end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_worker(self, memory_mb: int = 1200, processor: int | None = None) -> None:
        """A process that takes part in every query, on that processor alone if one is named; returns when it does."""
        port, workers = free_port(), Path(self.folder) / "workers"
        lake = Path(self.folder) / "lake"
        node = Node(
            Path(self.folder) / f"worker-{port}", lake, port, memory_mb, self.port, processor=processor, measured=self.measured
        )
        pid = node.start(os.getpid())
        with workers.open("a") as file:
            file.write(f"{pid}\n")
        wait(pid, node.log, lambda: self._nodes() >= len(_pids(workers)) + 1)

    def _nodes(self) -> int:
        """With the coordinator. Where that takes no part in queries, this one waits for a worker."""
        return int(self.value("select count(*) from system.runtime.nodes where state = 'active'"))


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
def own(
    *, password: str | None = None, memory_mb: int = 1200, takes_part: bool = True, measured: bool = False
) -> Iterator[Trino]:
    """A server of the caller's own. With a password for the user `tests` it speaks TLS alone, for `127.0.0.1` and `localhost`. Unless
    it takes part in queries, it needs workers. `measured`: how fast it is counts, not how soon."""
    folder = Path(tempfile.mkdtemp(prefix="stringx-trino-"))
    try:
        started = _started(folder / "server", os.getpid(), password, memory_mb, takes_part, measured)
        try:
            yield started
        finally:
            started.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(
    folder: Path, owner: int, password: str | None = None, memory_mb: int = 1200, takes_part: bool = True, measured: bool = False
) -> Trino:
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
    node = Node(
        folder,
        folder / "lake",
        port if password is None else plain,
        memory_mb,
        takes_part=takes_part,
        measured=measured,
        more=tuple(more),
    )
    pid = node.start(owner, folder.parent)
    server = Trino(port, pid, str(folder), password=password, authority=authority, takes_part=takes_part, measured=measured)
    wait(pid, node.log, lambda: _answers(server))
    return server


def _answers(server: Trino) -> bool:
    """It tells that it starts before it knows its catalogs and has a node that runs queries."""
    try:
        told = requests.get(f"{server.url}/v1/info", timeout=10, verify=server.authority or True).json()
        if told["starting"] or not server.takes_part:
            return not told["starting"]
        return server._nodes() > 0 and {*CATALOGS} <= {row[0] for row in server.rows("show catalogs")}
    except Exception:  # of the network or of the server, by many names
        return False


def _pbkdf2(password: str) -> str:
    """As Trino's file of passwords has it."""
    salt = secrets.token_bytes(16)
    return f"1000:{salt.hex()}:{hashlib.pbkdf2_hmac('sha1', password.encode(), salt, 1000, 64).hex()}"


def _pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []
