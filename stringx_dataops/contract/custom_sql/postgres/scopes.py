"""Which tables the names of a query belong to: what a name before a dot stands for, where it is used."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from stringx_dataops.contract.custom_sql.postgres.tokens import name_of_identifier

_MAX_TABLES = 20  # that one name may be a column of
_MAX_DEPTH = 20  # of derived tables in derived tables


@dataclass(frozen=True)
class Columns:
    """What a source of rows has: columns of these names, those of `tables`, and where it `is_open`, others that are not known."""

    names: frozenset[str] = frozenset()
    tables: tuple[tuple[str, ...], ...] = ()
    is_open: bool = False

    def __or__(self, other: "Columns") -> "Columns":
        tables = tuple(dict.fromkeys(self.tables + other.tables))
        return Columns(self.names | other.names, tables[:_MAX_TABLES], self.is_open or other.is_open or len(tables) > _MAX_TABLES)


UNKNOWN = Columns(is_open=True)


@dataclass(eq=False)
class _Scope:
    """What a part of the query can see: the sources of a SELECT, common table expressions, and what is around it."""

    outer: "_Scope | None" = None
    select: exp.Expr | None = None
    ctes: dict[str, exp.Expr] = field(default_factory=dict)

    def around(self) -> "Iterator[_Scope]":
        """This scope and those around it, from the inside out."""
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


class Scopes:
    """The columns and tables of one query by where they stand in its text."""

    def __init__(self) -> None:
        self._columns: dict[int, tuple[exp.Column, _Scope]] = {}
        self._tables: set[int] = set()
        self._scopes: dict[int, _Scope] = {}
        self._sources: dict[int, dict[str, exp.Expr]] = {}
        self._known: dict[int, Columns] = {}
        self._all: dict[int, Columns] = {}

    @classmethod
    def of(cls, sql: str) -> "Scopes":
        """Empty where the text is no query."""
        scopes = cls()
        try:
            trees = Postgres().parse(sql)
        except (SqlglotError, RecursionError):
            return scopes
        if len(trees) == 1 and trees[0] is not None:
            scopes._read(trees[0])
        return scopes

    def is_table(self, start: int) -> bool:
        """Whether a table's name in FROM stands there."""
        return start in self._tables

    def source_of(self, start: int) -> Columns | None:
        """What the name before the dot of the column there stands for; of one without a dot, all that it can be a column of.
        None where no column stands."""
        if start not in self._columns:
            return None
        column, scope = self._columns[start]
        wanted = column.args.get("table")
        for each in scope.around():
            sources = self._sources_of(each)
            if wanted is None and name_of_identifier(column.this) in sources:
                return self._columns_of(sources[name_of_identifier(column.this)], 0)  # a whole row
            if wanted is None and sources:
                return self._all_of(each.select, sources, 0)
            if wanted is not None and name_of_identifier(wanted) in sources:
                return self._columns_of(sources[name_of_identifier(wanted)], 0)
        return UNKNOWN

    def _read(self, tree: exp.Expr) -> None:
        """Notes each column with its scope. A derived table sees what is around the SELECT that reads it."""
        todo: list[tuple[exp.Expr, _Scope]] = [(tree, _Scope())]
        while todo:
            node, scope = todo.pop()
            self._scopes[id(node)] = scope
            if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
                self._columns[_start(node.this)] = (node, scope)
            elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
                self._tables.add(_start(node.this))
            if (listed := node.args.get("with_")) is not None:
                everything = {_alias(cte): cte for cte in listed.expressions}
                before: dict[str, exp.Expr] = {}
                for cte in listed.expressions:
                    todo.append((cte, _Scope(scope, None, everything if listed.args.get("recursive") else dict(before))))
                    before[_alias(cte)] = cte
                scope = _Scope(scope, None, everything)
            if isinstance(node, exp.Select):
                scope = _Scope(scope, node)
            for child in node.iter_expressions():
                if child is not listed:
                    outer = scope.outer if _is_derived(child) else None
                    todo.append((child, outer or scope))

    def _sources_of(self, scope: _Scope) -> dict[str, exp.Expr]:
        """What a SELECT reads, by the names that it gives them."""
        if scope.select is None:
            return {}
        if id(scope.select) not in self._sources:
            self._sources[id(scope.select)] = {
                _alias(source): source for source in _sources(_read_by(scope.select)) if _alias(source)
            }
        return self._sources[id(scope.select)]

    def _all_of(self, select: exp.Expr | None, sources: dict[str, exp.Expr], depth: int) -> Columns:
        if select is None:
            return UNKNOWN
        if id(select) not in self._all:
            found = Columns(is_open=any(not _alias(source) for source in _sources(_read_by(select))))
            for source in sources.values():
                found |= self._columns_of(source, depth)
            self._all[id(select)] = found
        return self._all[id(select)]

    def _columns_of(self, source: exp.Expr, depth: int) -> Columns:
        if depth > _MAX_DEPTH:
            return UNKNOWN
        if id(source) not in self._known:
            self._known[id(source)] = UNKNOWN  # a recursive one reads itself
            self._known[id(source)] = self._read_columns(source, depth + 1)
        return self._known[id(source)]

    def _read_columns(self, source: exp.Expr, depth: int) -> Columns:
        alias = source.args.get("alias")
        given = frozenset(name_of_identifier(column) for column in (alias.args.get("columns") or () if alias is not None else ()))
        if given:  # the others keep their names, and may not be called so any longer
            return Columns(given, is_open=True)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            name = tuple(
                name_of_identifier(part) for part in (source.args.get("db"), source.this) if isinstance(part, exp.Identifier)
            )
            cte = self._cte(source, name[0]) if len(name) == 1 else None
            return self._columns_of(cte, depth) if cte is not None else Columns(tables=(name,))
        inner = source.this
        if isinstance(source, exp.Subquery) and not isinstance(inner, exp.Query):  # a join with a name
            found = Columns()
            for joined in _sources([inner]):
                found |= self._columns_of(joined, depth)
            return found
        if isinstance(source, (exp.Subquery, exp.CTE)) or (isinstance(source, exp.Lateral) and isinstance(inner, exp.Subquery)):
            return self._outputs(inner, depth)
        return Columns(frozenset({_alias(source)}), is_open=True)  # of a function; the value has the name that it is given

    def _cte(self, table: exp.Table, name: str) -> exp.Expr | None:
        return next((scope.ctes[name] for scope in self._scopes[id(table)].around() if name in scope.ctes), None)

    def _outputs(self, query: exp.Expr, depth: int) -> Columns:
        """The columns that a query gives."""
        while isinstance(query, (exp.SetOperation, exp.Subquery)):
            query = query.this
        if not isinstance(query, exp.Select):
            return UNKNOWN
        scope = _Scope(None, query)
        sources = self._sources_of(scope)
        found = Columns()
        for item in query.expressions:
            if isinstance(item, exp.Star):
                found |= self._all_of(query, sources, depth)
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                source = sources.get(name_of_identifier(item.args["table"])) if item.args.get("table") else None
                found |= self._columns_of(source, depth) if source is not None else UNKNOWN
            elif (name := _output(item)) is not None:
                found |= Columns(frozenset({name}))
        return found


def _read_by(select: exp.Expr) -> list[exp.Expr | None]:
    return [select.args.get("from_"), *select.args.get("joins", ())]


def _sources(given: list[exp.Expr | None]) -> Iterator[exp.Expr]:
    """All that parts of FROM read, also within parentheses."""
    todo = list(given)
    while todo:
        node = todo.pop()
        if isinstance(node, (exp.From, exp.Join)):
            todo.append(node.this)
        elif isinstance(node, exp.Expr):
            todo += node.args.get("joins") or ()
            if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query):
                todo.append(node.this)
            if not isinstance(node, exp.Subquery) or isinstance(node.this, exp.Query) or node.args.get("alias") is not None:
                yield node


def _is_derived(node: exp.Expr) -> bool:
    return isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query) and isinstance(node.parent, (exp.From, exp.Join))


def _output(item: exp.Expr) -> str | None:
    """The name that PostgreSQL gives to what a SELECT gives, where it is the text's."""
    if isinstance(item, exp.Alias):
        return name_of_identifier(item.args["alias"])
    return name_of_identifier(item.this) if isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier) else None


def _alias(source: exp.Expr) -> str:
    alias = source.args.get("alias")
    name = alias.this if alias is not None else source.this
    return name_of_identifier(name) if isinstance(name, exp.Identifier) else ""


def _start(name: exp.Identifier) -> int:
    start = name.meta.get("start")
    return start if isinstance(start, int) else -1
