"""Compares table documents by their effect: a default counts the same whether it is written out or left out."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.values import number_of
from stringx_dataops.contract.documents.written import kind_of_text
from stringx_dataops.contract.json_types import JsonObject, JsonSchema

_FIELDS = ("timezone", "on_empty")  # the fields of a document, besides its rules, that affect outcomes
_WORDS = {"description", "owner", "tags", "runbook", "message", "active"}  # fields of a rule that do not affect outcomes
_THRESHOLDS = {"warn_above", "fail_above", "severity"}


def rules_hash(document: TableDocument, catalogue: Catalogue) -> str:
    """A hash of the active rules and of everything that affects their outcome. Descriptions do not change it."""
    text = json.dumps(_effective(document, catalogue), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def same_rules(before: TableDocument, now: TableDocument, catalogue: Catalogue, as_written: bool) -> bool:
    """Whether both documents have the same effect.

    `as_written` is False if `before` was stored by a release that did not keep the original text of numbers.
    """
    old, new = _effective(before, catalogue), _effective(now, catalogue)
    return same(old, new) if as_written else _same_as_stored(old, new, catalogue)


def same_document(before: TableDocument, now: TableDocument, catalogue: Catalogue) -> bool:
    """Whether both documents are equal, descriptions and inactive rules included; defaults may be written out or left out.

    `before` was stored by an earlier release, which wrote every default and kept no text of numbers.
    """
    return _same_as_stored(_document_without_defaults(before, catalogue), _document_without_defaults(now, catalogue), catalogue)


def as_json(document: BaseModel) -> JsonObject:
    """The document as it was written, without defaults except `kind`, which tells readers what document it is."""
    kind = getattr(document, "kind", None)
    return ({} if kind is None else {"kind": kind}) | document.model_dump(mode="json", by_alias=True, exclude_unset=True)


def without_defaults(document: BaseModel) -> JsonObject:
    """The document as JSON, without fields that equal their default."""
    return document.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


def same(one: Any, other: Any) -> bool:
    """Whether both values are the same JSON text, so that 1 equals neither 1.0 nor true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _document_without_defaults(document: TableDocument, catalogue: Catalogue) -> JsonObject:
    rules = [without_defaults(rule) | _arguments(rule, catalogue.get(rule.type)) for rule in document.rules]
    return without_defaults(document) | {"rules": rules}


def _effective(document: TableDocument, catalogue: Catalogue) -> JsonObject:
    rules = [_effective_rule(rule, catalogue.get(rule.type)) for rule in document.active_rules]
    fields = {name: getattr(document, name) for name in _FIELDS}
    return {"rules": rules} | {name: value for name, value in fields.items() if value != TableDocument.model_fields[name].default}


def _effective_rule(rule: Rule, rule_type: RuleType | None) -> JsonObject:
    omitted = _WORDS | _THRESHOLDS | {"column", "arguments"}
    effective = {name: value for name, value in without_defaults(rule).items() if name not in omitted}
    effective |= {"columns": rule.all_columns} | _arguments(rule, rule_type)
    if rule.per is not None:
        effective["per"] = rule.group_columns
    if rule_type is not None and rule.dimension == rule_type.dimension:
        effective.pop("dimension", None)
    if rule_type is not None and rule_type.takes_test_arguments:  # a threshold that the rule leaves out is the dbt test's
        own = {name: value for name in sorted(_THRESHOLDS) if (value := getattr(rule, name)) is not None}
        return effective | ({"own": own} if own else {})
    if rule_type is not None and rule_type.severity is not None and rule_type.severity_of(rule.severity) != rule_type.severity:
        effective["severity"] = rule.severity
    if (rule_type is None or rule_type.decides != "bounds") and rule.thresholds != (None, 0):
        effective["above"] = [_threshold(value) for value in rule.thresholds]
    return effective


def _threshold(value: int | str | None) -> int | str | None:
    return f"{Decimal(value[:-1]).normalize():f}%" if isinstance(value, str) else value


def _arguments(rule: Rule, rule_type: RuleType | None) -> JsonObject:
    arguments = _arguments_without_defaults(rule.arguments, rule_type.arguments) if rule_type is not None else rule.arguments
    return {"arguments": arguments} if arguments else {}


def _arguments_without_defaults(arguments: JsonObject, schema: JsonSchema) -> JsonObject:
    properties, kept = schema.get("properties", {}), {}
    for name, value in arguments.items():
        part = properties.get(name, {})
        if "default" in part and same(part["default"], value):
            continue
        kept[name] = _arguments_without_defaults(value, part) if isinstance(value, dict) and "properties" in part else value
    return kept


def _same_as_stored(before: JsonObject, now: JsonObject, catalogue: Catalogue) -> bool:
    """Whether both have the same effect; `before` comes from a release that did not keep the original text of numbers."""
    old, new = before["rules"], now["rules"]
    if len(old) != len(new) or not same(before | {"rules": 0}, now | {"rules": 0}):
        return False
    return all(
        same(one | {"arguments": 0}, other | {"arguments": 0})
        and _same_values(one.get("arguments", {}), other.get("arguments", {}), _schema_of(one["type"], catalogue))
        for one, other in zip(old, new, strict=True)
    )


def _schema_of(name: str, catalogue: Catalogue) -> JsonSchema:
    rule_type = catalogue.get(name)
    return rule_type.arguments if rule_type is not None else {}


def _same_values(before: Any, now: Any, schema: JsonSchema) -> bool:
    """Compare values, where a number that an earlier release stored may be a text today.

    Bounds are equal if their values are; items of a list only if their texts are, because the engine compared texts.
    """
    kind = kind_of_text(schema)
    if isinstance(before, dict) and isinstance(now, dict):
        fields = schema.get("properties", {})
        return before.keys() == now.keys() and all(_same_values(before[key], now[key], fields.get(key, {})) for key in now)
    if isinstance(before, list) and isinstance(now, list):
        items = schema.get("items", {})
        return len(before) == len(now) and all(_same_values(*pair, items) for pair in zip(before, now, strict=True))
    if isinstance(before, (int, float)) and not isinstance(before, bool) and isinstance(now, str) and kind is not None:
        return str(before) == now or (kind == "bound" and number_of(before) == number_of(now))
    return same(before, now)
