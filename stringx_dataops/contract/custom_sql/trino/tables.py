"""The tables that a query for Trino reads, and which of them it may name."""

from sqlglot import exp

MAX_READINGS = 1_000  # of tables: Trino writes a common table expression out wherever it is named, so each may double them


def tables_of(tree: exp.Query) -> list[list[str]]:
    """[schema, name] or [name] of each table, once; common table expressions are none."""
    found: dict[tuple[str, ...], None] = {}
    for table in tree.find_all(exp.Table):
        if (parts := _parts(table)) and _named_by(table) is None:
            found[parts] = None
    return [list(parts) for parts in found]


def fault_of_tables(tree: exp.Query) -> str | None:
    """What is wrong with what the query reads."""
    for table in tree.find_all(exp.Table):
        if (fault := _fault_of_table(table)) is not None:
            return fault
    if _readings(tree) > MAX_READINGS:
        return "names common table expressions within each other too often; make a view of it"
    return None


def _fault_of_table(table: exp.Table) -> str | None:
    if not isinstance(table.this, exp.Identifier):
        return "reads something else than a table; name tables of the target alone"
    if table.args.get("version") or table.args.get("when"):
        return "reads an older state of a table; a check reads each table as it is, on one snapshot"
    names = _parts(table)
    if len(names) > 2:
        return f"names a catalog in {'.'.join(names)}; write schema.table"
    if any(set("$@/:*'") & set(name) for name in names):
        return f"reads {names[-1]!r}, which is about a table and none itself; name tables of the target alone"
    if len(names) > 1 and names[0] == "information_schema":
        return f"reads {'.'.join(names)}; name tables of the target alone"
    return None


def _parts(table: exp.Table) -> tuple[str, ...]:
    return tuple(part.name.lower() for part in table.parts)


def _named_by(table: exp.Table) -> exp.CTE | None:
    """The common table expression that is meant, if one is: of a query around the table, and within another one named before."""
    parts = _parts(table)
    if len(parts) != 1:
        return None
    within: exp.Expr | None = None  # the common table expression that the table is part of
    node: exp.Expr | None = table.parent
    while node is not None:
        if isinstance(node, exp.CTE):
            within = node
        for cte in node.ctes if isinstance(node, exp.Query) else ():
            if cte is within:
                break
            if cte.alias.lower() == parts[0]:
                return cte if isinstance(cte, exp.CTE) else None
        node = node.parent
    return None


def _readings(tree: exp.Query) -> int:
    """How many tables Trino reads once each common table expression is written out; at most one more than MAX_READINGS."""
    counts: dict[int, int] = {}  # by the id of a common table expression

    def count_within(part: exp.Query | exp.CTE) -> int:
        total = 0
        for table in part.find_all(exp.Table):
            if table.find_ancestor(exp.CTE) is not (part if isinstance(part, exp.CTE) else None):
                continue
            named = _named_by(table)
            if named is not None and id(named) not in counts:
                counts[id(named)] = count_within(named)
            total += 1 if named is None else max(1, counts[id(named)])
        return min(total, MAX_READINGS + 1)

    return count_within(tree)
