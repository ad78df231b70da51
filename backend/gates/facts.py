"""What decides a gate, read from the internal database in one transaction: the configuration, the newest check that decides,
newer requests."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from backend.gates.decision import DecidingCheck, Facts, GateSubject, Request
from backend.gates.waiving import WaiverFact
from database import configuration
from database.configuration import PENDING, ConfiguredDataset, ConfiguredTable, Refusals
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.documents.datasets import rules_hash
from stringx_dataops.contract.problems import FieldError, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))

Subject = tuple[str, str]  # kind and name


def of_table(database: Database, target: str, table: str, request_id: str | None = None) -> Facts:
    """What decides the gate of a table as it stands, or for the load that a request announced. NotFound if the table is not
    configured, or there is no such request of it; Invalid for that of a trial."""
    with database.transaction() as cursor:
        return of_table_with(cursor, target, table, request_id)


def of_table_with(cursor: Cursor, target: str, table: str, request_id: str | None = None) -> Facts:
    """The same in a transaction of the caller."""
    configured = configuration.tables(cursor, [(target, table)]).get((target, table))
    if configured is None:
        raise Refusals(cursor).table(target, table)
    return _facts(cursor, _subject_of_table(target, table, configured), request_id)


def of_dataset(database: Database, name: str, request_id: str | None = None) -> Facts:
    """What decides the gate of a dataset: only checks of the whole dataset, because they see its tables on one snapshot. NotFound
    as above."""
    with database.transaction() as cursor:
        return of_dataset_with(cursor, name, request_id)


def of_dataset_with(cursor: Cursor, name: str, request_id: str | None = None) -> Facts:
    """The same in a transaction of the caller."""
    dataset = configuration.dataset(cursor, name)
    if dataset is None:
        raise Refusals(cursor).dataset(name)
    return _facts(cursor, _subject_of_dataset(cursor, dataset), request_id)


def subjects_of_results(
    cursor: Cursor, target: str, datasets: Sequence[str], tables: Sequence[str]
) -> dict[Subject, GateSubject]:
    """Of what results are about, that which is configured now: by kind (`table`, `dataset`) and name. Documents of another
    release that this one cannot read are left out."""
    gates = configuration.table_gates(cursor, target, tables)
    found: dict[Subject, GateSubject] = {
        ("table", table): GateSubject(target, table, None, gate.settings, gate.rules_hash, gate.target_hash, gate.has_rules)
        for table, gate in gates.items()
    }
    for dataset in datasets:
        stored = configuration.dataset(cursor, dataset)
        if stored is not None and stored.target == target:
            with suppress(ValidationError):
                found["dataset", stored.name] = _subject_of_dataset(cursor, stored)
    return found


def _subject_of_table(target: str, table: str, configured: ConfiguredTable) -> GateSubject:
    document = configured.read()
    has_rules = bool(document.active_rules)
    return GateSubject(target, table, None, document.gate, configured.rules_hash, configured.target_hash, has_rules)


def _subject_of_dataset(cursor: Cursor, dataset: ConfiguredDataset) -> GateSubject:
    """Its rules are those of its tables. They are not known, which closes the gate, while one of these cannot be read, or while
    its effective document is still to be made."""
    gates = configuration.table_gates(cursor, dataset.target, dataset.tables)
    has_rules = any(gate.has_rules for gate in gates.values())
    hashes = {table: gates[table].rules_hash for table in dataset.tables if table in gates}
    is_known = len(hashes) == len(dataset.tables) and PENDING not in hashes.values()
    target_hash = next((gate.target_hash for gate in gates.values()), "")
    settings, whole = dataset.read().gate, rules_hash(hashes) if is_known else None
    return GateSubject(dataset.target, None, dataset.name, settings, whole, target_hash, has_rules)


def _facts(cursor: Cursor, subject: GateSubject, request_id: str | None) -> Facts:
    if request_id is not None:
        return _of_request(cursor, subject, request_id)
    named: dict[str, str | bool | None] = {"target": subject.target, "table": subject.table, "dataset": subject.dataset}
    named["by_window"] = subject.settings.by_window
    suffix = "" if subject.dataset is None else "_of_dataset"
    row = cursor.one(SQL[f"deciding_result{suffix}"], named)
    check = _check(row)
    newer = cursor.one(SQL[f"unfinished{suffix}"], named | {"decided_by": row["request_id"] if row and row["is_full"] else None})
    return Facts(
        subject,
        check,
        newer_request=newer["request_id"] if newer else None,
        is_kept=check is not None and is_kept(cursor, subject, check),
        waivers=waivers_of(cursor, check),
    )


def is_kept(cursor: Cursor, subject: GateSubject, check: DecidingCheck) -> bool:
    """Whether changes of the rules since the check left the gate as it was, as its settings said then and say now."""
    if not subject.settings.is_kept or subject.rules_hash is None or check.rules_hash in (None, subject.rules_hash):
        return False
    if subject.dataset is None:
        named = {"target": subject.target, "table": subject.table, "rules_hash": check.rules_hash}
        row = cursor.one(SQL["kept_table"], named)
    else:
        tables = check.result.get("tables") or ()
        checked = [{"table_name": table["table"], "rules_hash": table["rules_hash"]} for table in tables]
        row = cursor.one(SQL["kept_dataset"], {"dataset": subject.dataset, "checked": json_value(checked)})
    return row is not None and bool(row["is_kept"])


def waivers_of(cursor: Cursor, check: DecidingCheck | None) -> dict[str, WaiverFact]:
    """The waivers that the check leans on, by id, as they stand now; those that do not exist are left out."""
    ids = [claim["id"] for claim in check.leans_on if _is_id(claim["id"])] if check is not None else []
    if not ids:
        return {}
    return {str(row["waiver_id"]): _waiver(row) for row in cursor.all(SQL["waivers"], {"ids": ids})}


def _waiver(row: Row) -> WaiverFact:
    return WaiverFact(
        id=str(row["waiver_id"]),
        target=row["target"],
        table=row["table_name"],
        rule=row["rule_id"],
        by=row["created_by"],
        reason=row["reason"],
        until=row["until"],
        at_most=row["at_most"],
        ended_because=row["ended_because"],
        ended_by=row["ended_by"],
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _of_request(cursor: Cursor, subject: GateSubject, request_id: str) -> Facts:
    request = cursor.one(SQL["request"], {"request_id": request_id})
    if request is None or not _is_about(request, subject):
        raise NotFound(f"there is no request {request_id} of {subject.words}")
    if request["trial"]:
        words = "is of a trial or a profile, which decides nothing: no gate answers for it"
        raise invalid([FieldError("/query/request_id", words)])
    row = cursor.one(SQL["result_of_request"], {"request_id": request_id, "table": subject.table})
    if row is not None and row["result"].get("trial"):
        row = None  # of a trial that was asked of DataOps under this id
    check = _check(row)
    asked = Request(request_id, request["status"], request["finished_at"] is not None)
    return Facts(subject, check, asked, waivers=waivers_of(cursor, check))


def _is_about(request: Row, subject: GateSubject) -> bool:
    """A dataset's request is about each of its tables, too."""
    if request["target"] != subject.target:
        return False
    if subject.dataset is not None:
        return bool(request["dataset"] == subject.dataset)
    return subject.table == request["table_name"] or subject.table in (request["tables"] or ())


def _check(row: Row | None) -> DecidingCheck | None:
    if row is None:
        return None
    names = ("verdict", "status", "rules_hash", "snapshot_at", "decided_at", "age_s", "result")
    known = {name: row[name] for name in names} | {"leans_on": row["waivers"] or []}
    return DecidingCheck(check_id=str(row["check_id"]), request_id=row["request_id"], **known)
