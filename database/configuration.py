"""The configuration as both services look it up: by the views that are the contract between them, with the refusals of what is
not configured. The Backend alone writes it (`backend/configuration`).

It is the configuration as the one who asks sees it: for a limited key, other targets are not there (`database.keys.is_seen`)."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from database.keys import is_seen
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.adapters import Adapter, adapter_of
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.tables import GateSettings, TableDocument
from stringx_dataops.contract.documents.targets import database_hash, stored_target
from stringx_dataops.contract.problems import FieldError, Invalid, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PENDING = "pending"  # the hash of a table that a release before this one has written, until its effective document is made


@dataclass(frozen=True)
class ConfiguredTable:
    """A table with its target, as they stood at one moment. Both readers raise pydantic's ValidationError for a document of
    another release that this one cannot read."""

    version: int
    rules_hash: str
    stored: dict[str, Any]  # the table's document
    stored_target: dict[str, Any]

    def read(self) -> TableDocument:
        """The table's document."""
        return TableDocument.model_validate(self.stored)

    def read_target(self) -> TargetDocument:
        """The document of the table's target."""
        return stored_target(self.stored_target)

    @property
    def target_hash(self) -> str:
        """Changes when the target becomes another database or role."""
        return database_hash(self.stored_target)


@dataclass(frozen=True)
class ConfiguredDataset:
    """A dataset as it stands."""

    name: str
    target: str
    tables: list[str]
    version: int
    stored: dict[str, Any]  # its document

    def read(self) -> DatasetDocument:
        """The document; ValidationError as above."""
        return DatasetDocument.model_validate(self.stored)


def tables(cursor: Cursor, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ConfiguredTable]:
    """Those of the names (target, table) that are configured, in the order of the names."""
    wanted = [name for name in dict.fromkeys(names) if is_seen(name[0])]
    named = json_value([{"target": target, "table_name": table} for target, table in wanted])
    found = {
        (row["target"], row["table_name"]): ConfiguredTable(
            version=row["version"],
            rules_hash=row["rules_hash"],
            stored=row["document"],
            stored_target=row["target_document"],
        )
        for row in cursor.all(SQL["tables"], {"tables": named})
    }
    return {name: found[name] for name in wanted if name in found}


@dataclass(frozen=True)
class TableGate:
    """What the gate of a table needs of its document."""

    settings: GateSettings
    rules_hash: str
    target_hash: str
    has_rules: bool  # at least one is active


def table_gates(cursor: Cursor, target: str, tables: Sequence[str]) -> dict[str, TableGate]:
    """Of those tables that are configured, by name. Tables whose gate settings are of another release, which this one cannot
    read, are left out."""
    found: dict[str, TableGate] = {}
    if not is_seen(target):
        return found
    for row in cursor.all(SQL["gate_settings"], {"target": target, "tables": list(tables)}):
        with suppress(ValidationError):
            settings = GateSettings.model_validate(row["gate"] or {})
            target_hash = database_hash(row["target_document"])
            found[row["table_name"]] = TableGate(settings, row["rules_hash"], target_hash, row["has_rules"])
    return found


def dataset(cursor: Cursor, name: str) -> ConfiguredDataset | None:
    """None if there is no such dataset."""
    row = cursor.one(SQL["dataset"], {"name": name})
    if row is None or not is_seen(row["target"]):
        return None
    return ConfiguredDataset(row["name"], row["target"], row["tables"], row["version"], row["document"])


def target(cursor: Cursor, name: str) -> dict[str, Any] | None:
    """The document of a target; None if there is no such target."""
    row = cursor.one(SQL["target"], {"name": name}) if is_seen(name) else None
    return row["document"] if row is not None else None


def target_mismatch(dataset: str, target: str, asked: str) -> Invalid:
    """The refusal of a request for this dataset, which is of `target`, with another target (`asked`)."""
    return invalid([FieldError("/target", f"is {asked!r}, and dataset {dataset} is of target {target}")])


def target_names(cursor: Cursor) -> list[str]:
    """Of all configured targets, sorted."""
    return [row["name"] for row in cursor.all(SQL["target_names"]) if is_seen(row["name"])]


@dataclass(frozen=True)
class Refusals:
    """NotFound errors that say what is missing and how to send it. `where`: what stands after the path that takes the document,
    such as ` on the Backend`."""

    cursor: Cursor
    where: str = ""

    def require_seen(self, target: str) -> None:
        """Raise NotFound, as if it were not configured, if the one who asks does not see the target."""
        if not is_seen(target):
            raise self.target(target)

    def target(self, name: str, advice: str | None = None) -> NotFound:
        """There is no such target. It names a similar one if there is one; else what to do (`advice`, or to send it)."""
        similar = did_you_mean(name, target_names(self.cursor))
        advice = advice or f"send one: PUT /api/v1/targets/{name}{self.where}"
        return NotFound(f"there is no target {name}{similar or f'; {advice}'}")

    def table(self, target: str, table: str) -> NotFound:
        """The table is not configured, or its target is not."""
        put = f"PUT /api/v1/tables/{target}/{table}{self.where}"
        return self.unless_target(target, f"no configuration for table {table} of target {target}; send one: {put}")

    def dataset(self, name: str, target: str | None = None) -> NotFound:
        """There is no such dataset, or its target is not configured, where the caller names one."""
        words = f"there is no dataset {name}; send one: PUT /api/v1/datasets/{name}{self.where}"
        return NotFound(words) if target is None else self.unless_target(target, words)

    def unless_target(self, name: str, words: str) -> NotFound:
        """The words, or that there is no such target: that is named before what it lacks."""
        return NotFound(words) if name in target_names(self.cursor) else self.target(name)


def adapters(cursor: Cursor) -> set[Adapter]:
    """Those that any target has."""
    return {adapter_of({"adapter": row["adapter"]}) for row in cursor.all(SQL["adapters"])}
