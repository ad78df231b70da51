"""Custom SQL for DuckDB: exactly one condition, or one SELECT, that calls allowed functions only.

It is judged twice: by its tokens (plain ones, balanced parentheses, no word that begins something else, allowed functions) and by
its tree. What DuckDB may open is limited by its connection (`api/engine/duckdb_access.py`), whatever a text says.
"""

from collections.abc import Collection
from functools import lru_cache
from itertools import combinations

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.custom_sql import plain_tokens
from stringx_dataops.contract.custom_sql.ctes import is_cte
from stringx_dataops.contract.custom_sql.duckdb.sql_words import (
    AGGREGATES,
    ALLOWED_FUNCTIONS,
    ALSO_IN_QUERY,
    BEFORE_PARENTHESIS,
    IN_QUERY,
    ONLY_IN_QUERY,
    REFUSED,
    TEXT_TYPES,
    WINDOWS,
)
from stringx_dataops.contract.custom_sql.duckdb.tokens import tokens_of
from stringx_dataops.contract.custom_sql.plain_tokens import Token, begins_cte, fault_of_like, is_sign, nests_types
from stringx_dataops.contract.documents.engines.attached import OWN_DATABASES, OWN_SCHEMAS

_DIALECT = DuckDB()
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
    except RecursionError:
        return _NESTED_TOO_DEEPLY
    if tree is None:
        return _NO_SELECT
    for node in tree.walk():
        if isinstance(node, (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Lock, exp.Pivot)) and not isinstance(node, exp.Query):
            return "does more than read; write a plain SELECT"
        if isinstance(node, (exp.Lambda, exp.Parameter, exp.Placeholder)):
            return "holds a parameter; write the value itself"
        if isinstance(node, exp.Table) and (fault := _fault_of_table(node)) is not None:
            return fault
    return _fault_of_namesakes(tree)


def relations_of_query(sql: str) -> list[list[str]]:
    """The tables that a query reads; common table expressions are none."""
    try:
        tree = _parsed(sql)
    except RecursionError:
        tree = None
    if tree is None:
        return []
    known: dict[int, dict[str, int]] = {}
    found: dict[tuple[str, ...], None] = {}
    for table in tree.find_all(exp.Table):
        parts = tuple(part.name for part in table.parts)
        if parts and not (len(parts) == 1 and is_cte(table, folded(parts[0]), known, lambda part: folded(part.name))):
            found[parts] = None
    return [list(parts) for parts in found]


def are_too_many(texts: Collection[str]) -> bool:
    """Whether they hold more than MAX_TOKENS."""
    return plain_tokens.are_too_many(texts, tokens_of)


def bare_names(sql: str) -> list[str]:
    """The words of a condition that may be names of columns."""
    return plain_tokens.bare_names(tokens_of(sql))


def _fault_of_tokens(sql: str, *, is_query: bool) -> str | None:
    tokens = tokens_of(sql)
    if isinstance(tokens, str):
        return tokens
    refused = REFUSED - ALSO_IN_QUERY if is_query else REFUSED | ONLY_IN_QUERY
    functions = _FUNCTIONS_OF_QUERY if is_query else ALLOWED_FUNCTIONS
    no_calls = _NO_CALLS_OF_QUERY if is_query else BEFORE_PARENTHESIS
    says = "a query only reads" if is_query else "a condition looks at the row alone"
    depth = 0
    callers: list[str] = []  # what stands before each parenthesis that is open
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        if token.kind == "word" and not is_sign(before, "."):
            if token.value in refused or (token.value == "from" and _begins_query(before, is_query)):
                return f"holds {token.value.upper()}; {says}"
            if token.value == "similar":
                return "holds SIMILAR TO, whose patterns are others than PostgreSQL's; use regexp_matches or LIKE"
            if token.value in ("like", "ilike") and (fault := fault_of_like(tokens, at, "DuckDB")) is not None:
                return fault
            if token.value == "tablesample" or (token.value == "sample" and before is not None and before.value == "using"):
                return "reads a sample of the rows; a rule looks at all of them"
            if token.value == "materialized" and before is not None and before.value == "not":
                return "holds NOT MATERIALIZED; leave it out"
            if token.value == "values" and not is_sign(tokens[at + 1] if at + 1 < len(tokens) else None, "("):
                return "holds VALUES without a list; write values (…)"
        elif token.kind == "text" and is_sign(before, "."):
            return "holds a text behind a dot; write names with double quotes"
        elif token.kind == "text" and before is not None and before.kind == "word" and before.value in ("from", "join"):
            if is_query:
                return "reads a file by its name; name it under the target's locations"
        elif is_sign(token, "("):
            depth += 1
            callers.append(before.value if before is not None and before.kind == "word" else "")
            if callers[-1] in _LENGTHENING and _LENGTHENING.intersection(callers[:-1]):
                return f"calls {callers[-1]} within such a call, whose text could become too long; make a view of it"
            if before is not None and (fault := _fault_of_call(tokens, at, functions, no_calls)) is not None:
                return fault
        elif is_sign(token, ")"):
            depth -= 1
            callers = callers[:-1]
            if depth < 0:
                return "closes a parenthesis that it did not open"
    if is_query and tokens[0].value not in ("select", "with"):
        return _NO_SELECT
    return "opens a parenthesis that it does not close" if depth else None


def _begins_query(before: Token | None, is_query: bool) -> bool:
    """Whether a FROM behind this token stands without a SELECT, which DuckDB takes for a query."""
    return before is None or (before.kind == "sign" and before.value not in (")", *(("*",) if is_query else ())))


def _fault_of_call(tokens: tuple[Token, ...], paren: int, functions: frozenset[str], no_calls: frozenset[str]) -> str | None:
    """What stands before a parenthesis must be a sign, a keyword or an allowed function."""
    before = tokens[paren - 1]
    if before.kind == "sign":
        return None
    if before.kind in ("text", "number"):
        return "is no SQL: a parenthesis stands behind a value"
    owner = tokens[paren - 2] if paren > 1 else None
    if before.value in TEXT_TYPES:
        return f"holds {before.value}(…): DuckDB cuts no text to the length of a type; use left(…, 2), and leave the length out"
    if is_sign(owner, "."):  # `'x'.f()` calls f, too
        return f"calls {before.value} behind a dot; write the function in front"
    if owner is not None and owner.kind == "word" and owner.value in ("as", "with", "recursive") and "with" in no_calls:
        return None  # a new name with a list of columns
    if is_sign(owner, ",") and "with" in no_calls and begins_cte(tokens, paren):
        return None
    if before.kind == "word" and (before.value in functions or before.value in no_calls):
        return None
    return f"calls {before.value}, which is not allowed on duckdb"


def _fault_of_table(table: exp.Table) -> str | None:
    if not isinstance(table.this, exp.Identifier):
        return "reads something else than a table; name tables of the target, or of databases that it attaches"
    names = [part.name for part in table.parts]
    if any(set("$/:*.'") & set(name) for name in names):
        return f"reads {names[-1]!r}, which is no table; name tables of the target, or of databases that it attaches"
    owners = [folded(name) for name in names[:-1]]
    if OWN_SCHEMAS.intersection(owners) or {"system", "temp"}.intersection(owners[:1]):
        return f"reads {'.'.join(names)}; name tables of the target, or of databases that it attaches"
    if len(names) > 2 and owners[0] in OWN_DATABASES:
        return f"names {names[0]} in {'.'.join(names)}, which is no database that a target attaches; write schema.table"
    if folded(names[-1]).startswith(("duckdb_", "pg_", "sqlite_", "pragma_")):
        return f"reads {names[-1]}; name tables of the target, or of databases that it attaches"
    return None


def _fault_of_namesakes(tree: exp.Query) -> str | None:
    """Of tables with one name in two databases, and with one schema or none. DuckDB takes `sales.t.a` for a column of
    `ref.sales.t` if that is nearer: a condition on both would compare a row with itself."""
    read: dict[str, dict[tuple[str, ...], tuple[str, bool]]] = {}  # how each is written, and whether it always has an alias
    for table in tree.find_all(exp.Table):
        names = tuple(folded(part.name) for part in table.parts)
        of_name = read.setdefault(names[-1], {})
        _, aliased = of_name.get(names, ("", True))
        of_name[names] = ".".join(part.name for part in table.parts), aliased and bool(table.alias)
    for namesakes in read.values():
        for one, two in combinations(sorted(namesakes, key=len), 2):
            (first, has_alias), (second, also_has) = namesakes[one], namesakes[two]
            if len(two) > 2 and one[-2:-1] in ((), two[-2:-1]) and not (has_alias and also_has):
                return f"reads {first} and {second}, which columns cannot tell apart: give each an alias"
    return None


def _parsed(sql: str) -> exp.Query | None:
    """None where it is no SELECT; RecursionError where that cannot be said."""
    try:
        read = _DIALECT.tokenize(sql)
        if nests_types(read, _TYPES):
            raise RecursionError
        trees = _DIALECT.parser().parse(read, sql)
    except SqlglotError:
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None
