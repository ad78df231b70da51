"""Documents of defaults: what tables of a target have that do not say otherwise."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stringx_dataops.contract.documents.expectations import Expectation
from stringx_dataops.contract.documents.fields import (
    AtMost,
    Column,
    Duration,
    Model,
    Owner,
    Tags,
    TargetName,
    WebAddress,
    Whole,
    Words,
    parse_model,
)
from stringx_dataops.contract.documents.rules import MOST_COLUMNS
from stringx_dataops.contract.documents.tables import Timeout, faults_of_gate
from stringx_dataops.contract.documents.zones import Zone
from stringx_dataops.contract.messages.verdicts import Gate, Mode
from stringx_dataops.contract.problems import invalid


class DefaultGate(Model):
    """The fields of a gate that tables have that do not say otherwise, each on its own."""

    on_error: Gate | None = None
    on_warn: Gate | None = None
    max_age: Duration | None = None
    decided_by: Literal["full", "window"] | None = None
    on_changed_rules: Literal["closed", "keep"] | None = None


class DefaultsDocument(Model):
    """The defaults of one target. A field that a table has replaces the default; of the gate, each of its fields does."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Defaults"]
    target: TargetName
    description: Words = ""
    owner: Owner | None = None
    tags: Tags | None = None
    runbook: WebAddress | None = None
    timezone: Zone | None = None
    mode: Mode | None = None
    timeout: Timeout | None = None
    on_empty: Literal["fail", "warn", "pass"] | None = None
    window_column: Column | None = None
    sample_rows: Annotated[Whole, Field(ge=0, le=100)] | None = None
    sample_columns: Annotated[list[Column], AtMost(MOST_COLUMNS)] | None = None
    gate: DefaultGate | None = None
    expected_by: Expectation | None = None


OF_TABLES = tuple(name for name in DefaultsDocument.model_fields if name not in ("apiVersion", "kind", "target", "description"))


def parse_defaults(value: Any, pointer: str = "") -> DefaultsDocument:
    """The defaults from their document. Raises Invalid with every fault."""
    document = parse_model(DefaultsDocument, value, pointer)
    if document.gate is not None and (faults := list(faults_of_gate(document.gate.model_dump(), pointer))):
        raise invalid(faults)
    return document
