"""Errors about targets and tables that are not configured. A missing target is reported before a missing table."""

from pathlib import Path

from database.pool import Cursor
from database.queries import load_queries
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))


def no_target(cursor: Cursor, name: str, advice: str | None = None) -> NotFound:
    """The error that there is no such target, with a similar name, or with `advice`."""
    hint = did_you_mean(name, _names(cursor)) or f"; {advice or f'send one: PUT /api/v1/targets/{name}'}"
    return NotFound(f"there is no target {name}{hint}")


def require_target(cursor: Cursor, name: str) -> None:
    """Raise NotFound if the target is not configured."""
    if name not in _names(cursor):
        raise no_target(cursor, name)


def no_table(cursor: Cursor, target: str, table: str) -> NotFound:
    """The error that the table is not configured, or that its target is not."""
    if target not in _names(cursor):
        return no_target(cursor, target)
    return NotFound(f"no configuration for table {table} of target {target}; send one: PUT /api/v1/tables/{target}/{table}")


def _names(cursor: Cursor) -> list[str]:
    return [row["name"] for row in cursor.all(SQL["names"])]
