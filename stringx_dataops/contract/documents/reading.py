"""Reads JSON strictly: no duplicate keys, no NaN, no NUL, bounded depth and size. `yaml_reading` applies the same limits."""

import codecs
import json
import math
import re
from typing import Any, NoReturn

from stringx_dataops.contract.documents.plain import Plain, decimal_of, integer_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Malformed, invalid

MAX_BODY_BYTES = 1024 * 1024
MAX_STREAM_BYTES = 32 * MAX_BODY_BYTES  # of a YAML stream; 10,000 tables with 20 rules each take 13 to 18 MB
MAX_DEPTH = 64
MAX_NODES = 150_000  # values in one document; they are read within a second. A YAML alias counts as the values that it repeats
MAX_PATH = 2_000  # characters in the field names from the top of a document down to a value
_MARKS = (  # UTF-32 first, because its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(body: bytes, what: str = "the body", do: str = "send UTF-8") -> str:
    """Decode a body as UTF-8, without a byte order mark. Raises Malformed for any other encoding."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        for mark, name in _MARKS:
            if body.startswith(mark):
                raise Malformed(f"{what} begins with the byte order mark of {name}; {do}") from error
        raise Malformed(f"{what} is not UTF-8 (byte {error.start}); {do}") from error


def read_json(body: bytes, most: int = MAX_NODES) -> Any:
    """Parse a JSON body of at most `most` values; unusual numbers become a `Plain`.

    Raises Malformed if it is no JSON or too large, Invalid if PostgreSQL cannot hold a value of it.
    """

    def unique(pairs: list[tuple[str, Any]]) -> JsonObject:
        fields: JsonObject = {}
        for key, value in pairs:
            if key in fields:
                raise Malformed(f"the field {key[:MAX_PATH]!r} stands twice in the JSON body; keep one")
            fields[key] = value
        return fields

    def no_constant(text: str) -> NoReturn:
        raise Malformed(f"{text} is no JSON; leave the field out or write a number")

    try:
        value = json.loads(
            decode(body),
            object_pairs_hook=unique,
            parse_constant=no_constant,
            parse_int=integer_of,
            parse_float=decimal_of,
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise Malformed("the body is nested too deeply or holds a number that is too long") from error
    check_value(value, most)
    return value


def check_value(value: Any, most: int = MAX_NODES) -> None:
    """Raise Invalid for values that JSON or PostgreSQL cannot hold (NUL, lone surrogates, NaN), Malformed if there are too many
    values or they are nested too deeply."""
    errors: list[FieldError] = []
    path: list[str | int] = []
    count = 0

    def look(item: Any, length: int) -> None:
        nonlocal count
        count += 1
        if count > most:
            raise Malformed(f"the body holds too many values (over {most:,}); split it")
        if len(path) > MAX_DEPTH:
            raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        if length > MAX_PATH:
            raise Malformed(f"the names of the fields above a value take more than {MAX_PATH:,} characters; shorten them")
        if isinstance(item, dict):
            for key, inner in item.items():
                judge(key)
                path.append(key)
                look(inner, length + len(key))
                path.pop()
        elif isinstance(item, list):
            for index, inner in enumerate(item):
                path.append(index)
                look(inner, length)
                path.pop()
        else:
            judge(item)

    def judge(leaf: Any) -> None:
        if (fault := _fault(leaf)) and len(errors) <= MAX_FAULTS:
            errors.append(FieldError("".join(f"/{escape_pointer(part)}" for part in path), fault))

    look(value, 0)
    if errors:
        raise invalid(errors)


_HALF = re.compile("[\ud800-\udfff]")


def _fault(leaf: Any) -> str | None:
    if isinstance(leaf, str):
        if "\x00" in leaf:
            return "contains a NUL character, which PostgreSQL cannot hold"
        if _HALF.search(leaf):
            return "contains half of a surrogate pair; send valid Unicode"
    value = leaf.core if isinstance(leaf, Plain) else leaf
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    return None


def escape_pointer(part: str | int) -> str:
    """Escape a field name or index as one token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
