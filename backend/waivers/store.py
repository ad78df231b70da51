"""Waivers as they are stored: made, looked up, listed, deleted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.configuration import versions
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen, seen_targets
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import MOST_RULES, TableDocument
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.keys import ITSELF
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.messages.waivers import MOST_DAYS, CreatedWaiver, Waiver, WaiverOrder
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
WAIVERS = Pages("waivers", texts=2)  # positions: created_at, id
FILTERS = ("target", "table", "rule", "state")
KEPT_DAYS = 400  # after its end
_NOBODY = Caller(ITSELF, frozenset())  # in the audit log: time, or a change that has an entry of its own


def create(database: Database, catalogue: Catalogue, caller: Caller, order: WaiverOrder) -> CreatedWaiver:
    """A new waiver, which the checks that finish from now on apply. NotFound without such a table, Invalid with every fault,
    Conflict if the rule has an active waiver."""
    waiver_id = new_id()
    named = {"target": order.target, "table": order.table, "rule": order.rule}
    with database.transaction() as cursor:
        versions.lock(cursor)
        row = cursor.one(SQL["configured"], named)
        if row is None or not is_seen(order.target):
            raise Refusals(cursor).table(order.target, order.table)
        faults = [*_faults_of_rule(row, order, catalogue), *_faults_of_until(cursor, order)]
        if faults:
            raise invalid(faults)
        cursor.run(SQL["note_end"], named)
        stored = named | {"id": waiver_id, "bound_to": row["rule"], "reason": order.reason, "until": order.until}
        stored |= {"at_most": None if order.at_most is None else json_value(order.at_most), "by": cleaned(caller.name)}
        if not cursor.run(SQL["create"], stored):
            raise _other(cursor, named)
        made = CreatedWaiver.model_validate(_fields(_require(cursor, waiver_id)))
        audit.record(cursor, caller, "waiver.created", _audited(made), _details(made))
        return made


def find(database: Database, waiver_id: str) -> Waiver:
    """NotFound if there is none with this id."""
    with database.transaction() as cursor:
        return _read(_require(cursor, waiver_id))


def page(database: Database, filters: Mapping[str, str | None], wanted: Page = FIRST) -> PageJson:
    """A page of waivers as JSON, the newest first. `filters` are some of FILTERS."""
    at, waiver_id = wanted.after or (None, None)
    given: dict[str, Any] = {name: filters.get(name) for name in FILTERS}
    given |= {"at": at, "id": waiver_id, "limit": wanted.limit + 1, "targets": seen_targets()}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["page"], given)
    found = [((rfc3339(row["created_at"]), str(row["waiver_id"])), _read(row).model_dump(mode="json")) for row in rows]
    return WAIVERS.answer(wanted, found)


def of_table(database: Database, target: str, table: str) -> dict[str, Waiver]:
    """The active ones of a table, by rule."""
    named = dict.fromkeys(FILTERS) | {
        "target": target,
        "table": table,
        "state": "active",
        "at": None,
        "id": None,
        "targets": None,
    }
    with database.transaction() as cursor:
        return {row["rule_id"]: _read(row) for row in cursor.all(SQL["page"], named | {"limit": MOST_RULES})}


def delete(database: Database, caller: Caller, waiver_id: str) -> Waiver:
    """End a waiver: gates that lean on it close at once. NotFound for an unknown one, Conflict if it has ended already."""
    with database.transaction() as cursor:
        versions.lock(cursor)
        before = _read(_require(cursor, waiver_id))
        if before.state == "ended" or not cursor.run(SQL["delete"], {"id": waiver_id, "by": cleaned(caller.name)}):
            raise Conflict(f"waiver {waiver_id} has ended already")
        audit.record(cursor, caller, "waiver.deleted", _audited(before), _details(before))
        return _read(_require(cursor, waiver_id))


def note_ends(database: Database, most: int = 1000) -> int:
    """Note the ends that time or a change has brought, and tell the audit log of them, at most `most` at a time; how many have
    ended since the last time. The states of their tables are looked at again (`0027_waivers.sql`)."""
    with database.transaction() as cursor:
        cursor.run(SQL["forget"], {"days": KEPT_DAYS})
        due = cursor.one(SQL["has_ended"])
        if due is None or not due["has_ended"]:
            return 0
        versions.lock(cursor)  # as whoever changes rules does: it locks states before waivers, and this after them
        cursor.run(SQL["note_end"], dict.fromkeys(("target", "table", "rule")))
        ended = [_read(row) for row in cursor.all(SQL["ended"], {"most": most})]
        entries = [
            audit.Entry("waiver.ended", _audited(each), _details(each) | {"because": each.ended_because}) for each in ended
        ]
        audit.record_all(cursor, _NOBODY, entries)
    return len(ended)


def _audited(waiver: Waiver) -> str:
    return subject("waiver", waiver.target, waiver.table, waiver.rule)


def _details(waiver: Waiver) -> dict[str, Any]:
    return {"id": waiver.id, "until": rfc3339(waiver.until), "at_most": waiver.at_most, "reason": waiver.reason}


def active(database: Database) -> int:
    """How many are active."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["count"])
    return int(row["number"]) if row is not None else 0


def _require(cursor: Cursor, waiver_id: str) -> Row:
    row = cursor.one(SQL["find"], {"id": waiver_id})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no waiver {waiver_id}")
    return row


def _other(cursor: Cursor, named: Mapping[str, str]) -> Conflict:
    row = cursor.one(SQL["active"], named)
    which = f" {row['waiver_id']}, until {rfc3339(row['until'])}" if row is not None else ""
    return Conflict(f"rule {named['rule']} of {named['table']} has an active waiver already:{which}; delete it first")


def _faults_of_rule(row: Row, order: WaiverOrder, catalogue: Catalogue) -> list[FieldError]:
    document = TableDocument.model_validate(row["document"])
    rule = next((rule for rule in document.rules if rule.id == order.rule), None)
    if rule is None:
        known = [each.id for each in document.active_rules]
        hint = did_you_mean(order.rule, known) or ""
        return [FieldError("/rule", f"{order.table} has no rule {order.rule!r}{hint}")]
    if row["rule"] is None:
        how = "a shadow, which counts in nothing" if rule.is_shadow else "not active"
        return [FieldError("/rule", f"is {how}; there is nothing to waive")]
    return [fault] if order.at_most is not None and (fault := _fault_of_at_most(rule, order.at_most, catalogue)) else []


def _fault_of_at_most(rule: Rule, at_most: int | str, catalogue: Catalogue) -> FieldError | None:
    rule_type = catalogue.get(rule.type)
    if rule_type is None or rule_type.decides != "count":
        return FieldError("/at_most", f"{rule.type} counts no failures; leave it out")
    if isinstance(at_most, str) and rule_type.total is None:
        return FieldError("/at_most", f"{rule.type} has no total to take a share of; give a count")
    return None


def _faults_of_until(cursor: Cursor, order: WaiverOrder) -> list[FieldError]:
    """By the internal database's clock."""
    row = cursor.one(SQL["now"], {"days": MOST_DAYS})
    assert row is not None
    if order.until <= row["now"]:
        return [FieldError("/until", f"is over: it is {rfc3339(row['now'])} now")]
    if order.until > row["latest"]:
        return [FieldError("/until", f"is more than {MOST_DAYS} days ahead; give {rfc3339(row['latest'])} or earlier")]
    return []


def _read(row: Row) -> Waiver:
    return Waiver.model_validate(_fields(row))


def _fields(row: Row) -> dict[str, Any]:
    names = ("target", "reason", "until", "at_most", "created_at", "created_by", "ended_at", "ended_because", "ended_by")
    return {
        "id": str(row["waiver_id"]),
        "table": row["table_name"],
        "rule": row["rule_id"],
        "state": "active" if row["ended_because"] is None else "ended",
        **{name: row[name] for name in names},
    }
