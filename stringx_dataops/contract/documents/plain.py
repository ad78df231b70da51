"""Numbers, booleans and nulls that JSON would write in another way than they were written (`02134`, `1.10`, `True`)."""

import re

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})[.][0-9]{0,14}[1-9]")


class Plain(str):
    """A number, boolean or null as it was written, where its own JSON text would be another one.

    By the place where it stands `written` takes the text, or `core`, the value that YAML 1.2 and JSON give it. `line` is known of
    YAML alone.
    """

    __slots__ = ("core", "line")

    core: int | float | bool | None
    line: int | None

    def __new__(cls, text: str, core: int | float | bool | None, line: int | None = None) -> "Plain":
        made = super().__new__(cls, text)
        made.core, made.line = core, line
        return made


def integer_of(text: str, line: int | None = None) -> int | Plain:
    return int(text) if _INTEGER.fullmatch(text) else Plain(text, int(text), line)


def decimal_of(text: str, line: int | None = None) -> float | Plain:
    """A float only where it is exact and has no other text: up to 15 digits, none of them superfluous."""
    value = float(text)
    exact = _DECIMAL.fullmatch(text) and len(text) <= 16 and repr(value) == text
    return value if exact else Plain(text, value, line)
