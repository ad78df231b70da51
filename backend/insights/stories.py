"""The story of a request, as both services have written it down, and what its result shows of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.insights.history import thresholds_of
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import EarlierAttempt, Sample

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Facts:
    """What is known of a request beside its result; None is unknown, or has not happened. Fields from `check_status` on are
    DataOps' own, and gone when it has deleted the check. `send_attempts` have failed; `delivery_attempts` are all."""

    created_at: datetime
    requested_by: str | None
    sent_at: datetime | None
    send_attempts: int
    send_error: str | None
    next_send_at: datetime
    asked_at_dataops: bool
    canceled_by: str | None
    canceled_at: datetime | None
    body: dict[str, Any]
    finished_at: datetime | None
    received_at: datetime | None
    check_status: str | None
    attempt: int | None
    queued_at: datetime | None
    started_at: datetime | None
    check_finished_at: datetime | None
    check_canceled_by: str | None
    earlier_attempts: list[EarlierAttempt]
    delivery_attempts: int | None
    delivered_at: datetime | None
    given_up_at: datetime | None
    next_attempt_at: datetime | None
    delivery_error: str | None


@dataclass(frozen=True)
class RuleSample:
    """Failing rows of a rule, and the request whose result holds them, of a table or of a dataset."""

    request_id: str
    rule_id: str
    message: str
    sample: Sample
    is_of_dataset: bool


def facts(database: Database, request_id: str) -> Facts | None:
    """None if there is no such request (any more)."""
    with database.statements() as cursor:
        row = cursor.one(SQL["facts"], {"request_id": request_id})
    if row is None:
        return None
    return Facts(**row | {"earlier_attempts": [EarlierAttempt.model_validate(each) for each in row["earlier_attempts"] or ()]})


def request_of_check(database: Database, check_id: str) -> str | None:
    """The request whose result came from this check."""
    with database.statements() as cursor:
        row = cursor.one(SQL["request_of_check"], {"check_id": check_id})
    return row["request_id"] if row is not None else None


@dataclass(frozen=True)
class Version:
    """A version of a table's document; None is unknown."""

    target: str
    table: str
    number: int | None


def thresholds(database: Database, catalogue: Catalogue, of: Version, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`warn_at` and `fail_at` of these rules as this version had them; a rule that it lacks is missing."""
    if of.number is None or not 0 <= of.number < 2**31:
        return {}
    named = {"target": of.target, "table": of.table, "version": of.number, "ids": list(ids)}
    with database.statements() as cursor:
        rows = cursor.all(SQL["rules"], named)
    return {row["rule"]["id"]: thresholds_of(row["rule"], catalogue) for row in rows}


def samples(database: Database, check_id: str, table: str, limit: int) -> list[RuleSample]:
    """Samples of the rules of a table that fail or warn in this check, at most so many."""
    with database.statements() as cursor:
        rows = cursor.all(SQL["samples"], {"check_id": check_id, "table": table, "limit": limit})
    return [
        RuleSample(
            request_id=row["request_id"],
            rule_id=row["rule_id"],
            message=row["message"],
            sample=Sample.model_validate(row["sample"], extra="ignore"),
            is_of_dataset=row["is_of_dataset"],
        )
        for row in rows
    ]
