"""Custom SQL of `sql` rules: exactly one SELECT that calls allowed functions only, and the tables that it reads.

Judged as conditions are, by tokens and by tree; the boundary that holds is the target's role here too.
"""

from collections.abc import Collection

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from contract.conditions import Grammar, fault_of_text
from contract.sql_words import QUERY_FUNCTIONS, QUERY_NO_CALL, QUERY_REFUSED_WORDS

_QUERY = Grammar("a query only reads", QUERY_REFUSED_WORDS, QUERY_FUNCTIONS, QUERY_NO_CALL)
_NOT_READING = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Lock)


def fault_of_query(sql: str, allow_functions: Collection[str] = ()) -> str | None:
    """What is wrong with the text as one SELECT, in one sentence; None where it may be run."""
    if not sql.strip():
        return "is empty; write a SELECT that returns the rows that violate the rule"
    if fault := fault_of_text(sql, _QUERY, allow_functions):
        return fault
    tree = _parse(sql)
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
    named = {_folded(cte.args["alias"].this) for cte in tree.find_all(exp.CTE)}
    found = []
    for table in tree.find_all(exp.Table):
        parts = [_folded(part) for part in (table.args.get("db"), table.this) if isinstance(part, exp.Identifier)]
        if parts and parts not in found and not (len(parts) == 1 and parts[0] in named):
            found.append(parts)
    return found


def _parse(sql: str) -> exp.Query | None:
    try:
        trees = Postgres().parse(sql)
    except (SqlglotError, RecursionError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None


def _folded(name: exp.Identifier) -> str:
    text = str(name.this)
    return text if name.args.get("quoted") else text.lower()
