"""What a table changes in the rules that its sets give it."""

from collections.abc import Iterator
from typing import Any

from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.rules import RuleFields
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError

_THRESHOLDS = frozenset({"warn_above", "fail_above", "severity"})
_COLUMNS = frozenset({"column", "columns"})


class Override(RuleFields):
    """The fields in which a set's rule differs for a table. `id` is the set's name, a dot and the rule's id in the set."""


def overridden(rule: JsonObject, override: JsonObject) -> JsonObject:
    """The set's rule with the fields of the override. Arguments are merged one by one; thresholds, and the columns, are replaced
    as a whole, because a severity excludes thresholds and a column other columns."""
    given = {name: value for name, value in override.items() if name != "id"}
    kept = dict(rule)
    for group in (_THRESHOLDS, _COLUMNS):
        if group & {name for name, value in given.items() if value is not None}:
            kept = {name: value for name, value in kept.items() if name not in group}
    if isinstance(given.get("arguments"), dict) and isinstance(kept.get("arguments"), dict):
        given["arguments"] = kept["arguments"] | given["arguments"]
    return kept | given


def faults_of_overrides(overrides: Any, pointer: str) -> Iterator[FieldError]:
    """Faults that the model does not find, in overrides as they were written."""
    seen: set[str] = set()
    for index, override in enumerate(overrides if isinstance(overrides, list) else []):
        name = override.get("id") if isinstance(override, dict) else None
        if not isinstance(name, str):
            continue
        place = f"{pointer}/{index}"
        if "." not in name:
            yield FieldError(f"{place}/id", "names no rule of a set; write the set's name, a dot and the rule's id in it")
        if name in seen:
            yield FieldError(f"{place}/id", f"{name!r} stands twice; keep one")
        seen.add(name)
        yield from _faults_of_texts(override.get("arguments"), f"{place}/arguments")


def _faults_of_texts(value: Any, pointer: str) -> Iterator[FieldError]:
    """A value that can be read in two ways: how its type reads it, only the set's rule says."""
    if isinstance(value, Plain):
        place = f"line {value.line}: " if value.line else ""
        yield FieldError(pointer, f"{place}{value} can be read as a text or as a value; quote it, or write the value plainly")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _faults_of_texts(item, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_of_texts(item, f"{pointer}/{index}")
