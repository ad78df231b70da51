"""Canaries beside a target, and a warm child whose environment holds a secret."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from api.engine import faulty_rules
from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from api.engine.run_result import DbtRunResult
from database import keys
from database.pool import Database
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.contract.signatures import new_secret
from tests.safety.canaries import VARIABLE, Canaries
from tests.support import loaded
from tests.support.databases import Admin, make_target
from tests.support.processes import Process, eventually, free_port


@dataclass
class Gate:
    """Runs specifications as a worker does, and keeps what was answered."""

    child: Slot
    home: Path  # of the process that has loaded dbt
    folder: Path
    environment: dict[str, str]
    answers: list[tuple[str, str]] = field(default_factory=list)

    def run(self, spec: dict[str, Any]) -> DbtRunResult:
        def once(spec: dict[str, Any]) -> DbtRunResult:
            self.child.ensure_warm()
            return self.child.run(spec, self.folder, self.environment, 120)

        answer = faulty_rules.run_compilable(once, spec)
        self.answers.append((f"answer {len(self.answers)}", f"{answer.message}\n{answer.outcome}"))
        return answer


@pytest.fixture(scope="module")
def canaries(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    """A target with the canaries in it, one for all tests of a module."""
    made = Canaries(make_target(admin, tmp_path_factory.mktemp("secrets")))
    made.place()
    yield made
    made.remove()
    admin.run(f"drop database {made.target.dbname} with (force)")


@pytest.fixture(scope="module")
def make_gate(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gate]]:
    """A warm child on a project (by default the real one); the secret is in its environment."""
    started = ExitStack()

    def make(project: Path = ROOT / "stringx", **more: str) -> Gate:
        home = tmp_path_factory.mktemp("child")
        kept = loaded.folder() if project == ROOT / "stringx" else None  # its secret is no part of what is loaded
        child = started.enter_context(ChildFactory(DbtProject(project, project), home, kept).slot(max_checks=100_000))
        variables = canaries.target.environment() | {VARIABLE: canaries.secret} | more
        return Gate(child, home, tmp_path_factory.mktemp("runs"), variables)

    with started:
        yield make


@pytest.fixture(scope="module")
def internal_url_of_module(admin: Admin, internal_template: str) -> Iterator[str]:
    """The address of a migrated internal database for the tests of a module."""
    name = f"internal_{secrets.token_hex(6)}"
    admin.copy(internal_template, name)
    yield admin.url(name)
    admin.run(f"drop database {name} with (force)")


RULE = "  - {{id: {name}, type: not_null, column: a}}\n"
DOCUMENT = "apiVersion: stringx/v1\ntarget: shop\ntable: public.orders\nrules:\n" + "".join(
    RULE.format(name=name) for name in ("first", "second", "third")
)
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b"}
TABLE = "/api/v1/tables/shop/public.orders"


@dataclass
class Services:
    """Both services and what their callers need."""

    ports: dict[str, int]
    key: str
    signing_secret: str
    database: Database

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def call(self, method: str, path: str, name: str = "backend", **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        return requests.request(method, self.url(name, path), headers=headers, timeout=30, **options)

    def send(self, name: str, head: str, body: bytes, *, finish: bool = True) -> tuple[int, bytes]:
        """The status and the body of what is answered to these very bytes; `finish`: nothing follows them."""
        with socket.create_connection(("127.0.0.1", self.ports[name]), timeout=30) as connection:
            lines = f"{head}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\nConnection: close\r\n\r\n"
            connection.sendall(lines.encode("latin-1") + body)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        first, _, rest = answer.partition(b"\r\n")
        return int(first.split()[1]), rest.partition(b"\r\n\r\n")[2]

    def database_now(self) -> Any:
        with self.database.transaction() as cursor:
            return cursor.all("select now() as now")[0]["now"]

    def operations(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """(service, method, path, what its OpenAPI document says) of each operation."""
        found = []
        for name in self.ports:
            document = requests.get(self.url(name, "/openapi.json"), timeout=60).json()
            for path, methods in document["paths"].items():
                found += [(name, method.upper(), path, item) for method, item in methods.items()]
        return found

    def state(self) -> dict[str, list[Any]]:
        """All that a request could have changed."""
        tables = ("stringx.targets", "stringx.table_versions", "stringx.dataset_versions", "stringx.requests", "stringx.results",
                  "dataops.checks", "dataops.outbox")  # fmt: skip
        with self.database.transaction() as cursor:
            return {table: cursor.all(f"select * from {table} order by 1, 2, 3") for table in tables}


def configure(services: Services) -> None:
    """The target and the table that tests ask for; again after a test that may have changed or deleted them."""
    assert services.call("PUT", "/api/v1/targets/shop", json=TARGET).status_code in (200, 201)
    put = services.call("PUT", TABLE, data=DOCUMENT, headers={"Content-Type": "application/yaml"})
    assert put.status_code in (200, 201)


@pytest.fixture(scope="module")
def services(internal_url_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home: Path = tmp_path_factory.mktemp("services")
    database = Database(internal_url_of_module, size=2)
    key, signing_secret = secrets.token_urlsafe(12), new_secret()
    keys.register(database, "tester", key, ["trigger", "read", "configure", "results", "admin"])
    ports = {"backend": free_port(), "api": free_port()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STRINGX_", "TARGET_"))}
    environment = inherited | {
        "STRINGX_HOME": str(home),
        "STRINGX_DATABASE_URL": internal_url_of_module,
        "STRINGX_SERVICE_KEY": key,
        "STRINGX_SIGNING_SECRET": signing_secret,
        "BACKEND_PORT": str(ports["backend"]),
        "DATAOPS_PORT": str(ports["api"]),
    }
    processes = [Process(name, name, environment, home / f"{name}.log") for name in ports]
    made = Services(ports, key, signing_secret, database)
    try:
        for process in processes:
            process.start()
        for name in ports:
            eventually(lambda name=name: requests.get(made.url(name, "/healthz"), timeout=5).ok, 180, name)
        configure(made)
        yield made
    finally:
        for process in processes:
            process.end()
        database.close()
