"""The JSON Schema of all documents, for editors: `python -m stringx_dataops.contract.documents.json_schema` writes its file.

It is made from the models and from the catalogue of rule types. It refuses nothing that the Backend takes; the Backend refuses
more: names, SQL, durations and what depends on other documents.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from stringx_dataops.contract.adapters import DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.defaults import DefaultsDocument
from stringx_dataops.contract.documents.field_descriptions import DESCRIPTIONS, EXAMPLES
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.rule_sets import RuleSetDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import MODELS, described
from stringx_dataops.contract.json_types import JsonSchema
from stringx_dataops.contract.settings import ROOT

FILE = ROOT / "docs" / "stringx.schema.json"
COMMAND = "python -m stringx_dataops.contract.documents.json_schema"
_DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that editors read completely
# Keywords that mean something else elsewhere (a duration of JSON Schema is P1D), or are stricter than the Backend.
_LEFT_OUT = {"format", "uniqueItems", "title"}


def models() -> dict[str, type[BaseModel]]:
    """The model of each kind of document."""
    return {
        "Table": TableDocument,
        "Dataset": DatasetDocument,
        "Target": described(),
        "Defaults": DefaultsDocument,
        "RuleSet": RuleSetDocument,
        "Schedule": ScheduleDocument,
        "Channel": ChannelDocument,
        "Route": RouteDocument,
    }


def schema(catalogue: Catalogue) -> JsonSchema:
    """The schema of one document of any kind. A file is a stream of them, and editors hold each against it."""
    by_kind = models()
    _, made = models_json_schema([(model, "validation") for model in by_kind.values()], ref_template="#/definitions/{model}")
    definitions = {name: _described(name, _plain(part)) for name, part in made["$defs"].items()}
    definitions["Rule"] = _rule(definitions["Rule"], catalogue)
    definitions["TargetDocument"] = _by_adapter(definitions["TargetDocument"])
    others = [kind for kind in by_kind if kind != "Table"]
    branches: list[JsonSchema] = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/definitions/{by_kind[kind].__name__}"},
        }
        for kind in others
    ]
    branches.append(
        {
            "if": {"not": {"properties": {"kind": {"enum": others}}, "required": ["kind"]}},
            "then": {"$ref": f"#/definitions/{by_kind['Table'].__name__}"},
        }
    )
    return {
        "$schema": _DRAFT,
        "title": "StringX DataOps: documents of tables, datasets, targets, defaults, rule sets, schedules, channels and routes",
        "type": "object",
        "properties": {
            "apiVersion": {"const": "stringx/v1", "description": "always stringx/v1"},
            "kind": {"enum": list(by_kind), "default": "Table", "description": "what the document is about; Table by default"},
        },
        "required": ["apiVersion"],
        "allOf": branches,
        "definitions": definitions,
    }


def as_text(catalogue: Catalogue) -> str:
    """The schema as its file has it."""
    return json.dumps(schema(catalogue), indent=1, ensure_ascii=False) + "\n"


def _plain(part: Any, *, names: bool = False) -> Any:
    """The schema without keywords that mean nothing to editors. `names`: the keys are names of fields."""
    if isinstance(part, dict):
        if not names and "x-written" in part and "type" in part:  # True is a text there, and a boolean for editors
            part = part | {"type": [*dict.fromkeys((*_listed(part["type"]), "boolean"))]}
        kept = {name: value for name, value in part.items() if names or not (name in _LEFT_OUT or name.startswith("x-"))}
        return {
            name: _plain(value, names=not names and name in ("properties", "definitions")) if name != "default" else value
            for name, value in kept.items()
        }
    return [_plain(item) for item in part] if isinstance(part, list) else part


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _described(name: str, part: JsonSchema) -> JsonSchema:
    """With the descriptions of its fields, each beside what the field allows."""
    words = DESCRIPTIONS.get(name, {})
    fields = part.get("properties", {})
    found = part | {"properties": {each: _field(each, words.get(each), schema) for each, schema in fields.items()}}
    return found | ({"description": " ".join(str(part["description"]).split())} if "description" in part else {})


def _field(name: str, words: str | None, part: JsonSchema) -> JsonSchema:
    if "$ref" in part:  # beside which draft 7 reads nothing
        part = {"allOf": [{"$ref": part["$ref"]}], **{key: value for key, value in part.items() if key != "$ref"}}
    if part.get("default", 0) is None:
        part = {key: value for key, value in part.items() if key != "default"}
    if "patternProperties" in part:  # the names that there may be
        part = {"additionalProperties": False} | part
    if name in EXAMPLES and "examples" not in part:
        part = part | {"examples": EXAMPLES[name]}
    return part | {"description": words} if words else part


def _by_adapter(part: JsonSchema) -> JsonSchema:
    """A target, whose fields depend on its adapter."""
    named = {"enum": list(MODELS), "default": DEFAULT_ADAPTER, "description": "the engine of the database"}
    others = [adapter for adapter in MODELS if adapter != DEFAULT_ADAPTER]
    branches: list[JsonSchema] = [
        {
            "if": {"properties": {"adapter": {"const": adapter}}, "required": ["adapter"]},
            "then": {"$ref": f"#/definitions/{MODELS[adapter].__name__}"},
        }
        for adapter in others
    ]
    branches.append(
        {
            "if": {"not": {"properties": {"adapter": {"enum": others}}, "required": ["adapter"]}},
            "then": {"$ref": f"#/definitions/{MODELS[DEFAULT_ADAPTER].__name__}"},
        }
    )
    return {"description": part["description"], "properties": {"adapter": named}, "allOf": branches}


def _rule(part: JsonSchema, catalogue: Catalogue) -> JsonSchema:
    """A rule, whose arguments depend on its type."""
    types = list(catalogue)
    names = {
        "enum": [each.name for each in types],
        "enumDescriptions": [each.description for each in types],
        "description": "the rule type",
    }
    properties = part["properties"] | {"type": names, "arguments": {"type": "object", "description": "by the type"}}
    return part | {"properties": properties, "allOf": [_of_type(each) for each in types]}


def _of_type(rule_type: RuleType) -> JsonSchema:
    arguments = _plain(rule_type.arguments) | {"description": f"of {rule_type.name}: {rule_type.description}"}
    then: JsonSchema = {"properties": {"arguments": arguments}}
    if not Draft202012Validator(rule_type.arguments).is_valid({}):
        then["required"] = ["arguments"]
    if rule_type.max_columns is not None and rule_type.max_columns > 0:
        then["properties"]["columns"] = {"maxItems": rule_type.max_columns}
    if rule_type.min_columns > 0:
        then["anyOf"] = list(_columns(rule_type))
        then["errorMessage"] = f"{rule_type.name} needs {'a column' if rule_type.max_columns == 1 else 'column or columns'}"
    if rule_type.example:
        then["examples"] = [rule_type.example]
    return {"if": {"properties": {"type": {"const": rule_type.name}}, "required": ["type"]}, "then": then}


def _columns(rule_type: RuleType) -> Iterator[JsonSchema]:
    if rule_type.min_columns == 1:
        yield {"required": ["column"]}
    yield {"required": ["columns"]}


def main(file: Path = FILE) -> None:
    """Write the file from the models and the catalogue in `stringx/`."""
    file.write_text(as_text(Catalogue.load(ROOT / "stringx")), encoding="utf-8")


if __name__ == "__main__":
    main()
