"""Trials: requests for a check of a document that is not stored."""

from dataclasses import dataclass
from typing import Any

from backend.configuration import effective
from backend.configuration.versions import with_defaults
from backend.requests import dispatch
from database import configuration
from database.configuration import Refusals
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.merging import merged
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.verdicts import Mode
from stringx_dataops.contract.problems import FieldError, TooLarge, invalid

_MOST_BYTES = MAX_BODY_BYTES - 4096  # DataOps takes MAX_BODY_BYTES, with the request's id


@dataclass(frozen=True)
class Trial:
    """A trial that somebody asks for. `document`: as a table's document is read from a body. Without `rule_ids` all active rules
    are tried. Without `request_id` each call is a new trial."""

    document: Any
    rule_ids: list[str] | None = None
    mode: Mode = "sync"
    request_id: str | None = None


def read(database: Database, catalogue: Catalogue, trial: Trial) -> CheckOrder:
    """The trial as it is tracked and sent. Invalid with every fault of the document, as when it is to be stored; TooLarge where
    DataOps would not take it."""
    value = with_defaults(trial.document, {"apiVersion": "stringx/v1"})
    name = value.get("target") if isinstance(value, dict) else None
    with database.transaction() as cursor:
        target = configuration.target(cursor, name) if isinstance(name, str) else None
        unknown = Refusals(cursor).target(name).detail if isinstance(name, str) and target is None else ""
        added = effective.load(cursor, [str(name)])[str(name)]
    document = parse_table(value, catalogue, judge_of({} if target is None else {str(name): target}))
    if target is None:
        raise invalid([FieldError("/target", unknown)])
    said = as_json(document)
    if errors := list(effective.faults(said, added, catalogue, target)):
        raise invalid(errors)
    document = TableDocument.model_validate(merged(said, added))
    asked: dict[str, Any] = {"target": document.target, "table": document.table, "mode": trial.mode}
    asked |= {name: given for name in ("rule_ids", "request_id") if (given := getattr(trial, name)) is not None}
    order = parse_model(CheckOrder, asked).trying(document)
    if (size := len(dispatch.encoded(order.identity()))) > _MOST_BYTES:
        room = _MOST_BYTES // 1024
        raise TooLarge(f"the document takes {size // 1024} KiB as JSON, and a trial has room for {room} KiB; leave rules out")
    return order
