"""Ours as it runs for real: both services and a worker as processes, asked over HTTP with nothing in between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from benchmarks.peers.rules import Rule, document
from benchmarks.peers.server import CHECKED, INTERNAL, Server
from database import embedded
from tests.support.processes import Process, eventually, free_port

CONCURRENCY = 2
_KEYS = {"API_KEY": "api-key", "SERVICE_KEY": "service-key", "SIGNING_SECRET": "signing-secret"}


@dataclass
class Service:
    """`targets` are names for the one checked database: a set of rules each."""

    server: Server
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self) -> None:
        home, cluster = self.server.folder / "keys", self.server.postgres.cluster
        home.mkdir()
        (self.server.folder / "secrets").mkdir()
        (self.server.folder / "secrets" / "reader").write_text(self.server.reader_password)
        password = embedded.keep(cluster.home / "stringx-password")
        embedded.create(cluster, INTERNAL, password)
        embedded.create_database(cluster, INTERNAL, INTERNAL)
        ports = {"api": free_port(), "backend": free_port()}
        common = {
            "STRINGX_DATABASE_URL": cluster.address(INTERNAL, password, INTERNAL),
            "STRINGX_SECRETS": str(self.server.folder / "secrets"),
            "WORKER_CONCURRENCY": str(CONCURRENCY),
            "DATAOPS_PORT": str(ports["api"]),
            "BACKEND_PORT": str(ports["backend"]),
            "DATAOPS_URL": f"http://127.0.0.1:{ports['api']}",
            "BACKEND_URL": f"http://127.0.0.1:{ports['backend']}",
        }
        migrate = self._make("migrate", common | {"STRINGX_HOME": str(home)})
        migrate.start()
        if migrate.wait(60):
            raise RuntimeError(migrate.output())
        common |= {f"STRINGX_{name}_FILE": str(home / file) for name, file in _KEYS.items()}
        for role in ("api", "backend", "worker"):
            own = self.server.folder / role
            own.mkdir()
            self.processes[role] = self._make(role, common | {"STRINGX_HOME": str(own)})
            self.processes[role].start()
        for role in ("api", "backend"):
            eventually(lambda role=role: self._ready(role), 120, f"{role} is ready\n{self.processes[role].output()[-2000:]}")

    def wait_warm(self) -> None:
        """Until every child has imported dbt."""
        statement = "select 1 from dataops.workers where warm = children and children = %s"
        eventually(
            lambda: bool(self.server.postgres.rows(INTERNAL, statement, [CONCURRENCY])), 120, "warm children of the worker"
        )

    def _make(self, role: str, variables: dict[str, str]) -> Process:
        return Process(role, role, self.server.inherited | variables, self.server.folder / f"{role}.log")

    def _ready(self, role: str) -> bool:
        return requests.get(f"{self.processes[role].url}/readyz", timeout=5).status_code == 200

    def stop(self) -> None:
        for process in self.processes.values():
            if process.runs:
                process.stop()
            process.end()

    def session(self) -> requests.Session:
        """One connection that is kept, with the key."""
        made = requests.Session()
        made.trust_env = False
        made.headers["Authorization"] = f"Bearer {(self.server.folder / 'keys' / 'api-key').read_text().strip()}"
        return made

    def configure(self, target: str, tables: Sequence[str], rules: Sequence[Rule], *, constraint: bool = False) -> None:
        """These rules for these tables, under a target's name of their own."""
        self._put(
            f"targets/{target}",
            {
                "apiVersion": "stringx/v1", "kind": "Target", "name": target, "host": "127.0.0.1", "port": self.server.port,
                "dbname": CHECKED, "user": "reader", "password_file": "reader", "sslmode": "disable",
            },
        )  # fmt: skip
        documents = [document(rule, constraint=constraint) for rule in rules]
        for table in tables:
            relation = f"public.{table}"
            body = {"apiVersion": "stringx/v1", "target": target, "table": relation, "rules": documents}
            self._put(f"tables/{target}/{relation}", body)

    def _put(self, path: str, body: dict[str, Any]) -> None:
        answer = self.session().put(f"{self.processes['backend'].url}/api/v1/{path}", json=body, timeout=60)
        if answer.status_code not in (200, 201):
            raise RuntimeError(answer.text)


@contextmanager
def running(server: Server) -> Iterator[Service]:
    service = Service(server)
    try:
        service.start()
        yield service
    finally:
        service.stop()
