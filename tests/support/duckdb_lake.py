"""Files of Parquet and CSV, a target of DuckDB that reads them, and a worker that checks it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb

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

HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb"}
ORDERS = "select range as id, if(range % 3 = 0, 'open', 'paid') as status, range * 1.5 as price from range({rows})"


@dataclass
class Lake:
    """A folder of files, and a worker that may read it."""

    folder: Path
    worker: Worker

    @property
    def database(self) -> Database:
        return self.worker.database

    def write(self, name: str, query: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"copy ({query}) to '{path}.new' (format parquet)")
        Path(f"{path}.new").rename(path)
        return str(path)

    def make(self, name: str, *statements: str) -> str:
        path = self.folder / name
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return str(path)

    def configure(self, target: dict[str, Any], table: str, *rules: dict[str, Any]) -> None:
        document = {"apiVersion": "stringx/v1", "target": "shop", "table": table, "rules": list(rules)}
        apply(self.database, HEAD | target, document)

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
        worker, folder = self.worker, self.worker.home / "slot-0"
        others = cache(partial(worker.others.executor, folder))
        runner = Executable(worker.project)  # of PostgreSQL's targets: not used
        executor = Executor(worker.settings, worker.database, CATALOGUE, worker.project, runner, folder, others)
        worker._serve(executor, attempts)
        found = []
        for attempt in attempts:
            found.append(CheckResult.model_validate(lifecycle.find(worker.database, attempt.check.check_id).result))
            tracking.store(worker.database, attempt.check.request_id, found[-1])
        return found

    def check(self, table: str, **asked: Any) -> CheckResult:
        (found,) = self.serve(self.accept(table, **asked))
        return found

    def is_open(self, table: str) -> bool:
        return gate(self.database, table).gate == "open"


@contextmanager
def lake_of(database: Database, factory: ChildFactory, folder: Path, settings: Mapping[str, str]) -> Iterator[Lake]:
    """With a worker that has these settings."""
    worker = Worker(
        read_settings(settings), database, CATALOGUE, Listener(database, CHANNEL), "w", Credentials("w", "key", ["secret"])
    )
    worker.others.factories["duckdb"] = factory
    yield Lake(folder, worker)
    for slot in worker.others.slots:
        slot.close()


@contextmanager
def written_by_another(path: str) -> Iterator[None]:
    """Another process has the database file open for writing meanwhile."""
    program = f"import duckdb, time; held = duckdb.connect({path!r}); print('held', flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "held\n"
            yield
        finally:
            writer.kill()


def rule(id: str, type: str, column: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": type} | ({"column": column} if column else {}) | fields


def by_id(result: CheckResult) -> dict[str, Any]:
    return {each.id: each for each in result.rules or []}


def table(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": list(rules)}
