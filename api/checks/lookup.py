"""What a check runs on: the configuration of its tables, looked up when it is accepted and again when it is claimed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from database import configuration
from database.configuration import Refusals
from database.pool import Cursor, Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents import datasets
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of, stored_target
from stringx_dataops.contract.messages.checks import CheckRequest, rules_in_scope
from stringx_dataops.contract.messages.profiles import DEFAULT_TIMEOUT_S
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.verdicts import Dimension, Mode
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

_NOT_STORED = 0  # in place of a version
ON_BACKEND = " on the Backend"  # refusals name a path, and DataOps has none that takes documents


@dataclass(frozen=True)
class Configured:
    """A table with its target, as they stood at one moment."""

    document: TableDocument
    target: TargetDocument
    version: int
    rules_hash: str


@dataclass(frozen=True)
class InScope:
    """A table that a check looks at, with those of its rules that the request asks for; at least one, or none for a profile."""

    configured: Configured
    rules: list[Rule]


@dataclass(frozen=True)
class Subject:
    """What a check runs on: one table, or the tables of a dataset; at least one. A trial has no `version`, a profile no
    `rules_hash`, either."""

    tables: Sequence[Configured]
    mode: Mode
    timeout: str
    version: int | None
    rules_hash: str | None

    @property
    def target(self) -> TargetDocument:
        """The one target of all its tables."""
        return self.tables[0].target

    @property
    def documents(self) -> list[TableDocument]:
        """Those of its tables, in their order."""
        return [configured.document for configured in self.tables]

    def in_scope(self, request: CheckRequest, default_dimension: dict[str, Dimension]) -> list[InScope]:
        """Tables without a rule in scope are left out, but for a profile, which has no rules."""
        if request.is_profile:
            return [InScope(table, []) for table in self.tables]
        found = [InScope(table, rules_in_scope(request, table.document, default_dimension)) for table in self.tables]
        return [table for table in found if table.rules]


def find_subject(database: Database, catalogue: Catalogue, request: CheckRequest, tables: Sequence[str]) -> Subject:
    """The configuration of a claimed check, whose tables were settled with the claim; NotFound names what is gone."""
    with database.statements() as cursor:
        return find_subject_with(cursor, catalogue, request, tables)


def find_subject_with(
    cursor: Cursor, catalogue: Catalogue, request: CheckRequest, tables: Sequence[str] | None = None
) -> Subject:
    """The configuration for a request. For a dataset, `tables` replaces the tables of its document."""
    if (tried := request.tried) is not None:
        return _of_trial(cursor, catalogue, tried)
    if request.is_profile:
        return _of_profile(cursor, request)
    if request.dataset is not None:
        return _find_dataset(cursor, request.target, request.dataset, tables)
    assert request.table is not None  # a request is of one of the two
    return _find_table(cursor, request.target, request.table)


def find_tables(database: Database, target: str, tables: Sequence[str]) -> dict[str, Subject]:
    """The same for several checks of one table each, as they stand at one moment. Tables that are not configured any more, or
    whose documents this release cannot read, are left out."""
    found: dict[str, Subject] = {}
    with database.statements() as cursor:
        rows = configuration.tables(cursor, [(target, table) for table in tables])
    for (_, table), each in rows.items():
        with suppress(ValidationError):
            found[table] = _subject_of(Configured(each.read(), each.read_target(), each.version, each.rules_hash))
    return found


def tables_of_dataset(database: Database, name: str) -> list[str] | None:
    """As its document has them now; None where there is no such dataset."""
    with database.statements() as cursor:
        dataset = configuration.dataset(cursor, name)
    return dataset.tables if dataset is not None else None


def read_trial(database: Database, catalogue: Catalogue, order: CheckOrder, document: Any) -> CheckOrder:
    """The order as a trial of the document, which was sent as its `document` and is read as one that is to be stored. NotFound if
    there is no such target, Invalid with every fault."""
    with database.statements() as cursor:
        target = configuration.target(cursor, order.target)
        if target is None:
            raise Refusals(cursor, ON_BACKEND).target(order.target)
    read = parse_table(document, catalogue, judge_of({order.target: target}), "/document", is_effective=True)
    for field, asked, named in (("target", order.target, read.target), ("table", order.table, read.table)):
        if asked != named:
            raise invalid([FieldError(f"/document/{field}", f"is {named!r}, and the request says {asked!r}")])
    return order.trying(read)


def _of_trial(cursor: Cursor, catalogue: Catalogue, document: TableDocument) -> Subject:
    """Its target as it is configured now."""
    target = configuration.target(cursor, document.target)
    if target is None:
        raise Refusals(cursor, ON_BACKEND).target(document.target)
    found = Configured(document, stored_target(target), _NOT_STORED, rules_hash(document, catalogue))
    return Subject([found], document.mode, document.timeout, None, found.rules_hash)


def _of_profile(cursor: Cursor, request: CheckRequest) -> Subject:
    """The table with its target. Its document says what may be shown, and its time zone; it need not have one."""
    assert request.table is not None  # a profile is of a table
    target = configuration.target(cursor, request.target)
    if target is None:
        raise Refusals(cursor, ON_BACKEND).target(request.target)
    found = configuration.tables(cursor, [(request.target, request.table)]).values()
    document = next((each.read() for each in found), None)
    document = document or TableDocument(apiVersion="stringx/v1", target=request.target, table=request.table)
    configured = Configured(document, stored_target(target), _NOT_STORED, "")
    return Subject([configured], "sync", f"{DEFAULT_TIMEOUT_S}s", None, None)


def _find_table(cursor: Cursor, target: str, table: str) -> Subject:
    found = _find_tables(cursor, target, [table])
    if not found:
        raise Refusals(cursor, ON_BACKEND).table(target, table)
    return _subject_of(found[0])


def _subject_of(table: Configured) -> Subject:
    return Subject([table], table.document.mode, table.document.timeout, table.version, table.rules_hash)


def _find_dataset(cursor: Cursor, target: str, name: str, tables: Sequence[str] | None) -> Subject:
    dataset = configuration.dataset(cursor, name)
    if dataset is None:
        raise Refusals(cursor, ON_BACKEND).dataset(name, target)
    if dataset.target != target:
        raise configuration.target_mismatch(name, dataset.target, asked=target)
    document = dataset.read()
    found = _find_tables(cursor, target, dataset.tables if tables is None else tables)
    if not found:
        raise NotFound(f"no table of dataset {name} is configured any more")
    hashes = {configured.document.table: configured.rules_hash for configured in found}
    return Subject(found, document.mode, document.timeout, dataset.version, datasets.rules_hash(hashes))


def _find_tables(cursor: Cursor, target: str, tables: Sequence[str]) -> list[Configured]:
    """Those that are configured, in the order given."""
    found = configuration.tables(cursor, [(target, table) for table in tables])
    return [Configured(each.read(), each.read_target(), each.version, each.rules_hash) for each in found.values()]
