"""The effective documents of tables: what the defaults and rule sets of their targets add is merged when any of them changes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.configuration.versions import read_stored
from database.configuration import PENDING
from database.pool import Cursor, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.limits import MAX_TOKENS
from stringx_dataops.contract.documents.effective import as_json, rules_hash, same, same_rules
from stringx_dataops.contract.documents.merging import Layers, as_said, faults_of_merging, is_changed, merged
from stringx_dataops.contract.documents.tables import TableDocument, custom_sql_of, parse_table
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_DECIDE = ("rules", "timezone", "on_empty")


@dataclass(frozen=True)
class Effective:
    """What is stored beside a table's document; both None where the document itself is the effective one."""

    document: JsonObject | None
    rules_hash: str | None


def load(cursor: Cursor, targets: Iterable[str]) -> dict[str, Layers]:
    """What each of the targets adds to its tables."""
    found: dict[str, Layers] = {target: Layers() for target in targets}
    for row in cursor.all(SQL["layers"], {"targets": list(found)}):
        layers = found[row["target"]]
        if row["kind"] == "Defaults":
            found[row["target"]] = Layers(row["document"], layers.rule_sets)
        else:
            found[row["target"]] = Layers(layers.defaults, [*layers.rule_sets, row["document"]])
    return found


def faults(
    document: JsonObject, layers: Layers, catalogue: Catalogue, target: JsonObject | None, pointer: str = ""
) -> Iterator[FieldError]:
    """Why a table's document does not fit what its target adds. `target`: the target's document."""
    misfits = list(faults_of_merging(document, layers, pointer))
    yield from misfits
    if misfits or not layers.of_table(document["table"]).rule_sets:
        return
    whole = merged(document, layers)
    judges = judge_of({} if target is None else {str(document["target"]): target})
    if _may_be_too_much(whole):
        rules = TableDocument.model_validate(whole).rules
        if judges(str(document["target"])).dialect.are_too_many(custom_sql_of(rules, catalogue)):
            yield FieldError(
                f"{pointer}/rules", f"hold more than {MAX_TOKENS:,} words and signs of custom SQL with their rule sets'"
            )
    if document.get("overrides"):
        yield from _faults_of_overridden(document, whole, catalogue, judges, pointer)


def with_effective(
    cursor: Cursor, changed: Sequence[tuple[TableDocument, str]], layers: Mapping[str, Layers], catalogue: Catalogue
) -> list[Effective]:
    """Of documents that are written next, each with the rules_hash of its own rules."""
    named = json_value([{"target": document.target, "table_name": document.table} for document, _ in changed])
    before = {(row["target"], row["table_name"]): row for row in cursor.all(SQL["stored"], {"tables": named})}
    made = []
    for document, own_hash in changed:
        row = before.get((document.target, document.table))
        made.append(_made(as_json(document), own_hash, layers[document.target], row, catalogue))
    return made


def of_row(row: Row, layers: Layers, catalogue: Catalogue) -> Effective:
    """Of a table as it is stored."""
    return _made(as_said(row["document"], row["as_written"]), row["rules_hash"], layers, row, catalogue)


def _made(said: JsonObject, own_hash: str, layers: Layers, before: Row | None, catalogue: Catalogue) -> Effective:
    whole = merged(said, layers)
    if not is_changed(said, whole):
        return Effective(None, None)
    if before is not None and before["effective_hash"] not in (None, PENDING) and same(whole, before["effective"]):
        return Effective(whole, before["effective_hash"])
    return Effective(whole, _hash(whole, said, own_hash, before, catalogue))


def _hash(whole: JsonObject, said: JsonObject, own_hash: str, before: Row | None, catalogue: Catalogue) -> str:
    """The stored hash stays if the rules have the same effect, so that an upgrade or a new owner closes no gate."""
    if same([said.get(name) for name in _DECIDE], [whole.get(name) for name in _DECIDE]):
        return own_hash
    now = TableDocument.model_validate(whole)
    if before is not None and before["effective_hash"] != PENDING:
        stored = before["document"] if before["effective"] is None else before["effective"]
        earlier = read_stored(TableDocument, stored) if _may_be_the_same(stored, whole) else None
        is_as_written = before["effective"] is not None or before["as_written"]
        if earlier is not None and same_rules(earlier, now, catalogue, is_as_written):
            return str(before["effective_hash"] or before["rules_hash"])
    return rules_hash(now, catalogue)


def _may_be_the_same(before: JsonObject, now: JsonObject) -> bool:
    """Whether the rules of both may have the same effect: not if other rules are active, or if the time zone differs."""

    def known(document: JsonObject) -> tuple[Any, ...]:
        rules = [rule["id"] for rule in document.get("rules") or () if rule.get("active", True) is True]
        return rules, document.get("timezone", "UTC"), document.get("on_empty", "fail")

    return known(before) == known(now)


def _faults_of_overridden(
    document: JsonObject, whole: JsonObject, catalogue: Catalogue, judges: Any, pointer: str
) -> Iterator[FieldError]:
    """Faults of the set's rules with what the table overrides, at the overrides."""
    places = {override["id"]: f"{pointer}/overrides/{index}" for index, override in enumerate(document["overrides"])}
    rules = [rule for rule in whole["rules"] if rule["id"] in places]
    try:
        parse_table(whole | {"rules": rules}, catalogue, judges, is_effective=True)
    except Invalid as invalid:
        for error in invalid.errors:
            _, _, rest = error.pointer.partition("/rules/")
            number, _, field = rest.partition("/")
            if number.isdecimal():
                yield FieldError(f"{places[rules[int(number)]['id']]}/{field}", error.message)


def _may_be_too_much(document: JsonObject) -> bool:
    """Whether the texts of its rules are so long that their words are to be counted."""
    texts = (text for rule in document.get("rules") or () for text in (rule.get("where"), *_texts(rule.get("arguments"))))
    return sum(len(text) for text in texts if isinstance(text, str)) > MAX_TOKENS


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def named(tables: Collection[tuple[str, str]]) -> Any:
    """Names of tables as a parameter of the statements here."""
    return json_value([{"target": target, "table_name": table} for target, table in tables])
