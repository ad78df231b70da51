"""Trials: requests for a check of a document that is not stored, with defaults and rule sets that are not, either."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.configuration import effective, layer_streams, layers
from backend.configuration.versions import with_defaults
from backend.requests import dispatch
from database import configuration
from database.configuration import Refusals
from database.keys import is_seen
from database.pool import Cursor, Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.layers import KINDS, Layer, parse_layers
from stringx_dataops.contract.documents.merging import merged
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.verdicts import Mode
from stringx_dataops.contract.problems import FieldError, Invalid, Malformed, TooLarge, invalid

_MOST_BYTES = MAX_BODY_BYTES - 4096  # DataOps takes MAX_BODY_BYTES, with the request's id


@dataclass(frozen=True)
class Trial:
    """A trial that somebody asks for. `document`: as a table's document is read from a body. Without `rule_ids` all active rules
    are tried. Without `request_id` each call is a new trial. `stream`: the documents among which the table's is the one of this
    `index`; the others are defaults and rule sets of its target, which count in place of stored ones of the same names."""

    document: Any
    rule_ids: list[str] | None = None
    mode: Mode = "sync"
    request_id: str | None = None
    stream: Sequence[Any] = ()
    index: int = 0

    @property
    def pointer(self) -> str:
        """Where the table's document stands in the body."""
        return f"/{self.index}" if self.stream else ""


def in_stream(values: Sequence[Any], rule_ids: list[str] | None, mode: Mode, request_id: str | None) -> Trial:
    """The trial of a body's documents. Raises Malformed if there are none, Invalid if there is not one table, or a document that
    no trial takes."""
    if not values:
        raise Malformed("the body holds no document; send a table's, alone or with defaults and rule sets of its target")
    if len(values) == 1:
        return Trial(values[0], rule_ids, mode, request_id)
    kinds = [value.get("kind", "Table") if isinstance(value, dict) else None for value in values]
    first = kinds.index("Table") if "Table" in kinds else None
    if first is None:
        raise invalid([FieldError("", "holds no table; a trial takes one, with defaults and rule sets of its target")])
    words = "a trial takes one table, with defaults and rule sets of its target; leave this document out"
    others = [index for index, kind in enumerate(kinds) if kind not in KINDS and index != first]
    if others:
        raise invalid([FieldError(f"/{index}", words) for index in others])
    return Trial(values[first], rule_ids, mode, request_id, values, first)


def read(database: Database, catalogue: Catalogue, trial: Trial) -> CheckOrder:
    """The trial as it is tracked and sent. Invalid with every fault of its documents, as when they are to be stored; TooLarge
    where DataOps would not take it."""
    value = with_defaults(trial.document, {"apiVersion": "stringx/v1"})
    name = value.get("target") if isinstance(value, dict) else None
    with database.transaction() as cursor:
        target = configuration.target(cursor, name) if isinstance(name, str) else None
        unknown = Refusals(cursor).target(name).detail if isinstance(name, str) and target is None else ""
        added = effective.load(cursor, [str(name)])[str(name)]
        judges = judge_of({} if target is None else {str(name): target})
        found, errors = parse_layers(trial.stream, catalogue, judges)
        errors += [fault for place, layer in found.items() for fault in _misfits(cursor, place, layer, name)]
    try:
        document = parse_table(value, catalogue, judges, trial.pointer)
    except Invalid as fault:
        raise invalid([*fault.errors, *errors]) from fault
    if target is None:
        raise invalid([FieldError(f"{trial.pointer}/target", unknown)])
    if errors:
        raise invalid(errors)
    said = as_json(document)
    added = layer_streams.overlaid(added, found.values(), document.target) if found else added
    errors += [fault for place in list(found)[:1] for fault in layers.too_many(added, place)]
    if errors := [*errors, *effective.faults(said, added, catalogue, target, trial.pointer)]:
        raise invalid(errors)
    document = TableDocument.model_validate(merged(said, added))
    asked: dict[str, Any] = {"target": document.target, "table": document.table, "mode": trial.mode}
    asked |= {name: given for name in ("rule_ids", "request_id") if (given := getattr(trial, name)) is not None}
    order = parse_model(CheckOrder, asked).trying(document)
    if (size := len(dispatch.encoded(order.identity()))) > _MOST_BYTES:
        room = _MOST_BYTES // 1024
        raise TooLarge(f"the document takes {size // 1024} KiB as JSON, and a trial has room for {room} KiB; leave rules out")
    return order


def _misfits(cursor: Cursor, place: str, layer: Layer, target: Any) -> Iterator[FieldError]:
    """Why the table's target cannot have these defaults or this rule set."""
    if layer.target != target:
        yield FieldError(
            f"{place}/target", f"is {layer.target!r}, and the table is of target {target!r}; leave this document out"
        )
    elif (row := layers.row_of(cursor, layer)) is not None and not is_seen(row["target"]):
        yield FieldError(f"{place}/name", layers.taken(layer.name))
