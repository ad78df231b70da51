"""Custom SQL for Trino: exactly one condition, or one SELECT, that calls allowed functions only.

It is judged twice: by its tokens (plain ones, balanced parentheses, no word that begins something else or reads the session,
allowed functions) and by its tree. Trino's lexer reads these tokens as they are read here, so it calls nothing that is not among
them. Which tables a text may read is for Trino to say, by the rights of the target's user; a text names those of its catalog.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError

from stringx_dataops.contract.custom_sql import plain_tokens
from stringx_dataops.contract.custom_sql.plain_tokens import Token, begins_cte, fault_of_like, is_sign, is_word, nests_types
from stringx_dataops.contract.custom_sql.trino.sql_words import (
    AGGREGATES,
    ALLOWED_FUNCTIONS,
    ALSO_IN_QUERY,
    BEFORE_PARENTHESIS,
    IN_QUERY,
    INSTEAD,
    ONLY_IN_QUERY,
    REFUSED,
    WINDOWS,
)
from stringx_dataops.contract.custom_sql.trino.tables import fault_of_tables, tables_of
from stringx_dataops.contract.custom_sql.trino.tokens import tokens_of

_DIALECT = Trino()
_TYPES = _DIALECT.parser_class.TYPE_TOKENS
_LENGTHENING = frozenset(("replace", "regexp_replace"))  # their results may be as long as the product of what they are given
_NO_SELECT = "is no SELECT; write exactly one, such as select id from sales.orders where price < 0"
_NESTED_TOO_DEEPLY = "is nested too deeply; write it flatter, or make a view of it"
_FUNCTIONS_OF_QUERY = ALLOWED_FUNCTIONS | AGGREGATES | WINDOWS
_NO_CALLS_OF_QUERY = BEFORE_PARENTHESIS | IN_QUERY


@lru_cache(maxsize=500)
def fault_of_condition(sql: str) -> str | None:
    """What is wrong with the text as one condition about a row."""
    if not sql.strip():
        return "is empty; write a condition such as price > 0, or leave the field out"
    fault = _fault_of_tokens(sql, is_query=False)
    if fault is not None:
        return fault
    try:
        read = _DIALECT.tokenize(sql)
        if nests_types(read, _TYPES):
            return _NESTED_TOO_DEEPLY
        trees = _DIALECT.parser().parse_into(exp.Condition, read, sql)
    except RecursionError:
        return _NESTED_TOO_DEEPLY
    except SqlglotError:
        return "is no SQL condition; write exactly one expression"
    if len(trees) != 1 or trees[0] is None:
        return "must be exactly one SQL expression"
    for node in trees[0].walk():
        if isinstance(node, (exp.Query, exp.Table, exp.DDL, exp.DML, exp.Command)):
            return "holds a query; compare with another table by a relationship rule"
        if isinstance(node, (exp.AggFunc, exp.Window)):
            return "holds an aggregate or window function; a condition looks at one row"
        if isinstance(node, (exp.Alias, exp.Star, exp.Lambda, exp.Parameter, exp.Placeholder)):
            return "must be one condition without aliases, stars and parameters"
    return None


@lru_cache(maxsize=200)
def fault_of_query(sql: str) -> str | None:
    """What is wrong with the text as one SELECT."""
    if not sql.strip():
        return "is empty; write a SELECT that returns the rows that violate the rule"
    fault = _fault_of_tokens(sql, is_query=True)
    if fault is not None:
        return fault
    try:
        tree = _parsed(sql)
        if tree is None:
            return _NO_SELECT
        for node in tree.walk():
            more = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Lock, exp.Pivot, exp.MatchRecognize, exp.TableSample)
            if isinstance(node, more) and not isinstance(node, exp.Query):
                return "does more than read; write a plain SELECT"
            if isinstance(node, (exp.Lambda, exp.Parameter, exp.Placeholder)):
                return "holds a parameter; write the value itself"
        return fault_of_tables(tree)
    except RecursionError:
        return _NESTED_TOO_DEEPLY


def relations_of_query(sql: str) -> list[list[str]]:
    """The tables that a query reads, in lower case as Trino has them; common table expressions are none."""
    try:
        tree = _parsed(sql)
        return [] if tree is None else tables_of(tree)
    except RecursionError:
        return []


def are_too_many(texts: Collection[str]) -> bool:
    """Whether they hold more than MAX_TOKENS."""
    return plain_tokens.are_too_many(texts, tokens_of)


def bare_names(sql: str) -> list[str]:
    """The words of a condition that may be names of columns, in lower case as Trino has them."""
    return plain_tokens.bare_names(tokens_of(sql))


def _fault_of_tokens(sql: str, *, is_query: bool) -> str | None:
    tokens = tokens_of(sql)
    if isinstance(tokens, str):
        return tokens
    refused = REFUSED - ALSO_IN_QUERY if is_query else REFUSED | ONLY_IN_QUERY
    functions = _FUNCTIONS_OF_QUERY if is_query else ALLOWED_FUNCTIONS
    no_calls = _NO_CALLS_OF_QUERY if is_query else BEFORE_PARENTHESIS
    says = "a query only reads" if is_query else "a condition looks at the row alone"
    callers: list[str] = []  # what stands before each parenthesis that is open
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if token.kind == "word" and not is_sign(before, "."):
            if token.value in refused and not (token.value == "with" and is_word(after, "time")):
                return f"holds {token.value.upper()}; {says}"
            if token.value in INSTEAD and not is_sign(after, "."):
                return f"holds {token.value.upper()}, which Trino does not have; {INSTEAD[token.value]}"
            if (fault := _fault_of_word(tokens, at, after)) is not None:
                return fault
        elif token.kind == "name" and token.value.startswith("$"):
            return f'names "{token.value}", which is about the files of a table and no column'
        elif token.kind == "text" and is_sign(before, "."):
            return "holds a text behind a dot; write names in double quotes"
        elif is_sign(token, "("):
            callers.append(before.value if before is not None and before.kind == "word" else "")
            if callers[-1] in _LENGTHENING and _LENGTHENING.intersection(callers[:-1]):
                return f"calls {callers[-1]} within such a call, whose text could become too long; make a view of it"
            if before is not None and (fault := _fault_of_call(tokens, at, functions, no_calls)) is not None:
                return fault
        elif is_sign(token, ")"):
            if not callers:
                return "closes a parenthesis that it did not open"
            callers.pop()
    if is_query and tokens[0].value not in ("select", "with"):
        return _NO_SELECT
    return "opens a parenthesis that it does not close" if callers else None


def _fault_of_word(tokens: tuple[Token, ...], at: int, after: Token | None) -> str | None:
    """What is wrong with a word that may stand in some places only."""
    word = tokens[at].value
    if word == "like" and (fault := fault_of_like(tokens, at, "Trino")) is not None:
        return fault
    if word == "for" and is_word(after, "version", "timestamp", "system_version", "system_time"):
        return "holds FOR VERSION or FOR TIMESTAMP; a check reads each table as it is, on one snapshot"
    if word == "interval" and after is not None and after.kind in ("text", "number"):
        unit = tokens[at + 2] if at + 2 < len(tokens) else None
        if after.kind == "number" or after.value.strip("-+ .:0123456789") or unit is None or unit.kind != "word":
            return "holds an interval that is not Trino's; write such as interval '1' day"
    if word == "lateral" and not is_sign(after, "("):  # Trino takes the word for a table's name
        return "holds LATERAL without a query; write lateral (…)"
    if word == "values" and not is_sign(after, "("):
        return "holds VALUES without a list; write values (…)"
    return None


def _fault_of_call(tokens: tuple[Token, ...], paren: int, functions: frozenset[str], no_calls: frozenset[str]) -> str | None:
    """What stands before a parenthesis must be a sign, a keyword or an allowed function."""
    before = tokens[paren - 1]
    if before.kind == "sign":
        return None
    if before.kind in ("text", "number"):
        return "is no SQL: a parenthesis stands behind a value"
    owner = tokens[paren - 2] if paren > 1 else None
    if is_sign(owner, "."):
        return f"calls {before.value} behind a dot; functions are built in, and have no schema"
    if "with" in no_calls and (is_word(owner, "as", "with") or (is_sign(owner, ",") and begins_cte(tokens, paren))):
        return None  # a new name with a list of columns
    if before.kind == "word" and (before.value in functions or before.value in no_calls):
        return None
    return f"calls {before.value}, which is not allowed on trino"


def _parsed(sql: str) -> Any | None:
    """The tree of the query, None where it is no SELECT; RecursionError where that cannot be said."""
    try:
        read = _DIALECT.tokenize(sql)
        if nests_types(read, _TYPES):
            raise RecursionError
        trees = _DIALECT.parser().parse(read, sql)
    except SqlglotError:
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None
