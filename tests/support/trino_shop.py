"""Tables on a Trino server, and a worker that checks them: from the document to the gate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.engine.pool import ChildFactory
from api.worker.attempt import Attempt
from api.worker.worker import Worker
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import apply
from tests.support.trino_server import Trino
from tests.support.worked import Worked, by_id, rule, table, worker_of

__all__ = ["HEAD", "Shop", "a_shop", "by_id", "rule", "running"]
HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "trino"}


@dataclass
class Shop(Worked):
    """Tables of a schema in the catalog `lake`, and a worker that checks them."""

    trino: Trino
    schema: str
    worker: Worker

    @property
    def target(self) -> dict[str, Any]:
        return HEAD | {"host": self.trino.host, "port": self.trino.port, "user": "reader", "catalog": "lake"}

    def run(self, *statements: str) -> None:
        self.trino.run(*statements, catalog="lake", schema=self.schema)

    def configure(self, name: str, *rules: dict[str, Any], **target: Any) -> None:
        apply(self.database, self.target | target, table(name, *rules))

    def running(self, attempt: Attempt) -> int:
        """How many queries of the check run."""
        return running(self.trino, f"stringx {attempt.check.check_id} {attempt.check.attempt}")


@contextmanager
def a_shop(database: Database, factory: ChildFactory, trino: Trino, home: Path, **environment: str) -> Iterator[Shop]:
    """With a schema of its own. The environment is the worker's."""
    settings = read_settings({"STRINGX_HOME": str(home), **environment})
    worker = worker_of(database, settings, trino=factory)
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
