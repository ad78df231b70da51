"""Validates the documents of files without a service: as the Backend does, but for what only its own configuration can say."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from stringx_dataops.cli.rules.documents import Documents, FileFault
from stringx_dataops.contract.catalogue.dbt_project import project_of_commands
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.dialect import Dialect, function_of
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.globs import matches
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.streams import Stream, parse_datasets, parse_stream
from stringx_dataops.contract.documents.watches import Watch
from stringx_dataops.contract.problems import FieldError
from stringx_dataops.contract.variables import SettingsError

_TWICE = re.compile(r" stands twice in the stream$")
_MOST_FUNCTIONS = 100  # that one text may call


@dataclass(frozen=True)
class Checked:
    """What the documents are, what is wrong with them, and what only the Backend can judge."""

    documents: Documents
    stream: Stream
    datasets: list[DatasetDocument]
    faults: list[FileFault]
    notes: list[str]

    @property
    def rules(self) -> int:
        """The number of rules in documents without a fault."""
        sets = [layer.document for layer in self.stream.layers.values()]
        return sum(len(table.rules) for table in self.stream.tables) + sum(len(each.get("rules") or ()) for each in sets)


@dataclass
class _Elsewhere:
    """What the documents need of targets that they do not hold."""

    allowed: Collection[str] | None  # functions that these targets allow; None if that is not known
    targets: set[str] = field(default_factory=set)
    functions: dict[str, set[str]] = field(default_factory=dict)  # by target

    def judge(self, target: str) -> Judge:
        self.targets.add(target)
        dialect = dialect_of("postgres")
        if self.allowed is not None:
            return Judge(dialect, frozenset(self.allowed))
        return _AnyFunction(dialect, self.functions.setdefault(target, set()))


class _AnyFunction(Judge):
    """Allows every function that a target may allow, and notes which ones were called."""

    def __init__(self, dialect: Dialect, called: set[str]) -> None:
        super().__init__(dialect)
        self._called = called

    def fault_of_condition(self, sql: str) -> str | None:
        return self._fault(sql, is_query=False)

    def fault_of_query(self, sql: str) -> str | None:
        return self._fault(sql, is_query=True)

    def _fault(self, sql: str, *, is_query: bool) -> str | None:
        judge = self.dialect.fault_of_query if is_query else self.dialect.fault_of_condition
        allowed: set[str] = set()
        fault = judge(sql)
        while fault is not None and (name := function_of(fault)) is not None and len(allowed) < _MOST_FUNCTIONS:
            allowed.add(name)
            fault = judge(sql, frozenset(allowed))
        if fault is None:
            self._called.update(allowed)
        return fault


def load_catalogue() -> Catalogue:
    """The rule types of this release, or of the dbt project in DBT_PROJECT_DIR. Raises SettingsError."""
    return _catalogue(project_of_commands())


@cache
def _catalogue(project: Path) -> Catalogue:
    try:
        return Catalogue.load(project)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def check(documents: Documents, catalogue: Catalogue, allowed: Collection[str] | None) -> Checked:
    """Every fault of every document. `allowed`: the functions of targets that the documents do not hold, None if not known."""
    elsewhere = _Elsewhere(allowed)
    stream = parse_stream({}, catalogue, documents.values, elsewhere.judge)
    configured = {(table.target, table.table) for table in stream.tables}
    unknown: list[str] = []

    def faults_of_names(dataset: DatasetDocument, pointer: str) -> Iterator[FieldError]:
        unknown.extend(f"{dataset.target}/{table}" for table in dataset.named if (dataset.target, table) not in configured)
        yield from ()

    datasets, faults = parse_datasets(documents.values, faults_of_names)
    known = {f"{target}/{table}" for target, table in configured} | {f"dataset {each.name}" for each in datasets}
    known |= {watch.words for watch in stream.watches.values()}
    for watch in stream.watches.values():
        elsewhere.targets |= {watch.target} - set(stream.targets) if watch.target is not None else set()
        unknown += [name for name in _named(watch) if name not in known]
    repeated = documents.first_of_name()
    found = [documents.fault(_at_first(documents, fault, repeated)) for fault in stream.errors + faults]
    order = {text.name: number for number, text in enumerate(documents.texts)}
    found.sort(key=lambda fault: (order.get(fault.file, -1), fault.line, fault.column))
    return Checked(
        documents, stream, datasets, documents.faults + found, [*_notes(elsewhere, unknown), *_unmatched(stream, datasets)]
    )


def _named(watch: Watch) -> Iterator[str]:
    """The documents that it names, but for its target."""
    match watch.document:
        case ScheduleDocument(table=str() as table, target=target):
            yield f"{target}/{table}"
        case ScheduleDocument(dataset=str() as dataset):
            yield f"dataset {dataset}"
        case RouteDocument(channel=channel):
            yield f"channel {channel}"


def _unmatched(stream: Stream, datasets: Sequence[DatasetDocument]) -> Iterator[str]:
    """Notes on patterns of schedules and routes that match nothing in the files, where these hold tables of the target."""
    names = [(table.target, table.table) for table in stream.tables]
    for watch in stream.watches.values():
        if isinstance(watch.document, ChannelDocument):
            continue
        others = [(each.target, each.name) for each in datasets] if isinstance(watch.document, RouteDocument) else []
        here = [name for target, name in (*names, *others) if watch.target in (None, target)]
        for glob in watch.document.tables or () if here else ():
            if not any(matches(name, [glob]) for name in here):
                yield f"{watch.words}: {glob} matches nothing in the files"


def _at_first(documents: Documents, fault: FieldError, repeated: dict[int, int]) -> FieldError:
    """The fault of a document that stands twice names the place of the other one."""
    head = fault.pointer.split("/")[1] if "/" in fault.pointer else ""
    if not head.isdigit() or int(head) not in repeated or not _TWICE.search(fault.message):
        return fault
    other = documents.place(repeated[int(head)])
    return FieldError(fault.pointer, _TWICE.sub(f" stands in {other} too; keep one of the two", fault.message))


def _notes(elsewhere: _Elsewhere, tables: list[str]) -> Iterator[str]:
    for target, functions in sorted(elsewhere.functions.items()):
        if functions:
            names = ", ".join(sorted(functions)[:10]) + (", …" if len(functions) > 10 else "")
            yield f"target {target} is not in the files: whether it allows {names} is judged when they are applied"
    if missing := sorted(target for target in elsewhere.targets if target and not elsewhere.functions.get(target)):
        yield f"not in the files, and looked up when they are applied: target {', '.join(missing[:10])}"
    if tables:
        names = ", ".join(sorted(set(tables))[:10]) + (", …" if len(set(tables)) > 10 else "")
        yield f"not in the files, and looked up when they are applied: {names}"
