"""Dataset documents: tables of one target that are checked together, on one snapshot."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from stringx_dataops.contract.documents.fields import DatasetName, Model, Table, TargetName, Words, parse_model
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.tables import GateSettings, Timeout, faults_of_gate
from stringx_dataops.contract.messages.verdicts import Mode
from stringx_dataops.contract.problems import FieldError, invalid


def _tables(names: list[str]) -> list[str]:
    if not names:
        raise ValueError("is empty; name at least one table")
    if duplicate := next((name for index, name in enumerate(names) if name in names[:index]), None):
        raise ValueError(f"names {duplicate} twice; name each table once")
    return names


class DatasetDocument(Model):
    """The configuration of one dataset. Its rules are those of its tables' documents."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Dataset"]
    name: DatasetName
    target: TargetName
    description: Words = ""
    owner: Annotated[str, StringConstraints(max_length=200)] = ""
    tables: Annotated[list[Table], Field(max_length=500), AfterValidator(_tables)]
    mode: Mode = "async"
    timeout: Timeout = "5m"
    gate: GateSettings = GateSettings()


def parse_dataset(value: Any, pointer: str = "") -> DatasetDocument:
    """Parse a dataset document. Raises Invalid with every fault; the caller checks whether the tables are configured."""
    document = parse_model(DatasetDocument, value, pointer)
    names = [(f"{pointer}/tables/{index}", fault_of_literal_name(name)) for index, name in enumerate(document.tables)]
    faults = [FieldError(place, fault) for place, fault in names if fault]
    faults += faults_of_gate(document.gate.model_dump(), pointer)
    if faults:
        raise invalid(faults)
    return document


def rules_hash(tables: Mapping[str, str]) -> str:
    """A hash of the dataset's tables and their active rules; `tables` maps each table's name to its rules_hash."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
