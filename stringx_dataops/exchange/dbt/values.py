"""Columns, conditions and lists of values in a dbt test, and what they are in a rule."""

import re
from typing import Any

from stringx_dataops.exchange.dbt.tests import DbtTest, Lost
from stringx_dataops.exchange.dbt.thresholds import Inexact
from stringx_dataops.exchange.sql import folded

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+"')
_WHOLE = re.compile(r"-?[0-9]{1,15}")


def column_of(text: str | None) -> tuple[str, bool]:
    """The column's name as the database has it, and True; or the text of an expression, and False. Raises Lost without any."""
    if not isinstance(text, str) or not text.strip():
        raise Lost("the test has no column")
    text = text.strip()
    return (folded(text), True) if _NAME.fullmatch(text) else (text, False)


def condition_of(where: Any) -> str | None:
    """A `where` as text, or None."""
    return str(where).strip() or None if where is not None else None


def both(*conditions: str | None) -> str | None:
    """All of the conditions as one, or None if there is none."""
    given = [each for each in conditions if each]
    return " and ".join(f"({each})" for each in given) if len(given) > 1 else given[0] if given else None


def values_of(test: DbtTest) -> list[str | int]:
    """The list `values` as dbt writes it into its SQL. Raises Lost if dbt's own SQL would be broken, and Inexact if they are
    expressions, or numbers that compare differently once they are read as the column's type."""
    values = test.argument("values")
    if not isinstance(values, list) or not values:
        raise Lost(f"{test.name} has no list of values")
    if test.argument("quote", True):
        return [value if type(value) is int else _unquoted(test, str(value)) for value in values]
    if all((isinstance(value, int) and not isinstance(value, bool)) or _WHOLE.fullmatch(str(value)) for value in values):
        return [int(value) for value in values]
    raise Inexact("its values are SQL (quote: false)")


def _unquoted(test: DbtTest, text: str) -> str:
    """The value of a text that dbt puts between single quotes as it is."""
    if "'" in text.replace("''", ""):
        raise Lost(f"{test.name}: the value {text!r} breaks dbt's own SQL; write its quote twice")
    return text.replace("''", "'")
