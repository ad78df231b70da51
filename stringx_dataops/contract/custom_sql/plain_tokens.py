"""Custom SQL in words and signs, for dialects that are judged without trust in a parser. Only plain ones are known, and all else
is a fault: so it does not matter how another parser would read it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sqlglot.tokenizer_core import Token as Parsed
from sqlglot.tokenizer_core import TokenType

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.custom_sql.limits import MAX_SQL, MAX_TOKENS

Kind = Literal["word", "name", "text", "number", "sign"]
_COMMENTS = ("--", "/*", "*/")
_MOST_TYPES = 4
# What every dialect says of a character that none knows.
FAULTS = {
    ";": "holds a semicolon; write exactly one of it",
    "$": "holds a $; write the value itself",
    "?": "holds a parameter; write the value itself",
    "{": "holds a brace; write the value itself",
    "}": "holds a brace; write the value itself",
    "'": "is no SQL: a quote is not closed",
    '"': "is no SQL: a quote is not closed",
    "\x00": "contains a NUL character",
}


@dataclass(frozen=True)
class Token:
    """A word in lower case, a name without its quotes, a text without its quotes, a number, or a sign."""

    kind: Kind
    value: str
    joined: bool  # whether nothing stands between it and the token before


@dataclass(frozen=True)
class Reader:
    """How a dialect reads tokens. `pattern` has the groups space, text, name, number, word and sign; `before_sign` are the signs
    that a + or - may follow directly, as in `a=-1`, which the dialect reads as two, too."""

    pattern: re.Pattern[str]
    signs: frozenset[str]
    before_sign: frozenset[str]
    faults: Mapping[str, str]
    instead: Mapping[str, str]
    folds_names: bool  # whether a quoted name, too, is the same in upper and lower case

    def tokens_of(self, sql: str) -> tuple[Token, ...] | str:
        """The tokens of the text, or what is wrong with it."""
        if len(sql) > MAX_SQL:
            return f"is longer than {MAX_SQL:,} characters; make a view of it"
        found = list(self._read(sql))
        faults = [each for each in found if isinstance(each, str)]
        return faults[0] if faults else tuple(each for each in found if isinstance(each, Token))

    def _read(self, sql: str) -> Iterator[Token | str]:
        at, before = 0, ""  # the kind of the token that ends here
        while at < len(sql):
            found = self.pattern.match(sql, at)
            if found is None or found.lastgroup is None:
                how = "write names with such letters in double quotes" if sql[at].isalpha() else "which is not possible here"
                yield self.faults.get(sql[at], f"holds {sql[at]!r}, {how}")
                return
            kind, text = found.lastgroup, found[0]
            if kind == "text" and before in ("word", "name", "number", "text"):
                yield "holds a string with a prefix, such as E''; write it as a plain '…'"
                return
            if "\x00" in text:
                yield self.faults["\x00"]
                return
            if kind == "sign" and any(mark in text for mark in _COMMENTS):
                yield "holds a comment; put it into the rule's description"
                return
            if kind == "sign" and text not in self.signs:
                if text[-1] not in "+-" or text[:-1] not in self.before_sign:
                    yield self.instead.get(text, f"holds {text}, which is not possible here")
                    return
                yield Token("sign", text[:-1], joined=False)
                text = text[-1]
            if kind != "space":
                yield self._token(kind, text, joined=bool(before) and before != "space")
            at, before = found.end(), kind

    def _token(self, kind: str, text: str, joined: bool) -> Token:
        match kind:
            case "text":
                return Token("text", text[1:-1].replace("''", "'"), joined)
            case "name":
                name = text[1:-1].replace('""', '"')
                return Token("name", name.lower() if self.folds_names else name, joined)
            case "number":
                return Token("number", text, joined)
            case "word":
                return Token("word", folded(text), joined)  # one that Python alone would fold to a keyword is a name
            case _:
                return Token("sign", text, joined)


TokensOf = Callable[[str], tuple[Token, ...] | str]


def is_sign(token: Token | None, value: str) -> bool:
    return token is not None and token.kind == "sign" and token.value == value


def is_word(token: Token | None, *values: str) -> bool:
    return token is not None and token.kind == "word" and token.value in values


def fault_of_like(tokens: tuple[Token, ...], at: int, engine: str) -> str | None:
    """Why a LIKE (the token there) might mean something else than on PostgreSQL, for engines that have no escape of their own: a
    backslash is one there. Its pattern must be one text without a backslash, or have an ESCAPE."""
    end = _end_of_operand(tokens, at + 1)
    if is_word(tokens[end] if end < len(tokens) else None, "escape"):
        return None
    pattern = tokens[at + 1] if at + 1 < len(tokens) else None
    if pattern is None or pattern.kind != "text":
        return rf"holds LIKE with a pattern that is no text, in which {engine} takes a backslash for a character; add ESCAPE '\'"
    if "\\" in pattern.value:
        return rf"holds a LIKE pattern with a backslash, which {engine} takes for a character; add ESCAPE '\'"
    if end < len(tokens) and tokens[end].kind == "sign" and tokens[end].value not in (")", ","):
        return f"holds LIKE with {tokens[end].value} behind its pattern; put LIKE and its pattern into parentheses"
    return None


def _end_of_operand(tokens: tuple[Token, ...], at: int) -> int:
    """Behind a value: a text, a number, a name with its parts, a call, or something in parentheses."""
    while at < len(tokens) and not is_sign(tokens[at], "("):
        if not is_sign(tokens[at + 1] if at + 1 < len(tokens) else None, "."):
            at += 1
            break
        at += 2
    if not is_sign(tokens[at] if at < len(tokens) else None, "("):
        return at
    depth = 0
    while at < len(tokens):
        depth += is_sign(tokens[at], "(") - is_sign(tokens[at], ")")
        at += 1
        if depth == 0:
            break
    return at


def are_too_many(texts: Collection[str], tokens_of: TokensOf) -> bool:
    """Whether they hold more than MAX_TOKENS."""
    if sum(map(len, texts)) <= MAX_TOKENS:
        return False
    counts = (len(tokens) for text in texts if not isinstance(tokens := tokens_of(text), str))
    return sum(counts) > MAX_TOKENS


def bare_names(tokens: tuple[Token, ...] | str) -> list[str]:
    """The words of a condition that may be names of columns."""
    if isinstance(tokens, str):
        return []
    followed = [*pairwise(tokens), (tokens[-1], None)] if tokens else []
    before: Token | None = None
    names = []
    for token, after in followed:
        is_part = (before is not None and before.value == ".") or (after is not None and after.value in (".", "("))
        if token.kind in ("word", "name") and not is_part:
            names.append(token.value)
        before = token
    return list(dict.fromkeys(names))


def begins_cte(tokens: tuple[Token, ...], paren: int) -> bool:
    """Whether `, name (a, b) as (` follows: a further common table expression with its columns."""
    at = paren + 1
    while at < len(tokens) and tokens[at].value != ")" and tokens[at].value != "(":
        at += 1
    rest = [token.value for token in tokens[at : at + 3]]
    return rest == [")", "as", "("]


def nests_types(tokens: Sequence[Parsed], types: Collection[Any]) -> bool:
    """Whether more than a few types with parentheses are within each other: sqlglot takes twice as long for each more."""
    opened: list[int] = []  # of each parenthesis that is open: how many of those up to it stand behind the name of a type
    for before, token in pairwise(tokens):
        if token.token_type == TokenType.L_PAREN:
            opened.append((opened[-1] if opened else 0) + (before.token_type in types))
            if opened[-1] > _MOST_TYPES:
                return True
        elif token.token_type == TokenType.R_PAREN and opened:
            opened.pop()
    return False
