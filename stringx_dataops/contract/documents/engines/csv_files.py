"""Files of CSV that are a table of a DuckDB target: which, and the types of their columns."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.documents.fields import Column, Model

MOST_COLUMNS = 1000
CSV_DEFAULTS = {"delimiter": ",", "null_text": ""}  # of fields that a document leaves out
_LEAST_COLUMNS = 2
_MOST_DIGITS = 38
_TYPES = "text, boolean, smallint, integer, bigint, decimal(p,s), double, date, time, timestamp, timestamptz or uuid"
_PLAIN = frozenset(_TYPES.replace(" or ", ", ").split(", ")) - {"decimal(p,s)"}
_DECIMAL = re.compile(r"decimal\(([0-9]{1,2}),([0-9]{1,2})\)")


def digits_of(type_name: str) -> tuple[int, int] | None:
    """Of `decimal(p,s)` p and s; None for other types."""
    found = _DECIMAL.fullmatch(type_name)
    return (int(found[1]), int(found[2])) if found else None


def _type(text: str) -> str:
    if text in _PLAIN:
        return text
    digits = digits_of(text)
    if digits is None:
        raise ValueError(f"is no type; write {_TYPES}")
    if not (1 <= digits[0] <= _MOST_DIGITS and digits[1] <= digits[0]):
        raise ValueError(f"is no decimal; write decimal(p,s) with up to {_MOST_DIGITS} digits, s of them behind the point")
    return text


def _delimiter(text: str) -> str:
    if len(text) != 1 or not (text == "\t" or (text.isascii() and text.isprintable())) or text.isalnum() or text in "\"' .-+:":
        raise ValueError('is no delimiter; write one sign such as , or ; or | or "\\t"')
    return text


def _null(text: str) -> str:
    if not text.isprintable() or any(sign in text for sign in "\"',;|"):
        raise ValueError("holds a sign that delimits or quotes; write a plain text such as NULL")
    return text


def _columns(columns: dict[str, str]) -> dict[str, str]:
    if len(columns) < _LEAST_COLUMNS:  # an empty line is no row for DuckDB, and would be the NULL of a single column
        raise ValueError("must have two columns or more: an empty line is no row")
    spelled: dict[str, str] = {}
    for name in columns:
        if (other := spelled.setdefault(folded(name), name)) != name:
            raise ValueError(f"names {other} and {name}, which are one column for DuckDB")
    return columns


class CsvFiles(Model):
    """Files with a header line each, in UTF-8, quoted by `"` as RFC 4180 has it."""

    files: str
    columns: Annotated[
        dict[Column, Annotated[str, AfterValidator(_type)]], Field(max_length=MOST_COLUMNS), AfterValidator(_columns)
    ]
    delimiter: Annotated[str, AfterValidator(_delimiter)] = CSV_DEFAULTS["delimiter"]
    null_text: Annotated[str, Field(max_length=20), AfterValidator(_null)] = CSV_DEFAULTS["null_text"]
