"""Replaces each `Plain` in a document by its text or by its value, depending on the field's JSON Schema.

The schema marks fields whose text counts with `x-written`: `value` for items of a list that are compared as the column's type,
`bound` for bounds, limits and shares. In all other fields the value of YAML 1.2 and JSON counts; it becomes a whole number if the
field allows only those.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.json_types import JsonSchema
from stringx_dataops.contract.problems import FieldError

_NULL = "is null; leave it out, or quote it where the text is meant"


def resolve_plain(value: Any, schema: dict[str, Any], pointer: str) -> tuple[Any, list[FieldError]]:
    """The value without any `Plain`, and an error for each text that could be read in two ways."""
    if not holds_plain(value):
        return value, []
    resolver = _Resolver(schema.get("$defs", {}))
    return resolver.resolve(value, [schema], pointer), resolver.errors


def holds_plain(value: Any) -> bool:
    """Whether a `Plain` stands anywhere in the value."""
    if isinstance(value, dict):
        return any(map(holds_plain, value.values()))
    if isinstance(value, list):
        return any(map(holds_plain, value))
    return isinstance(value, Plain)


def kind_of_text(schema: JsonSchema) -> str | None:
    """`x-written` of the schema or of one of its alternatives: `value`, `bound`, or None if the value counts."""
    return next((form["x-written"] for form in _forms([schema], {}) if "x-written" in form), None)


@dataclass
class _Resolver:
    """Resolves one value, and collects what is wrong with it."""

    definitions: dict[str, Any]
    errors: list[FieldError] = field(default_factory=list)

    def resolve(self, value: Any, schemas: list[dict[str, Any]], pointer: str) -> Any:
        forms = list(_forms(schemas, self.definitions))
        if isinstance(value, dict):
            return {
                key: self.resolve(item, _field(forms, key), f"{pointer}/{escape_pointer(key)}") for key, item in value.items()
            }
        if isinstance(value, list):
            items = [form["items"] for form in forms if isinstance(form.get("items"), dict)]
            if any(form.get("x-test-arguments") for form in forms):
                items = forms
            return [self.resolve(item, items, f"{pointer}/{index}") for index, item in enumerate(value)]
        return self._scalar(value, forms, pointer) if isinstance(value, Plain) else value

    def _scalar(self, plain: Plain, forms: list[dict[str, Any]], pointer: str) -> Any:
        place = f"line {plain.line}: " if plain.line else ""
        kinds = {kind for form in forms for kind in _kinds(form)}
        if any("x-written" in form for form in forms):
            if plain.core is None and "null" in kinds:
                return None
            if plain.core is None:
                self.errors.append(FieldError(pointer, f"{place}{str(plain)!r} {_NULL}"))
            return str(plain)
        if any(form.get("x-test-arguments") for form in forms) and _is_octal(plain):
            fault = f"{place}{plain} is another number for dbt; quote it, or leave the leading zero out"
            self.errors.append(FieldError(pointer, fault))
        if "integer" in kinds and "number" not in kinds and isinstance(plain.core, float) and plain.core.is_integer():
            return int(plain.core)
        return plain.core


def _is_octal(plain: Plain) -> bool:
    """Whether dbt, which reads YAML 1.1, would take the number for an octal one, because it has a leading zero."""
    digits = plain.lstrip("+-")
    return len(digits) > 1 and digits.isdigit() and digits.startswith("0")


def _forms(schemas: list[JsonSchema], definitions: JsonSchema) -> Iterator[JsonSchema]:
    """Each schema with its alternatives: those behind `$ref`, `anyOf`, `oneOf` and `allOf`."""
    for schema in schemas:
        if reference := schema.get("$ref"):
            yield from _forms([definitions[str(reference).rpartition("/")[2]]], definitions)
        yield schema
        for name in ("anyOf", "oneOf", "allOf"):
            yield from _forms([form for form in schema.get(name, ()) if isinstance(form, dict)], definitions)


def _field(forms: list[JsonSchema], key: str) -> list[JsonSchema]:
    if inside := [form for form in forms if form.get("x-test-arguments")]:
        return inside
    return [form["properties"][key] for form in forms if isinstance(form.get("properties", {}).get(key), dict)]


def _kinds(form: JsonSchema) -> list[str]:
    kinds = form.get("type", [])
    return [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]
