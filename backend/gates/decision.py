"""The gate of a table or a dataset: open or closed, by the newest full check, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.configuration import datasets
from backend.configuration.targets import no_table
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.documents.datasets import DatasetDocument, rules_hash
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.tables import GateSettings, TableDocument
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.messages.verdicts import opens
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_MOST_REASONS = 20


@dataclass(frozen=True)
class _Subject:
    """What a gate stands before: a table or a dataset, as it is configured now."""

    target: str
    table: str | None
    dataset: str | None
    settings: GateSettings
    rules_hash: str
    has_rules: bool

    @property
    def named(self) -> dict[str, str | None]:
        return {"target": self.target, "table": self.table, "dataset": self.dataset}

    @property
    def words(self) -> str:
        return f"table {self.table}" if self.dataset is None else f"dataset {self.dataset}"

    def statement(self, name: str) -> str:
        return SQL[name if self.dataset is None else f"{name}_of_dataset"]


def decide(
    database: Database, target: str, table: str, request_id: str | None = None, not_before: datetime | None = None
) -> GateView:
    """The gate of a table as it stands, or for the very load that a request announced; NotFound for what is not configured."""
    with database.transaction() as cursor:
        configured = cursor.one(SQL["configured"], {"target": target, "table": table})
        if configured is None:
            raise no_table(cursor, target, table)
        document = TableDocument.model_validate(configured["document"])
        has_rules = bool(document.active_rules)
        subject = _Subject(target, table, None, document.gate, configured["rules_hash"], has_rules)
        return _decide(cursor, subject, request_id, not_before)


def decide_dataset(database: Database, name: str, request_id: str | None = None, not_before: datetime | None = None) -> GateView:
    """The gate of a dataset: decided by checks of the dataset alone, for only they see its tables on one snapshot."""
    with database.transaction() as cursor:
        document = DatasetDocument.model_validate(datasets.find_with(cursor, name)["document"])
        tables = cursor.all(SQL["tables_of_dataset"], {"dataset": name})
        has_rules = any(TableDocument.model_validate(table["document"]).active_rules for table in tables)
        hashes = rules_hash({table["table_name"]: table["rules_hash"] for table in tables})
        subject = _Subject(document.target, None, name, document.gate, hashes, has_rules)
        return _decide(cursor, subject, request_id, not_before)


def _decide(cursor: Cursor, subject: _Subject, request_id: str | None, not_before: datetime | None) -> GateView:
    if request_id is None:
        result = cursor.one(subject.statement("deciding_result"), subject.named)
        reasons = _reasons_of_state(cursor, subject, result)
    else:
        result, reasons = _of_request(cursor, subject, request_id)
    if result is None:
        return _view(subject, None, reasons or ["never checked: ask for a check first"])
    reasons += _reasons_of_verdict(subject, result)
    if not_before is not None and result["decided_at"] < not_before:
        moment = result["decided_at"].isoformat()
        reasons.append(f"the newest snapshot ({moment}) is older than not_before ({not_before.isoformat()})")
    return _view(subject, result, reasons)


def _of_request(cursor: Cursor, subject: _Subject, request_id: str) -> tuple[Row | None, list[str]]:
    request = cursor.one(SQL["request"], {"request_id": request_id})
    if request is None or not _is_about(request, subject):
        raise NotFound(f"there is no request {request_id} of {subject.words}")
    result = cursor.one(SQL["result_of_request"], {"request_id": request_id, "table": subject.table})
    if result is None:
        said = "has no result" if request["finished_at"] else f"is {request['status']}"
        return None, [f"request {request_id} {said}"]
    if subject.table is not None and subject.table in result["result"].get("skipped", ()):
        return None, [f"request {request_id} left {subject.table} out: none of its rules was in scope"]
    return result, [f"request {request_id} was canceled"] if result["status"] == "canceled" else []


def _is_about(request: Row, subject: _Subject) -> bool:
    """A dataset's request is about each of its tables, too."""
    if request["target"] != subject.target:
        return False
    if subject.dataset is not None:
        return bool(request["dataset"] == subject.dataset)
    return subject.table == request["table_name"] or subject.table in (request["tables"] or ())


def _reasons_of_state(cursor: Cursor, subject: _Subject, result: Row | None) -> list[str]:
    """What keeps the gate closed whatever the verdict says."""
    reasons = []
    if not subject.has_rules:
        reasons.append(f"no active rule: nothing says that the {subject.words.split()[0]} may be used")
    decided_by = {"decided_by": result["request_id"] if result else None}
    unfinished = cursor.one(subject.statement("unfinished"), subject.named | decided_by)
    if unfinished is not None:
        reasons.append(f"a newer request is not finished: {unfinished['request_id']}")
    if result is None:
        return reasons or ["never checked: ask for a check first"]
    if result["rules_hash"] is not None and result["rules_hash"] != subject.rules_hash:
        reasons.append("the rules have changed since the last check: ask for a new one")
    max_age = subject.settings.max_age
    if max_age is not None and result["age_s"] > parse_duration(max_age):
        reasons.append(f"the last check is older than max_age ({max_age}): ask for a new one")
    return reasons


def _reasons_of_verdict(subject: _Subject, result: Row) -> list[str]:
    if opens(result["verdict"], subject.settings.on_warn, subject.settings.on_error) == "open":
        return []
    whole, parts = result["result"], list(_parts(subject, result["result"]))
    worst = [
        f"{place}{rule['id']}: {rule['message']}"
        for place, part in parts
        for rule in part["rules"]
        if rule["status"] == result["verdict"]
    ]
    said = [f"{place}{part['reason']}" for place, part in parts if part["reason"] and part["verdict"] == result["verdict"]]
    told = [f"verdict {result['verdict']}", *([whole["reason"]] if whole["reason"] else said), *worst[:_MOST_REASONS]]
    return told if len(worst) <= _MOST_REASONS else [*told, f"and {len(worst) - _MOST_REASONS} more rules"]


def _parts(subject: _Subject, result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the result says of the gate's tables, each with the words that name the table where there are several."""
    if "tables" not in result:
        yield "", result
    for table in result.get("tables", ()):
        if subject.dataset is not None:
            yield f"{table['table']}: ", table
        elif table["table"] == subject.table:
            yield "", table


def _view(subject: _Subject, result: Row | None, reasons: list[str]) -> GateView:
    return GateView(
        gate="closed" if reasons else "open",
        target=subject.target,
        table=subject.table,
        dataset=subject.dataset,
        verdict=result["verdict"] if result else None,
        snapshot_at=result["snapshot_at"] if result else None,
        age_s=round(max(0.0, result["age_s"]), 3) if result else None,
        check_id=str(result["check_id"]) if result else None,
        rules_hash=result["rules_hash"] if result else None,
        reasons=reasons,
    )
