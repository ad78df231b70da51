"""The rule type `json_schema`, against Python's `jsonschema`, and what it refuses."""

import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.checks.specification import custom_sql_facts
from stringx_dataops.contract.catalogue.json_schemas import MAX_DEPTH, MAX_SCHEMAS, faults_of_json_schema
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from tests.support.databases import Target
from tests.support.engine import CATALOGUE, Engine, gate, rule

KEYS = ("a", "b", "it's", "n.m", "ü", "items", "type")
TEXTS = ("", "a", "abc", "it's", "x1", "2026-02-28", "2026-02-30", "a@b.org", "ü😀", '\\"', "{{ x }}")
PATTERNS = ("^a", "[0-9]$", "^x[0-9]+$", "'")
MOST_DEPTH = 3


def made_up_value(chance: random.Random, depth: int = 0) -> Any:
    kinds = ["null", "boolean", "integer", "number", "string"] + ([] if depth == MOST_DEPTH else ["array", "object"] * 3)
    match chance.choice(kinds):
        case "null":
            return None
        case "boolean":
            return chance.choice([True, False])
        case "integer":
            return chance.choice([-3, 0, 1, 2, 10, 10**20])
        case "number":
            return chance.choice([-0.5, 0.5, 1.0, 2.25, 1e3])
        case "string":
            return chance.choice(TEXTS)
        case "array":
            return [made_up_value(chance, depth + 1) for _ in range(chance.randint(0, 4))]
        case _:
            return {key: made_up_value(chance, depth + 1) for key in chance.sample(KEYS, chance.randint(0, 4))}


def made_up_schema(chance: random.Random, depth: int = 0) -> Any:
    """With each keyword that rules take, but for definitions."""
    if depth == MOST_DEPTH or chance.random() < 0.1:
        return chance.choice([True, False, {}, {"type": "string"}, {"type": ["integer", "null"]}, {"minimum": 1}])

    def part() -> Any:
        return made_up_schema(chance, depth + 1)

    def parts() -> Any:
        return [part() for _ in range(chance.randint(1, 3))]

    def named(names: tuple[str, ...]) -> Any:
        return {name: part() for name in chance.sample(names, chance.randint(1, 3))}

    def number() -> Any:
        return chance.choice([-1, 0, 0.5, 1, 2.25, 1000])

    def size() -> int:
        return chance.randint(0, 3)

    def names() -> list[str]:
        return chance.sample(KEYS, chance.randint(0, 2))

    makers: dict[str, Any] = {
        "type": lambda: chance.choice(["object", "array", "string", "number", "integer", ["object", "null"], ["array", "integer", "boolean"]]),
        "enum": lambda: [made_up_value(chance, 2) for _ in range(3)],
        "const": lambda: made_up_value(chance, 2),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), number),
        "multipleOf": lambda: chance.choice([1, 2, 0.5]),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), size),
        "pattern": lambda: chance.choice(PATTERNS),
        "format": lambda: "email",
        "properties": lambda: named(KEYS),
        "patternProperties": lambda: named(PATTERNS),
        **dict.fromkeys(("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"), part),
        **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), parts),
        "dependentSchemas": lambda: named(KEYS),
        "dependentRequired": lambda: {key: names() for key in names()},
        "required": names,
        "uniqueItems": lambda: chance.choice([True, False]),
    }  # fmt: skip
    schema = {keyword: makers[keyword]() for keyword in chance.sample(sorted(makers), chance.randint(1, 4))}
    if "contains" in schema and chance.random() < 0.5:
        schema |= {"minContains": size(), "maxContains": size()}
    schema.pop("format", None) if depth == 0 else None
    return schema


def is_valid(schema: Any, value: Any) -> bool:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(value)


@pytest.mark.parametrize("column_type", ["jsonb", "json"])
def test_a_schema_allows_what_python_allows(engine: Engine, target: Target, column_type: str) -> None:
    chance = random.Random(21 if column_type == "jsonb" else 22)
    values = [made_up_value(chance) for _ in range(70)]
    schemas = [schema for schema in (made_up_schema(chance) for _ in range(160)) if isinstance(schema, dict)]
    target.execute(f'create table t (id integer primary key, "v" {column_type})')
    for number, value in enumerate(values):
        target.execute("insert into t values (%(n)s, %(v)s)", {"n": number, "v": json.dumps(value)})
    target.execute("insert into t values (-1, null)")
    rules = [rule(f"r{number}", "json_schema", "v", schema=schema) for number, schema in enumerate(schemas)]
    found = engine.rules(target, gate("t", *rules))
    allowing, forbidding = 0, 0
    for number, schema in enumerate(schemas):
        failures = sum(not is_valid(schema, value) for value in values)
        told = found[f"r{number}"]
        assert told["status"] == ("fail" if failures else "pass"), (schema, told)
        assert (told["failures"], told["total"]) == (failures, len(values) + 1), schema
        allowing += failures < len(values)
        forbidding += failures > 0
    assert allowing > 100
    assert forbidding > 100


def test_definitions_and_formats_are_followed(engine: Engine, target: Target) -> None:
    target.execute("create table t (v jsonb)")
    values = [
        {"price": {"amount": 1.25, "currency": "EUR"}, "at": "2026-01-02T03:04:05Z"},
        {"price": {"amount": 1.251, "currency": "EUR"}, "at": "2026-01-02T03:04:05Z"},
        {"price": {"amount": 2, "currency": "eur"}, "at": "2026-01-02T03:04:05+01:00"},
        {"price": {"amount": 2, "currency": "EUR"}, "at": "2026-01-02 03:04"},
        {"at": "2026-01-02T03:04:05Z"},
    ]
    for value in values:
        target.execute("insert into t values (%(v)s)", {"v": json.dumps(value)})
    money = {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {"amount": {"multipleOf": 0.01}, "currency": {"$ref": "#/$defs/code"}},
    }
    schema = {
        "$defs": {"money": money, "code": {"pattern": "^[A-Z]{3}$"}},
        "required": ["price"],
        "properties": {"price": {"$ref": "#/$defs/money"}, "at": {"format": "date-time"}},
    }
    [found] = engine.rules(target, gate("t", rule("r", "json_schema", "v", schema=schema))).values()
    assert (found["failures"], found["total"]) == (4, 5)


def test_a_pattern_that_is_none_is_found_before_any_value_meets_it(engine: Engine, target: Target) -> None:
    """It would break the scan of all rules, at the first text that it compares."""
    target.execute("create table t (v jsonb); insert into t values ('1')")
    schema = {"type": "number", "properties": {"a": {"pattern": "\\p"}}}
    rule_type = CATALOGUE.get("json_schema")
    assert rule_type is not None
    facts = custom_sql_facts(rule_type, {"schema": schema}, None, dialect_of("postgres"), {"t"})
    tested: dict[str, Any] = {**rule("r", "json_schema", "v", schema=schema), **facts}
    [found] = engine.rules(target, gate("t", tested)).values()
    assert (found["status"], found["reason"]) == ("error", "argument schema: invalid regular expression (SQLSTATE 2201B)")


def test_the_deepest_and_the_largest_schema_are_run(engine: Engine, target: Target) -> None:
    """As deep and as large as documents may have them (MAX_DEPTH, MAX_SCHEMAS)."""
    deep: Any = {"const": 1}
    value: Any = 2
    for number in range(MAX_DEPTH - 1):
        deep = {"items": deep} if number % 2 else {"properties": {"a": deep}}
        value = [value] if number % 2 else {"a": value}
    wide = {"properties": {f"p{number}": {"type": ["integer", "null"], "minimum": number} for number in range(MAX_SCHEMAS - 1)}}
    for schema in (deep, wide):
        assert not list(faults_of_json_schema(schema, "", no_fault))
    target.execute("create table t (v jsonb)")
    for each in (value, {"p7": 6}, {"p7": 7}):
        target.execute("insert into t values (%(v)s)", {"v": json.dumps(each)})
    found = engine.rules(
        target, gate("t", rule("deep", "json_schema", "v", schema=deep), rule("wide", "json_schema", "v", schema=wide))
    )
    assert [found[name]["failures"] for name in ("deep", "wide")] == [1, 1]


def no_fault(pattern: str) -> None:
    return None
