"""Finds what is wrong with a list or mapping as a whole, which JSON Schema cannot say.

`x-bounds`: bounds of an object, or of each of a list; `x-ascending`: each item is above the one before; `x-between`:
a list with one item fewer than the list that is named; `x-some`: numbers that are not all 0.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from stringx_dataops.contract.catalogue.bounds import faults_of_bounds
from stringx_dataops.contract.documents.reading import MAX_NODES, escape_pointer
from stringx_dataops.contract.documents.values import order
from stringx_dataops.contract.json_types import JsonObject, JsonSchema
from stringx_dataops.contract.problems import FieldError

_BOUNDS = {"min": "min", "max": "max"}


def faults_of_lists(schema: JsonSchema, arguments: JsonObject, pointer: str) -> Iterator[FieldError]:
    """Faults of the arguments that are lists or mappings, one per argument at most for those that are not about single items."""
    for name, part in schema.get("properties", {}).items():
        value, place = arguments.get(name), f"{pointer}/{escape_pointer(name)}"
        if isinstance(value, list) and len(value) <= part.get("maxItems", MAX_NODES):
            yield from _faults_of_list(part, value, arguments, place)
        if isinstance(value, dict):
            if part.get("x-bounds"):
                yield from faults_of_bounds(value, _BOUNDS, place)
            yield from faults_of_lists(part, value, place)
        if isinstance(value, (list, dict)) and part.get("x-some"):
            numbers = list(value.values() if isinstance(value, dict) else value)
            if numbers and all(type(number) in (int, float) and number == 0 for number in numbers):
                yield FieldError(place, "are all 0; one of them must be above 0")


def _faults_of_list(part: JsonSchema, items: list[Any], arguments: JsonObject, place: str) -> Iterator[FieldError]:
    if part.get("x-bounds"):
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield from faults_of_bounds(item, _BOUNDS, f"{place}/{index}")
    if part.get("x-ascending"):
        wrong = (index for index, (one, next_one) in enumerate(pairwise(items), 1) if order(one, next_one) in (0, 1))
        for index in wrong:
            yield FieldError(f"{place}/{index}", "is not above the one before; list them in ascending order")
            return
    others = arguments.get(part.get("x-between", ""))
    if isinstance(others, list) and len(items) != len(others) - 1:
        name = part["x-between"]
        yield FieldError(
            place, f"has {len(items):,} items; between the {len(others):,} of {name} there must be {len(others) - 1:,}"
        )
