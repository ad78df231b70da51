"""Targets of the engines beside PostgreSQL, the worker that checks them, and both services in one process: from a request to the gate."""

from functools import cache, cached_property, partial
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
from stringx_dataops.contract.settings import Settings
from tests.support.datasets import CATALOGUE, claimed, gate


class Worked:
    """What the tests of each engine do with the target `shop`."""

    worker: Worker

    @property
    def database(self) -> Database:
        return self.worker.database

    @cached_property
    def executor(self) -> Executor:
        """One loop of the worker, which has a child for each engine."""
        worker, folder = self.worker, self.worker.home / "slot-0"
        others = cache(partial(worker.others.executor, folder))
        runner = Executable(worker.project)  # of PostgreSQL's targets: not used
        return Executor(worker.settings, worker.database, CATALOGUE, worker.project, runner, folder, others)

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


def worker_of(database: Database, settings: Settings, **factories: ChildFactory) -> Worker:
    """With a factory of children for each engine that is named."""
    made = Worker(settings, database, CATALOGUE, Listener(database, CHANNEL), "w", Credentials("w", "key", ["secret"]))
    made.others.factories.update(factories)  # type: ignore[arg-type]
    return made


def rule(id: str, type: str, column: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": type} | ({"column": column} if column else {}) | fields


def by_id(result: CheckResult) -> dict[str, Any]:
    return {each.id: each for each in result.rules or []}


def table(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": list(rules)}
