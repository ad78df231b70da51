"""Files of Parquet and CSV, a target of DuckDB that reads them, and a worker that checks it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from api.engine.pool import ChildFactory
from api.worker.worker import Worker
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import apply
from tests.support.worked import Worked, by_id, rule, table, worker_of

__all__ = ["HEAD", "ORDERS", "Lake", "by_id", "lake_of", "rule", "table", "written_by_another"]
HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb"}
ORDERS = "select range as id, if(range % 3 = 0, 'open', 'paid') as status, range * 1.5 as price from range({rows})"


@dataclass
class Lake(Worked):
    """A folder of files, and a worker that may read it."""

    folder: Path
    worker: Worker

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

    def configure(self, target: dict[str, Any], name: str, *rules: dict[str, Any]) -> None:
        apply(self.database, HEAD | target, table(name, *rules))


@contextmanager
def lake_of(database: Database, factory: ChildFactory, folder: Path, settings: Mapping[str, str]) -> Iterator[Lake]:
    """With a worker that has these settings."""
    worker = worker_of(database, read_settings(settings), duckdb=factory)
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
