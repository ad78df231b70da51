"""What of JSON Schema 2020-12 a rule may use in a schema among its arguments. Other keywords are refused: validators pass over
them, so that a schema would allow what it seems to forbid."""

import difflib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.problems import FieldError

MAX_SCHEMAS = 1000  # subschemas, each `$ref` counted with what it stands for
MAX_DEPTH = 24  # of schemas in each other, `$ref` counted as well
FORMATS = ("email", "uuid", "ipv4", "ipv6", "date", "date-time")
_TYPES = ("null", "boolean", "object", "array", "number", "integer", "string")
_ANNOTATIONS = frozenset(
    ("$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")
)
_DEFINITIONS = ("$defs", "definitions")
_OF_SCHEMA = frozenset(["additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"])
_OF_SCHEMAS = frozenset(["prefixItems", "allOf", "anyOf", "oneOf"])
_OF_NAMED_SCHEMAS = frozenset(("properties", "patternProperties", "dependentSchemas", *_DEFINITIONS))
_OF_COUNT = frozenset(f"{which}{what}" for which in ("min", "max") for what in ("Items", "Contains", "Length", "Properties"))
_OF_NUMBER = frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])
_INSTEAD = {
    "unevaluatedProperties": "use additionalProperties",
    "unevaluatedItems": "use items",
    "additionalItems": "use items beside prefixItems",
    "dependencies": "use dependentRequired or dependentSchemas",
    "$dynamicRef": "use $ref",
    "$anchor": "use $defs",
}
KEYWORDS = sorted(
    {"type", "enum", "const", "pattern", "format", "required", "uniqueItems", "dependentRequired", "$ref"}
    | _ANNOTATIONS | _OF_SCHEMA | _OF_SCHEMAS | _OF_NAMED_SCHEMAS | _OF_COUNT | _OF_NUMBER
)  # fmt: skip


def faults_of_json_schema(schema: Any, pointer: str, fault_of_pattern: Callable[[str], str | None]) -> Iterator[FieldError]:
    """Every fault of a schema, in its own words; the first alone if it is too large."""
    reader = _Reader(schema, fault_of_pattern)
    yield from reader.schema(schema, pointer, ())
    if reader.too_large:
        yield FieldError(pointer, reader.too_large)


def patterns_of(schema: Any) -> Iterator[str]:
    """The regular expressions of a schema without faults, those of its definitions included."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword == "pattern":
            yield value
        elif keyword == "patternProperties":
            yield from value
        parts = value.values() if keyword in _OF_NAMED_SCHEMAS else value if keyword in _OF_SCHEMAS else [value]
        if keyword in _OF_NAMED_SCHEMAS | _OF_SCHEMAS | _OF_SCHEMA:
            for part in parts:
                yield from patterns_of(part)


@dataclass
class _Reader:
    """One schema while it is read. `refs` is the way of references to a subschema, `depth` counts the schemas around it."""

    root: Any
    fault_of_pattern: Callable[[str], str | None]
    seen: int = 0
    too_large: str = ""
    said: set[str] = field(default_factory=set)  # pointers of which a fault was said; a definition is read once per reference

    def schema(self, schema: Any, pointer: str, refs: tuple[str, ...], depth: int = 0) -> Iterator[FieldError]:
        self.seen += 1
        if self.seen > MAX_SCHEMAS:
            self.too_large = (
                f"has more than {MAX_SCHEMAS:,} schemas, those counted again that a $ref stands for; use several rules"
            )
        elif depth > MAX_DEPTH:
            self.too_large = f"is nested more than {MAX_DEPTH} deep"
        elif isinstance(schema, dict):
            for keyword, value in schema.items():
                if not self.too_large:
                    yield from self._keyword(
                        str(keyword), value, f"{pointer}/{escape_pointer(str(keyword))}", refs, depth, schema
                    )
        elif not isinstance(schema, bool):
            yield from self._fault(pointer, "must be a schema: an object, true or false")

    def _keyword(
        self, keyword: str, value: Any, pointer: str, refs: tuple[str, ...], depth: int, schema: dict[str, Any]
    ) -> Iterator[FieldError]:
        if keyword in _OF_SCHEMA:
            if keyword == "items" and isinstance(value, list):
                yield from self._fault(pointer, "is a list; since 2020-12 that is prefixItems")
            else:
                yield from self.schema(value, pointer, refs, depth + 1)
        elif keyword in _OF_SCHEMAS:
            if not isinstance(value, list) or not value:
                yield from self._fault(pointer, "must be a list of at least one schema")
            else:
                for index, part in enumerate(value):
                    yield from self.schema(part, f"{pointer}/{index}", refs, depth + 1)
        elif keyword in _OF_NAMED_SCHEMAS:
            yield from self._named(keyword, value, pointer, refs, depth)
        elif keyword == "$ref":
            yield from self._reference(value, pointer, refs, depth)
        else:
            fault = self._fault_of_value(keyword, value, schema)
            yield from self._fault(pointer, fault) if fault else ()

    def _named(self, keyword: str, value: Any, pointer: str, refs: tuple[str, ...], depth: int) -> Iterator[FieldError]:
        if not isinstance(value, dict):
            yield from self._fault(pointer, "must be an object of schemas by their names")
            return
        if keyword in _DEFINITIONS:
            if depth:
                yield from self._fault(pointer, "stands inside another schema; put it at the root, where $ref looks")
            for name, part in value.items():
                if not isinstance(part, (dict, bool)):
                    yield from self._fault(f"{pointer}/{escape_pointer(str(name))}", "must be a schema: an object, true or false")
            return
        for name, part in value.items():
            place = f"{pointer}/{escape_pointer(str(name))}"
            fault = self.fault_of_pattern(str(name)) if keyword == "patternProperties" else _fault_of_text(str(name))
            if fault:
                yield from self._fault(place, fault)
            yield from self.schema(part, place, refs, depth + 1)

    def _reference(self, value: Any, pointer: str, refs: tuple[str, ...], depth: int) -> Iterator[FieldError]:
        parts = value.split("/") if isinstance(value, str) else []
        if len(parts) != 3 or parts[0] != "#" or parts[1] not in _DEFINITIONS or "~" in parts[2] or "%" in parts[2]:
            yield from self._fault(pointer, "must be #/$defs/NAME, where the NAME has no /, ~ or %; other places are not read")
            return
        defined = self.root.get(parts[1]) if isinstance(self.root, dict) else None
        if not isinstance(defined, dict) or parts[2] not in defined:
            yield from self._fault(pointer, f"there is no {value} in this schema")
        elif value in refs:
            yield from self._fault(pointer, f"{value} contains itself; a rule takes no recursive schema")
        else:
            yield from self.schema(defined[parts[2]], pointer, (*refs, value), depth + 1)

    def _fault_of_value(self, keyword: str, value: Any, schema: dict[str, Any]) -> str | None:
        """The fault of a keyword whose value is no schema."""
        if keyword in _OF_COUNT:
            return None if _is_count(value) else "must be a whole number from 0 to 1,000,000,000"
        if keyword in _OF_NUMBER:
            return _fault_of_number(keyword, value)
        match keyword:
            case "type":
                names = value if isinstance(value, list) else [value]
                return (
                    None
                    if names and all(name in _TYPES for name in names)
                    else f"must be one of {', '.join(_TYPES)}, or a list of them"
                )
            case "enum":
                return _fault_of_json(value) if isinstance(value, list) and value else "must be a list of at least one value"
            case "const":
                return _fault_of_json(value)
            case "pattern":
                return self.fault_of_pattern(value) if isinstance(value, str) else "must be a regular expression"
            case "format":
                known = ", ".join(FORMATS)
                return None if value in FORMATS else f"must be one of {known}; for others use pattern, or leave it out"
            case "required":
                return None if _are_names(value) else "must be a list of property names"
            case "dependentRequired":
                is_right = isinstance(value, dict) and all(
                    _are_names(names) and not _fault_of_text(str(name)) for name, names in value.items()
                )
                return None if is_right else "must be an object of lists of property names"
            case "uniqueItems":
                return None if isinstance(value, bool) else "must be true or false"
            case _:
                return None if keyword in _ANNOTATIONS else _unknown(keyword)

    def _fault(self, pointer: str, words: str) -> Iterator[FieldError]:
        """Once for each place."""
        if pointer not in self.said:
            self.said.add(pointer)
            yield FieldError(pointer, words)


def _unknown(keyword: str) -> str:
    if instead := _INSTEAD.get(keyword):
        return f"is a keyword that rules do not take; {instead}"
    close = difflib.get_close_matches(keyword[:100], KEYWORDS, n=1)
    return f"is no keyword that rules take; {f'did you mean {close[0]}?' if close else 'leave it out'}"


def _is_count(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value <= 1_000_000_000


def _fault_of_number(keyword: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(value, float) and not math.isfinite(value)):
        return "must be a number"
    return "must be above 0" if keyword == "multipleOf" and value <= 0 else None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and not _fault_of_text(name) for name in value)


def _fault_of_text(text: str) -> str | None:
    return "contains a NUL character, which PostgreSQL cannot hold" if "\0" in text else None


def _fault_of_json(value: Any) -> str | None:
    """The fault of a value that is compared as JSON, at any depth."""
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "holds a number that JSON has no form for"
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((fault for part in parts if (fault := _fault_of_json(part))), None)
