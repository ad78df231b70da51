"""Custom SQL of `sql` rules: exactly one SELECT that calls allowed functions only, and the tables that it reads.

Judged as conditions are, by tokens and by tree; the boundary that holds is the target's role here too.
"""

from collections.abc import Collection

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token

from stringx_dataops.contract.custom_sql.ctes import is_cte
from stringx_dataops.contract.custom_sql.limits import MAX_SQL
from stringx_dataops.contract.custom_sql.postgres.conditions import DIALECT, NESTED_TOO_DEEPLY, Grammar, tokens_of
from stringx_dataops.contract.custom_sql.postgres.sql_words import (
    QUERY_FUNCTIONS,
    QUERY_NO_CALL,
    QUERY_NO_CALL_BY_GRAMMAR,
    QUERY_REFUSED_WORDS,
)
from stringx_dataops.contract.custom_sql.postgres.tokens import name_of_identifier

QUERY = Grammar("a query only reads", QUERY_REFUSED_WORDS, QUERY_FUNCTIONS, QUERY_NO_CALL, QUERY_NO_CALL_BY_GRAMMAR)
_NOT_READING = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Lock)


def fault_of_query(sql: str, allow_functions: Collection[str] = ()) -> str | None:
    """What is wrong with the text as one SELECT, in one sentence; None where it may be run."""
    if len(sql) > MAX_SQL:
        return f"is longer than {MAX_SQL:,} characters; make a view of it"
    if not sql.strip():
        return "is empty; write a SELECT that returns the rows that violate the rule"
    tokens, fault = tokens_of(sql, QUERY, allow_functions)
    if fault is not None:
        return fault
    try:
        tree = _parsed(sql, tokens)
    except RecursionError:
        return NESTED_TOO_DEEPLY
    if tree is None:
        return "is no SELECT; write exactly one, such as select id from sales.orders where price < 0"
    for node in tree.walk():
        if isinstance(node, _NOT_READING) and not isinstance(node, exp.Query):
            return "does more than read; write a plain SELECT"
        if isinstance(node, (exp.Parameter, exp.Placeholder, exp.SessionParameter)):
            return "holds a parameter; write the value itself"
    return None


def relations_of_query(sql: str) -> list[list[str]]:
    """The tables that a query reads, as [schema, name] or [name] as PostgreSQL folds them; common table expressions are none."""
    tree = _parse(sql)
    if tree is None:
        return []
    found: dict[tuple[str, ...], None] = {}
    known: dict[int, dict[str, int]] = {}
    for table in tree.find_all(exp.Table):
        parts = tuple(name_of_identifier(part) for part in (table.args.get("db"), table.this) if isinstance(part, exp.Identifier))
        if parts and parts not in found and not (len(parts) == 1 and is_cte(table, parts[0], known, name_of_identifier)):
            found[parts] = None
    return [list(parts) for parts in found]


def renames_columns(sql: str) -> bool:
    """Whether it may compare a column that it does not name: as `a` of `t as x (a, b)`, as part of `row(t.*)`, or as what
    `select * from t` gives beside an operator or IN."""
    tree = _parse(sql)
    if tree is None:
        return False
    stars = [star.parent if isinstance(star.parent, exp.Column) else star for star in tree.find_all(exp.Star)]
    return any(alias.args.get("columns") for alias in tree.find_all(exp.TableAlias)) or not all(map(_is_only_read, stars))


def _is_only_read(star: exp.Expr) -> bool:
    """Whether what a star stands for is counted, or given to whoever reads the query that it is in, and compared with nothing."""
    if isinstance(star.parent, exp.Count):
        return True
    if not isinstance(star.parent, exp.Select):
        return False
    node: exp.Expr = star.parent
    while isinstance(node.parent, exp.SetOperation) or (isinstance(node.parent, exp.Subquery) and not _is_source(node.parent)):
        node = node.parent
    return node.parent is None or isinstance(node.parent, (exp.CTE, exp.Exists, exp.Subquery))


def _is_source(query: exp.Subquery) -> bool:
    return isinstance(query.parent, (exp.From, exp.Join, exp.Lateral))


def _parse(sql: str) -> exp.Query | None:
    try:
        return _parsed(sql)
    except RecursionError:
        return None


def _parsed(sql: str, tokens: list[Token] | None = None) -> exp.Query | None:
    """None where it is no SELECT; RecursionError where that cannot be said."""
    try:
        trees = DIALECT.parser().parse(DIALECT.tokenize(sql) if tokens is None else tokens, sql)
    except SqlglotError:
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None
