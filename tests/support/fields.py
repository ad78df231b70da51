"""Every field in which a user's text reaches the system, found by walking the schemas, so that a new one is covered by itself."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest

KEY = "(name of a field)"  # a part of a path: the text is the field's name

TABLE = {
    "apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "key": ["id"], "sample_columns": ["id"],
    "gate": {"on_error": "closed", "on_warn": "open", "max_age": "1h"}, "rules": [{"id": "rows", "type": "row_count", "arguments": {"min": 0}}],
}  # fmt: skip
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "shop", "user": "reader"}
DATASET = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "all", "target": "shop", "tables": ["public.orders"]}
REQUEST = {"target": "shop", "table": "public.orders"}
OBJECTS = {
    "of": {"function": "distinct_count", "column": "c"},
    "against": {"average": 7},
}  # of arguments that are a word or an object


@dataclass(frozen=True)
class Field:
    """A place in a document: `base` is a good document, `path` where a text is put into it."""

    name: str
    base: Any
    path: tuple[str | int, ...]
    wrap: Callable[[str], Any] = str
    format: str | None = None

    def holding(self, text: str) -> Any:
        """The document with the text in this field."""
        return _put(copy.deepcopy(self.base), self.path, self.wrap(text))


def fields_of_table() -> list[Field]:
    paths = [path for path, _ in _leaves(TableDocument.model_json_schema()) if path[0] != "rules"]
    found = [Field("table:" + _pointer(path), TABLE, path) for path in paths]
    return [*found, Field("table:/table (name)", TABLE, ("table",), "public.{}".format), Field("table:/table (schema)", TABLE, ("table",), "{}.orders".format),
            Field("table:/table (quoted)", TABLE, ("table",), '"{0}"."{0}"'.format), Field("table:" + KEY, TABLE, (KEY,))]  # fmt: skip


def fields_of_target() -> list[Field]:
    paths = [path for path, _ in _leaves(PostgresTarget.model_json_schema())]
    found = [Field("target:" + _pointer(path), TARGET, path) for path in paths]
    return [
        *found,
        Field("target:/allow_functions/0 (name)", TARGET, ("allow_functions", 0), "public.{}".format),
        Field("target:" + KEY, TARGET, (KEY,)),
    ]


def fields_of_dataset() -> list[Field]:
    paths = [path for path, _ in _leaves(DatasetDocument.model_json_schema())]
    return [Field("dataset:" + _pointer(path), DATASET, path) for path in paths] + [Field("dataset:" + KEY, DATASET, (KEY,))]


def fields_of_request() -> list[Field]:
    window = REQUEST | {"window": {"column": "c", "from": "a", "to": "b"}}
    paths = [path for path, _ in _leaves(CheckRequest.model_json_schema())]
    found = [
        Field("request:" + _pointer(path), window if path[0] == "window" else REQUEST, path)
        for path in paths
        if path != ("dataset",)
    ]
    named = Field("request:/table (name)", REQUEST, ("table",), "public.{}".format)
    return [*found, Field("request:/dataset", {"target": "shop"}, ("dataset",)), named, Field("request:" + KEY, REQUEST, (KEY,))]


def fields_of_rule(rule_type: RuleType, base: dict[str, Any]) -> list[Field]:
    """Every field of a rule of this type; `base` is a good rule of it."""
    prefix = f"{rule_type.name}:"
    found = [
        Field(prefix + _pointer(path), base, path) for path, _ in _leaves(Rule.model_json_schema()) if path[0] != "arguments"
    ]
    found.append(Field(prefix + KEY, base, (KEY,)))
    found.append(Field(f"{prefix}/arguments/{KEY}", base, ("arguments", KEY)))
    for path, schema in _leaves(rule_type.arguments):
        if schema.get("x-test-arguments"):
            found += _fields_of_test(prefix, base)
        else:
            form = _formats(schema)
            found += _fields_by_name(prefix, base, path, form)
            found.append(
                Field(
                    f"{prefix}/arguments{_pointer(path)}",
                    _with_object(_without_rivals(rule_type, base, path[0]), path),
                    ("arguments", *path),
                    format=form,
                )
            )
            if form == "relation":
                found.append(
                    Field(f"{prefix}/arguments{_pointer(path)} (name)", base, ("arguments", *path), "public.{}".format, form)
                )
    return found


def good_rule(rule_type: RuleType, column: str, table: str) -> dict[str, Any]:
    """The type's own example on another table: its columns are all `column`, its tables `table`, its SQL harmless."""
    rule = copy.deepcopy(rule_type.example)
    if "column" in rule:
        rule["column"] = column
    if "columns" in rule:
        rule["columns"] = [column]
    for path, schema in _leaves(rule_type.arguments):
        value = {
            "column": column,
            "relation": table,
            "sql-condition": "true",
            "sql-query": f"select * from {table} where false",
        }.get(_formats(schema) or "")
        if value is not None and path[0] in rule.get("arguments", {}) and not _is_word(rule, path):
            rule = _put(rule, ("arguments", *path), value)
            if path[-1] == 0:
                rule["arguments"][path[0]] = [value]
    return rule


def _fields_of_test(prefix: str, base: dict[str, Any]) -> Iterator[Field]:
    """The arguments of a dbt test: texts at any depth, relations, models, names."""
    for test, arguments, path in (
        ("accepted_values", {"values": ["a"]}, ("values", 0)),
        ("accepted_values", {"values": ["a"], "quote": True}, ("quote",)),
        ("accepted_values", {"values": ["a"], "quote": False}, ("values", 0)),
        ("relationships", {"to": {"relation": "public.x"}, "field": "a"}, ("to", "relation")),
        ("relationships", {"to": {"ref": "x"}, "field": "a"}, ("to", "ref")),
        ("relationships", {"to": "x", "field": "a"}, ("to",)),
        ("relationships", {"to": {"relation": "public.x"}, "field": "a"}, ("field",)),
        ("unique", {}, (KEY,)),
        ("unique", {"deep": {}}, ("deep", KEY)),
        ("unique", {"deep": [{}]}, ("deep", 0, KEY)),
    ):  # fmt: skip
        rule = base | {"arguments": {"test": test, "arguments": arguments}}
        yield Field(
            f"{prefix}/arguments/arguments{_pointer(path)} of {test} {arguments}",
            rule,
            ("arguments", "arguments", *path),
            format="test-argument",
        )


def _fields_by_name(prefix: str, base: dict[str, Any], path: tuple[str | int, ...], form: str | None) -> Iterator[Field]:
    """Names that users give within an argument: values with weights, and what stands in a JSON Schema."""
    if path == ("weights",):
        yield Field(f"{prefix}/arguments/weights/{KEY}", base, ("arguments", *path), lambda text: {text: 1, "a": 2})
    if form != "json-schema":
        return
    named: dict[str, Callable[[str], Any]] = {
        "properties": lambda text: {text: {"type": "string"}},
        "patternProperties": lambda text: {text: {"type": "string"}},
        "dependentRequired": lambda text: {text: [text]},
        "dependentSchemas": lambda text: {text: {"required": [text]}},
        "required": lambda text: [text],
        "enum": lambda text: [text, {text: text}],
        "const": lambda text: {"a": [text]},
        "pattern": str,
        "format": str,
        "type": str,
        "$defs": lambda text: {text: {"const": text}},
    }
    for keyword, wrap in named.items():
        yield Field(f"{prefix}/arguments{_pointer(path)}/{keyword}", base, ("arguments", *path, keyword), wrap, "in json-schema")


def _leaves(
    schema: dict[str, Any], root: dict[str, Any] | None = None, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every path at which a value may stand that is no object, with its schema; a list's first item stands for all."""
    root = schema if root is None else root
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("x-test-arguments"):
        yield path, schema
        return
    forms = [
        form
        for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
        if set(form) - {"required"} and form.get("type") != "null"
    ]
    if "properties" in schema:
        for name, part in schema["properties"].items():
            yield from _leaves(part, root, (*path, name))
        return
    if isinstance(schema.get("items"), dict):
        yield from _leaves(schema["items"], root, (*path, 0))
    seen = set()
    for form in forms:
        for found in _leaves(form, root, path):
            if found[0] not in seen:
                seen.add(found[0])
                yield found[0], schema if found[0] == path else found[1]
    if not forms:
        yield path, schema


def _formats(schema: dict[str, Any]) -> str | None:
    forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return next((str(form["format"]) for form in forms if "format" in form), None)


def _without_rivals(rule_type: RuleType, base: dict[str, Any], name: str | int) -> dict[str, Any]:
    """The rule without the arguments that may not stand beside this one."""
    rule = copy.deepcopy(base)
    alternatives: Sequence[dict[str, Any]] = rule_type.arguments.get("oneOf", ())
    if any(name in form.get("required", ()) for form in alternatives):
        for form in alternatives:
            for rival in form.get("required", ()):
                if rival != name:
                    rule.get("arguments", {}).pop(rival, None)
    return rule


def _is_word(rule: dict[str, Any], path: Sequence[str | int]) -> bool:
    """Whether the path leads into an object where the rule has a word, which is another form of the same argument."""
    return len(path) > 1 and isinstance(path[1], str) and isinstance(rule.get("arguments", {}).get(path[0]), str)


def _with_object(rule: dict[str, Any], path: Sequence[str | int]) -> dict[str, Any]:
    """The rule with the whole object in the word's place, so that the text in one of its fields is all that may be wrong."""
    return _put(rule, ("arguments", path[0]), OBJECTS[str(path[0])]) if _is_word(rule, path) else rule


def _put(value: Any, path: Sequence[str | int], text: Any) -> Any:
    """The value with the text at the path; what is missing on the way is made, and `columns` takes the place of `column`."""
    if not path:
        return text
    part, rest = path[0], path[1:]
    if part == KEY:
        return (value if isinstance(value, dict) else {}) | {text: "x"}
    if isinstance(part, int):
        items = list(value) if isinstance(value, list) else []
        return [_put(items[0] if items else None, rest, text), *items[1:]]
    found = value if isinstance(value, dict) else {}
    rival = {"columns": "column", "column": "columns"}.get(part)
    if rival is not None and "id" in found:
        found = {name: item for name, item in found.items() if name != rival}
    return found | {part: _put(found.get(part), rest, text)}


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{part}" for part in path)
