"""Looking up a table's configuration in the internal database, by the view that the Backend keeps for DataOps."""

from dataclasses import dataclass

from contract.configuration import TableDocument, TargetDocument
from contract.problems import NotFound
from database.pool import Cursor, Database

_FIND = """
select document, rules_hash, version, target_document
from stringx.configured_tables where target = %(target)s and table_name = %(table)s
"""


@dataclass(frozen=True)
class Configured:
    """A table with its target, as they stood at one moment."""

    document: TableDocument
    target: TargetDocument
    version: int
    rules_hash: str


def find(database: Database, target: str, table: str) -> Configured:
    """The configuration of a table; NotFound names the table."""
    with database.transaction() as cursor:
        return find_with(cursor, target, table)


def find_with(cursor: Cursor, target: str, table: str) -> Configured:
    row = cursor.one(_FIND, {"target": target, "table": table})
    if row is None:
        raise NotFound(
            f"no configuration for table {table} of target {target}; send one: PUT /api/v1/tables/{target}/{table} on the Backend"
        )
    return Configured(
        TableDocument.model_validate(row["document"]),
        TargetDocument.model_validate(row["target_document"]),
        row["version"],
        row["rules_hash"],
    )
