"""What a message says: read from events and incidents, with what documents and earlier checks add.

Nothing in it is a row's value: its reasons and numbers are those of results, which hold none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from database.pool import Cursor, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.words import number, share
from stringx_dataops.contract.documents.fields import RULE_OF_TABLE
from stringx_dataops.contract.documents.rule_messages import filled_in
from stringx_dataops.contract.messages.notifications import (
    MOST_DETAILED,
    MOST_NAMED,
    MOST_RULES_TOLD,
    WORST_FIRST,
    Before,
    Named,
    NotificationContent,
    NotificationKind,
    Told,
    ToldRule,
    What,
    main_kind,
)

SQL = load_queries(Path(__file__).with_suffix(".sql"))
LONGEST_REASON = 300  # characters, also of a finding
MOST_REASONS = 5
_IDS = {"event_id": "id", "check_id": "check_id", "request_id": "request_id"}
_OF_PART = re.compile(r"[^:]+: ")


def build(
    cursor: Cursor,
    kind: NotificationKind,
    now: datetime,
    *,
    event_ids: Sequence[int] = (),
    incident_ids: Sequence[str] = (),
    cause: str | None = None,
) -> NotificationContent:
    """A message about events as they happened, and about incidents that are still open, as they stand. Of several events of a
    table or dataset only the last is told; incidents that are over are left out."""
    events = cursor.all(SQL["events"], {"event_ids": list(event_ids)}) if event_ids else []
    happened = [_Found(row, main_kind(row["kinds"]), "of_events") for row in events]
    told = {_subject(each.row) for each in happened}
    incidents = cursor.all(SQL["incidents"], {"incident_ids": list(incident_ids)}) if incident_ids else []
    lasting = [
        _Found(row, "still_missed" if row["gate"] != "closed" else "still_closed", "of_incidents")
        for row in incidents
        if _subject(row) not in told
    ]
    found = sorted([*happened, *lasting], key=lambda each: each.rank)
    detailed, named = found[:MOST_DETAILED], found[MOST_DETAILED : MOST_DETAILED + MOST_NAMED]
    counts: Counter[What] = Counter(each.what for each in found)
    return NotificationContent(
        kind=kind,
        made_at=now,
        cause=cause,
        counts={what: counts[what] for what in WORST_FIRST if counts[what]},
        items=_with_everything(cursor, detailed),
        also=[Named(**each.name) for each in named],
        more=len(found) - len(detailed) - len(named),
    )


@dataclass(frozen=True)
class _Found:
    """An event, or an open incident, and what it is told as. `source`: the statement that has everything about it."""

    row: Row
    what: What
    source: Literal["of_events", "of_incidents"]

    @property
    def rank(self) -> tuple[int, datetime, str, str]:
        return WORST_FIRST.index(self.what), self.row["at"], self.row["target"], self.row["name"]

    @property
    def name(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "target": self.row["target"],
            self.row["subject_kind"]: self.row["name"],
            "since": self.row["at"],
            "incident_id": None if self.row["incident_id"] is None else str(self.row["incident_id"]),
        }


def _subject(row: Row) -> tuple[str, str, str]:
    return row["subject_kind"], row["target"], row["name"]


def _with_everything(cursor: Cursor, found: Sequence[_Found]) -> list[Told]:
    if not found:
        return []
    details: dict[tuple[str, str], Row] = {}
    for source in {each.source for each in found}:
        keys = [each.row["key"] for each in found if each.source == source]
        details |= {(source, row["key"]): row for row in cursor.all(SQL[source], {"keys": keys})}
    found = [replace(each, row=each.row | details[(each.source, each.row["key"])]) for each in found]
    subjects = [
        {"place": place, "kind": each.row["subject_kind"], "target": each.row["target"], "name": each.row["name"]}
        for place, each in enumerate(found)
    ]
    runbooks = {row["place"]: row["runbook"] for row in cursor.all(SQL["runbooks"], {"subjects": json_value(subjects)})}
    rules = _Rules(cursor, found)
    return [_told(each, runbooks.get(place), list(rules.of(place))) for place, each in enumerate(found)]


def _told(found: _Found, runbook: str | None, rules: list[ToldRule]) -> Told:
    row = found.row
    same = ("kinds", "gate", "gate_before", "verdict", "owner", "tags", "opened_at", "acknowledged_by", "assignee", "snapshot_at")
    fields = found.name | {name: row[name] for name in same}
    fields |= {name: None if row[key] is None else str(row[key]) for name, key in _IDS.items()}
    fields |= {
        "ended_because": row["closed_because"] if found.what in ("opened", "removed") else None,
        "reasons": [_cut(reason) for reason in row["reasons"] if _rule_in(row, reason) is None][:MOST_REASONS],
        "rules": rules,
        "rules_more": row["rules_more"] + len(row["rules"]) - len(rules),
        "runbook": runbook,
    }
    return Told.model_validate(fields)


class _Rules:
    """The rules of what is told, with what their documents say of them and what the day before found."""

    def __init__(self, cursor: Cursor, found: Sequence[_Found]) -> None:
        self._found = found
        self._told = [
            {"place": place, "target": each.row["target"], "name": rule["table"], "id": rule["id"], "at": each.row["decided_at"]}
            for place, each in enumerate(found)
            for rule in each.row["rules"][:MOST_RULES_TOLD]
        ]
        self._said: dict[tuple[str, str, str], Row] = {}
        self._before: dict[tuple[int, str, str], Before] = {}
        if self._told:
            self._read(cursor)

    def of(self, place: int) -> Iterator[ToldRule]:
        """The rules of the event or incident at this place."""
        row = self._found[place].row
        findings = dict(filter(None, (_rule_in(row, reason) for reason in row["reasons"])))
        for rule in row["rules"][:MOST_RULES_TOLD]:
            said = self._said.get((row["target"], rule["table"], rule["id"]), {})
            yield ToldRule(
                **rule,
                finding=_finding(rule, said.get("message"), findings.get((rule["table"], rule["id"]))),
                owner=said.get("owner") or "",
                runbook=said.get("runbook"),
                before=self._before.get((place, rule["table"], rule["id"])),
            )

    def _read(self, cursor: Cursor) -> None:
        ids: dict[tuple[str, str], list[str]] = {}
        for each in self._told:
            ids.setdefault((each["target"], each["name"]), []).append(each["id"])
        tables = [{"target": target, "name": name, "ids": of_table} for (target, name), of_table in ids.items()]
        for row in cursor.all(SQL["rules"], {"tables": json_value(tables)}):
            self._said[(row["target"], row["name"], row["id"])] = row
        numbered = [each | {"place": index, "at": each["at"].isoformat()} for index, each in enumerate(self._told)]
        for row in cursor.all(SQL["before"], {"rules": json_value(numbered)}):
            each = self._told[row.pop("place")]
            self._before[(each["place"], each["name"], each["id"])] = Before(**row)


def _finding(rule: dict[str, Any], message: str | None, reason: str | None) -> str | None:
    """What the gate says of the rule; of one that it does not name, the owner's words with the numbers."""
    if reason is not None:
        return _cut(reason)
    if message is None or rule["status"] == "error":
        return None
    failures, total, measured = rule["failures"], rule["total"], rule["measured"]
    numbers = {
        "failures": "unknown" if failures is None else f"{failures:,}",
        "total": "unknown" if total is None else f"{total:,}",
        "ratio": share(failures, total) if failures is not None and total else "unknown",
        "measured": "unknown" if measured is None else number(measured),
    }
    return _cut(filled_in(message, numbers))


def _rule_in(row: Row, reason: str) -> tuple[tuple[str, str], str] | None:
    """The table, the rule and the finding that a reason of a gate tells of: `rule: finding`, after `table: ` in one of a dataset.
    None for a reason that is no rule's."""
    table = row["name"]
    if row["subject_kind"] == "dataset":
        if (of_part := _OF_PART.match(reason)) is None:
            return None
        table, reason = of_part.group()[:-2], reason[of_part.end() :]
    rule_id, separator, finding = reason.partition(": ")
    return ((table, rule_id), finding) if separator and RULE_OF_TABLE.fits(rule_id) else None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
