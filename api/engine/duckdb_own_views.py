"""Views of the target's database file that read attached databases, which no rule may read.

DuckDB looks for the tables that a view names in its own schema, and then in the main schema of the target. So a view of an
attached file may read a table of the target in place of its own, and a view of the target's file could read such a view.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from stringx_dataops.contract.ascii_case import folded

_VIEWS = (
    "select schema_name, view_name, sql from system.main.duckdb_views()"
    " where not internal and database_name = system.main.current_database() order by all"
)
_READ = "select system.main.json_serialize_sql(?)"
_NAME = r'(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*)'
_HEAD = re.compile(rf"CREATE VIEW {_NAME}(?:\.{_NAME})* (?:\({_NAME}(?:, {_NAME})*\) )?AS ")  # as DuckDB writes definitions
_BY_TEXT = ("query", "query_table")  # functions that read the tables that a text names
_IN_RULE = "write what it reads in the rule"


@dataclass
class _View:
    schema: str
    name: str
    fault: str | None
    reads: list[tuple[str, ...]]  # the folded names of tables and views

    def may_be_read_by(self, other: "_View", database: str) -> bool:
        """Also where another relation of that name is nearer."""
        schema = folded(self.schema)
        for *owners, name in other.reads:
            if name != folded(self.name):
                continue
            if schema in (owners[-1:] or [folded(other.schema), "main"]) or (owners == [database] and schema == "main"):
                return True
        return False


def faults_of_views(connection: Any, attached: Collection[str]) -> list[list[str]]:
    """[schema, name, why it is not read] of each view that names an attached database, and of each that reads such a view. So is
    one whose definition cannot be read. `attached` are folded names, none of which is a schema of the target."""
    if not attached:
        return []
    (database,) = connection.execute("select system.main.current_database()").fetchone()
    found: list[tuple[str, str, str]] = connection.execute(_VIEWS).fetchall()
    views = [_view(connection, *each, attached=attached) for each in found]
    faulty = [view for view in views if view.fault is not None]
    for fault in faulty:  # grows meanwhile
        for view in views:
            if view.fault is None and fault.may_be_read_by(view, folded(database)):
                view.fault = f"{view.schema}.{view.name} reads {fault.schema}.{fault.name}, and {fault.fault}"[:600]
                faulty.append(view)
    return [[view.schema, view.name, view.fault or ""] for view in faulty]


def _view(connection: Any, schema: str, name: str, definition: str, attached: Collection[str]) -> _View:
    shown = f"{schema}.{name} is a view"
    tree = _tree(connection, definition)
    if tree is None:
        return _View(schema, name, f"{shown} whose definition cannot be read, so it may read a database under attach", [])
    fault: str | None = None
    reads: list[tuple[str, ...]] = []
    for node in _nodes(tree):
        if folded(str(node.get("function_name"))) in _BY_TEXT:
            fault = f"{shown} that calls {node['function_name']}, so it may read a database under attach; {_IN_RULE}"
        path = (node.get("qualified_name") or {}).get("path") or []
        names = tuple(folded(each) for each in path if each)
        if names[:-1] and names[0] in attached:
            fault = f"{shown} that reads {'.'.join(path)}; views may not read databases under attach: {_IN_RULE}"
        if "table_name" in node and names:
            reads.append(names)
    return _View(schema, name, fault, reads)


def _tree(connection: Any, definition: str) -> Any:
    """The SELECT as DuckDB's parser has it; None if it cannot be read."""
    if (head := _HEAD.match(definition)) is None:
        return None
    try:
        (found,) = connection.execute(_READ, [definition[head.end() :]]).fetchone()
        tree = json.loads(found)
    except (duckdb.Error, ValueError, RecursionError):
        return None
    statements = tree.get("statements")
    return None if tree.get("error") is not False or not isinstance(statements, list) or len(statements) != 1 else statements[0]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Each mapping in the tree, of whatever depth it is."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo += node.values()
        elif isinstance(node, list):
            todo += node
