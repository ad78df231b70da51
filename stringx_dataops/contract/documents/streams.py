"""Reads a stream of documents of all kinds, every fault of every document at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.adapters import ADAPTERS
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.datasets import DatasetDocument, parse_dataset
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.layers import KINDS, Layer, parse_layers
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of, parse_target
from stringx_dataops.contract.documents.watches import WATCH_KINDS, Watch, parse_watches
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid

Named = tuple[str, str]  # kind and name; the name of a table is TARGET/TABLE
NamesJudge = Callable[[DatasetDocument, str], Iterable[FieldError]]  # the faults of a dataset's tables; the text is its pointer


@dataclass(frozen=True)
class Stream:
    """The documents of a stream, and what is wrong with them, except its datasets."""

    targets: dict[str, TargetDocument]
    tables: list[TableDocument]
    errors: list[FieldError]
    places: tuple[str, ...] = ()  # the pointers of the tables in the stream
    layers: Mapping[str, Layer] = field(default_factory=dict)  # defaults and rule sets by their pointers
    watches: Mapping[str, Watch] = field(default_factory=dict)  # schedules, channels and routes by their pointers

    def named(self) -> Iterator[tuple[Named, JsonObject]]:
        """Each document as it is stored, with its kind and name, but for the datasets."""
        yield from ((("Target", name), as_json(target)) for name, target in self.targets.items())
        yield from (((layer.kind, layer.name), layer.document) for layer in self.layers.values())
        yield from ((("Table", f"{table.target}/{table.table}"), as_json(table)) for table in self.tables)
        yield from (((watch.kind, watch.name), watch.stored) for watch in self.watches.values())


def parse_stream(
    known: dict[str, Any], catalogue: Catalogue, values: Sequence[Any], elsewhere: Callable[[str], Judge] | None = None
) -> Stream:
    """Read all but the datasets, with every fault of every document. Documents may name targets of the same stream; `known` has
    the documents of the configured targets by name.

    A target that is in neither is a fault, unless `elsewhere` returns, for its name, what judges the custom SQL of its tables.
    """
    targets, errors = _parse_targets(values)
    faulty = dict(_faulty_targets(values, targets))
    documents = known | faulty | {name: as_json(target) for name, target in targets.items()}
    here = judge_of(documents)

    def judge(name: str) -> Judge:
        return here(name) if name in documents or elsewhere is None else elsewhere(name)

    tables, faults = _parse_tables(values, catalogue, judge, documents if elsewhere is None else None)
    layers, more = parse_layers(values, catalogue, judge)
    if elsewhere is None:
        unknown = {place: layer.target for place, layer in layers.items() if layer.target not in documents}
        more += [FieldError(f"{place}/target", _no_target(name, documents)) for place, name in unknown.items()]
    watches, others = parse_watches(values)
    return Stream(targets, list(tables.values()), errors + faults + more + others, tuple(tables), layers, watches)


def parse_datasets(values: Sequence[Any], faults_of_names: NamesJudge) -> tuple[list[DatasetDocument], list[FieldError]]:
    """The datasets of a stream and their faults."""
    found: dict[str, DatasetDocument] = {}
    errors: list[FieldError] = []
    for index, value in enumerate(values):
        if not isinstance(value, dict) or value.get("kind") != "Dataset":
            continue
        try:
            dataset = parse_dataset(value, f"/{index}")
        except Invalid as fault:
            errors += fault.errors
            continue
        if dataset.name in found:
            errors.append(FieldError(f"/{index}/name", f"dataset {dataset.name} stands twice in the stream"))
        found[dataset.name] = dataset
        errors += faults_of_names(dataset, f"/{index}")
    return list(found.values()), errors


def name_of(value: Any) -> Named | None:
    """The kind and the name of a document that need not be valid, a table's as TARGET/TABLE; None if it has no name."""
    if not isinstance(value, dict):
        return None
    kind = value.get("kind", "Table")
    fields = {"Table": ("target", "table"), "Defaults": ("target",)}.get(str(kind), ("name",))
    parts = [value.get(field) for field in fields]
    if not isinstance(kind, str) or not all(isinstance(part, str) for part in parts):
        return None
    return kind, "/".join(map(str, parts))


def _parse_targets(values: Sequence[Any]) -> tuple[dict[str, TargetDocument], list[FieldError]]:
    found: dict[str, TargetDocument] = {}
    errors: list[FieldError] = []
    for index, value in enumerate(values):
        if isinstance(value, dict) and value.get("kind") == "Target":
            try:
                target = parse_target(value, f"/{index}")
            except Invalid as fault:
                errors += fault.errors
                continue
            if target.name in found:
                errors.append(FieldError(f"/{index}/name", f"target {target.name} stands twice in the stream"))
            found[target.name] = target
    return found, errors


def _faulty_targets(values: Sequence[Any], targets: Collection[str]) -> Iterator[tuple[str, JsonObject]]:
    """What can be read of targets that have a fault: enough to judge custom SQL. Their tables have no fault for that."""
    for value in values:
        if name_of(value) is None or value.get("kind") != "Target" or value["name"] in targets:
            continue
        functions = value.get("allow_functions")
        is_read = isinstance(functions, list) and all(isinstance(each, str) for each in functions)
        adapter = {"adapter": value["adapter"]} if value.get("adapter") in ADAPTERS else {}
        yield value["name"], {**adapter, "allow_functions": functions if is_read else []}


def _parse_tables(
    values: Sequence[Any], catalogue: Catalogue, judge: Callable[[str], Judge], targets: Collection[str] | None
) -> tuple[dict[str, TableDocument], list[FieldError]]:
    """The tables by their pointers, and their faults; also a fault for each value that is no document of any kind. `targets`:
    the names of those that are known, None if that is not asked."""
    found: dict[str, TableDocument] = {}
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, value in enumerate(values):
        if isinstance(value, dict) and value.get("kind", "Table") == "Table":
            try:
                table = parse_table(value, catalogue, judge, f"/{index}")
            except Invalid as fault:
                errors += fault.errors
                continue
            if (table.target, table.table) in seen:
                errors.append(FieldError(f"/{index}/table", f"table {table.table} stands twice in the stream"))
            seen.add((table.target, table.table))
            found[f"/{index}"] = table
            if targets is not None and table.target not in targets:
                errors.append(FieldError(f"/{index}/target", _no_target(table.target, targets)))
        elif not isinstance(value, dict):
            errors.append(FieldError(f"/{index}", "is no document; write apiVersion: stringx/v1 and so on"))
        elif value.get("kind") not in ("Target", "Dataset", *KINDS, *WATCH_KINDS):
            known = f"known kinds: Table, Target, Dataset, {', '.join((*KINDS, *WATCH_KINDS))}"
            errors.append(FieldError(f"/{index}/kind", f"is {value.get('kind')!r}; {known}"))
    return found, errors


def _no_target(name: str, known: Collection[str]) -> str:
    return f"there is no target {name}{did_you_mean(name, known) or '; add its document'}"
