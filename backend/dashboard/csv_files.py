"""CSV files. They hold values as they are: nothing is added to keep a spreadsheet from running one as a formula, because
that would change the data. Pages warn of such values instead."""

import json
import re
from collections.abc import Iterable
from typing import Any

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def line(row: Iterable[Any]) -> str:
    """As RFC 4180 describes. Texts stand in quotes, so that an empty one differs from NULL, which is nothing."""
    return ",".join(map(_field, row)) + "\r\n"


def may_be_formula(value: Any) -> bool:
    """Whether a spreadsheet may run the value as a formula."""
    return isinstance(value, str) and _FORMULA.match(value) is not None and _NUMBER.fullmatch(value) is None


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return _quoted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"'
