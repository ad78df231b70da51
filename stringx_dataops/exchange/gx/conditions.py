"""Row conditions of Great Expectations as SQL."""

import re
from decimal import Decimal
from typing import Any

from stringx_dataops.exchange.sql import literal, quoted
from stringx_dataops.exchange.zones import plain

_COLUMN = r"""col\(["']([A-Za-z][\w.\-]*)["']\)"""
_NOT_NULL = re.compile(rf"{_COLUMN}\s*\.notnull\(\)", re.IGNORECASE)
_COMPARED = re.compile(rf"{_COLUMN}\s*(>=|<=|==|!=|>|<)\s*(.+)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_TEXT = re.compile(r""""([^"']+)"|'([^"']+)'""")
_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MOST_DEEP = 10
_PARSERS = ("great_expectations", "great_expectations__experimental__", None)


class NoRule(ValueError):
    """An expectation, or a part of it, that no rule says. The text says why."""


def sql_of(condition: Any, parser: Any) -> str | None:
    """The SQL of a `row_condition`: a text such as `col("a") > 5`, or the mapping of 1.x. Raises NoRule."""
    if condition is None or condition == "":
        return None
    if isinstance(condition, dict):
        return _of_mapping(condition, 0)
    if not isinstance(condition, str) or parser not in _PARSERS:
        raise NoRule(f"the row_condition is for the parser {parser!r}; write a `where` in SQL")
    text = condition.strip()
    if found := _NOT_NULL.fullmatch(text):
        return f"{quoted(found[1])} is not null"
    found = _COMPARED.fullmatch(text)
    if found is None:
        raise NoRule(f"the row_condition {text!r} is not understood; write a `where` in SQL")
    column, operator, value = found.groups()
    if _NUMBER.fullmatch(value):
        return f"{quoted(column)} {_OPERATORS[operator]} {plain(Decimal(value))}"
    if (words := _TEXT.fullmatch(value)) is not None:
        return f"{quoted(column)} {_OPERATORS[operator]} {literal(words[1] or words[2])}"
    raise NoRule(f"the row_condition {text!r} is not understood; write a `where` in SQL")


def _of_mapping(condition: dict[str, Any], depth: int) -> str:
    kind = condition.get("type")
    if kind in ("and", "or"):
        parts = condition.get("conditions")
        if not isinstance(parts, list) or not parts or depth > _MOST_DEEP or not all(isinstance(part, dict) for part in parts):
            raise NoRule("the row_condition is not understood; write a `where` in SQL")
        return f" {kind} ".join(f"({_of_mapping(part, depth + 1)})" for part in parts)
    column = condition.get("column")
    name = column.get("name") if isinstance(column, dict) else column
    if not isinstance(name, str) or not name:
        raise NoRule("the row_condition names no column; write a `where` in SQL")
    unknown = [key for key in condition if key not in ("type", "column", "operator", "parameter", "is_null")]
    if unknown or not isinstance(condition.get("is_null", False), bool):
        raise NoRule("the row_condition is not understood; write a `where` in SQL")
    if kind == "nullity":
        return f"{quoted(name)} is {'null' if condition.get('is_null') else 'not null'}"
    operator, value = condition.get("operator"), condition.get("parameter")
    if kind == "comparison" and operator in ("IN", "NOT_IN") and isinstance(value, list) and value:
        return f"{quoted(name)} {'in' if operator == 'IN' else 'not in'} ({', '.join(map(sql_value, value))})"
    if kind == "comparison" and operator in _OPERATORS:
        return f"{quoted(name)} {_OPERATORS[operator]} {sql_value(value)}"
    raise NoRule("the row_condition is not understood; write a `where` in SQL")


def sql_value(value: Any) -> str:
    """A value of JSON in SQL. Raises NoRule for one that SQL does not compare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        number = Decimal(str(value))
        if not number.is_finite():
            raise NoRule(f"{value} is no number that SQL compares with")
        return plain(number)
    if isinstance(value, str):
        return literal(value)
    raise NoRule(f"the value {value!r} is none that SQL compares with")
