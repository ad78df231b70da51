"""Custom SQL in rules: exactly one condition that calls allowed functions only.

This narrows what a document can ask for; the boundary that holds is the target's role, which may SELECT and nothing else.
The text is judged twice: by its tokens (nothing that could end or comment out what surrounds it, no function that
is not allowed) and by its tree (one expression without a query in it).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from stringx_dataops.contract.custom_sql.dialect import is_of_call, not_allowed
from stringx_dataops.contract.custom_sql.limits import MAX_SQL, MAX_TOKENS
from stringx_dataops.contract.custom_sql.postgres.calls import is_no_call
from stringx_dataops.contract.custom_sql.postgres.function_sizes import FILLED_TYPES, fault_of_size
from stringx_dataops.contract.custom_sql.postgres.patterns import fault_of_pattern
from stringx_dataops.contract.custom_sql.postgres.sql_words import (
    AGGREGATE_WORDS,
    AGGREGATES,
    ALLOWED_FUNCTIONS,
    NO_CALL,
    NO_CALL_BY_GRAMMAR,
    REFUSED_WORDS,
    WORDS_BEFORE_LISTS,
)
from stringx_dataops.contract.custom_sql.postgres.tokens import is_word, name_of


@dataclass(frozen=True)
class Grammar:
    """What a custom text may hold: words that it may not, functions that it may call, what may stand before a parenthesis."""

    says: str
    refused_words: frozenset[str]
    functions: frozenset[str]
    no_call: frozenset[str]
    no_call_by_grammar: frozenset[str] = NO_CALL_BY_GRAMMAR


NESTED_TOO_DEEPLY = "is nested too deeply; write it flatter, or make a view of it"
DIALECT = Postgres()
_TYPES = DIALECT.parser_class.TYPE_TOKENS
_MOST_TYPES = 4  # within each other: sqlglot takes twice as long for each more
_CACHED = 1_000  # characters: what is repeated in many rules is short
_PLAIN = re.compile(r"[\w .,:+@/%=<>!-]*")
_MATCHED = re.compile(r"(?<![~!*])!?~\*?\s*\Z")  # what stands before a pattern
_PREFIXED = re.compile(r"(?<![\w$])[uU]&\Z")  # what stands before a name that PostgreSQL reads with escapes
_BEFORE_PARENTHESIS = re.compile(r"((?:\.\s*)?[\w$]*\"?)\s*\(")
_COMMENT = re.compile(r"--|/\*")
_QUOTED = (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NATIONAL_STRING)
CONDITION = Grammar("a condition looks at the row alone", REFUSED_WORDS, ALLOWED_FUNCTIONS, NO_CALL)
# What a dbt test puts into its query may be an aggregate, too.
_FRAGMENT = Grammar(
    "an argument is no query",
    REFUSED_WORDS - AGGREGATE_WORDS,
    ALLOWED_FUNCTIONS | AGGREGATES,
    NO_CALL | WORDS_BEFORE_LISTS,
    NO_CALL_BY_GRAMMAR | AGGREGATE_WORDS,
)


def fault_of_condition(sql: str, allow_functions: Collection[str] = ()) -> str | None:
    """What is wrong with the text as one SQL condition, in one sentence; None where it may be run."""
    allowed = frozenset(allow_functions)
    return _cached_fault(sql, allowed) if len(sql) <= _CACHED else _fault_of_condition(sql, allowed)


def fault_of_calls(sql: str, allow_functions: Collection[str], grammar: Grammar = CONDITION) -> str | None:
    """The fault of the first call of a function that is neither built in nor allowed, whatever else is wrong with the text. Told
    for each check, so texts whose words before parentheses are all known are not read further."""
    known = grammar.functions | grammar.no_call | grammar.no_call_by_grammar
    words = _BEFORE_PARENTHESIS.findall(sql)
    if not any("." in word or '"' in word or (word and word.lower() not in known) for word in words) and not _COMMENT.search(sql):
        return None
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return None  # which the server does not read, either
    found = (
        _fault_of_call(tokens, index, grammar, allow_functions)
        for index, token in enumerate(tokens)
        if index and token.token_type == TokenType.L_PAREN
    )
    return next((fault for fault in found if fault is not None and is_of_call(fault)), None)


def are_too_many(texts: Collection[str]) -> bool:
    """Whether they hold more than MAX_TOKENS; those that are no SQL, or too long for one, are refused without being parsed."""
    if sum(map(len, texts)) <= MAX_TOKENS:
        return False
    count = 0
    for text in texts:
        try:
            count += len(DIALECT.tokenize(text)) if len(text) <= MAX_SQL else 0
        except SqlglotError:
            continue
        if count > MAX_TOKENS:
            return True
    return False


def _fault_of_condition(sql: str, allow_functions: Collection[str]) -> str | None:
    if len(sql) > MAX_SQL:
        return f"is longer than {MAX_SQL:,} characters; compare with a table of values by a relationship rule"
    if not sql.strip():
        return "is empty; write a condition such as price > 0, or leave the field out"
    return _fault_of_expression(sql, CONDITION, allow_functions, may_aggregate=False)


@lru_cache(maxsize=500)
def _cached_fault(sql: str, allow_functions: frozenset[str]) -> str | None:
    return _fault_of_condition(sql, allow_functions)


def _fault_of_expression(sql: str, grammar: Grammar, allow_functions: Collection[str], *, may_aggregate: bool) -> str | None:
    tokens, fault = tokens_of(sql, grammar, allow_functions)
    if fault is not None:
        return fault
    try:
        trees = DIALECT.parser().parse_into(exp.Condition, tokens, sql)
    except (SqlglotError, RecursionError) as error:
        found = getattr(error, "errors", None) or [{}]
        near = found[0].get("highlight") if isinstance(found[0], dict) else None
        if isinstance(error, RecursionError):
            return NESTED_TOO_DEEPLY
        return f"is no SQL condition{f' (near {near!r})' if near else ''}; write exactly one expression"
    if len(trees) != 1 or trees[0] is None:
        return "must be exactly one SQL expression"
    return _fault_of_tree(trees[0], may_aggregate)


def fault_of_fragment(text: str, allow_functions: Collection[str] = ()) -> str | None:
    """What is wrong with an argument of a dbt test, which puts it into its SQL as it is: it must be a plain value or name, or one
    SQL expression. None where it may be given."""
    if len(text) > MAX_SQL:
        return f"is longer than {MAX_SQL:,} characters"
    if _is_plain(text):
        return None
    if fault := _fault_of_expression(text, _FRAGMENT, allow_functions, may_aggregate=True):
        return f"is neither a plain value nor one SQL expression: {fault}"
    quoted = [token.text for token in DIALECT.tokenize(text) if token.token_type in _QUOTED]
    if not all(map(_is_plain, quoted)):
        # a macro may put quotes around it: what stood between quotes is SQL then, such as ' || f() || '
        return "quotes more than plain words; a test may put quotes of its own around it, and then those words are SQL"
    return None


def is_fragment_of_setting(name: str, text: str, allow_functions: Collection[str] = ()) -> bool:
    """Whether an argument or a setting of a dbt test may be run as it is: a comparison is one with a number before it."""
    if name in ("warn_if", "error_if"):
        return fault_of_condition(f"0 {text}", allow_functions) is None
    if name == "where":
        return bool(text.strip()) and fault_of_condition(text, allow_functions) is None
    return fault_of_fragment(text, allow_functions) is None


def _is_plain(text: str) -> bool:
    """Whether it is neither a query nor a call nor a comment, with quotes around it and without."""
    words = {word.lower() for word in re.findall(r"\w+", text)}
    return bool(_PLAIN.fullmatch(text)) and "--" not in text and not words & (REFUSED_WORDS | {"from"})


def tokens_of(sql: str, grammar: Grammar, allow_functions: Collection[str]) -> tuple[list[Token], str | None]:
    """Its tokens, and what they say against the text: anything that could reach beyond it, or a function that is not allowed."""
    if "\x00" in sql:
        return [], "contains a NUL character, which PostgreSQL cannot hold"
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return [], "is no SQL: a quote is not closed"
    return tokens, _fault_of_tokens(sql, tokens, grammar, allow_functions)


def _fault_of_tokens(sql: str, tokens: list[Token], grammar: Grammar, allow_functions: Collection[str]) -> str | None:
    if any(token.comments for token in tokens) or "--" in _outside_quotes(sql, tokens):
        return "holds a comment; put it into the rule's description"
    opened: list[_Opened] = []
    for index, token in enumerate(tokens):
        word = token.text.lower()
        quoted = token.token_type == TokenType.IDENTIFIER
        if token.token_type == TokenType.SEMICOLON:
            return "holds a semicolon; write exactly one of it"
        if token.token_type in (TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.UNICODE_STRING):
            return "holds a string with a prefix (E'', U&'' or $$); write it as a plain '…'"
        if quoted and _PREFIXED.search(sql[max(0, token.start - 3) : token.start]):
            return 'holds a name with a prefix (U&""); write it as a plain "…"'
        if token.token_type == TokenType.STRING:
            if (fault := fault_of_pattern(token.text)) and _is_pattern(sql, tokens, index, opened):
                return fault
            continue
        if token.token_type in (TokenType.PARAMETER, TokenType.PLACEHOLDER) or (
            not quoted and word.startswith(("$", "{%", "{{"))
        ):
            return "holds a parameter; write the value itself"
        if token.token_type in (TokenType.L_BRACE, TokenType.R_BRACE) or (not quoted and word.startswith(("{", "}"))):
            return "holds a brace; conditions are no templates, write the value itself"
        if not quoted and word in grammar.refused_words and not (_is_name_part(tokens, index) or _is_time_zone(tokens, index)):
            return f"holds {word.upper()}; {grammar.says}"
        if token.token_type == TokenType.L_PAREN:
            before = tokens[index - 1] if index else None
            types = (opened[-1].types if opened else 0) + (before is not None and before.token_type in _TYPES)
            opened.append(_Opened(before.text.lower() if before is not None else "", types))
            if types > _MOST_TYPES:
                return NESTED_TOO_DEEPLY
            if index and (fault := _fault_of_call(tokens, index, grammar, allow_functions)):
                return fault
        elif token.token_type == TokenType.R_PAREN:
            if not opened:
                return "closes a parenthesis that it did not open"
            opened.pop()
        elif token.token_type == TokenType.COMMA and opened:
            opened[-1].commas += 1
    return "opens a parenthesis that it does not close" if opened else None


@dataclass
class _Opened:
    """A parenthesis that is open: what stands before it, how many of those that are open, this one
    included, stand behind the name of a type, and the commas in it so far."""

    name: str
    types: int = 0
    commas: int = 0


def _is_pattern(sql: str, tokens: list[Token], index: int, opened: list[_Opened]) -> bool:
    """Whether a string is matched against as a regular expression: by an operator, or as a function's argument."""
    start = tokens[index].start
    if _MATCHED.search(sql[max(0, start - 20) : start]):
        return True
    if not opened:
        return False
    call, said_from = opened[-1], tokens[index - 1].text.lower() == "from"
    if call.name == "substring":
        return call.commas == 1 or said_from
    return call.commas == 1 and call.name.startswith("regexp_")


def _fault_of_call(tokens: list[Token], paren: int, grammar: Grammar, allow_functions: Collection[str]) -> str | None:
    """The token before a parenthesis must be an operator, a keyword, a type with a length, a name that is being given, or an
    allowed function."""
    before = tokens[paren - 1]
    quoted = before.token_type == TokenType.IDENTIFIER
    if before.token_type == TokenType.STRING or not (quoted or is_word(before.text)):
        return None
    name = name_of(before)
    schema = None
    if paren >= 3 and tokens[paren - 2].token_type == TokenType.DOT:
        owner = tokens[paren - 3]
        schema = name_of(owner)
    if schema is None and not quoted and name in grammar.no_call:
        return fault_of_size(name, tokens, paren)
    if schema is None and not quoted and name in grammar.no_call_by_grammar and is_no_call(tokens, paren - 1):
        return None
    if schema is None and paren >= 2 and _names(tokens[paren - 2], grammar):
        return fault_of_size(name, tokens, paren) if name in FILLED_TYPES else None
    if schema in (None, "pg_catalog") and name in grammar.functions:
        return fault_of_size(name, tokens, paren)
    full = f"{schema}.{name}" if schema else name
    if full in allow_functions:
        return None
    return not_allowed(full)


def _names(token: Token, grammar: Grammar) -> bool:
    """Whether what follows the token is a new name with a list of columns, as in `as x(a, b)`."""
    return (
        "with" in grammar.no_call
        and token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
        and token.text.lower() in ("as", "with", "recursive")
    )


def _is_name_part(tokens: list[Token], index: int) -> bool:
    return index > 0 and tokens[index - 1].token_type == TokenType.DOT


def _is_time_zone(tokens: list[Token], index: int) -> bool:
    """The WITH of `timestamp with time zone`."""
    words = [token.text.lower() for token in tokens[index : index + 3]]
    return words == ["with", "time", "zone"]


def _outside_quotes(sql: str, tokens: list[Token]) -> str:
    """The text between tokens: white space, and whatever the tokenizer passed over."""
    parts, end = [], 0
    for token in tokens:
        parts.append(sql[end : token.start])
        end = token.end + 1
    return "".join([*parts, sql[end:]])


def _fault_of_tree(tree: exp.Expr, may_aggregate: bool) -> str | None:
    for node in tree.walk():
        if isinstance(node, (exp.Query, exp.Table, exp.DDL, exp.DML, exp.Command)):
            return "holds a query; compare with another table by a relationship rule"
        if isinstance(node, (exp.AggFunc, exp.Window)) and not may_aggregate:
            return "holds an aggregate or window function; a condition looks at one row"
        if isinstance(node, (exp.Parameter, exp.Placeholder, exp.SessionParameter)):
            return "holds a parameter; write the value itself"
        if isinstance(node, exp.Star) and may_aggregate and isinstance(node.parent, exp.Count):
            continue
        if isinstance(node, (exp.Alias, exp.Star, exp.PropertyEQ)):
            return "must be one condition without aliases or stars"
    return None
