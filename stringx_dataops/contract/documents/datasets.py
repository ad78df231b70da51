"""Dataset documents: tables of one target that are checked together, on one snapshot."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stringx_dataops.contract.documents.expectations import Expectation
from stringx_dataops.contract.documents.fields import (
    DatasetName,
    Model,
    Owner,
    Table,
    Tags,
    TargetName,
    WebAddress,
    Words,
    parse_model,
)
from stringx_dataops.contract.documents.globs import check_glob, is_glob
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.tables import GateSettings, Timeout, faults_of_gate
from stringx_dataops.contract.messages.verdicts import Mode
from stringx_dataops.contract.problems import FieldError, invalid

MOST_TABLES = 500


def _tables(names: list[str]) -> list[str]:
    if not names:
        raise ValueError("is empty; name at least one table")
    if duplicate := next((name for index, name in enumerate(names) if name in names[:index]), None):
        raise ValueError(f"names {duplicate} twice; name each table once")
    return names


class DatasetDocument(Model):
    """The configuration of one dataset. Its rules are those of its tables' documents. A name in `tables` with a `*` or `?` stands
    for the configured tables that match."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Dataset"]
    name: DatasetName
    target: TargetName
    description: Words = ""
    owner: Owner = ""
    tags: Tags = []
    runbook: WebAddress | None = None
    tables: Annotated[list[Table], Field(max_length=MOST_TABLES), AfterValidator(_tables)]
    mode: Mode = "async"
    timeout: Timeout = "5m"
    gate: GateSettings = GateSettings()
    expected_by: Expectation | None = None

    @property
    def named(self) -> list[str]:
        """The tables that it names."""
        return [name for name in self.tables if not is_glob(name)]

    @property
    def globs(self) -> list[str]:
        """The patterns among its tables."""
        return [name for name in self.tables if is_glob(name)]


def parse_dataset(value: Any, pointer: str = "") -> DatasetDocument:
    """Parse a dataset document. Raises Invalid with every fault; the caller checks whether the tables are configured."""
    document = parse_model(DatasetDocument, value, pointer)
    names = [(f"{pointer}/tables/{index}", _fault(name)) for index, name in enumerate(document.tables)]
    faults = [FieldError(place, fault) for place, fault in names if fault]
    faults += faults_of_gate(document.gate.model_dump(), pointer)
    if faults:
        raise invalid(faults)
    return document


def _fault(name: str) -> str | None:
    if not is_glob(name):
        return fault_of_literal_name(name)
    try:
        check_glob(name)
    except ValueError as error:
        return str(error)
    return "holds ${, and variables are not filled in; write the name itself" if "${" in name else None


def rules_hash(tables: Mapping[str, str]) -> str:
    """A hash of the dataset's tables and their active rules; `tables` maps each table's name to its rules_hash."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
