"""The ways: DataOps' warm child, the same select by Trino's Python client, and by its client for the shell. Each counts faulty
rows by the rule's id."""

import csv
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from api.engine.pool import ChildFactory, Slot
from api.targets.registry import engine_of
from benchmarks.trino.rules import RULES
from stringx_dataops.contract.documents.targets import parse_target
from tests.support.databases import only_with
from tests.support.engine import PROJECT, gate, rule
from tests.support.trino_distribution import cli, java
from tests.support.trino_server import Trino

SCHEMA, TABLE = "sales", "lineitem"
PATIENCE_S = 600
SELECT = f"select count(*), {', '.join(f'count_if({each.by_hand})' for each in RULES)} from lake.{SCHEMA}.{TABLE}"

Counts = Mapping[str, int]


def make(server: Trino, scale: float) -> int:
    """TPC-H's lineitem in files of 16 MB, so that several workers share them; the number of rows."""
    server.run(f"create schema if not exists lake.{SCHEMA}")
    with server.cursor("lake", SCHEMA, session_properties={"lake.target_max_file_size": "16MB"}) as cursor:
        cursor.execute(f'create table {TABLE} as select * from tpch."sf{scale:g}".lineitem')
        cursor.fetchall()
    return int(server.value(f"select count(*) from lake.{SCHEMA}.{TABLE}"))


class DataOps:
    """As the worker does it: a child that stays warm."""

    def __init__(self, server: Trino, home: Path) -> None:
        document = {"apiVersion": "stringx/v1", "kind": "Target", "name": "lake", "adapter": "trino", "catalog": "lake"}
        document |= {"host": server.host, "port": server.port, "user": "benchmark"}
        (home / "secrets").mkdir(parents=True)
        self._environment = engine_of(parse_target(document)).environment(only_with(home / "secrets"), "stringx benchmark")
        self._factory = ChildFactory(PROJECT.of("trino"), home / "dbt")
        self._slot = Slot(self._factory, max_checks=10_000)
        self._home = home

    def check(self) -> Counts:
        self._slot.ensure_warm()
        made = [rule(each.id, each.type, *each.columns, **each.arguments) for each in RULES]
        spec = gate(TABLE, *made, schema=SCHEMA, statement_timeout_ms=PATIENCE_S * 1000)
        answer = self._slot.run(spec, self._home / "run", self._environment, PATIENCE_S)
        assert answer.outcome is not None, answer.message
        found = json.loads(answer.outcome)["tables"][0]["rules"]
        assert all(each["status"] in ("pass", "fail") for each in found), found
        return {each["id"]: int(each["failures"]) for each in found}

    def close(self) -> None:
        self._slot.close()
        self._factory.close()


def by_python(server: Trino) -> Counts:
    """A connection for each select, as a program has it that asks now and then."""
    ((_, *counts),) = server.rows(SELECT)
    return dict(zip([each.id for each in RULES], counts, strict=True))


def by_shell(server: Trino) -> Counts:
    """A process of Java for each select."""
    command = [
        java(),
        "-jar",
        cli(),
        "--server",
        server.url,
        "--user",
        "benchmark",
        "--output-format",
        "CSV",
        "--execute",
        SELECT,
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    ((_, *counts),) = csv.reader(done.stdout.splitlines())
    return dict(zip([each.id for each in RULES], map(int, counts), strict=True))
