"""Tables of a Trino server to be checked, and a warm child that runs the gate test on them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trino.dbapi

from api.engine.pool import ChildFactory, Slot
from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.settings import ROOT
from tests.support import loaded
from tests.support.engine import PROJECT, held_to_the_border


@dataclass
class TrinoTables:
    """Runs specifications in a warm child, on the tables of a catalog."""

    child: Slot
    folder: Path
    port: int
    catalog: str
    schema: str

    def execute(self, *statements: str) -> list[list[Any]]:
        """The rows of the last statement."""
        rows: list[list[Any]] = []
        for statement in statements:
            with trino.dbapi.connect(
                "127.0.0.1", self.port, "tests", catalog=self.catalog, schema=self.schema, timezone="UTC"
            ) as opened:
                cursor = opened.cursor()
                cursor.execute(statement)
                rows = cursor.fetchall()
        return rows

    def answer(self, spec: dict[str, Any], **environment: str) -> DbtRunResult:
        """As the worker gets it."""
        self.child.ensure_warm()
        answer = self.child.run(spec, self.folder / "run", self.environment() | environment, 90)
        held_to_the_border(spec, answer)
        return answer

    def outcome(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The outcome of the specification's one table."""
        answer = self.answer(spec)
        assert answer.outcome is not None, answer.message
        table: dict[str, Any] = json.loads(answer.outcome)["tables"][0]
        return table

    def rules(self, spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {found["id"]: found for found in self.outcome(spec)["rules"]}

    def environment(self) -> dict[str, str]:
        """What the profile reads."""
        return {
            "STRINGX_TARGET_METHOD": "none",
            "STRINGX_TARGET_HOST": "127.0.0.1",
            "STRINGX_TARGET_PORT": str(self.port),
            "STRINGX_TARGET_USER": "tests",
            "STRINGX_TARGET_SCHEME": "http",
            "STRINGX_TARGET_CATALOG": self.catalog,
            "STRINGX_TARGET_SCHEMA": self.schema,
            "STRINGX_TARGET_APPLICATION_NAME": "stringx test",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'stringx' / 'trino' / 'plugins'}",
        }


@contextmanager
def trino_tables(folder: Path, port: int, catalog: str, schema: str) -> Iterator[TrinoTables]:
    """A child that has loaded Trino's project, and a schema of its own."""
    with ChildFactory(PROJECT.of("trino"), folder / "home", loaded.folder("trino")).slot(1000) as child:
        made = TrinoTables(child, folder, port, catalog, schema)
        made.execute(f'create schema if not exists "{schema}"')
        yield made
