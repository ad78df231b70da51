"""An installation of the roles apart, two of each, as real processes on loopback: PostgreSQL for the internal database and another
one to be checked, workers, and both services. The second one of each role reaches the internal database over a proxy, workers and
services find each other over proxies, so that each of these networks can be broken."""

import itertools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

from database import embedded
from stringx_dataops.contract.settings import ROOT
from tests.support import loaded
from tests.support.client import Client
from tests.support.databases import Target
from tests.support.postgres import Postgres
from tests.support.processes import Process, eventually, free_port
from tests.support.projects import copy_with
from tests.support.proxy import Proxy
from tests.support.tables import HOLD, RULES, CheckedTable, fill

T = TypeVar("T")
LEASE_S = 4
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
# Ends its process: a long chain of iterators is walked by recursion in C, which no limit of Python's stops.
_FATAL_TEST = """
{% test ends_its_process(model) %}
  {%- set links = namespace(last=[]) -%}
  {%- for _ in range(6) -%}{%- for _ in range(50000) -%}{%- set links.last = zip(links.last) -%}{%- endfor -%}{%- endfor -%}
  {%- set end = links.last | list -%}
  select * from {{ model }} where false
{% endtest %}
"""

FEW_RULE_TYPES = ("unique", "not_null", "between", "row_count", "dbt", "expression")


class Installation(Client):
    """`start` makes it; afterwards each process may be killed, stopped, paused and started again by its name."""

    def __init__(
        self,
        lease_s: int = LEASE_S,
        each: int = 2,
        prepare_internal: Callable[[Path], None] | None = None,
        variables: Mapping[str, str] | None = None,
        rule_types: Collection[str] | None = None,
    ) -> None:
        """`rule_types` are those of its project, all if none are named: dbt loads few of them in much less time."""
        self.folder = Path(tempfile.mkdtemp(prefix="stringx-faults-"))
        self.folder.chmod(0o755)
        self._inherited = {name: os.environ[name] for name in INHERITED if name in os.environ} | {"PYTHONPATH": str(ROOT)}
        self.internal = Postgres("internal", self.folder / "internal", self._inherited, prepare_internal)
        self.checked = Postgres("checked", self.folder / "checked", self._inherited)
        self._rule_types = rule_types
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir()
        self.project = self.folder / "project"
        self._loader, self._reader = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self._names = itertools.count(1)
        self.tables: dict[str, CheckedTable] = {}
        self.accepted: dict[str, str] = {}  # request_id: relation, of all that a client was told is accepted
        self.begun: Any = None
        self.to_internal = Proxy([self.internal.port])
        self.to_checked = Proxy([self.checked.port])
        self.to_api, self.to_backend = Proxy([]), Proxy([])
        self._variables = {
            "LEASE_SECONDS": str(lease_s),
            "WORKER_CONCURRENCY": "1",
            "DBT_PROJECT_DIR": str(self.project),
            "STRINGX_SECRETS": str(self.secrets),
            "DATAOPS_URL": self.to_api.url,
            "BACKEND_URL": self.to_backend.url,
            **(variables or {}),
        }
        self.processes: dict[str, Process] = {}
        self.extra: list[Process] = []
        for number in range(1, each + 1):
            port = self.internal.port if number == 1 else self.to_internal.port
            for role in ("api", "backend", "worker"):
                self.processes[f"{role}-{number}"] = self.make(f"{role}-{number}", role, internal_port=port)
        self.to_api.upstreams = [self.processes[f"api-{n}"].port for n in range(1, each + 1)]
        self.to_backend.upstreams = [self.processes[f"backend-{n}"].port for n in range(1, each + 1)]

    # making it

    def make(self, name: str, role: str, internal_port: int | None = None, root: Path = ROOT, **variables: str) -> Process:
        """A process of this installation that is not started yet, with a home of its own, as on another machine."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        if role == "worker":
            loaded.share(home)
        port = {"api": "DATAOPS_PORT", "backend": "BACKEND_PORT"}.get(role)
        own = {port: str(free_port())} if port else {}
        keys = (
            {f"STRINGX_{key}_FILE": str(self.folder / "keys" / file) for key, file in _KEYS.items()} if role != "migrate" else {}
        )
        environment = {**self._inherited, **self._variables, **own, **keys, "STRINGX_HOME": str(home)}
        environment["STRINGX_DATABASE_URL"] = self._internal_url(internal_port or self.internal.port)
        if root != ROOT:
            environment |= {"PYTHONPATH": str(root), "DBT_PROJECT_DIR": str(root / "stringx")}
        return Process(name, role, environment | variables, self.folder / f"{name}.log", root)

    def start(self) -> None:
        for postgres in (self.internal, self.checked):
            postgres.process.start()
        copy_with(self._rule_types, self.project)
        (self.project / "macros" / "ends_its_process.sql").write_text(_FATAL_TEST)
        embedded.wait(self.internal.cluster)
        embedded.create(self.internal.cluster, "stringx", self._internal_password)
        embedded.create_database(self.internal.cluster, "stringx", "stringx")
        migrate = self.make("keys", "migrate")
        migrate.start()
        assert migrate.wait(60) == 0, migrate.output()
        for process in self.processes.values():
            process.start()
        embedded.wait(self.checked.cluster)
        self._make_target()
        for process in self.processes.values():
            if process.role != "worker":
                self.wait_served(process)
        self.configure_target("shop")
        self.wait_warm()
        self.mark()

    def _make_target(self) -> None:
        cluster = self.checked.cluster
        embedded.create(cluster, "loader", self._loader)
        embedded.create(cluster, "reader", self._reader)
        embedded.create_database(cluster, "shop", "loader", readers=("reader",))
        self.checked.rows("shop", "grant all on schema public to loader")
        (self.secrets / "shop").write_text(self._reader + "\n")
        self.load(HOLD)

    @property
    def _internal_password(self) -> str:
        return embedded.keep(self.internal.cluster.home / "stringx-password")

    def _internal_url(self, port: int) -> str:
        return f"postgresql://stringx:{self._internal_password}@127.0.0.1:{port}/stringx"

    def stop_all(self) -> None:
        for process in [*self.processes.values(), *self.extra]:
            process.end()
        for postgres in (self.internal, self.checked):
            postgres.process.end()

    def end(self) -> None:
        self.stop_all()
        for proxy in (self.to_internal, self.to_checked, self.to_api, self.to_backend):
            proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # keeping it whole

    def heal(self) -> None:
        """Everything runs again, nothing is broken, and what is waiting from before has ended."""
        for proxy in (self.to_internal, self.to_checked, self.to_api, self.to_backend):
            proxy.forward()
        for extra in self.extra:
            extra.end()
        self.extra.clear()
        for postgres in (self.internal, self.checked):
            if not postgres.process.runs:
                postgres.start()
        self.supervise(resume=True)
        self.wait_served()
        eventually(lambda: any(self.is_warm(worker) for worker in self.of_role("worker")), 90, "a warm worker")
        eventually(lambda: not self.unfinished(), 90, "the end of what an earlier test asked for")
        self.mark()

    def supervise(self, *, resume: bool = False) -> list[str]:
        """Starts again what has ended, as a supervisor does; its names."""
        started = []
        for process in self.processes.values():
            if resume and process.runs:
                process.resume()
            if not process.runs:
                process.start()
                started.append(process.name)
        return started

    def supervised(self, look: Callable[[], T]) -> T:
        """What it finds, after whatever has ended has been started again."""
        self.supervise()
        if not self.internal.process.runs:
            self.internal.start()
        return look()

    def mark(self) -> None:
        """From now on is what `accounting` looks at."""
        self.accepted.clear()
        self.begun = self.rows("select clock_timestamp() as now")[0]["now"]

    def run_extra(self, process: Process) -> Process:
        """For this test alone; ended with it."""
        self.extra.append(process)
        process.start()
        return process

    # what it is made of

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def of_role(self, role: str) -> list[Process]:
        return [process for process in self.processes.values() if process.role == role]

    @property
    def key(self) -> str:
        return (self.folder / "keys" / "api-key").read_text().strip()

    @property
    def service_key(self) -> str:
        return (self.folder / "keys" / "service-key").read_text().strip()

    @property
    def signing_secret(self) -> str:
        return (self.folder / "keys" / "signing-secret").read_text().strip()

    def rows(self, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        """Of the internal database."""
        return self.internal.rows("stringx", statement, parameters)

    def unfinished(self) -> list[dict[str, Any]]:
        """Checks that have not ended, requests that wait for their result, results that have not arrived."""
        return self.rows(
            "select check_id::text, status from dataops.checks where status in ('queued', 'running') union all"
            " select check_id::text, 'undelivered' from dataops.outbox where delivered_at is null and given_up_at is null"
            " union all select request_id, 'unanswered' from stringx.requests where finished_at is null"
        )

    def worker_of(self, check_id: str) -> Process | None:
        """Which worker has claimed a check."""
        row = self.check(check_id)
        named = (row["worker"] or "").split(":")
        return next((p for p in (*self.of_role("worker"), *self.extra) if p.runs and str(p.pid) in named), None)

    def check(self, check_id: str) -> dict[str, Any]:
        return self.rows("select * from dataops.checks where check_id = %s", [check_id])[0]

    # what is checked

    @property
    def target(self) -> Target:
        loader_url = self.checked.cluster.address("loader", self._loader, "shop")
        return Target("127.0.0.1", self.checked.port, "shop", "reader", self._reader, loader_url, self.secrets)

    def load(self, statement: str) -> None:
        """As the owner of the checked tables."""
        self.target.execute(statement)

    def configure_target(self, name: str, port: int | None = None, **changes: Any) -> None:
        document = self.target.document(name, port=port or self.checked.port, sslmode="disable", **changes)
        self.put(f"targets/{name}", document)

    def table(
        self, kind: str = "clean", rows: int = 500, *, held: bool = False, target: str = "shop",
        rules: list[dict[str, Any]] | None = None, **settings: Any,
    ) -> CheckedTable:  # fmt: skip
        """A new table with its rules; `held`: a view of it whose checks a test can hold."""
        number = next(self._names)
        base = f"{kind}_{number}"
        self.load(fill(base, kind, rows))
        name, key = base, None
        if held:
            name, key = f"held_{number}", number
            self.load(f"create view {name} as select * from {base} where pass_gate({key})")
        table = CheckedTable(name, target, base, self.target.loader_url, key)
        self.tables[table.relation] = table
        self.configure(table, rules, **settings)
        return table

    def configure(self, table: CheckedTable, rules: list[dict[str, Any]] | None = None, **settings: Any) -> None:
        document = {"apiVersion": "stringx/v1", "target": table.target, "table": table.relation, "rules": rules or RULES}
        self.put(f"tables/{table.target}/{table.relation}", document | settings)

    def put(self, path: str, document: dict[str, Any]) -> None:
        """Again and again while the database is away, as after a fault just before."""

        def answered() -> list[requests.Response]:
            answer = self.call("PUT", f"{self.to_backend.url}/api/v1/{path}", json=document)
            return [] if answer.status_code == 503 else [answer]

        (answer,) = eventually(answered, 120, f"an answer to a new document {path}")
        assert answer.status_code in (200, 201), answer.text

    # waiting

    def wait_served(self, process: Process | None = None, within_s: float = 60) -> None:
        """Until this service, or every one, answers."""
        for one in [process] if process else [p for p in self.processes.values() if p.role != "worker"]:
            eventually(
                lambda one=one: self.call("GET", f"{one.url}/healthz", timeout=5).status_code == 200,
                within_s,
                f"{one.name} serves",
            )

    def wait_warm(self, process: Process | None = None, within_s: float = 180) -> None:
        """Until all children of this worker, or of every one, are warm."""
        for one in [process] if process else self.of_role("worker"):
            eventually(lambda one=one: self.is_warm(one), within_s, f"{one.name} is warm\n{one.output()[-2000:]}")

    def is_warm(self, process: Process) -> bool:
        statement = (
            "select 1 from dataops.workers where worker like %s and warm = children and children > 0"
            " and seen_at > clock_timestamp() - interval '3 s'"
        )
        return process.runs and bool(self.rows(statement, [f"%:{process.pid}:%"]))

    def sleep_past_lease(self) -> None:
        time.sleep(float(self._variables["LEASE_SECONDS"]) + 0.5)


_KEYS = {"API_KEY": "api-key", "SERVICE_KEY": "service-key", "SIGNING_SECRET": "signing-secret"}
