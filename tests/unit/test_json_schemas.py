"""What of JSON Schema a rule may use: everything else is refused, in one line with its place."""

from typing import Any

import pytest

from stringx_dataops.contract.catalogue.json_schemas import (
    FORMATS,
    KEYWORDS,
    MAX_DEPTH,
    MAX_SCHEMAS,
    faults_of_json_schema,
    patterns_of,
)


def faults(schema: Any) -> list[tuple[str, str]]:
    def fault_of_pattern(pattern: str) -> str | None:
        return "is broken" if pattern == "(" else None

    return [(fault.pointer, fault.message) for fault in faults_of_json_schema(schema, "/schema", fault_of_pattern)]


def test_patterns_are_found_wherever_a_schema_stands() -> None:
    part = {"pattern": "a", "const": {"pattern": "no"}, "enum": [{"pattern": "no"}], "title": "no", "required": ["pattern"]}
    schema: dict[str, Any] = {
        "$defs": {"pattern": {"pattern": "b"}}, "properties": {"pattern": part, "const": {"pattern": "c"}}, "patternProperties": {"d": {"pattern": "e"}, "f": True},
        "items": {"not": {"pattern": "g"}}, "allOf": [{"if": {"pattern": "h"}}], "dependentSchemas": {"x": {"propertyNames": {"pattern": "i"}}}, "examples": ["no"],
    }  # fmt: skip
    assert sorted(patterns_of(schema)) == list("abcdefghi")
    assert list(patterns_of(True)) == []


def test_a_number_may_be_larger_than_double_precision_holds() -> None:
    assert faults({"minimum": 10**400, "const": -(10**400)}) == []
    assert faults({"multipleOf": float("inf")}) == [("/schema/multipleOf", "must be a number")]


def test_every_keyword_that_is_known_is_taken() -> None:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "$comment": "", "title": "", "description": "", "default": 1,
        "examples": [], "deprecated": True, "readOnly": True, "writeOnly": True, "$defs": {"a": {"type": "string"}}, "definitions": {},
        "$ref": "#/$defs/a", "type": ["object", "null"], "enum": [1, None], "const": {"a": [1.5]}, "pattern": "x", "format": FORMATS[0], "required": ["a"],
        "uniqueItems": True, "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": True}, "properties": {"a": {}}, "patternProperties": {"x": {}},
        "additionalProperties": False, "propertyNames": {}, "items": {}, "contains": {}, "not": {}, "if": {}, "then": {}, "else": {},
        "prefixItems": [{}], "allOf": [{}], "anyOf": [{}], "oneOf": [{}], "minItems": 0, "maxItems": 1, "minContains": 0, "maxContains": 1,
        "minLength": 0, "maxLength": 1, "minProperties": 0, "maxProperties": 1, "minimum": 0, "maximum": 1.5, "exclusiveMinimum": 0,
        "exclusiveMaximum": 1, "multipleOf": 0.1,
    }  # fmt: skip
    assert sorted(schema) == KEYWORDS
    assert faults(schema) == []


@pytest.mark.parametrize(
    ("schema", "pointer", "words"),
    [
        ({"propertys": {}}, "/propertys", "did you mean properties?"),
        ({"properties": {"a": {"minimun": 1}}}, "/properties/a/minimun", "did you mean minimum?"),
        ({"properties": {"a/b": {"x~y": 1}}}, "/properties/a~1b/x~0y", "is no keyword that rules take; leave it out"),
        ({"unevaluatedProperties": False}, "/unevaluatedProperties", "use additionalProperties"),
        ({"type": "int"}, "/type", "must be one of null,"),
        ({"type": []}, "/type", "must be one of null,"),
        ({"enum": []}, "/enum", "at least one value"),
        ({"const": {"a": ["x\0"]}}, "/const", "NUL"),
        ({"enum": [float("nan")]}, "/enum", "JSON has no form"),
        ({"minimum": "1"}, "/minimum", "must be a number"),
        ({"exclusiveMinimum": True}, "/exclusiveMinimum", "must be a number"),
        ({"multipleOf": 0}, "/multipleOf", "must be above 0"),
        ({"minItems": -1}, "/minItems", "whole number from 0"),
        ({"minItems": True}, "/minItems", "whole number from 0"),
        ({"minItems": 1.5}, "/minItems", "whole number from 0"),
        ({"maxLength": 10**30}, "/maxLength", "whole number from 0"),
        ({"pattern": "("}, "/pattern", "is broken"),
        ({"pattern": 5}, "/pattern", "regular expression"),
        ({"patternProperties": {"(": {}}}, "/patternProperties/(", "is broken"),
        ({"format": "hostname"}, "/format", "must be one of email"),
        ({"required": "a"}, "/required", "list of property names"),
        ({"required": ["\0"]}, "/required", "list of property names"),
        ({"dependentRequired": ["a"]}, "/dependentRequired", "object of lists"),
        ({"uniqueItems": "yes"}, "/uniqueItems", "true or false"),
        ({"items": [{}]}, "/items", "prefixItems"),
        ({"items": 1}, "/items", "must be a schema"),
        ({"allOf": []}, "/allOf", "at least one schema"),
        ({"anyOf": {"a": 1}}, "/anyOf", "at least one schema"),
        ({"properties": []}, "/properties", "by their names"),
        ({"properties": {"a\0": {}}}, "/properties/a\0", "NUL"),
        ({"$defs": {"a": 1}}, "/$defs/a", "must be a schema"),
        ({"items": {"$defs": {}}}, "/items/$defs", "put it at the root"),
        ({"$ref": "other.json"}, "/$ref", "must be #/$defs/NAME"),
        ({"$ref": "#"}, "/$ref", "must be #/$defs/NAME"),
        ({"$ref": 1}, "/$ref", "must be #/$defs/NAME"),
        ({"$ref": "#/$defs/b", "$defs": {"a": {}}}, "/$ref", "there is no #/$defs/b"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "/$ref/items/$ref", "contains itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"x": 1}}}, "/$ref/x", "is no keyword"),
    ],
)
def test_what_cannot_be_decided_is_refused(schema: Any, pointer: str, words: str) -> None:
    [(found, message)] = faults(schema)
    assert found == f"/schema{pointer}"
    assert words in message


def test_a_schema_is_bounded_also_where_references_multiply_it() -> None:
    deep: Any = True
    for _ in range(MAX_DEPTH + 1):
        deep = {"not": deep}
    assert faults(deep) == [("/schema", f"is nested more than {MAX_DEPTH} deep")]
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(8)} | {"d8": True}
    [(pointer, message)] = faults({"$ref": "#/$defs/d0", "$defs": definitions})
    assert pointer == "/schema"
    assert message.startswith(f"has more than {MAX_SCHEMAS:,} schemas")
