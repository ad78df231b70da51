"""Which names in a query are those of its common table expressions."""

from collections.abc import Callable

from sqlglot import exp


def is_cte(table: exp.Table, name: str, known: dict[int, dict[str, int]], name_of: Callable[[exp.Identifier], str]) -> bool:
    """Whether a common table expression of a query around the table is meant; inside of one, those before it, or all where they
    are recursive. `name` is as `name_of` has it, which folds a name as the engine does. `known` keeps the names of each list of
    them, with the place of the first of each name."""
    node: exp.Expr = table
    inside: exp.CTE | None = None
    while node.parent is not None:
        inside = node if isinstance(node, exp.CTE) else inside
        if (listed := node.parent.args.get("with_")) is not None:
            if id(listed) not in known:
                numbered = reversed([*enumerate(listed.expressions)])
                known[id(listed)] = {name_of(cte.args["alias"].this): at for at, cte in numbered}
            at = known[id(listed)].get(name)
            end = inside.index if node is listed and inside is not None and not listed.args.get("recursive") else None
            if at is not None and (end is None or at < end):
                return True
        node = node.parent
    return False
