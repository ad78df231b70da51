"""The rules that dbt and Soda have words for, each in a warm process of its own environment, as in `benchmarks.peers`."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from benchmarks.mix.rules import Rule
from benchmarks.peers.environments import environment
from benchmarks.peers.warm import Warm, started
from tests.support.databases import Target

THREADS = 4


def dbt(target: Target, rules: Sequence[Rule], folder: Path, environ: dict[str, str], stack: ExitStack) -> Warm:
    """One `dbt test` of all tables; it is asked for `*`."""
    (folder / "models").mkdir(parents=True)
    output = {
        "type": "postgres", "host": target.host, "port": target.port, "user": target.user, "password": target.password,
        "dbname": target.dbname, "schema": "public", "sslmode": "disable", "threads": THREADS,
    }  # fmt: skip
    tables: dict[str, dict[str, list[Any]]] = {}
    for rule in rules:
        tables.setdefault(rule.table, {})
        for test, arguments in (rule.dbt or {}).items():
            named: dict[str, Any] = {"name": f"{rule.table}__{rule.id}"} | ({"arguments": arguments} if arguments else {})
            tables[rule.table].setdefault(rule.columns[0], []).append({test: named})
    sources = [
        {"name": table, "columns": [{"name": column, "data_tests": tests} for column, tests in columns.items()]}
        for table, columns in tables.items()
    ]
    files = {
        "dbt_project.yml": {"name": "mix", "version": "1.0", "config-version": 2, "profile": "mix"},
        "profiles.yml": {"mix": {"target": "checked", "outputs": {"checked": output}}},
        "models/sources.yml": {"version": 2, "sources": [{"name": "peers", "schema": "public", "tables": sources}]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return stack.enter_context(started(environment("dbt"), "dbt_warm", folder, environ, {"project": str(folder)}))


def soda(target: Target, rules: Sequence[Rule], folder: Path, environ: dict[str, str], stack: ExitStack) -> Warm:
    """A contract per table; it is asked for one at a time."""
    folder.mkdir()
    connection = {
        "host": target.host, "port": target.port, "user": target.user, "password": target.password,
        "database": target.dbname, "sslmode": "disable",
    }  # fmt: skip
    files: dict[str, Any] = {"source": {"type": "postgres", "name": "peers", "connection": connection}}
    for table in dict.fromkeys(rule.table for rule in rules):
        columns: dict[str, list[Any]] = {}
        for rule in rules:
            if rule.table == table and rule.soda:
                [(check, arguments)] = rule.soda.items()
                columns.setdefault(rule.columns[0], []).append({check: {"name": rule.id} | arguments})
        listed = [{"name": column, "checks": checks} for column, checks in columns.items()]
        files[table] = {"dataset": f"peers/{target.dbname}/public/{table}", "columns": listed}
    for name, content in files.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    return stack.enter_context(started(environment("soda"), "soda_warm", folder, environ, {"project": str(folder)}))
