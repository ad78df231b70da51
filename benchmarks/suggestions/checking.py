"""Real runs: tables are loaded into a PostgreSQL, and dbt profiles them and decides the rules, in one warm child."""

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from api.engine.pool import ChildFactory
from api.worker import profiling
from benchmarks.suggestions.data import Table
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile, ProfileSettings
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.documents import CATALOGUE, plain_judge
from tests.support.engine import PROJECT, Engine

SCHEMA = "public"


@dataclass
class Checker:
    """An engine and the target that it looks at."""

    engine: Engine
    target: Target

    def load(self, name: str, table: Table) -> None:
        """A table of this name, without constraints, in place of one that is there."""
        columns = ", ".join(f"{_quoted(column)} {kind}" for column, kind in zip(table.names, table.types, strict=True))
        content = "".join("\t".join(map(_copied, row)) + "\n" for row in table.rows)
        connection = psycopg2.connect(self.target.loader_url)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"drop table if exists {_quoted(name)}; create table {_quoted(name)} ({columns})")
            cursor.copy_expert(f"copy {_quoted(name)} from stdin", io.StringIO(content))
        connection.close()

    def profile(self, name: str, shown: Sequence[str] = ()) -> Profile:
        """Of a table; `shown` are columns whose values it may have."""
        settings = ProfileSettings(sample_columns=list(shown) or None)
        order = CheckOrder(target="shop", table=f"{SCHEMA}.{name}", profile=settings)
        outcome, scope = self._outcome(order, document(name, []))
        measures = outcome["profile"]
        assert measures is not None, outcome["tables"][0]["reason"]
        found, _ = profiling.read("shop", scope, datetime.fromisoformat(outcome["snapshot_at"]), measures, [])
        return Profile.model_validate(found)

    def statuses(self, name: str, rules: Sequence[JsonObject]) -> dict[str, str]:
        """What each rule says of a table, by its id."""
        order = CheckOrder(target="shop", table=f"{SCHEMA}.{name}")
        outcome, _ = self._outcome(order, document(name, rules))
        return {rule["id"]: rule["status"] for rule in outcome["tables"][0]["rules"]}

    def _outcome(self, order: CheckOrder, of_table: TableDocument) -> tuple[dict[str, Any], InScope]:
        connection = parse_target(self.target.document())
        scope = InScope(Configured(of_table, connection, 1, ""), of_table.rules)
        answer = self.engine.answer(self.target, build(order, connection, [scope], CATALOGUE, 60))
        assert answer.outcome is not None, answer.message
        return json.loads(answer.outcome), scope


def document(name: str, rules: Sequence[JsonObject]) -> TableDocument:
    """As the service accepts it; Invalid with what is wrong."""
    written = {"apiVersion": "stringx/v1", "target": "shop", "table": f"{SCHEMA}.{name}", "rules": list(rules)}
    return parse_table(written, CATALOGUE, plain_judge)


@contextmanager
def running() -> Iterator[Checker]:
    """With a PostgreSQL and a child of its own."""
    with tempfile.TemporaryDirectory(prefix="stringx-suggestions-") as folder, running_cluster() as cluster:
        target = make_target(Admin(cluster), Path(folder) / "secrets")
        with ChildFactory(PROJECT, Path(folder) / "child").slot(max_checks=100_000) as child:
            yield Checker(Engine(child, Path(folder)), target)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _copied(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
