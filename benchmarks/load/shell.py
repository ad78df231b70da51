"""The same tables by `dbt test` from the shell: ten native tests a table, one invocation a table, two at a time."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.load.installation import COLUMNS, STATES, Table
from tests.support.databases import Target

_PROJECT = {
    "name": "shop",
    "version": "1.0.0",
    "config-version": 2,
    "profile": "shop",
    "flags": {"send_anonymous_usage_stats": False},
}


def measure(folder: Path, target: Target, tables: Sequence[Table], at_a_time: int = 2) -> dict[str, float]:
    """Tables a second; the project knows no other tables, and has been parsed before the clock starts."""
    _write(folder, target, tables)
    _dbt(folder, "parse", "parse")
    for slot in range(at_a_time):
        shutil.copytree(folder / "parse", folder / f"slot-{slot}")

    def serve(slot: int) -> int:
        own = tables[slot::at_a_time]
        for table in own:
            ended = _dbt(folder, f"slot-{slot}", "test", "--select", f"source:shop.{table.name}")
            verdict = {0: "pass", 1: "fail"}.get(ended.returncode)
            assert verdict == table.verdict, f"{table.relation}: {verdict}\n{ended.stdout[-2000:]}"
        return len(own)

    began = time.perf_counter()
    with ThreadPoolExecutor(at_a_time) as pool:
        served = sum(pool.map(serve, range(at_a_time)))
    seconds = time.perf_counter() - began
    return {"checks": served, "seconds": round(seconds, 1), "checks_per_s": round(served / seconds, 2)}


def _dbt(folder: Path, target_path: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "DO_NOT_TRACK": "1"}
    command = [str(Path(sys.executable).with_name("dbt")), *arguments, "--project-dir", ".", "--profiles-dir", "."]
    command += ["--target-path", target_path, "--log-path", target_path]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)


def _write(folder: Path, target: Target, tables: Sequence[Table]) -> None:
    (folder / "models").mkdir(parents=True)
    connection = {
        "type": "postgres", "host": target.host, "port": target.port, "user": target.user, "password": target.password,
        "dbname": target.dbname, "schema": "public", "threads": 4,
    }  # fmt: skip
    sources = [{"name": "shop", "schema": "public", "tables": [{"name": t.name, "columns": _columns()} for t in tables]}]
    for name, content in {
        "dbt_project.yml": _PROJECT,
        "profiles.yml": {"shop": {"target": "shop", "outputs": {"shop": connection}}},
        "models/sources.yml": {"version": 2, "sources": sources},
    }.items():
        (folder / name).write_text(json.dumps(content))  # JSON is YAML


def _columns() -> list[dict[str, Any]]:
    tests: dict[str, list[Any]] = {column: ["not_null"] for column in COLUMNS}
    tests["id"].append("unique")
    tests["state"].append({"accepted_values": {"arguments": {"values": list(STATES)}}})
    return [{"name": name, "data_tests": found} for name, found in tests.items()]
