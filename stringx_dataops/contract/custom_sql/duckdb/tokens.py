"""Custom SQL in words and signs. Only plain ones are known, and all else is a fault: so it does not matter how another parser
would read it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from stringx_dataops.contract.custom_sql.limits import MAX_SQL

Kind = Literal["word", "name", "text", "number", "sign"]
_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")+")
    | (?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)|\.\d+(?!\w))
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>[-+*/%=<>!|:]+|[(),.])
    """,
    re.VERBOSE,
)
_COMMENTS = ("--", "/*", "*/")
_SIGNS = frozenset(("(", ")", ",", ".", "::", "<=", ">=", "<>", "!=", "==", "||", "-", "+", "*", "/", "//", "%", "=", "<", ">"))
_BEFORE_SIGN = frozenset(("=", "<", ">", "<=", ">=", "<>", "==", "*", "/"))  # as in `a=-1`: DuckDB reads two signs, too
_FAULTS = {
    ";": "holds a semicolon; write exactly one of it",
    "$": "holds a $; write the value itself",
    "?": "holds a parameter; write the value itself",
    "{": "holds a brace; write the value itself",
    "}": "holds a brace; write the value itself",
    "[": "holds a bracket; use list_contains, or a view",
    "]": "holds a bracket; use list_contains, or a view",
    "'": "is no SQL: a quote is not closed",
    '"': "is no SQL: a quote is not closed",
    "~": "holds ~; use regexp_matches(column, pattern)",
    "\x00": "contains a NUL character",
}


@dataclass(frozen=True)
class Token:
    """A word in lower case, a name without its quotes, a text without its quotes, a number, or a sign."""

    kind: Kind
    value: str
    joined: bool  # whether nothing stands between it and the token before


@lru_cache(maxsize=500)
def tokens_of(sql: str) -> tuple[Token, ...] | str:
    """The tokens of the text, or what is wrong with it."""
    if len(sql) > MAX_SQL:
        return f"is longer than {MAX_SQL:,} characters; make a view of it"
    found = list(_read(sql))
    faults = [each for each in found if isinstance(each, str)]
    return faults[0] if faults else tuple(each for each in found if isinstance(each, Token))


def _read(sql: str) -> Iterator[Token | str]:
    at, before = 0, ""  # the kind of the token that ends here
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if found is None or found.lastgroup is None:
            yield _FAULTS.get(sql[at], f"holds {sql[at]!r}, which is not possible here")
            return
        kind, text = found.lastgroup, found[0]
        if kind == "text" and before in ("word", "name", "number", "text"):
            yield "holds a string with a prefix, such as E''; write it as a plain '…'"
            return
        if "\x00" in text:
            yield _FAULTS["\x00"]
            return
        if kind == "sign" and any(mark in text for mark in _COMMENTS):
            yield "holds a comment; put it into the rule's description"
            return
        if kind == "sign" and text not in _SIGNS:
            if text[-1] not in "+-" or text[:-1] not in _BEFORE_SIGN:
                yield f"holds {text}, which is not possible here"
                return
            yield Token("sign", text[:-1], joined=False)
            text = text[-1]
        if kind != "space":
            yield _token(kind, text, joined=bool(before) and before != "space")
        at, before = found.end(), kind


def _token(kind: str, text: str, joined: bool) -> Token:
    match kind:
        case "text":
            return Token("text", text[1:-1].replace("''", "'"), joined)
        case "name":
            return Token("name", text[1:-1].replace('""', '"'), joined)
        case "number":
            return Token("number", text, joined)
        case "word":
            return Token("word", text.lower(), joined)
        case _:
            return Token("sign", text, joined)
