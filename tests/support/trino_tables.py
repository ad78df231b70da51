"""Tables of a Trino server to be checked, and a warm child that runs the gate test on them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.engine.pool import ChildFactory, Slot
from api.engine.profile import module_path
from api.engine.run_result import DbtRunResult
from tests.support import loaded
from tests.support.engine import PROJECT, held_to_the_border
from tests.support.trino_server import Trino


@dataclass
class TrinoTables:
    """Runs specifications in a warm child, on the tables of a catalog."""

    child: Slot
    folder: Path
    trino: Trino
    catalog: str
    schema: str

    def execute(self, *statements: str) -> None:
        """One after the other, where names without catalog and schema are the target's."""
        self.trino.run(*statements, catalog=self.catalog, schema=self.schema)

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
            "STRINGX_TARGET_PORT": str(self.trino.port),
            "STRINGX_TARGET_USER": "tests",
            "STRINGX_TARGET_SCHEME": "http",
            "STRINGX_TARGET_CATALOG": self.catalog,
            "STRINGX_TARGET_SCHEMA": self.schema,
            "STRINGX_TARGET_APPLICATION_NAME": "stringx test",
            "PYTHONPATH": module_path("trino"),
        }


@contextmanager
def trino_tables(folder: Path, trino: Trino, catalog: str, schema: str) -> Iterator[TrinoTables]:
    """A child that has loaded Trino's project."""
    with ChildFactory(PROJECT.of("trino"), folder / "home", loaded.folder("trino")).slot(1000) as child:
        yield TrinoTables(child, folder, trino, catalog, schema)
