"""Validates the arguments of a rule by the JSON Schema of its type, and by the formats for SQL, tables and columns."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema import validators as json_schema
from jsonschema.exceptions import ValidationError as SchemaError

from stringx_dataops.contract.catalogue.bounds import faults_of_bounds
from stringx_dataops.contract.catalogue.json_schemas import faults_of_json_schema
from stringx_dataops.contract.catalogue.lists import faults_of_lists
from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.custom_sql.limits import MAX_SQL
from stringx_dataops.contract.documents.durations import NO_DURATION, parse_duration
from stringx_dataops.contract.documents.names import TableName, check_identifier, fault_of_literal_name
from stringx_dataops.contract.documents.reading import MAX_NODES, escape_pointer
from stringx_dataops.contract.documents.values import duration_of, number_of
from stringx_dataops.contract.json_types import JsonObject, JsonSchema
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError

_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}")


def _are_unique(_: Any, wanted: bool, items: Any, whole: JsonSchema) -> Iterator[SchemaError]:
    """`uniqueItems` in one pass. The library compares every pair of items if they cannot be sorted."""
    if not wanted or not isinstance(items, list) or len(items) > whole.get("maxItems", MAX_NODES):
        return
    if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield SchemaError("names one twice; keep one of them")


def _items(validator: Any, schema: Any, items: Any, whole: JsonSchema) -> Iterator[SchemaError]:
    """`items`, except for a list that is longer than `maxItems`: only its length is reported."""
    if not isinstance(items, list) or len(items) <= whole.get("maxItems", MAX_NODES):
        yield from Draft202012Validator.VALIDATORS["items"](validator, schema, items, whole)


def _type(validator: Any, wanted: Any, value: Any, whole: JsonSchema) -> Iterator[SchemaError]:
    """`type`; and what is a number alone, with which macros compute, is one that double precision can hold."""
    yield from Draft202012Validator.VALIDATORS["type"](validator, wanted, value, whole)
    if wanted == "number" and isinstance(value, int) and abs(value) > sys.float_info.max:
        yield SchemaError("is too large a number", validator="number")


_Validator: Any = json_schema.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"uniqueItems": _are_unique, "items": _items, "type": _type}
)


def faults_of_arguments(rule_type: RuleType, arguments: JsonObject, pointer: str, judge: Judge) -> Iterator[FieldError]:
    """Faults of a rule's arguments, at most MAX_FAULTS by the JSON Schema; `judge` checks custom SQL."""
    for error in islice(_Validator(rule_type.arguments).iter_errors(arguments), MAX_FAULTS):
        where = pointer + "".join(f"/{escape_pointer(part)}" for part in error.absolute_path)
        yield FieldError(where, _sentence(error))
    yield from _faults_of_formats(rule_type.arguments, arguments, pointer, judge)
    yield from faults_of_bounds(arguments, rule_type.bounds, pointer)
    yield from faults_of_lists(rule_type.arguments, arguments, pointer)


def one_per_column(rule_type: RuleType) -> bool:
    """Whether an argument of the type has one item per column of the rule."""
    return any(schema.get("x-one-per-column") for schema in rule_type.arguments.get("properties", {}).values())


def faults_of_lengths(rule_type: RuleType, arguments: JsonObject, columns: int, pointer: str) -> Iterator[FieldError]:
    """A fault per argument that must have one item per column of the rule (`x-one-per-column`) and has another number."""
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        given = len(value) if isinstance(value, list) else 1
        if schema.get("x-one-per-column") and value is not None and columns not in (0, given):
            yield FieldError(f"{pointer}/{escape_pointer(name)}", f"names {given}, and the rule has {columns}; give one for each")


def _sentence(error: SchemaError) -> str:
    schema, wanted = _mapping(error.schema), error.validator_value
    match error.validator:
        case "required":
            return f"the argument {str(error.message).split(' ')[0]} is missing"
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            return f"{error.message.split('(')[-1].rstrip(')')}; known arguments: {', '.join(known) or 'none'}"
        case "type":
            if schema.get("format") == "duration":
                return NO_DURATION
            return f"must be {' or '.join(_TYPES[each] for each in (wanted if isinstance(wanted, list) else [wanted]))}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted if isinstance(wanted, list) else []))}"
        case "anyOf" | "oneOf" | "minProperties" | "pattern":
            return str(schema.get("errorMessage") or "fits none of the forms that this type takes")
        case "maxItems" | "minItems":
            return f"has {len(_list(error.instance)):,} items; it takes at {_MOST[error.validator]} {wanted:,}"
        case "maxLength" | "minLength":
            return f"has {len(str(error.instance)):,} characters; it takes at {_MOST[error.validator]} {wanted:,}"
        case _:
            return error.message[:200]


_TYPES = {
    "array": "a list", "object": "a mapping", "string": "a text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "null",
}  # fmt: skip
_MOST = {"maxItems": "most", "maxLength": "most", "minItems": "least", "minLength": "least"}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(schema: object) -> JsonSchema:
    return schema if isinstance(schema, dict) else {}


def _faults_of_formats(schema: JsonSchema, value: Any, pointer: str, judge: Judge) -> Iterator[FieldError]:
    if schema.get("x-test-arguments"):
        yield from _faults_of_test_arguments(value, pointer)
    elif schema.get("format") == "json-schema":
        yield from islice(faults_of_json_schema(value, pointer, judge.dialect.fault_of_pattern), MAX_FAULTS)
    elif isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _faults_of_formats(part, value[name], f"{pointer}/{escape_pointer(name)}", judge)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value[: schema.get("maxItems")]):
            yield from _faults_of_formats(schema["items"], item, f"{pointer}/{index}", judge)
    elif isinstance(value, str):
        forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if not any(value in form.get("enum", ()) for form in forms):
            for form in forms:
                if fault := _fault_of_format(form, value, judge):
                    yield FieldError(pointer, fault)
    if isinstance(value, list):
        for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _faults_of_formats(form, value, pointer, judge)


def _faults_of_test_arguments(value: Any, pointer: str) -> Iterator[FieldError]:
    """Faults of a dbt test's arguments, at any depth. Whether a text is safe as SQL is decided when the test is rendered."""
    if isinstance(value, dict) and list(value) in (["relation"], ["ref"]):
        ((kind, name),) = value.items()
        fault = (
            "must be a text"
            if not isinstance(name, str)
            else _fault_of(TableName.parse if kind == "relation" else check_identifier, name)
        )
        if fault:
            yield FieldError(f"{pointer}/{kind}", fault)
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{pointer}/{escape_pointer(key)}"
            if not _ARGUMENT.fullmatch(key) or key in ("model", "column_name"):
                yield FieldError(place, "is no argument that can be given; the table and the column are the rule's own")
            yield from _faults_of_test_arguments(item, place)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_of_test_arguments(item, f"{pointer}/{index}")
    elif isinstance(value, str) and "\x00" in value:
        yield FieldError(pointer, "contains a NUL character, which PostgreSQL cannot hold")
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        yield FieldError(
            pointer, "holds a Jinja expression, which is not evaluated here; write the value itself, or {ref: model}"
        )


def _fault_of_format(form: JsonSchema, value: str, judge: Judge) -> str | None:
    if len(value) > form.get("maxLength", MAX_SQL):
        return None if "maxLength" in form else f"has {len(value):,} characters; it takes at most {MAX_SQL:,}"
    match form.get("format"):
        case "sql-condition":
            return judge.fault_of_condition(value)
        case "sql-query":
            return judge.fault_of_query(value)
        case "duration":
            if fault := _fault_of(parse_duration, value):
                return fault
            return "must be longer than 0s" if "exclusiveMinimum" in form and not duration_of(value) else None
        case "pattern":
            return judge.dialect.fault_of_pattern(value)
        case "type":
            return judge.dialect.fault_of_type_name(value)
        case "relation":
            return judge.fault_of_relation(value) or fault_of_literal_name(value)
        case "column":
            return _fault_of(check_identifier, value)
        case "day":
            return _fault_of(_check_day, value)
        case "decimal":
            return _fault_of_decimal(form, number_of(value))
        case _:
            return None


def _check_day(text: str) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError("is no date; write it as 2026-12-25")


def _fault_of_decimal(form: JsonSchema, number: Decimal | None) -> str | None:
    """The fault of a number that was given as text, by the schema's limits; None if there is none."""
    if number is None:
        return "must be a number"
    if "minimum" in form and number < form["minimum"]:
        return f"must be at least {form['minimum']}"
    if "maximum" in form and number > form["maximum"]:
        return f"must be at most {form['maximum']}"
    if "exclusiveMinimum" in form and number <= form["exclusiveMinimum"]:
        return f"must be above {form['exclusiveMinimum']}"
    return None


def _fault_of(parse: Any, value: str) -> str | None:
    try:
        parse(value)
    except ValueError as error:
        return str(error)
    return None
