"""What a contract's schema says of its columns, as rules: required, unique, keys, options of types, enumerations."""

import re
from collections.abc import Iterator
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.foreign import Mapping
from stringx_dataops.exchange.odcs.operators import Lost
from stringx_dataops.exchange.sql import quoted

_FORMATS = {"email": "email", "uuid": "uuid", "ipv4": "ipv4", "ipv6": "ipv6"}
_BOUNDS = {
    "minimum": ("min", False),
    "exclusiveMinimum": ("min", True),
    "maximum": ("max", False),
    "exclusiveMaximum": ("max", True),
}
_ECMA_ALONE = re.compile(r"\\[bBcpPuxk]|\(\?[<P]")  # what PostgreSQL reads in another way than JavaScript
Found = tuple[str, str, JsonObject | Lost]  # the key that says it, words for the id, and the rule


def rules_of_property(column: str, entry: Mapping) -> Iterator[Found]:
    """The rules of a column; a Lost in place of a rule says what is lost."""
    if entry.get("required") is True:
        yield "required", f"{column}_not_null", {"type": "not_null", "column": column}
    if entry.get("unique") is True:
        yield "unique", f"{column}_unique", {"type": "unique", "column": column}
    if isinstance(entry.get("physicalType"), str):
        yield (
            "physicalType",
            f"{column}_type",
            {"type": "column_type", "column": column, "arguments": {"type": entry["physicalType"]}},
        )
    listed = entry.get("enum")
    values = [each.get("value") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if values:
        yield "enum", f"{column}_enum", {"type": "accepted_values", "column": column, "arguments": {"values": values}}
    options = entry.get("logicalTypeOptions")
    if isinstance(options, Mapping):
        kind = str(entry.get("logicalType") or "")
        yield from ((key, f"{column}_{words}", rule) for key, words, rule in _of_options(column, kind, options))


def _of_options(column: str, kind: str, options: Mapping) -> Iterator[Found]:
    lengths = {"minLength": "min", "maxLength": "max", "minItems": "min", "maxItems": "max"}
    given = {name: options[key] for key, name in lengths.items() if options.get(key) is not None}
    if given:
        yield "logicalTypeOptions", "length", {"type": "length", "column": column, "arguments": given}
    bounds: JsonObject = {}
    for key, (name, exclusive) in _BOUNDS.items():
        if options.get(key) is not None:
            bounds |= {name: options[key]} | ({f"exclusive_{name}": True} if exclusive else {})
    if bounds:
        yield "logicalTypeOptions", "between", {"type": "between", "column": column, "arguments": bounds}
    for key, value in options.items():
        if key in lengths or key in _BOUNDS or value is None:
            continue
        if key == "pattern":
            yield key, "pattern", pattern(column, value)
        elif key == "multipleOf" and isinstance(value, (int, float)):
            yield key, "multiple", {"type": "expression", "arguments": {"sql": f"mod({quoted(column)}, {value}) = 0"}}
        elif key == "format" and kind == "string":
            yield key, "format", _format(column, value)
        elif key not in ("timezone", "defaultTimezone"):
            yield key, key, Lost(f"logicalTypeOptions.{key} {value} has no rule")


def pattern(column: str, text: Any) -> JsonObject | Lost:
    """A rule for a regular expression, or a Lost if PostgreSQL reads it differently."""
    if not isinstance(text, str) or _ECMA_ALONE.search(text):
        return Lost(f"the pattern {text} means something else in PostgreSQL; write a rule of type regex")
    return {"type": "regex", "column": column, "arguments": {"pattern": text}}


def _format(column: str, name: Any) -> JsonObject | Lost:
    if not isinstance(name, str) or name not in _FORMATS:
        return Lost(f"the format {name} is none of {', '.join(_FORMATS)}")
    return {"type": "format", "column": column, "arguments": {"format": _FORMATS[name]}}
