"""The audit log (`stringx.audit`): entries are written in the transaction of what they tell of, by both services.

This is the log of what people and keys did; `api/checks/audit.py` is something else, the audit of the queue's counters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database.keys import Caller, who_asks
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.keys import SERVICE
from stringx_dataops.contract.messages.audit import AuditAction
from stringx_dataops.contract.messages.requesters import cleaned

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MOST_NAMES = 100  # in one list of details
_MOST_BYTES = 16 * 1024  # of details
_LONGEST = 400  # characters of a subject
_LONGEST_ADDRESS = 100


@dataclass(frozen=True)
class Entry:
    """What was done to what. `subject` as `contract.messages.audit.subject` makes it. `details` hold names, numbers and times:
    no secrets, no values of rows, and no values of rules either."""

    action: AuditAction
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


def record(cursor: Cursor, caller: Caller, action: AuditAction, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Write an entry, in the caller's transaction: it stands if and only if the change does. Details that are too long are left
    out."""
    record_all(cursor, caller, [Entry(action, subject, details or {})])


def record_asked(
    cursor: Cursor,
    action: AuditAction,
    subject: str,
    details: Mapping[str, Any] | None = None,
    but_for_services: bool = False,
) -> None:
    """The same for whoever sent the request that this thread handles; nothing outside of requests. `but_for_services`: nothing
    for the services' own key either, because the service that it was asked of has written the entry."""
    caller = who_asks()
    if caller is not None and not (but_for_services and caller.name == SERVICE):
        record(cursor, caller, action, subject, details)


def record_all(cursor: Cursor, caller: Caller, entries: Sequence[Entry], most_per_hour: int | None = None) -> None:
    """The same for several. `most_per_hour`: further entries of the action are left out, because anybody can cause them."""
    if not entries:
        return
    rows = [{"action": each.action, "subject": each.subject[:_LONGEST], "details": _bounded(each.details)} for each in entries]
    written = {
        "actor": cleaned(caller.name),
        "address": caller.address[:_LONGEST_ADDRESS] if caller.address is not None else None,
        "entries": json_value(rows),
        "most_per_hour": most_per_hour,
    }
    cursor.run(SQL["record"], written)


def names(found: Sequence[str]) -> list[str]:
    """Names as they stand in details: the first hundred, and how many more there are."""
    more = len(found) - MOST_NAMES
    return list(found) if more <= 0 else [*found[:MOST_NAMES], f"and {more:,} more"]


def _bounded(details: Mapping[str, Any]) -> dict[str, Any]:
    is_long = len(json.dumps(details, ensure_ascii=False).encode(errors="replace")) > _MOST_BYTES
    return {"left_out": "the details are too long"} if is_long else dict(details)
