"""Looking up what a check runs on in the internal database, by the views that the Backend keeps for DataOps."""

from collections.abc import Sequence
from dataclasses import dataclass

from database.pool import Cursor, Database
from stringx_dataops.contract.documents import datasets
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.checks import CheckRequest, rules_in_scope
from stringx_dataops.contract.messages.verdicts import Dimension, Mode
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

_FIND = """
select t.table_name, t.document, t.rules_hash, t.version, t.target_document
from stringx.configured_tables t
join unnest(%(tables)s::text[]) with ordinality as named(name, place) on named.name = t.table_name
where t.target = %(target)s
order by named.place
"""
_FIND_DATASET = "select target, tables, document, version from stringx.configured_datasets where name = %(name)s"


@dataclass(frozen=True)
class Configured:
    """A table with its target, as they stood at one moment."""

    document: TableDocument
    target: TargetDocument
    version: int
    rules_hash: str


@dataclass(frozen=True)
class InScope:
    """A table that a check looks at, with those of its rules that the request asks for; at least one."""

    configured: Configured
    rules: list[Rule]


@dataclass(frozen=True)
class Subject:
    """What a check runs on: one table, or the tables of a dataset; at least one."""

    tables: Sequence[Configured]
    mode: Mode
    timeout: str
    version: int
    rules_hash: str

    @property
    def target(self) -> TargetDocument:
        """The one target of all its tables."""
        return self.tables[0].target

    @property
    def documents(self) -> list[TableDocument]:
        """Those of its tables, in their order."""
        return [configured.document for configured in self.tables]

    def in_scope(self, request: CheckRequest, default_dimension: dict[str, Dimension]) -> list[InScope]:
        """Tables without a rule in scope are left out."""
        found = [InScope(table, rules_in_scope(request, table.document, default_dimension)) for table in self.tables]
        return [table for table in found if table.rules]


def find_subject(database: Database, request: CheckRequest, tables: Sequence[str]) -> Subject:
    """The configuration of a claimed check, whose tables were settled with the claim; NotFound names what is gone."""
    with database.statements() as cursor:
        return find_subject_with(cursor, request, tables)


def find_subject_with(cursor: Cursor, request: CheckRequest, tables: Sequence[str] | None = None) -> Subject:
    """The configuration of what a request asks for; of a dataset, `tables` in place of those of its document."""
    if request.dataset is not None:
        return _find_dataset(cursor, request.target, request.dataset, tables)
    assert request.table is not None  # a request is of one of the two
    return _find_table(cursor, request.target, request.table)


def tables_of_dataset(database: Database, name: str) -> list[str] | None:
    """As its document has them now; None where there is no such dataset."""
    with database.statements() as cursor:
        row = cursor.one(_FIND_DATASET, {"name": name})
    return row["tables"] if row is not None else None


def _find_table(cursor: Cursor, target: str, table: str) -> Subject:
    found = _find_tables(cursor, target, [table])
    if not found:
        _require_target(cursor, target)
        raise NotFound(
            f"no configuration for table {table} of target {target}; send one: PUT /api/v1/tables/{target}/{table} on the Backend"
        )
    document = found[0].document
    return Subject(found, document.mode, document.timeout, found[0].version, found[0].rules_hash)


def _find_dataset(cursor: Cursor, target: str, name: str, tables: Sequence[str] | None) -> Subject:
    row = cursor.one(_FIND_DATASET, {"name": name})
    if row is None:
        _require_target(cursor, target)
        raise NotFound(f"there is no dataset {name}; send one: PUT /api/v1/datasets/{name} on the Backend")
    if row["target"] != target:
        raise invalid([FieldError("/target", f"is {target!r}, and dataset {name} is of target {row['target']}")])
    document = DatasetDocument.model_validate(row["document"])
    found = _find_tables(cursor, target, row["tables"] if tables is None else tables)
    if not found:
        raise NotFound(f"no table of dataset {name} is configured any more")
    rules_hash = datasets.rules_hash({configured.document.table: configured.rules_hash for configured in found})
    return Subject(found, document.mode, document.timeout, row["version"], rules_hash)


def _require_target(cursor: Cursor, name: str) -> None:
    """NotFound where there is no such target, which is said before what it lacks."""
    names = [row["name"] for row in cursor.all("select name from stringx.configured_targets order by name")]
    if name not in names:
        hint = did_you_mean(name, names) or f"; send one: PUT /api/v1/targets/{name} on the Backend"
        raise NotFound(f"there is no target {name}{hint}")


def _find_tables(cursor: Cursor, target: str, tables: Sequence[str]) -> list[Configured]:
    """Those that are configured, in the order given."""
    return [
        Configured(
            TableDocument.model_validate(row["document"]),
            stored_target(row["target_document"]),
            row["version"],
            row["rules_hash"],
        )
        for row in cursor.all(_FIND, {"target": target, "tables": list(tables)})
    ]
