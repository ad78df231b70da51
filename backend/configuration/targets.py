"""Refusals of what is not configured: a target that is not there is said before its tables are."""

from pathlib import Path

from database.pool import Cursor
from database.queries import load_queries
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))


def no_target(cursor: Cursor, name: str, advice: str | None = None) -> NotFound:
    """That there is no such target, and which one may be meant, or what to do."""
    hint = did_you_mean(name, _names(cursor)) or f"; {advice or f'send one: PUT /api/v1/targets/{name}'}"
    return NotFound(f"there is no target {name}{hint}")


def require_target(cursor: Cursor, name: str) -> None:
    """NotFound where there is none."""
    if name not in _names(cursor):
        raise no_target(cursor, name)


def no_table(cursor: Cursor, target: str, table: str) -> NotFound:
    """That the table is not configured, or its target is not there at all."""
    if target not in _names(cursor):
        return no_target(cursor, target)
    return NotFound(f"no configuration for table {table} of target {target}; send one: PUT /api/v1/tables/{target}/{table}")


def _names(cursor: Cursor) -> list[str]:
    return [row["name"] for row in cursor.all(SQL["names"])]
