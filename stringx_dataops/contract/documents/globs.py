"""Patterns for names: `*` is any text, `?` any character, `[ab]`, `[a-z]` and `[!a-z]` one of a class. `[*]` is a literal `*`.

They match a whole name, and upper and lower case differ.
"""

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from stringx_dataops.contract.documents.names import is_pattern

MOST_GLOBS = 100  # in a list
MAX_GLOB = 200  # characters
_CLASS = re.compile(r"\[(!?)(\]?[^\]]*)\]")
_SIGNS = re.compile(r"[*?]")
_ESCAPED = re.compile(r"\[[*?\[\]]\]")
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)


def check_glob(text: str) -> str:
    """Return the pattern unchanged. Raises ValueError with one sentence if it is none."""
    if not 1 <= len(text) <= MAX_GLOB:
        raise ValueError(f"must have 1 to {MAX_GLOB} characters")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("holds a control character, which no pattern can have")
    rest = _CLASS.sub("", text)
    if "[" in rest:
        raise ValueError("holds [ without ]; a literal [ is written [[]")
    for match in _CLASS.finditer(text):
        if not match[2]:
            raise ValueError("holds [], which is no class; a literal [ is written [[]")
        if any(low > high for low, high in _RANGE.findall(match[2])):
            raise ValueError(f"holds {match[0]}, a range that ends before it begins")
    return text


def _without_variable(text: str) -> str:
    if "${" in text:
        raise ValueError("holds ${, and variables are not filled in; write the pattern itself")
    return text


Glob = Annotated[str, AfterValidator(check_glob)]
NameGlob = Annotated[Glob, AfterValidator(_without_variable)]  # for names of tables and datasets


def is_glob(name: str) -> bool:
    """Whether a name of a table or column, where both are allowed, is a pattern: it has a `*` or `?`."""
    return is_pattern(name)


def is_column_glob(name: str) -> bool:
    """The same for a column of a rule: any `*` or `?` makes it one."""
    return _SIGNS.search(name) is not None


def is_literal(glob: str) -> bool:
    """Whether the pattern stands for one name alone: its `*` and `?` are escaped."""
    rest = _ESCAPED.sub("", glob)
    return "[" not in rest and not is_column_glob(rest)


def literal_column(name: str) -> str:
    """The name of a column as a rule has it: with its signs escaped if it has any."""
    return re.sub(r"[*?\[]", r"[\g<0>]", name) if is_column_glob(name) else name


def name_of_literal(column: str) -> str:
    """The name of the column that such a pattern stands for."""
    return _ESCAPED.sub(lambda sign: sign[0][1], column) if is_column_glob(column) and is_literal(column) else column


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether the name matches any of the patterns."""
    return any(pattern.match(name) for pattern in _compiled(tuple(globs)))


@lru_cache(maxsize=1000)
def _compiled(globs: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(python_pattern(glob)) for glob in globs]


def python_pattern(glob: str) -> str:
    """The regular expression for Python's `re.match`. It takes no exponential time, however many `*` the pattern has."""
    return fnmatch.translate(glob)


def postgres_pattern(glob: str) -> str:
    """The regular expression of PostgreSQL that matches the same names."""
    parts, end = [], 0
    for match in re.finditer(_CLASS.pattern + r"|[*?]", glob):
        parts.append(_literal(glob[end : match.start()]))
        end = match.end()
        if match[0] in "*?":
            parts.append(".*" if match[0] == "*" else ".")
        else:
            parts.append(f"[{'^' if match[1] else ''}{_class(match[2])}]")
    return f"^(?:{''.join(parts)}{_literal(glob[end:])})$"


def _literal(text: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else f"\\{char}" for char in text)


def _class(text: str) -> str:
    """The inside of a class. A `-` between two characters is a range, any other is itself."""
    parts, index = [], 0
    while index < len(text):
        if text[index + 1 : index + 2] == "-" and index + 2 < len(text):
            parts.append(f"{_literal(text[index])}-{_literal(text[index + 2])}")
            index += 3
        else:
            parts.append(_literal(text[index]))
            index += 1
    return "".join(parts)
