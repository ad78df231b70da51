"""Schedules in tests: configured, and run as if it were later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.schedules import firing
from database.pool import Database, Row, json_value
from tests.support.datasets import CATALOGUE

_PUT = """
insert into stringx.watch_documents as d (kind, name, target, document, version, updated_at)
values ('Schedule', %(name)s, 'shop', %(document)s, 1, %(at)s)
on conflict (kind, name) do update set document = excluded.document, version = d.version + 1, updated_at = excluded.updated_at
"""


def schedule(name: str = "nightly", **changes: Any) -> dict[str, Any]:
    """Of all tables of the shop, every day at six, UTC."""
    document = {"apiVersion": "stringx/v1", "kind": "Schedule", "name": name, "target": "shop", "cron": "0 6 * * *"}
    return document | ({} if {"table", "dataset"} & changes.keys() else {"tables": ["public.*"]}) | changes


def put(database: Database, document: dict[str, Any], at: datetime) -> None:
    """As if it had been stored at a time."""
    named = {"name": document["name"], "document": json_value(document), "at": at}
    with database.transaction() as cursor:
        cursor.run(_PUT, named)


def turn(database: Database, now: datetime) -> None:
    """What the loop does, with everything that is due."""
    firing.sync(database, now)
    firing.fire_due(database, now)
    while firing.start_items(database, CATALOGUE, now):
        pass
    firing.end(database, now)


def runs(database: Database, name: str = "nightly") -> list[Row]:
    """In the order in which they were due."""
    return rows(database, "select * from stringx.schedule_runs where name = %(name)s order by due_at", name=name)


def items(database: Database) -> list[Row]:
    return rows(database, "select * from stringx.schedule_items order by start_at, name")


def requests(database: Database) -> list[Row]:
    return rows(database, "select * from stringx.requests where schedule is not null order by created_at, request_id")


def finish(database: Database, names: Sequence[str] = ()) -> None:
    """End requests as if their checks had been canceled: of these tables, or all."""
    sql = "update stringx.requests set status = 'canceled', verdict = 'error', finished_at = clock_timestamp() where finished_at is null"
    with database.transaction() as cursor:
        cursor.run(sql + " and (%(names)s = '{}' or table_name = any(%(names)s))", {"names": list(names)})


def rows(database: Database, sql: str, **parameters: Any) -> list[Row]:
    with database.transaction() as cursor:
        return cursor.all(sql, parameters)
