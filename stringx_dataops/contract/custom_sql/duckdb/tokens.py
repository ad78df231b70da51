"""Custom SQL for DuckDB in words and signs."""

import re
from functools import lru_cache

from stringx_dataops.contract.custom_sql.plain_tokens import FAULTS, Reader, Token

_READER = Reader(
    re.compile(
        r"""
          (?P<space>[ \t\r\n]+)
        | (?P<text>'(?:[^']|'')*')
        | (?P<name>"(?:[^"]|"")+")
        | (?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)|\.\d+(?!\w))
        | (?P<word>[^\W\d]\w*)
        | (?P<sign>[-+*/%=<>!|:]+|[(),.])
        """,
        re.VERBOSE,
    ),
    signs=frozenset(
        ("(", ")", ",", ".", "::", "<=", ">=", "<>", "!=", "==", "||", "-", "+", "*", "/", "//", "%", "=", "<", ">"),
    ),
    before_sign=frozenset(("=", "<", ">", "<=", ">=", "<>", "==", "*", "/")),
    faults=FAULTS
    | {
        "[": "holds a bracket; use list_contains, or a view",
        "]": "holds a bracket; use list_contains, or a view",
        "~": "holds ~; use regexp_matches(column, pattern)",
    },
    instead={},
    folds_names=False,
)


@lru_cache(maxsize=500)
def tokens_of(sql: str) -> tuple[Token, ...] | str:
    """The tokens of the text, or what is wrong with it."""
    return _READER.tokens_of(sql)
