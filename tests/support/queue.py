"""The queue of checks: two targets with four tables each, checks that are asked for, claimed and ended."""

import json
from typing import Any

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
RULES = [{"id": "a", "type": "not_null", "column": "a"}, {"id": "b", "type": "not_null", "column": "b", "kind": "business"}]
TARGETS = ("north", "south")
TABLES = ("public.a", "public.b", "public.c", "public.d")


def configure(database: Database) -> None:
    """Two targets of four tables each, and of each a dataset of two."""
    with database.transaction() as cursor:
        for target in TARGETS:
            document = {"apiVersion": "stringx/v1", "kind": "Target", "name": target, "host": "h", "dbname": "d", "user": "u"}
            document["max_concurrent_checks"] = 3
            named = {"target": target, "document": json.dumps(document)}
            cursor.run("insert into stringx.targets values (%(target)s, %(document)s, 1)", named)
            for table in TABLES:
                document = {"apiVersion": "stringx/v1", "target": target, "table": table, "rules": RULES}
                of_table = {"target": target, "table": table, "document": json.dumps(document)}
                cursor.run("insert into stringx.tables values (%(target)s, %(table)s, %(document)s, 'hash', 1)", of_table)
            tables = list(TABLES[:2])
            document = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": f"of-{target}", "target": target, "tables": tables}
            of_dataset = {"name": f"of-{target}", "target": target, "tables": tables, "document": json.dumps(document)}
            cursor.run("insert into stringx.datasets values (%(name)s, %(target)s, %(tables)s, %(document)s, 1)", of_dataset)


def ask(database: Database, target: str = "north", table: str | None = "public.a", limit: int = 1000, **changes: Any) -> Check:
    named = {"target": target} | ({"table": table} if "dataset" not in changes else {})
    return lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(named | changes), limit).check


def claimed(database: Database) -> Check:
    found = claims.claim(database, "w")
    assert found is not None
    return found


def end(database: Database, check: Check, status: str = "succeeded", verdict: str = "pass") -> bool:
    with database.transaction() as cursor:
        moment = cursor.now()
    result = CheckResult.model_validate(
        check.pending().as_json() | {"status": status, "verdict": verdict, "finished_at": moment, "snapshot_at": moment}
    )
    return claims.finish(database, check, result, "http://backend")


def found(database: Database, check: Check) -> dict[str, Any]:
    return lifecycle.find(database, check.check_id).as_json(with_samples=True)


def read(database: Database, sql: str) -> list[dict[str, Any]]:
    with database.transaction() as cursor:
        return cursor.all(sql)
