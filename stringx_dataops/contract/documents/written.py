"""Replaces each `Plain` in a document by its text or by its value, depending on the field's JSON Schema.

The schema marks fields whose text counts with `x-written`: `value` for items of a list that are compared as the column's type,
`bound` for bounds, limits and shares. In all other fields the value of YAML 1.2 and JSON counts; it becomes a whole number if the
field allows only those.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.json_types import JsonSchema
from stringx_dataops.contract.problems import FieldError

_NULL = "is null; leave it out, or quote it where the text is meant"


def resolve_plain(value: Any, schema: JsonSchema, pointer: str) -> tuple[Any, list[FieldError]]:
    """The value without any `Plain`, and an error for each text that could be read in two ways. The schema must not change."""
    if not holds_plain(value):
        return value, []
    resolver = _Resolver(pointer)
    return resolver.resolve(value, _places_of(_Same(schema)).place([schema])), resolver.errors


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


@dataclass(frozen=True)
class _Same:
    """A schema as a key: equal to itself alone."""

    schema: JsonSchema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.schema is other.schema


@lru_cache(maxsize=1000)
def _places_of(root: _Same) -> "_Places":
    return _Places(root.schema)


class _Places:
    """The places in the values of one schema. Each is worked out once: hundreds of results may have the same."""

    def __init__(self, root: JsonSchema) -> None:
        self._root = root  # kept, so that the ids of its parts stay theirs
        self._known: dict[tuple[int, ...], _Place] = {}

    def place(self, schemas: Sequence[JsonSchema]) -> "_Place":
        """The place whose values have these schemas, which are parts of the root."""
        key = tuple(map(id, schemas))
        if key not in self._known:
            self._known[key] = _Place(self, list(_forms(schemas, self._root.get("$defs", {}))))
        return self._known[key]


class _Place:
    """A field, or the items of a list: its schemas with all their alternatives."""

    def __init__(self, places: _Places, forms: list[JsonSchema]) -> None:
        self.forms = forms
        self._places = places
        self._fields: dict[str, _Place] = {}

    def field(self, key: str) -> "_Place":
        """Where the values of this field are."""
        found = self._fields.get(key)
        if found is None:
            schemas = _field(self.forms, key)
            found = self._places.place(schemas)
            if schemas and not self._has_any_field:  # so there are no more of them than the schema names
                self._fields[key] = found
        return found

    @cached_property
    def items(self) -> "_Place":
        """Where the items of a list are."""
        if self._has_any_field:
            return self._places.place(self.forms)
        return self._places.place([form["items"] for form in self.forms if isinstance(form.get("items"), dict)])

    @cached_property
    def _has_any_field(self) -> bool:
        return any(form.get("x-test-arguments") for form in self.forms)


_LEAVES = frozenset({str, int, float, bool, type(None)})


@dataclass
class _Resolver:
    """Resolves one value, which stands at a pointer, and collects what is wrong with it."""

    pointer: str
    errors: list[FieldError] = field(default_factory=list)
    _path: list[str | int] = field(default_factory=list)

    def resolve(self, value: Any, place: _Place) -> Any:
        if isinstance(value, dict):
            return {
                key: item if type(item) in _LEAVES else self._inside(key, item, place.field(key)) for key, item in value.items()
            }
        if isinstance(value, list):
            return [item if type(item) in _LEAVES else self._inside(index, item, place.items) for index, item in enumerate(value)]
        return self._scalar(value, place.forms) if isinstance(value, Plain) else value

    def _inside(self, name: str | int, value: Any, place: _Place) -> Any:
        self._path.append(name)
        resolved = self.resolve(value, place)
        self._path.pop()
        return resolved

    def _refuse(self, fault: str) -> None:
        self.errors.append(FieldError(self.pointer + "".join(f"/{escape_pointer(part)}" for part in self._path), fault))

    def _scalar(self, plain: Plain, forms: list[JsonSchema]) -> Any:
        place = f"line {plain.line}: " if plain.line else ""
        kinds = {kind for form in forms for kind in _kinds(form)}
        if any("x-written" in form for form in forms):
            if plain.core is None and "null" in kinds:
                return None
            if plain.core is None:
                self._refuse(f"{place}{str(plain)!r} {_NULL}")
            return str(plain)
        if any(form.get("x-test-arguments") for form in forms) and _is_octal(plain):
            self._refuse(f"{place}{plain} is another number for dbt; quote it, or leave the leading zero out")
        if "integer" in kinds and "number" not in kinds and isinstance(plain.core, float) and plain.core.is_integer():
            return int(plain.core)
        return plain.core


def _is_octal(plain: Plain) -> bool:
    """Whether dbt, which reads YAML 1.1, would take the number for an octal one, because it has a leading zero."""
    digits = plain.lstrip("+-")
    return len(digits) > 1 and digits.isdigit() and digits.startswith("0")


def _forms(schemas: Sequence[JsonSchema], definitions: JsonSchema) -> Iterator[JsonSchema]:
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
