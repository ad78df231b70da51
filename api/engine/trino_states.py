"""At which state a check reads each table of Trino: an Iceberg table at the snapshot that it has when the check begins, others as
they are."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trino.exceptions

from api.engine.trino_snapshots import Name, name_of

_MOST_AT_ONCE = 8  # relations that are looked up at the same time
_FIELD = re.compile(r"\S+ := ([0-9]+:.*)", re.DOTALL)  # in a plan, of a column that is read: Iceberg's field id, name and type

Columns = list[list[str]]  # names and types
Ask = Callable[[str], tuple[Columns, list[list[Any]]]]  # runs a statement as it is; gives its columns and its rows
Fault = Callable[[Exception], dict[str, str | None]]


@dataclass(frozen=True)
class _State:
    """Two equal ones of a table of Iceberg read the same rows, and the same fields of its files."""

    snapshot: int | None
    fields: list[str]  # the names of the columns in their order, then each field's id, name and type
    metadata: list[str] | None  # its metadata files, if there are fields whose ids no plan shows: of a ROW in an array or a map
    is_of_snapshot: bool  # whether a read at the snapshot has the same columns


class States:
    """The relations of a check, and what they were when it began."""

    def __init__(self, ask: Ask, fault: Fault, catalog: str, schema: str) -> None:
        self._ask, self._fault = ask, fault
        self._catalog, self._schema = catalog, schema
        self.snapshots: dict[Name, int] = {}  # of the tables that are read at one
        self._unpinned: dict[Name, _State] = {}  # Iceberg's tables that are read as they are
        self._spelled: dict[Name, list[str]] = {}

    def look_up(self, relations: list[str]) -> list[dict[str, Any]]:
        """Of each relation: `columns`, or an `error` if it cannot be read, and a `note` about the state at which it is read. One
        that is written in several ways is looked up once."""
        self.snapshots, self._unpinned, self._spelled = {}, {}, {}
        for relation in relations:
            self._spelled.setdefault(name_of(relation, self._catalog, self._schema), []).append(relation)
        with ThreadPoolExecutor(_MOST_AT_ONCE) as threads:
            found = dict(zip(self._spelled, threads.map(self._look_up, self._spelled), strict=True))
        return [found[name_of(relation, self._catalog, self._schema)] for relation in relations]

    def changed(self) -> list[str]:
        """Those of Iceberg's tables without a snapshot of the check that are at another state now, as they were asked for."""
        found: list[str] = []
        for name, state in self._unpinned.items():
            with suppress(Exception):
                if self._state_of(self._spelled[name][0]) == state:
                    continue
            found += self._spelled[name]
        return found

    def _look_up(self, name: Name) -> dict[str, Any]:
        relation = self._spelled[name][0]
        plain = relation.replace('"', "")
        try:
            columns, _ = self._ask(f"select * from {relation} limit 0")
            state, why = None, "only Iceberg's tables have snapshots"
            try:
                state = self._state_of(relation)
            except trino.exceptions.TrinoUserError as error:
                if error.error_name == "PERMISSION_DENIED":
                    why = f"the user may not read {plain}$refs, so it may have changed meanwhile"
                elif error.error_name != "TABLE_NOT_FOUND":  # which other connectors, and views, say
                    raise
        except Exception as error:  # whatever it is: the relation cannot be read
            return {"columns": None, "error": self._fault(error), "note": None}
        if state is None:
            return {"columns": columns, "error": None, "note": f"{plain} was read as it was by each query: {why}"}
        if state.snapshot is not None and state.is_of_snapshot:
            self.snapshots[name] = state.snapshot
            return {"columns": columns, "error": None, "note": f"{plain} was read at its snapshot {state.snapshot}"}
        self._unpinned[name] = state
        were = "were" if state.metadata is None else "or fields within them may have been"
        why = "it has no snapshot yet" if state.snapshot is None else f"its columns {were} changed after its last snapshot"
        return {"columns": columns, "error": None, "note": f"{plain} was read as it was, and it did not change: {why}"}

    def _state_of(self, relation: str) -> _State:
        """Raises trino's error if it is no table of Iceberg."""
        _, rows = self._ask(f"select snapshot_id from {_about(relation, 'refs')} where name = 'main'")
        snapshot = rows[0][0] if rows else None
        fields, is_complete = self._fields(relation)
        metadata = None
        if not is_complete:
            _, files = self._ask(f"select file, latest_snapshot_id from {_about(relation, 'metadata_log_entries')} order by 1")
            metadata = [file for file, _ in files]
            # Each change of a table adds a file: one behind the snapshot's first may have changed fields.
            is_complete = sum(latest == snapshot for _, latest in files) <= 1
        if snapshot is None or not is_complete:
            return _State(snapshot, fields, metadata, False)
        return _State(snapshot, fields, metadata, self._fields(f"{relation} for version as of {snapshot}")[0] == fields)

    def _fields(self, source: str) -> tuple[list[str], bool]:
        """What is read of each column and of each field of a ROW, and whether the plan shows all of it. One that was dropped and
        added again has another id, though the same name and type."""
        plan = self._plan(f"select * from {source}")
        types, fields = [each["type"] for each in plan["outputs"]], _fields_of(plan)
        is_complete = len(fields) >= len(types)
        if any("row(" in each for each in types):
            columns, _ = self._ask(f"select * from {source} limit 0")
            leaves = [
                (f"{_quoted(name)}{path}", of_leaf)
                for (name, _), of_column in zip(columns, types, strict=True)
                for path, of_leaf in _leaves(of_column)
            ]
            is_complete = is_complete and not any("row(" in each for _, each in leaves)  # in an array or a map
            nested = _fields_of(self._plan(f"select {', '.join(leaf for leaf, _ in leaves)} from {source}"))
            is_complete = is_complete and len(nested) >= len(leaves)
            fields += nested
        return [plan["descriptor"]["columnNames"], *fields], is_complete

    def _plan(self, sql: str) -> dict[str, Any]:
        _, [[text]] = self._ask(f"explain (type logical, format json) {sql}")
        plan: dict[str, Any] = json.loads(text)
        return plan


def _fields_of(plan: dict[str, Any]) -> list[str]:
    return sorted(found[1] for detail in _details(plan) if (found := _FIELD.fullmatch(detail)))


def _leaves(of_field: str, path: str = "") -> Iterator[tuple[str, str]]:
    """The path to each field of a ROW that is none itself, and its type; of another type, the type."""
    if not of_field.startswith("row("):
        yield path, of_field
        return
    depth, start, inside = 0, 0, f"{of_field[4:-1]},"
    for found in re.finditer(r'"(?:[^"]|"")*"|[(),]', inside):
        depth += (found[0] == "(") - (found[0] == ")")
        if found[0] == "," and depth == 0:
            inner = re.fullmatch(r'\s*("(?:[^"]|"")*") (.*)', inside[start : found.start()], re.DOTALL)
            assert inner, of_field
            yield from _leaves(inner[2], f"{path}.{inner[1]}")
            start = found.end()


def _about(relation: str, what: str) -> str:
    """One of the tables that Iceberg has about a table."""
    return f'{relation[:-1]}${what}"'


def _details(plan: dict[str, Any]) -> Iterator[str]:
    yield from plan["details"]
    for child in plan["children"]:
        yield from _details(child)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
