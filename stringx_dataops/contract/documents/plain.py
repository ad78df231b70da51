"""Numbers, booleans and nulls whose original text would be lost in JSON (`02134`, `1.10`, `True`)."""

import re

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})[.][0-9]{0,14}[1-9]")


class Plain(str):
    """The original text of a number, boolean or null that JSON would write differently.

    `core` is its value in YAML 1.2 and JSON. The module `written` decides by the field's schema whether the text or `core`
    counts. `line` is its line in a YAML body, None for JSON.
    """

    __slots__ = ("core", "line")

    core: int | float | bool | None
    line: int | None

    def __new__(cls, text: str, core: int | float | bool | None, line: int | None = None) -> "Plain":
        plain = super().__new__(cls, text)
        plain.core, plain.line = core, line
        return plain


def integer_of(text: str, line: int | None = None) -> int | Plain:
    """The integer in a text: an int if it has up to 15 digits, no leading zero and no plus sign, otherwise a Plain."""
    return int(text) if _INTEGER.fullmatch(text) else Plain(text, int(text), line)


def decimal_of(text: str, line: int | None = None) -> float | Plain:
    """The decimal number in a text: a float if it has up to 15 digits and `repr` gives the same text, otherwise a Plain."""
    value = float(text)
    exact = _DECIMAL.fullmatch(text) and len(text) <= 16 and repr(value) == text
    return value if exact else Plain(text, value, line)
