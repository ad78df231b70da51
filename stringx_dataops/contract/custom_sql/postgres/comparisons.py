"""What custom SQL names: columns, types that it casts to, and where a condition compares a column with values that it quotes, as
`status = 'open'` does.

The engine names the operators of an extension's type by their schema there, where it cannot search that schema.
"""

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from stringx_dataops.contract.custom_sql.postgres.conditions import DIALECT
from stringx_dataops.contract.custom_sql.postgres.sql_words import RESERVED
from stringx_dataops.contract.custom_sql.postgres.tokens import name_of, word_of
from stringx_dataops.contract.custom_sql.postgres.type_names import BUILT_IN

_OPERATORS = {name: name for name in ("=", "<>", "<", "<=", ">", ">=", "~", "!~", "~*", "!~*")} | {
    "!=": "<>",
    "like": "~~",
    "not like": "!~~",
    "ilike": "~~*",
    "not ilike": "!~~*",
}
_LISTS = {"in": "=", "not in": "<>"}
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_TESTS = ("is", "is not")  # NULL
_MATCHES = (TokenType.RLIKE, TokenType.IRLIKE)  # ~ and ~*, !~ and !~* are these behind a !
_TAKES_PATTERN = ("like", "count", "instr", "substr", "match", "matches", "split_to_array", "split_to_table")
_PATTERN_SECOND = {(name, 1) for name in ("substring", *(f"regexp_{name}" for name in _TAKES_PATTERN))}
_BEFORE, _AFTER = frozenset({"(", "and", "or", "not"}), frozenset({")", "and", "or"})


def comparisons(sql: str) -> list[list[object]]:
    """[start, end, column, operator, values as they are quoted] of each comparison that stands between parentheses, AND, OR and
    NOT, in the order of the text; of `in` and `not in` the operator is that of one value, and there may be several; `is` and
    `is not` NULL have none."""
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return []
    found = []
    for index, token in enumerate(tokens):
        if index and word_of(tokens[index - 1]) not in _BEFORE:
            continue
        if (compared := _compared(sql, tokens, index)) is not None:
            last, operator, values = compared
            if last + 1 == len(tokens) or word_of(tokens[last + 1]) in _AFTER:
                found.append([token.start, tokens[last].end + 1, name_of(token), operator, values])
    return found


def bare_names(sql: str) -> list[str]:
    """The words of a condition that may be names of columns: neither qualified nor called. PostgreSQL takes one for the whole row
    where no column has that name and the table has."""
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return []
    found = set()
    for index, token in enumerate(tokens):
        around = {word_of(tokens[at]) for at in (index - 1, index + 1) if 0 <= at < len(tokens)}
        is_called = index + 1 < len(tokens) and word_of(tokens[index + 1]) == "("
        is_word = token.token_type == TokenType.IDENTIFIER or word_of(token)[:1].isalpha() or word_of(token)[:1] == "_"
        if is_word and not is_called and "." not in around and word_of(token) not in RESERVED:
            found.add(name_of(token))
    return sorted(found)


def types_of_casts(sql: str) -> list[list[str | None]]:
    """[schema or None, name] of each type that it casts to, but for PostgreSQL's own."""
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return []
    found: dict[tuple[str | None, str | None], None] = {}
    opened: list[str] = []  # what stands before each parenthesis that is open
    for index, token in enumerate(tokens):
        word = word_of(token)
        if word == "(":
            opened.append(word_of(tokens[index - 1]) if index else "")
        elif word == ")" and opened:
            opened.pop()
        if token.token_type == TokenType.DCOLON or (word == "as" and opened and opened[-1] == "cast"):
            found[_qualified(tokens, index + 1)] = None
        elif (
            token.token_type == TokenType.STRING
            and index
            and tokens[index - 1].token_type in (TokenType.VAR, TokenType.IDENTIFIER)
        ):
            is_qualified = index > 2 and tokens[index - 2].token_type == TokenType.DOT
            found[_qualified(tokens, index - 3 if is_qualified else index - 1)] = None
    return [
        [schema, name] for schema, name in found if name and schema != "pg_catalog" and not (schema is None and name in BUILT_IN)
    ]


def patterns_of(sql: str) -> list[str]:
    """The regular expressions that it writes out: behind `~` and its kin, and as the second argument of a function that takes one
    and no flags."""
    if "~" not in sql and "reg" not in sql.lower() and "substring" not in sql.lower():
        return []
    try:
        tokens = DIALECT.tokenize(sql)
    except SqlglotError:
        return []
    found: dict[str, None] = {}
    opened: list[tuple[str, int]] = []  # what stands before each parenthesis that is open, and the arguments before this place
    for index, token in enumerate(tokens):
        if token.token_type == TokenType.L_PAREN:
            is_qualified = index > 1 and tokens[index - 2].token_type == TokenType.DOT  # maybe a function of another schema
            opened.append((word_of(tokens[index - 1]) if index and not is_qualified else "", 0))
        elif token.token_type == TokenType.R_PAREN and opened:
            opened.pop()
        elif token.token_type == TokenType.COMMA and opened:
            opened[-1] = (opened[-1][0], opened[-1][1] + 1)
        elif token.token_type == TokenType.STRING and index:
            after = tokens[index + 1].token_type if index + 1 < len(tokens) else None
            is_argument = bool(opened) and opened[-1] in _PATTERN_SECOND and tokens[index - 1].token_type == TokenType.COMMA
            is_whole = after != TokenType.STRING  # which would go on in the next line
            if is_whole and (tokens[index - 1].token_type in _MATCHES or (is_argument and after == TokenType.R_PAREN)):
                found[token.text] = None
    return list(found)


def _qualified(tokens: list[Token], at: int) -> tuple[str | None, str | None]:
    """The name that begins at a token."""
    parts = [name_of(token) for token in tokens[at : at + 3]]
    if len(parts) == 3 and tokens[at + 1].token_type == TokenType.DOT:
        return parts[0], parts[2]
    return None, " ".join(parts[:1])


def _compared(sql: str, tokens: list[Token], index: int) -> tuple[int, str, list[str]] | None:
    """(the last token, operator, values) of a comparison that begins with the column at `index`."""
    if tokens[index].token_type not in _NAMES:
        return None
    for at in range(index + 1, min(index + 5, len(tokens))):
        words = " ".join(sql[tokens[index].end + 1 : tokens[at].start].lower().split())
        if tokens[at].token_type == TokenType.NULL:
            return (at, words, []) if words in _TESTS else None
        if tokens[at].token_type == TokenType.STRING:
            return (at, _OPERATORS[words], [_text(sql, tokens[at])]) if words in _OPERATORS else None
        if word_of(tokens[at]) == "(":
            return _listed(sql, tokens, at, _LISTS[words]) if words in _LISTS else None
    return None


def _listed(sql: str, tokens: list[Token], at: int, operator: str) -> tuple[int, str, list[str]] | None:
    values = []
    while at + 2 < len(tokens) and tokens[at + 1].token_type == TokenType.STRING:
        values.append(_text(sql, tokens[at + 1]))
        at += 2
        if word_of(tokens[at]) != ",":
            return (at, operator, values) if word_of(tokens[at]) == ")" else None
    return None


def _text(sql: str, token: Token) -> str:
    return sql[token.start : token.end + 1]
