"""Writes table documents as YAML for people: fields in the usual order, short values in one line.

`read_yaml` reads the same values back.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.channels import ChannelDocument, Digest
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.expectations import Expectation
from stringx_dataops.contract.documents.routes import Quiet, RouteDocument
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.schedules import ScheduleDocument, ScheduleWindow
from stringx_dataops.contract.documents.tables import GateSettings, TableDocument
from stringx_dataops.contract.documents.yaml_reading import is_text
from stringx_dataops.contract.json_types import JsonObject

_SHORT = 90  # characters of a list or mapping in one line
_LONGEST_LINE = 1_000_000  # a document has at most as many characters, so that no text is folded
_TAG = "tag:yaml.org,2002:"
_RESOLVER = yaml.resolver.Resolver()
_MODELS: dict[str, type[BaseModel]] = {
    "Dataset": DatasetDocument,
    "Schedule": ScheduleDocument,
    "Channel": ChannelDocument,
    "Route": RouteDocument,
}
_PARTS: dict[str, type[BaseModel]] = {
    "gate": GateSettings,
    "expected_by": Expectation,
    "window": ScheduleWindow,
    "digest": Digest,
    "quiet": Quiet,
}
_TOP, _OF_RULE, _OF_GATE = list(TableDocument.model_fields), list(Rule.model_fields), list(GateSettings.model_fields)


def table_as_yaml(document: JsonObject, catalogue: Catalogue) -> str:
    """The document of a table. `kind: Table`, which is the default, is left out."""
    fields = {name: value for name, value in _ordered(document, _TOP) if name != "rules" and (name, value) != ("kind", "Table")}
    for name, names in (("gate", _OF_GATE), ("expected_by", _names(Expectation))):
        if isinstance(part := fields.get(name), dict):
            fields[name] = dict(_ordered(part, names))
    text = _block(_mapping(fields, flow=False)) if fields else ""
    rules = document.get("rules")
    if not isinstance(rules, list) or not rules or not all(isinstance(rule, dict) and rule for rule in rules):
        return text + (_block(_mapping({"rules": rules}, flow=False)) if "rules" in document else "")
    return f"{text}rules:\n{rules_as_yaml(rules, catalogue)}"


def document_as_yaml(document: JsonObject, catalogue: Catalogue) -> str:
    """The document of anything. Fields of targets, defaults and rule sets stand as they are stored."""
    kind = document.get("kind", "Table")
    if kind == "Table":
        return table_as_yaml(document, catalogue)
    fields = dict(_ordered(document, _names(_MODELS[kind]) if kind in _MODELS else ()))
    for name, model in _PARTS.items():
        if kind in _MODELS and isinstance(part := fields.get(name), dict):
            fields[name] = dict(_ordered(part, _names(model)))
    return _block(_mapping(fields, flow=False))


def _names(model: type[BaseModel]) -> list[str]:
    """Of its fields, as documents write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def rules_as_yaml(rules: Sequence[JsonObject], catalogue: Catalogue) -> str:
    """Rules as items of a list, indented by two."""
    items = [_mapping(dict(_ordered(_with_arguments(rule, catalogue), _OF_RULE)), flow=False) for rule in rules]
    text = _block(yaml.SequenceNode(f"{_TAG}seq", items, flow_style=False))
    return "".join(line if line == "\n" else f"  {line}" for line in text.splitlines(keepends=True))


def _with_arguments(rule: JsonObject, catalogue: Catalogue) -> JsonObject:
    """The rule with its arguments in the order of its type's schema."""
    rule_type, arguments = catalogue.get(str(rule.get("type"))), rule.get("arguments")
    if rule_type is None or not isinstance(arguments, dict):
        return rule
    return rule | {"arguments": dict(_ordered(arguments, list(rule_type.arguments.get("properties", {}))))}


def _ordered(fields: JsonObject, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The fields of these names first, in their order; then the others."""
    for name in (*(each for each in names if each in fields), *(each for each in fields if each not in names)):
        yield name, fields[name]


def _block(node: yaml.Node) -> str:
    text: str = yaml.serialize(node, Dumper=yaml.CSafeDumper, allow_unicode=True, width=_LONGEST_LINE)
    return text if text.endswith("\n") else f"{text}\n"  # libyaml ends a block of text without one, if that is the last value


def _node(value: Any) -> yaml.Node:
    if isinstance(value, dict):
        return _mapping(value, flow=_is_short(value))
    if isinstance(value, list):
        return yaml.SequenceNode(f"{_TAG}seq", [_node(item) for item in value], flow_style=_is_short(value))
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return _plain("null" if value is None else str(value).lower())
    return _plain(repr(value))


def _plain(text: str) -> yaml.Node:
    """A number, true, false or null, without quotes and a tag."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return yaml.ScalarNode(tag, text)


def _text(text: str, is_key: bool = False) -> yaml.Node:
    """Quoted where it would be read as something else, as a block if it has several lines."""
    style = None if is_text(text) else "'"
    if not text.isprintable():
        is_block = (
            "\n" in text.strip("\n")
            and not text[0].isspace()
            and not text.endswith("\n\n")
            and text.replace("\n", "").isprintable()
        )
        style = "|" if is_block and not is_key else '"'
    return yaml.ScalarNode(f"{_TAG}str", text, style=style)


def _is_short(value: Any) -> bool:
    """Whether the value fits into one line."""
    text = json.dumps(value, ensure_ascii=False)
    return len(text) <= _SHORT and "\\n" not in text


def _mapping(fields: JsonObject, flow: bool) -> yaml.MappingNode:
    return yaml.MappingNode(
        f"{_TAG}map", [(_text(name, is_key=True), _node(value)) for name, value in fields.items()], flow_style=flow
    )
