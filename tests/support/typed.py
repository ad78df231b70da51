"""Whether a value is of a declared type: TypedDicts, lists, dictionaries, literals and plain types."""

import types
from collections.abc import Iterator
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict


def faults(value: Any, declared: Any, place: str) -> Iterator[str]:
    """Each place where the value is of another type; a TypedDict has its declared keys alone."""
    origin, arguments = get_origin(declared), get_args(declared)
    if origin in (NotRequired, Required):
        yield from faults(value, arguments[0], place)
    elif declared is Any:
        return
    elif is_typeddict(declared):
        yield from _faults_of_keys(value, declared, place)
    elif origin in (Union, types.UnionType):
        if all(any(True for _ in faults(value, one, place)) for one in arguments):
            yield f"{place} is {value!r}, not {declared}"
    elif origin is Literal:
        if value not in arguments:
            yield f"{place} is {value!r}, not one of {arguments}"
    elif not isinstance(value, origin or declared) or (isinstance(value, bool) and declared is int):
        yield f"{place} is {value!r}, not {declared}"
    elif origin is list:
        for index, item in enumerate(value):
            yield from faults(item, arguments[0], f"{place}[{index}]")
    elif origin is dict:
        for key, item in value.items():
            yield from faults(key, arguments[0], f"a key of {place}")
            yield from faults(item, arguments[1], f"{place}.{key}")


def _faults_of_keys(value: Any, declared: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is {value!r}, not {declared.__name__}"
        return
    hints = get_type_hints(declared)
    for key in value.keys() - hints.keys():
        yield f"{place}.{key} is not declared"
    for key in declared.__required_keys__ - value.keys():
        yield f"{place}.{key} is missing"
    for key in value.keys() & hints.keys():
        yield from faults(value[key], hints[key], f"{place}.{key}")
