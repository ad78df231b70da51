"""What a table's document says in effect: its defaults, and those of its rules' arguments, are the same said or not."""

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

_FIELDS = ("timezone", "on_empty")  # of a document: with its rules, all that decides
_WORDS = {"description", "owner", "tags", "runbook", "message", "active"}  # of a rule: they decide nothing
_THRESHOLDS = {"warn_above", "fail_above", "severity"}


def rules_hash(document: TableDocument, catalogue: Catalogue) -> str:
    """Names the set of active rules and all that decides their outcome; words about them leave it alone."""
    text = json.dumps(_effective(document, catalogue), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def same_rules(before: TableDocument, now: TableDocument, catalogue: Catalogue, as_written: bool) -> bool:
    """Whether both decide the same. `as_written` is false where `before` was stored by a release that kept no text of numbers."""
    old, new = _effective(before, catalogue), _effective(now, catalogue)
    return same(old, new) if as_written else _same_of_before(old, new, catalogue)


def same_document(before: TableDocument, now: TableDocument, catalogue: Catalogue) -> bool:
    """Whether both say the same, words and inactive rules included; `before` was stored with every default."""
    return _same_of_before(_said(before, catalogue), _said(now, catalogue), catalogue)


def said(document: BaseModel) -> dict[str, Any]:
    """As JSON, without what equals its default."""
    return document.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


def same(one: Any, other: Any) -> bool:
    """As JSON texts, for which 1 is neither 1.0 nor true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _said(document: TableDocument, catalogue: Catalogue) -> dict[str, Any]:
    rules = [said(rule) | _arguments(rule, catalogue.get(rule.type)) for rule in document.rules]
    return said(document) | {"rules": rules}


def _effective(document: TableDocument, catalogue: Catalogue) -> dict[str, Any]:
    rules = [_effective_rule(rule, catalogue.get(rule.type)) for rule in document.active_rules]
    fields = {name: getattr(document, name) for name in _FIELDS}
    return {"rules": rules} | {name: value for name, value in fields.items() if value != TableDocument.model_fields[name].default}


def _effective_rule(rule: Rule, rule_type: RuleType | None) -> dict[str, Any]:
    found = said(rule)
    found = {name: value for name, value in found.items() if name not in _WORDS | _THRESHOLDS | {"column", "arguments"}}
    found |= {"columns": rule.all_columns} | _arguments(rule, rule_type)
    if rule_type is not None and rule.dimension == rule_type.dimension:
        found.pop("dimension", None)
    if rule_type is not None and rule_type.takes_test_arguments:  # one that is not said is the test's own
        own = {name: value for name in sorted(_THRESHOLDS) if (value := getattr(rule, name)) is not None}
        return found | ({"own": own} if own else {})
    if (rule_type is None or rule_type.decides != "bounds") and rule.thresholds != (None, 0):
        found["above"] = [_threshold(value) for value in rule.thresholds]
    return found


def _threshold(value: int | str | None) -> int | str | None:
    return f"{Decimal(value[:-1]).normalize():f}%" if isinstance(value, str) else value


def _arguments(rule: Rule, rule_type: RuleType | None) -> dict[str, Any]:
    found = _without_defaults(rule.arguments, rule_type.arguments) if rule_type is not None else rule.arguments
    return {"arguments": found} if found else {}


def _without_defaults(arguments: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    properties, found = schema.get("properties", {}), {}
    for name, value in arguments.items():
        part = properties.get(name, {})
        if "default" in part and same(part["default"], value):
            continue
        found[name] = _without_defaults(value, part) if isinstance(value, dict) and "properties" in part else value
    return found


def _same_of_before(before: dict[str, Any], now: dict[str, Any], catalogue: Catalogue) -> bool:
    old, new = before["rules"], now["rules"]
    if len(old) != len(new) or not same(before | {"rules": 0}, now | {"rules": 0}):
        return False
    return all(
        same(one | {"arguments": 0}, other | {"arguments": 0})
        and _same_values(one.get("arguments", {}), other.get("arguments", {}), _schema_of(one["type"], catalogue))
        for one, other in zip(old, new, strict=True)
    )


def _schema_of(name: str, catalogue: Catalogue) -> dict[str, Any]:
    rule_type = catalogue.get(name)
    return rule_type.arguments if rule_type is not None else {}


def _same_values(before: Any, now: Any, schema: dict[str, Any]) -> bool:
    """A number that an earlier release stored may be a text today. A bound is the same by its value, an item of a list only where
    the engine compared with the same text."""
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
