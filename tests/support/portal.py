"""The docs portal: configuration and checks as the services leave them, generating it, reading what came out."""

import json
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from database.pool import Cursor, Database, json_value
from portal import board, generation
from portal.refresh import Refresher


def never_give_way(patched: pytest.MonkeyPatch) -> None:
    """dbt runs as any other process: beside other tests it would otherwise wait for minutes for a processor that is free."""
    patched.setattr(generation, "_LOW", [])
    patched.setattr(generation, "_give_way", lambda pid: None)


def get(client: FlaskClient, path: str, **more: Any) -> TestResponse:
    """The response, read to its end: its file is closed."""
    return client.get(path, buffered=True, **more)


def configure(database: Database, target: dict[str, Any], *tables: dict[str, Any]) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "insert into stringx.targets (name, document, version) values (%(name)s, %(document)s, 1)",
            {"name": target["name"], "document": json_value(target)},
        )
        write(cursor, target["name"], *tables)


def write(cursor: Cursor, target: str, *tables: dict[str, Any]) -> None:
    """As the Backend does: each table a version."""
    for table in tables:
        document = {"apiVersion": "stringx/v1", "kind": "Table", "target": target, **table}
        cursor.run(
            "insert into stringx.tables (target, table_name, document, rules_hash, version)"
            " values (%(target)s, %(table)s, %(document)s, 'x', 1);"
            "insert into stringx.table_versions (target, table_name, version, document, changed_by)"
            " values (%(target)s, %(table)s, 1, %(document)s, 'test')",
            {"target": target, "table": table["table"], "document": json_value(document)},
        )


def remove(database: Database, target: str, *tables: str) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "delete from stringx.tables where target = %(target)s and table_name = any(%(tables)s);"
            "insert into stringx.table_versions (target, table_name, version, changed_by)"
            " select %(target)s, unnest(%(tables)s), 2, 'test'",
            {"target": target, "tables": list(tables)},
        )


def add_check(database: Database, target: str, table: str, verdict: str, *rules: dict[str, Any], full: bool = True) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, status, timeout_s,"
            " finished_at, is_full, verdict, result) values (%(id)s, %(id)s, '{}', '', %(target)s, %(table)s, 'sync',"
            " 'succeeded', 60, clock_timestamp(), %(full)s, %(verdict)s, %(result)s)",
            {"id": str(uuid4()), "target": target, "table": table, "full": full, "verdict": verdict}
            | {"result": json_value({"rules": list(rules)})},
        )


def generate(refresher: Refresher) -> None:
    board.write(refresher.database, refresher.folder)
    refresher.look()
    refresher.wait()


def artifact(refresher: Refresher, target: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((refresher.folder / target / "target" / name).read_text(encoding="utf-8"))
    return found
