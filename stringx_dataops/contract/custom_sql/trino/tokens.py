"""Custom SQL for Trino in words and signs."""

import re
from functools import lru_cache

from stringx_dataops.contract.custom_sql.plain_tokens import FAULTS, Reader, Token

_BRACKET = "holds a bracket; use contains or element_at, or a view"
_ARROW = "holds {}; use json_extract_scalar, or a view"
_READER = Reader(
    # Trino takes `1.` for a number, too: with a dot behind it a number would be read in two ways. Its words are ASCII.
    re.compile(
        r"""
          (?P<space>[ \t\r\n]+)
        | (?P<text>'(?:[^']|'')*')
        | (?P<name>"(?:[^"]|"")+")
        | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])|\.[0-9]+(?![\w.]))
        | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?!\w))
        | (?P<sign>[-+*/%=<>!|:]+|[(),.])
        """,
        re.VERBOSE,
    ),
    signs=frozenset(("(", ")", ",", ".", "<=", ">=", "<>", "!=", "||", "-", "+", "*", "/", "%", "=", "<", ">")),
    before_sign=frozenset(("=", "<", ">", "<=", ">=", "<>", "!=", "*", "/", "%")),
    faults=FAULTS
    | {
        **dict.fromkeys("0123456789", "holds a number with a letter or a dot behind it; write such as 1, 1.0 or 1e3"),
        "[": _BRACKET,
        "]": _BRACKET,
        "`": "holds a `; write names in double quotes",
        "~": "holds ~; use regexp_like(column, pattern)",
    },
    instead={
        "::": "holds ::; write cast(… as …)",
        "==": "holds ==; write =",
        "//": "holds //; whole numbers are divided by /",
        "->": _ARROW.format("->"),
        "->>": _ARROW.format("->>"),
    },
    folds_names=True,
)


@lru_cache(maxsize=500)
def tokens_of(sql: str) -> tuple[Token, ...] | str:
    """The tokens of the text, or what is wrong with it."""
    return _READER.tokens_of(sql)
