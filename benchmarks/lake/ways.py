"""The ways: DataOps' warm child, SQL by hand in one session, `dbt test` of dbt-duckdb from the shell, Soda warm. Each way counts
faulty rows by the rule's id, or says what passes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import yaml

from api.engine.pool import ChildFactory, Slot
from benchmarks.lake.rules import RULES, Rule
from benchmarks.peers.environments import environment
from benchmarks.peers.warm import Warm, started
from stringx_dataops.contract.settings import ROOT
from tests.support.engine import PROJECT, gate, rule

MEMORY, THREADS = "2GB", 2
PATIENCE_S = 600

Counts = Mapping[str, int]


class DataOps:
    """As the worker does it: a child of its own for each check, forked from a process that has loaded dbt."""

    def __init__(self, files: Path, home: Path) -> None:
        self._factory = ChildFactory(PROJECT.of("duckdb"), home / "dbt")
        self._home = home
        orders = [str(path) for path in sorted((files / "orders").iterdir())]
        locations = {
            "sales.orders": {"format": "parquet", "files": orders},
            "sales.customers": {"format": "parquet", "files": [str(files / "customers.parquet")]},
        }
        self._environment = {
            "STRINGX_TARGET_PATH": ":memory:",
            "STRINGX_TARGET_ACCESS_MODE": "automatic",
            "STRINGX_TARGET_MEMORY_LIMIT": MEMORY,
            "STRINGX_TARGET_THREADS": str(THREADS),
            "STRINGX_TARGET_TEMP_DIRECTORY": str(home / "spill"),
            "STRINGX_TARGET_READS": json.dumps({"folders": [], "locations": locations}),
            "STRINGX_TARGET_MODULES": str(ROOT),
            "STRINGX_TARGET_APPLICATION_NAME": "benchmark",
        }

    def check(self, rules: Sequence[Rule] = RULES) -> Counts:
        slot = Slot(self._factory, max_checks=1)
        try:
            slot.ensure_warm()
            made = [rule(each.id, each.type, *each.columns, **each.arguments) for each in rules]
            spec = gate("orders", *made, schema="sales", statement_timeout_ms=PATIENCE_S * 1000)
            answer = slot.run(spec, self._home / "run", self._environment, PATIENCE_S)
        finally:
            slot.close()
        assert answer.outcome is not None, answer.message
        found = json.loads(answer.outcome)["tables"][0]["rules"]
        assert all(each["status"] == "fail" for each in found), found
        return {each["id"]: int(each["failures"]) for each in found}

    def close(self) -> None:
        self._factory.close()


def by_hand(files: Path) -> Counts:
    """One scan for the rules about rows, and a statement for each of the others."""
    named = {"orders": f"read_parquet('{files}/orders/*.parquet')", "customers": f"read_parquet('{files}/customers.parquet')"}
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS}) as connection:
        scanned = [each for each in RULES if not each.by_hand.startswith("select")]
        filters = ", ".join(f"count(*) filter ({each.by_hand.format(**named)})" for each in scanned)
        row = connection.execute(f"select count(*), {filters} from {named['orders']}").fetchone()
        assert row is not None
        found = dict(zip([each.id for each in scanned], row[1:], strict=True))
        for each in RULES:
            if each.id not in found:
                one = connection.execute(each.by_hand.format(**named)).fetchone()
                assert one is not None
                found[each.id] = one[0]
    return found


class DbtShell:
    """`dbt test` of the rules that dbt's own tests have words for; a source of Parquet files."""

    def __init__(self, files: Path, folder: Path) -> None:
        (folder / "models").mkdir(parents=True)
        self._folder = folder
        output = {
            "type": "duckdb",
            "path": ":memory:",
            "threads": THREADS,
            "settings": {"memory_limit": MEMORY, "threads": THREADS},
        }
        columns: dict[str, list[Any]] = {}
        for each in RULES:
            for test, arguments in (each.dbt or {}).items():
                columns.setdefault(each.columns[0], []).append(
                    {test: {"name": each.id} | ({"arguments": arguments} if arguments else {})}
                )
        tables = [
            {
                "name": "orders",
                "config": {"meta": {"external_location": f"{files}/orders/*.parquet"}},
                "columns": [{"name": name, "data_tests": tests} for name, tests in columns.items()],
            },
            {"name": "customers", "config": {"meta": {"external_location": f"{files}/customers.parquet"}}},
        ]
        written = {
            "dbt_project.yml": {"name": "lake", "version": "1.0", "config-version": 2, "profile": "lake"},
            "profiles.yml": {"lake": {"target": "files", "outputs": {"files": output}}},
            "models/sources.yml": {"version": 2, "sources": [{"name": "sales", "tables": tables}]},
        }
        for name, content in written.items():
            (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))

    def check(self) -> Counts:
        """Faulty rows as dbt counts them: of `unique`, the values that come more than once."""
        command = [str(Path(sys.executable).with_name("dbt")), "test", "--profiles-dir", "."]
        environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "DO_NOT_TRACK": "1"}
        ran = subprocess.run(
            command, cwd=self._folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        results = json.loads((self._folder / "target" / "run_results.json").read_text())["results"]
        assert ran.returncode == 1, ran.stdout
        return {each["unique_id"].split(".")[2]: each["failures"] for each in results}


def soda(files: Path, folder: Path, stack: ExitStack) -> Warm:
    """The rules that Soda's contracts have words for, on a view of the files; its process stays, and so does its connection."""
    folder.mkdir()
    with duckdb.connect(str(folder / "lake.duckdb")) as connection:
        connection.execute(f"create view orders as from read_parquet('{files}/orders/*.parquet')")
    configuration = {"memory_limit": MEMORY, "threads": str(THREADS)}
    connected = {"database": str(folder / "lake.duckdb"), "read_only": True, "configuration": configuration}
    columns: dict[str, list[Any]] = {}
    for each in RULES:
        for check, arguments in (each.soda or {}).items():
            columns.setdefault(each.columns[0], []).append({check: {"name": each.id} | arguments})
    listed = [{"name": name, "checks": checks} for name, checks in columns.items()]
    written = {
        "source": {"type": "duckdb", "name": "lake", "connection": connected},
        "orders": {"dataset": "lake/lake/main/orders", "columns": listed},
    }
    for name, content in written.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return stack.enter_context(started(environment("soda_duckdb"), "soda_warm", folder, environ, {"project": str(folder)}))


def said_by(warm: Warm) -> Counts:
    """Faulty rows, or values, as it counts them."""
    return {name: verdict.count or 0 for name, verdict in warm.ask("orders").verdicts.items() if not verdict.passed}
