"""Names after a dot in custom SQL. PostgreSQL reads `t.f` as the function f of t's row where t has no column f, and `(x).f` as
f(x) where x has no field f, so each must be a column or a field; whether it is, mostly the target alone can tell.

A name is [kind, tables, column, name], which the engine asks the target about before the rule is run:
- `column`: one of the tables must have a column of the name;
- `field`: the column of one of the tables must be of a composite type with a field of the name (or the column is none, but the
  table's own name, and the field one of its columns);
- `call`: what stands before the dot is not known, so no function of the name may take one argument;
- `row`: a word that may be SQL or a value; no function of the name may take a row of the table.
A table is [schema, name] or [name], or `own`: the table that a condition is about.
"""

from collections.abc import Collection, Iterator, Sequence

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from stringx_dataops.contract.custom_sql.dialect import Name, Table
from stringx_dataops.contract.custom_sql.postgres.scopes import Scopes
from stringx_dataops.contract.custom_sql.postgres.sql_words import QUERY_FUNCTIONS
from stringx_dataops.contract.custom_sql.postgres.tokens import is_name, name_of

OWN: list[Table] = ["own"]


def names_of_condition(sql: str) -> list[Name]:
    """Of a condition all names after dots are columns of its table, and fields of them."""
    return _distinct(
        name
        for token, before, is_nested in _dotted(sql)
        for name in [_of_value(token, before, is_nested, OWN) or ("column", OWN, None, name_of(token))]
    )


def names_of_query(sql: str) -> list[Name]:
    """Names of common table expressions and derived tables are known here; those of the query's tables are asked for."""
    dotted = list(_dotted(sql))
    return _distinct(_of_query(dotted, Scopes.of(sql))) if dotted else []


def names_of_fragment(sql: str) -> list[Name]:
    """Of an argument of a dbt test."""
    return _distinct(
        name
        for token, before, is_nested in _dotted(sql)
        for name in [_of_value(token, before, is_nested, OWN) or ("row", OWN, None, name_of(token))]
    )


def _of_query(dotted: Sequence[tuple[Token, list[Token], bool]], scopes: Scopes) -> Iterator[Name]:
    for token, before, _ in dotted:
        name = name_of(token)
        if scopes.is_table(token.start):
            continue
        if (found := scopes.source_of(token.start)) is not None:
            if name in found.names:
                continue
            if found.tables and not found.is_open:
                yield "column", [list(table) for table in found.tables], None, name
                continue
        elif (
            (column := _column_of_value(before))
            and (found := scopes.source_of(column.start)) is not None
            and found.tables
            and not found.is_open
        ):
            yield "field", [list(table) for table in found.tables], name_of(column), name
            continue
        if name not in QUERY_FUNCTIONS:
            yield "call", [], None, name


def _of_value(token: Token, before: list[Token], is_nested: bool, tables: list[Table]) -> Name | None:
    """The field of a value in parentheses or with a subscript, as of `(address).city`; or a field of such a field."""
    if not _is_value(before[-1]):
        return ("call", [], None, name_of(token)) if is_nested else None
    column = _column_of_value(before)
    if column is not None:
        return "field", tables, name_of(column), name_of(token)
    return "call", [], None, name_of(token)


def _column_of_value(before: list[Token]) -> Token | None:
    """The column of `(column)` or `(table.column)`, which the tokens end with."""
    if len(before) < 3 or before[-1].token_type != TokenType.R_PAREN:
        return None
    at = len(before) - 2
    column = before[at]
    while at >= 2 and before[at - 1].token_type == TokenType.DOT and is_name(before[at]) and is_name(before[at - 2]):
        at -= 2
    is_alone = at >= 1 and before[at - 1].token_type == TokenType.L_PAREN and is_name(column)
    return column if is_alone and (at < 2 or not is_name(before[at - 2]) or _is_keyword(before[at - 2])) else None


def _dotted(sql: str) -> Iterator[tuple[Token, list[Token], bool]]:
    """Yields each name after a dot that may be a column or a field, the tokens before that dot (at most eight), and whether it is
    a field of a field, such as `c` in `(a).b.c`. Names of schemas, tables, types and calls are left out."""
    if "." not in sql:
        return
    try:
        tokens = Postgres().tokenize(sql)
    except SqlglotError:
        return
    begins: dict[int, int] = {}  # of each name behind a dot, where its chain begins
    for index, token in enumerate(tokens):
        if index < 2 or tokens[index - 1].token_type != TokenType.DOT or not is_name(token):
            continue
        after = tokens[index + 1].token_type if index + 1 < len(tokens) else None
        first = begins[index] = begins.get(index - 2, index - 2)
        of_value = _is_value(tokens[first])
        if after == TokenType.L_PAREN or (after == TokenType.DOT and not of_value):
            continue  # a call, which was judged as one, or a schema or table
        if not of_value and _is_type(tokens, first, after):
            continue
        yield token, tokens[max(0, index - 9) : index - 1], of_value and first < index - 2


def _is_value(token: Token) -> bool:
    return token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET)


def _is_type(tokens: list[Token], first: int, after: TokenType | None) -> bool:
    """Whether a name that begins there is that of a type or collation: behind a cast, or before a text."""
    before = tokens[first - 1] if first else None
    return after == TokenType.STRING or (
        before is not None
        and (before.token_type == TokenType.DCOLON or (_is_keyword(before) and before.text.lower() in ("as", "collate")))
    )


def _is_keyword(token: Token) -> bool:
    return token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING) and token.text.lower() in (
        "as", "collate", "and", "or", "not", "in", "on", "where", "select", "when", "then", "else", "case", "by", "having",
        "from",
    )  # fmt: skip


def _distinct(names: Collection[Name] | Iterator[Name]) -> list[Name]:
    found: dict[str, Name] = {}
    for name in names:
        found.setdefault(repr(name), name)
    return list(found.values())
