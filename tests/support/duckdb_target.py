"""A database file of DuckDB to be checked, and a warm child that runs the gate test on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from api.engine.pool import ChildFactory, Slot
from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.settings import ROOT
from tests.support import loaded
from tests.support.engine import PROJECT, held_to_the_border


@dataclass
class DuckdbFiles:
    """Runs specifications in a warm child, each on a new database file."""

    child: Slot
    folder: Path
    made: list[Path] = field(default_factory=list)

    def file(self, *statements: str) -> Path:
        """A new database file after these statements."""
        path = self.folder / f"shop{len(self.made)}.duckdb"
        self.made.append(path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)
        return path

    def answer(self, path: Path, spec: dict[str, Any], **attached: Path) -> DbtRunResult:
        """As the worker gets it, with further database files by their names."""
        self.child.ensure_warm()
        answer = self.child.run(spec, self.folder / "run", environment(path, **attached), 90)
        held_to_the_border(spec, answer)
        return answer

    def outcome(self, path: Path, spec: dict[str, Any]) -> dict[str, Any]:
        """The outcome of the specification's one table."""
        answer = self.answer(path, spec)
        assert answer.outcome is not None, answer.message
        table: dict[str, Any] = json.loads(answer.outcome)["tables"][0]
        return table

    def rules(self, path: Path, spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {found["id"]: found for found in self.outcome(path, spec)["rules"]}


def environment(path: Path, **attached: Path) -> dict[str, str]:
    """What the profile reads."""
    attach = {name: str(file) for name, file in attached.items()}
    return {
        "STRINGX_TARGET_PATH": str(path),
        "STRINGX_TARGET_ACCESS_MODE": "read_only",
        "STRINGX_TARGET_MEMORY_LIMIT": "300MB",
        "STRINGX_TARGET_TEMP_DIRECTORY": str(path.parent / "spill"),
        "STRINGX_TARGET_READS": json.dumps({"folders": [], "locations": {}, "attach": attach}),
        "STRINGX_TARGET_MODULES": str(ROOT),
        "STRINGX_TARGET_APPLICATION_NAME": "stringx test",
    }


@contextmanager
def duckdb_files(folder: Path) -> Iterator[DuckdbFiles]:
    """A child that has loaded DuckDB's project."""
    with ChildFactory(PROJECT.of("duckdb"), folder / "home", loaded.folder("duckdb")).slot(1000) as child:
        yield DuckdbFiles(child, folder)
