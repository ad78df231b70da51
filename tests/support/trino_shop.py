"""Tables on a Trino server, and a worker that checks them: from the document to the gate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from api.checks import lifecycle
from api.delivery.sender import Credentials
from api.engine.command import Executable
from api.engine.pool import ChildFactory
from api.notifications import CHANNEL
from api.worker.attempt import Attempt
from api.worker.execution import Executor
from api.worker.worker import Worker
from backend.requests import tracking
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import CATALOGUE, apply, claimed, gate
from tests.support.trino_server import Trino

HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "trino"}


@dataclass
class Shop:
    """Tables of a schema in the catalog `lake`, and a worker that checks them."""

    trino: Trino
    schema: str
    worker: Worker

    def __post_init__(self) -> None:
        """One loop of the worker has one child for Trino."""
        worker, folder = self.worker, self.worker.home / "slot-0"
        others = cache(partial(worker.others.executor, folder))
        runner = Executable(worker.project)  # of PostgreSQL's targets: not used
        self.executor = Executor(worker.settings, worker.database, CATALOGUE, worker.project, runner, folder, others)

    @property
    def database(self) -> Database:
        return self.worker.database

    @property
    def target(self) -> dict[str, Any]:
        return HEAD | {"host": self.trino.host, "port": self.trino.port, "user": "reader", "catalog": "lake"}

    def run(self, *statements: str) -> None:
        self.trino.run(*statements, catalog="lake", schema=self.schema)

    def configure(self, table: str, *rules: dict[str, Any], **target: Any) -> None:
        apply(self.database, self.target | target, _table(table, *rules))

    def accept(self, table: str, **asked: Any) -> Attempt:
        """A request at the Backend, sent on, and claimed."""
        request = CheckRequest.model_validate({"target": "shop", "table": table} | asked)
        tracked = tracking.accept(self.database, CATALOGUE, request, "http", "s")
        lifecycle.accept(self.database, CATALOGUE, CheckRequest.model_validate(tracked.body), 100)
        attempt = Attempt(claimed(self.database))
        self.worker.attempts[attempt.check.check_id] = attempt
        return attempt

    def serve(self, *attempts: Attempt) -> list[CheckResult]:
        """Executed as a worker does it; its result is stored by both services."""
        self.execute(*attempts)
        found = []
        for attempt in attempts:
            found.append(CheckResult.model_validate(lifecycle.find(self.database, attempt.check.check_id).result))
            tracking.store(self.database, attempt.check.request_id, found[-1])
        return found

    def execute(self, *attempts: Attempt) -> None:
        """The same, but nothing is looked up of it."""
        self.worker._serve(self.executor, attempts)

    def check(self, table: str, **asked: Any) -> CheckResult:
        (found,) = self.serve(self.accept(table, **asked))
        return found

    def is_open(self, table: str) -> bool:
        return gate(self.database, table).gate == "open"

    def running(self, attempt: Attempt) -> int:
        """How many queries of the check run."""
        return running(self.trino, f"stringx {attempt.check.check_id} {attempt.check.attempt}")


@contextmanager
def a_shop(database: Database, factory: ChildFactory, trino: Trino, home: Path, **environment: str) -> Iterator[Shop]:
    """With a schema of its own. The environment is the worker's."""
    settings = read_settings({"STRINGX_HOME": str(home), **environment})
    worker = Worker(settings, database, CATALOGUE, Listener(database, CHANNEL), "w", Credentials("w", "key", ["secret"]))
    worker.others.factories["trino"] = factory
    with trino.a_schema() as schema:
        try:
            yield Shop(trino, schema, worker)
        finally:
            for attempt in list(worker.attempts.values()):  # a test that failed has left them: their queries end
                attempt.stop("lost")
            for slot in worker.others.slots:
                slot.close()


def running(trino: Trino, source: str) -> int:
    states = "('FINISHED', 'FAILED')"
    return int(trino.value(f"select count(*) from system.runtime.queries where source = '{source}' and state not in {states}"))


def rule(id: str, type: str, column: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": type} | ({"column": column} if column else {}) | fields


def by_id(result: CheckResult) -> dict[str, Any]:
    return {each.id: each for each in result.rules or []}


def _table(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": list(rules)}
