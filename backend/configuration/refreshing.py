"""Makes the effective documents of stored tables again, after the defaults or rule sets of their target have changed."""

import logging
from collections.abc import Collection, Iterator, Sequence

from backend.configuration import effective, tables
from backend.configuration.versions import lock
from database.configuration import PENDING
from database.keys import Caller
from database.loops import Loop, Loops
from database.pool import Cursor, Database, Row, json_value
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.merging import Layers, as_said
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.keys import UPGRADE
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError

_AT_ONCE = 200
_PENDING = 50  # tables in a turn
_LOOK_S = 2.0
_NOBODY = Caller(UPGRADE, frozenset())
Name = tuple[str, str]  # target and table

log = logging.getLogger(__name__)


def refresh(
    cursor: Cursor,
    catalogue: Catalogue,
    caller: Caller,
    target: str,
    layers: Layers,
    pointer: str = "",
    *,
    dry_run: bool = False,
    besides: Collection[str] = (),
) -> list[FieldError]:
    """Make the effective documents of all tables of the target, except `besides`; a fault for each that the layers do not fit.
    With a fault, nothing more is written: the caller ends the transaction. The caller holds the configuration's lock."""
    errors: list[FieldError] = []
    document = _target(cursor, target)
    for rows in _pages(cursor, target):
        rows = [row for row in rows if row["table_name"] not in besides]
        errors += _refresh(cursor, catalogue, caller, rows, layers, document, pointer, dry_run=dry_run or bool(errors))
        if len(errors) > MAX_FAULTS:
            break
    return errors


def start(database: Database, catalogue: Catalogue, loops: Loops) -> None:
    """Look for tables that a release before this one has written, in a daemon thread."""

    def look(loop: Loop) -> float | None:
        return None if take_up(database, catalogue) == _PENDING else _LOOK_S

    loops.start("effective", look)


def take_up(database: Database, catalogue: Catalogue) -> int:
    """Make the effective documents of such tables, at most _PENDING of them; how many were made. One that does not fit its
    target's layers stays without rules, so that its gate is closed."""
    with database.transaction() as cursor:
        names = [(row["target"], row["table_name"]) for row in cursor.all(effective.SQL["pending"], {"limit": _PENDING})]
    if not names:
        return 0
    made = 0
    with database.transaction() as cursor:
        lock(cursor)
        layers = effective.load(cursor, {target for target, _ in names})
        rows = cursor.all(effective.SQL["stored"], {"tables": effective.named(names)})
        for row in rows:
            if row["effective_hash"] != PENDING:
                continue  # another process has made it
            of_target = layers[row["target"]]
            errors = _refresh(cursor, catalogue, _NOBODY, [row], of_target, _target(cursor, row["target"]), "", dry_run=False)
            made += not errors
            for error in errors:
                log.warning(
                    "table %s of target %s has no rules until this is mended: %s", row["table_name"], row["target"], error
                )
    return made


def _refresh(
    cursor: Cursor,
    catalogue: Catalogue,
    caller: Caller,
    rows: Sequence[Row],
    layers: Layers,
    target: JsonObject | None,
    pointer: str,
    *,
    dry_run: bool,
) -> list[FieldError]:
    changed = []
    errors: list[FieldError] = []
    for row in rows:
        said = as_said(row["document"], row["as_written"])
        misfits = list(effective.faults(said, layers, catalogue, target))
        errors += [
            FieldError(pointer, f"does not fit table {row['table_name']}: {each.pointer.removeprefix('/')}: {each.message}")
            for each in misfits
        ]
        if misfits:
            continue
        made = effective.of_row(row, layers, catalogue)
        if not same(made.document, row["effective"]) or made.rules_hash != row["effective_hash"]:
            named = {"target": row["target"], "table_name": row["table_name"]}
            changed.append(named | {"effective": made.document, "effective_hash": made.rules_hash})
    if changed and not errors and not dry_run:
        cursor.run(tables.SQL["lock_states"], {"tables": json_value(changed)})
        cursor.run(effective.SQL["write"], {"tables": json_value(changed), "changed_by": caller.name})
    return errors


def _pages(cursor: Cursor, target: str) -> Iterator[list[Row]]:
    after = ""
    while rows := cursor.all(effective.SQL["stored_after"], {"target": target, "after": after, "limit": _AT_ONCE}):
        yield rows
        after = rows[-1]["table_name"]


def _target(cursor: Cursor, name: str) -> JsonObject | None:
    row = cursor.one("select document from stringx.targets where name = %(name)s", {"name": name})
    return row["document"] if row is not None else None
