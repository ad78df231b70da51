"""Defaults and rule sets of a stream: they are stored before its tables, and other tables of their targets are made again after
them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from backend.configuration import effective, layers, refreshing
from database.keys import Caller, is_seen
from database.pool import Cursor
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.layers import Layer
from stringx_dataops.contract.documents.merging import Layers
from stringx_dataops.contract.documents.streams import Stream
from stringx_dataops.contract.problems import FieldError


@dataclass(frozen=True)
class Changed:
    """The documents of a stream that differ from what is stored, and the targets whose tables they change: with the pointer of
    the first such document, and what the target will add to its tables."""

    documents: list[Layer]
    targets: dict[str, tuple[str, Layers]]


def added(cursor: Cursor, stream: Stream) -> dict[str, Layers]:
    """What the targets of the stream's tables will add to them."""
    targets = {table.target for table in stream.tables}
    return {target: _overlaid(found, stream, target) for target, found in effective.load(cursor, targets).items()}


def misfits(
    cursor: Cursor, stream: Stream, added: dict[str, Layers], catalogue: Catalogue, targets: dict[str, Any]
) -> Iterator[FieldError]:
    """Faults of the stream's tables with what their targets add, and names of rule sets that are not free. `targets`: documents
    by name."""
    for pointer, layer in stream.layers.items():
        row = layers.row_of(cursor, layer)
        if row is not None and not is_seen(row["target"]):
            yield FieldError(f"{pointer}/name", layers.taken(layer.name))
    for pointer, table in zip(stream.places, stream.tables, strict=True):
        of_target = added[table.target]
        yield from effective.faults(as_json(table), of_target, catalogue, targets.get(table.target), pointer)


def changed(cursor: Cursor, stream: Stream) -> Changed:
    """What storing the stream's defaults and rule sets will change."""
    found = {place: layer for place, layer in stream.layers.items() if layers.change_of(cursor, layer) != "unchanged"}
    places = layers.places(cursor, found)
    stored = effective.load(cursor, places)
    return Changed(list(found.values()), {each: (place, _overlaid(stored[each], stream, each)) for each, place in places.items()})


def store(cursor: Cursor, stream: Stream, changed: Changed, caller: Caller, dry_run: bool) -> list[dict[str, str]]:
    """Store them without their tables, and return a change for each of the stream."""
    found = stream.layers.values()
    changes = [{"kind": each.kind, "name": each.name, "change": layers.change_of(cursor, each)} for each in found]
    if not dry_run:
        layers.store(cursor, caller, changed.documents)
    return changes


def refresh(
    cursor: Cursor, stream: Stream, changed: Changed, catalogue: Catalogue, caller: Caller, dry_run: bool
) -> list[FieldError]:
    """Make the effective documents of the targets' tables again; a fault for each that does not fit. In a dry run the stream's
    own tables, which are not stored, are left out."""
    errors: list[FieldError] = []
    for target, (pointer, of_target) in changed.targets.items():
        besides = {table.table for table in stream.tables if table.target == target} if dry_run else ()
        errors += layers.too_many(of_target, pointer)
        errors += refreshing.refresh(cursor, catalogue, caller, target, of_target, pointer, dry_run=dry_run, besides=besides)
    return errors


def _overlaid(stored: Layers, stream: Stream, target: str) -> Layers:
    """The target's layers as they will be when the stream is stored."""
    return overlaid(stored, stream.layers.values(), target)


def overlaid(stored: Layers, found: Iterable[Layer], target: str) -> Layers:
    """The target's layers with these documents in place of stored ones of the same names."""
    sets = {str(each["name"]): each for each in stored.rule_sets}
    defaults = stored.defaults
    for layer in found:
        if layer.kind == "RuleSet":
            sets.pop(layer.name, None)
        if layer.target == target and layer.kind == "RuleSet":
            sets[layer.name] = layer.document
        elif layer.target == target:
            defaults = layer.document
    return Layers(defaults, [sets[name] for name in sorted(sets)])
