"""Defaults and rule sets in the configuration: read, stored with versions as tables are, and applied to the tables of their
target."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

from backend.configuration import effective, refreshing
from backend.configuration.tables import ids_of_changes
from backend.configuration.versions import Stored, lock, page_of_versions, require_version, with_defaults
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen, seen_targets
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.layers import FIELD_OF_NAME, Kind, Layer, parse_layer
from stringx_dataops.contract.documents.merging import Layers
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import AuditAction, subject
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import Conflict, FieldError, NotFound, Unavailable, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
VERSIONS: dict[Kind, Pages] = {"Defaults": Pages("versions of defaults"), "RuleSet": Pages("versions of a rule set")}
MOST_RULE_SETS = 100  # of a target
_TRIES = 3


def find(database: Database, kind: Kind, name: str) -> Stored:
    """The stored document. Raises NotFound."""
    with database.transaction() as cursor:
        row = _row(cursor, kind, name)
        if row is None or not is_seen(row["target"]):
            raise _missing(cursor, kind, name)
    return Stored(row["document"], row["version"])


def versions(database: Database, kind: Kind, name: str, page: Page = FIRST) -> PageJson:
    """A page of versions, newest first; `document` is null for a deletion. Raises NotFound if there never was one."""
    with database.transaction() as cursor:
        found = page_of_versions(
            VERSIONS[kind], page, cursor, SQL["versions"], {"kind": kind, "name": name, "seen": seen_targets()}
        )
        if not found["items"]:
            raise _missing(cursor, kind, name)
    return found


def put(
    database: Database, catalogue: Catalogue, caller: Caller, kind: Kind, name: str, value: Any, if_match: str | None
) -> Stored:
    """Create or replace the document; an unchanged one gets no new version. The effective documents of the target's tables are
    made in the same transaction. Raises Invalid, also if a table would not be valid any more, or PreconditionFailed."""
    value = with_defaults(value, {"apiVersion": "stringx/v1", "kind": kind, FIELD_OF_NAME[kind]: name})
    target = value.get("target") if isinstance(value, dict) else None
    for _ in range(_TRIES):
        with database.transaction() as cursor:
            known = _known(cursor, target)
        layer = parse_layer(kind, value, catalogue, judge_of(known))
        if layer.name != name:
            raise invalid([FieldError(f"/{FIELD_OF_NAME[kind]}", f"is {layer.name!r}, and the path says {name!r}")])
        with database.transaction() as cursor:
            lock(cursor)
            if known != _known(cursor, target):
                continue
            before = _row(cursor, kind, name)
            if before is not None and not is_seen(before["target"]):
                raise Conflict(taken(name))
            require_version(if_match, before["version"] if before else None)
            if not known:
                raise invalid([FieldError("/target", Refusals(cursor).target(layer.target).detail)])
            if errors := write(cursor, catalogue, caller, {"": layer}):
                raise invalid(errors)
            after = _row(cursor, kind, name)
        assert after is not None  # just written
        return Stored(after["document"], after["version"], created=before is None)
    raise Unavailable("the target is just being changed by others; try again")


def delete(database: Database, catalogue: Catalogue, caller: Caller, kind: Kind, name: str, if_match: str | None) -> None:
    """Delete the document, as a new version. Raises NotFound, PreconditionFailed, or Invalid if a table overrides a rule of the
    set."""
    with database.transaction() as cursor:
        lock(cursor)
        before = _row(cursor, kind, name)
        if before is None or not is_seen(before["target"]):
            raise _missing(cursor, kind, name)
        require_version(if_match, before["version"])
        if errors := remove(cursor, catalogue, caller, before):
            raise invalid(errors)


def remove(cursor: Cursor, catalogue: Catalogue, caller: Caller, row: Row) -> list[FieldError]:
    """Delete a row of `find` and refresh the tables of its target; a fault for each table that does not fit without it."""
    cursor.run(SQL["delete"], {"kind": row["kind"], "name": row["name"]})
    layer = Layer(row["kind"], row["name"], row["target"], {})
    version, _ = _add_version(cursor, layer, None, caller)
    _record(cursor, caller, layer, "deleted", version)
    layers = effective.load(cursor, [row["target"]])
    errors = refreshing.refresh(cursor, catalogue, caller, row["target"], layers[row["target"]])
    return [FieldError(each.pointer, f"{layer.words} cannot be deleted: what is left {each.message}") for each in errors]


def write(cursor: Cursor, catalogue: Catalogue, caller: Caller, found: Mapping[str, Layer]) -> list[FieldError]:
    """Store these documents, by their pointer, and refresh the tables of their targets; a fault for each table that they do not
    fit. The caller holds the configuration's lock, and ends the transaction if there is a fault."""
    found = {pointer: layer for pointer, layer in found.items() if change_of(cursor, layer) != "unchanged"}
    targets = places(cursor, found)
    store(cursor, caller, found.values())
    errors: list[FieldError] = []
    for target, pointer in targets.items():
        layers = effective.load(cursor, [target])[target]
        errors += too_many(layers, pointer)
        errors += refreshing.refresh(cursor, catalogue, caller, target, layers, pointer)
    return errors


def store(cursor: Cursor, caller: Caller, found: Iterable[Layer]) -> None:
    """Write each as the next version, without its tables."""
    for layer in found:
        change, before = change_of(cursor, layer), row_of(cursor, layer)
        version, same_as = _add_version(cursor, layer, layer.document, caller)
        written = {"kind": layer.kind, "name": layer.name, "target": layer.target, "document": json_value(layer.document)}
        cursor.run(SQL["put"], written | {"version": version})
        details = _changed_rules(layer, before)
        if change == "updated" and same_as is not None:
            change, details["to"] = "rolled_back", same_as
        _record(cursor, caller, layer, change, version, details)


def _changed_rules(layer: Layer, before: Row | None) -> JsonObject:
    """What the audit log says of the rules of a set: how many a new one has, or ids of those that differ."""
    if layer.kind != "RuleSet":
        return {}
    if before is None:
        return {"rules": len(layer.document["rules"])}
    rules = ids_of_changes(before["document"], layer.document)
    return {"rules": rules} if rules else {}


def change_of(cursor: Cursor, layer: Layer) -> str:
    """The change that writing the document makes: `created`, `updated` or `unchanged`."""
    row = _row(cursor, layer.kind, layer.name)
    return "created" if row is None else "unchanged" if same(row["document"], layer.document) else "updated"


def places(cursor: Cursor, found: Mapping[str, Layer]) -> dict[str, str]:
    """The targets whose tables these documents will change, each with the pointer of its first document. A set that leaves its
    target changes the tables of both."""
    targets: dict[str, str] = {}
    for pointer, layer in found.items():
        targets.setdefault(layer.target, pointer)
        if (row := _row(cursor, layer.kind, layer.name)) is not None:
            targets.setdefault(row["target"], pointer)
    return targets


def too_many(layers: Layers, pointer: str) -> list[FieldError]:
    """A fault if the target has too many rule sets."""
    number = len(layers.rule_sets)
    words = f"is the {number}th rule set of its target; at most {MOST_RULE_SETS} are allowed"
    return [FieldError(pointer, words)] if number > MOST_RULE_SETS else []


def _add_version(cursor: Cursor, layer: Layer, document: JsonObject | None, caller: Caller) -> tuple[int, int | None]:
    """Its number, and that of an earlier version with the same document, if there is one."""
    of = {"kind": layer.kind, "name": layer.name}
    last = cursor.one(SQL["last_version"], of)
    version = int(last["version"]) + 1 if last else 1
    stored = json_value(document) if document is not None else None
    written = of | {"version": version, "target": layer.target, "document": stored, "changed_by": caller.name}
    row = cursor.one(SQL["add_version"], written)
    assert row is not None  # just written
    return version, row["same_as"]


def taken(name: str) -> str:
    """Of a rule set that the caller does not see: names of rule sets are not by target."""
    return f"the name {name} is not free; choose another name for the rule set"


def _record(cursor: Cursor, caller: Caller, layer: Layer, change: str, version: int, details: JsonObject | None = None) -> None:
    kind: Literal["defaults", "ruleset"] = "defaults" if layer.kind == "Defaults" else "ruleset"
    action = cast(AuditAction, f"{kind}.{change}")
    named = {"target": layer.target, "version": version}
    audit.record(cursor, caller, action, subject(kind, layer.name), named | (details or {}))


def row_of(cursor: Cursor, layer: Layer) -> Row | None:
    """What is stored under its name."""
    return _row(cursor, layer.kind, layer.name)


def _row(cursor: Cursor, kind: Kind, name: str) -> Row | None:
    return cursor.one(SQL["find"], {"kind": kind, "name": name})


def _known(cursor: Cursor, target: Any) -> dict[str, Any]:
    row = cursor.one(SQL["find_target"], {"name": target}) if isinstance(target, str) and is_seen(target) else None
    return {} if row is None else {str(target): row["document"]}


def _missing(cursor: Cursor, kind: Kind, name: str) -> NotFound:
    if kind == "RuleSet":
        return NotFound(f"there is no rule set {name}; send one: PUT /api/v1/rule-sets/{name}")
    return Refusals(cursor).unless_target(name, f"target {name} has no defaults; send them: PUT /api/v1/defaults/{name}")
