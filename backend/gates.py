"""The gate of a table: open or closed, by the newest full check, and why."""

from datetime import datetime
from pathlib import Path
from typing import Any

from contract.configuration import TableDocument
from contract.durations import parse_duration
from contract.problems import NotFound
from contract.requests import GateView
from contract.verdicts import opens
from database.pool import Cursor, Database, Row
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_MOST_REASONS = 20


def decide(
    database: Database, target: str, table: str, request_id: str | None = None, not_before: datetime | None = None
) -> GateView:
    """The gate as it stands, or for the very load that a request announced; NotFound for what is not configured."""
    named = {"target": target, "table": table}
    with database.transaction() as cursor:
        configured = cursor.one(SQL["configured"], named)
        if configured is None:
            raise NotFound(
                f"no configuration for table {table} of target {target}; send one: PUT /api/v1/tables/{target}/{table}"
            )
        document = TableDocument.model_validate(configured["document"])
        if request_id is None:
            result = cursor.one(SQL["deciding_result"], named)
            reasons = _reasons_of_state(cursor, document, configured["rules_hash"], result)
        else:
            result, reasons = _of_request(cursor, named, request_id)
    if result is None:
        return _view(named, None, reasons or ["never checked: ask for a check first"])
    reasons += _reasons_of_verdict(document, result)
    if not_before is not None and result["decided_at"] < not_before:
        moment = result["decided_at"].isoformat()
        reasons.append(f"the newest snapshot ({moment}) is older than not_before ({not_before.isoformat()})")
    return _view(named, result, reasons)


def _of_request(cursor: Cursor, named: dict[str, str], request_id: str) -> tuple[Row | None, list[str]]:
    request = cursor.one(SQL["request"], {"request_id": request_id})
    if request is None or (request["target"], request["table_name"]) != (named["target"], named["table"]):
        raise NotFound(f"there is no request {request_id} of table {named['table']}")
    result = cursor.one(SQL["result_of_request"], {"request_id": request_id})
    if result is None:
        said = "has no result" if request["finished_at"] else f"is {request['status']}"
        return None, [f"request {request_id} {said}"]
    return result, [f"request {request_id} was canceled"] if result["status"] == "canceled" else []


def _reasons_of_state(cursor: Cursor, document: TableDocument, rules_hash: str, result: Row | None) -> list[str]:
    """What keeps the gate closed whatever the verdict says."""
    named = {"target": document.target, "table": document.table}
    reasons = []
    if not document.active_rules:
        reasons.append("no active rule: nothing says that the table may be used")
    unfinished = cursor.one(SQL["unfinished"], named | {"decided_by": result["request_id"] if result else None})
    if unfinished is not None:
        reasons.append(f"a newer request is not finished: {unfinished['request_id']}")
    if result is None:
        return reasons or ["never checked: ask for a check first"]
    if result["rules_hash"] is not None and result["rules_hash"] != rules_hash:
        reasons.append("the rules have changed since the last check: ask for a new one")
    if document.gate.max_age is not None and result["age_s"] > parse_duration(document.gate.max_age):
        reasons.append(f"the last check is older than max_age ({document.gate.max_age}): ask for a new one")
    return reasons


def _reasons_of_verdict(document: TableDocument, result: Row) -> list[str]:
    if opens(result["verdict"], document.gate.on_warn, document.gate.on_error) == "open":
        return []
    rules: list[dict[str, Any]] = result["result"]["rules"]
    worst = [f"{rule['id']}: {rule['message']}" for rule in rules if rule["status"] == result["verdict"]]
    told = [f"verdict {result['verdict']}", *worst[:_MOST_REASONS]]
    if reason := result["result"]["reason"]:
        told.insert(1, reason)
    return told if len(worst) <= _MOST_REASONS else [*told, f"and {len(worst) - _MOST_REASONS} more rules"]


def _view(named: dict[str, str], result: Row | None, reasons: list[str]) -> GateView:
    return GateView(
        gate="closed" if reasons else "open",
        target=named["target"],
        table=named["table"],
        verdict=result["verdict"] if result else None,
        snapshot_at=result["snapshot_at"] if result else None,
        age_s=round(max(0.0, result["age_s"]), 3) if result else None,
        check_id=str(result["check_id"]) if result else None,
        rules_hash=result["rules_hash"] if result else None,
        reasons=reasons,
    )
