"""Views of the tables that are files, whose columns must be alike. Made anew for each reading: a file may have been replaced."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb

from api.engine import duckdb_csv
from api.engine.duckdb_quoting import name_of, texts_of
from api.engine.duckdb_words import words_for
from api.engine.s3_faults import fault_in
from api.engine.side_by_side import looks
from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.documents.names import parts_of_table

# All files of a table have its columns. A folder such as `status=open` does not replace what a file says.
_READER = "read_parquet({}, union_by_name = true, hive_partitioning = false)"
_WHOLE = re.compile("U?(TINY|SMALL|BIG)?INT(EGER)?")  # of any width: none is rounded in a wider one
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")  # the same, with as many digits behind the point
_VIEWS = "select schema_name, view_name, column_count from system.main.duckdb_views() where not internal"
_UNREADABLE = '"stringx$".unreadable'  # a table with `name` and `fault` of each table that cannot be read


class _Different(Exception):
    """The files of a table differ; the text is one line."""


def make_views(conn: Any, locations: dict[str, Any]) -> None:
    """A view of each table, in place of those that were there: what columns a file has is looked up now. Tables that cannot be
    read are listed, with one line that says why."""
    conn.execute('create schema if not exists "stringx$"')
    conn.execute(f"create or replace table {_UNREADABLE} (name varchar, fault varchar)")
    for table, each in locations.items():
        fault = each.get("fault")
        try:
            _make_view(conn, parts_of_table(table), each, is_readable=fault is None)
        except (duckdb_csv.NotAsListed, _Different) as error:
            fault = fault or str(error)
        except duckdb.Error as error:
            fault = (
                fault
                or fault_in(str(error))
                or words_for(str(error), each["files"])
                or (str(error).splitlines() or [type(error).__name__])[0][:300]
            )
        if fault is not None:
            conn.execute(f"insert into {_UNREADABLE} values (?, ?)", [table, fault])


def _make_view(conn: Any, names: list[str], location: dict[str, Any], *, is_readable: bool) -> None:
    """In place of the one that was there; none if the table cannot be read. Raises NotAsListed and _Different."""
    schema, name = map(name_of, names)
    conn.execute(f"create schema if not exists {schema}")
    conn.execute(f"drop view if exists {schema}.{name}")
    if not is_readable:
        return
    if location["format"] == "csv":
        conn.execute(f"create view {schema}.{name} as {duckdb_csv.query(location)}")
        return
    columns = _require_alike(conn, location["files"])
    conn.execute(f"create view {schema}.{name} as from {_READER.format(texts_of(location['files']))}")
    views = {(folded(of), folded(view)): together for of, view, together in conn.execute(_VIEWS).fetchall()}
    if (together := views[folded(names[0]), folded(names[1])]) != columns:  # DuckDB takes for two columns what is one here
        conn.execute(f"drop view {schema}.{name}")
        raise _Different(f"its files have {columns} columns each, and {together} together")


def _require_alike(conn: Any, files: list[str]) -> int:
    """Of how many columns all files are. Raises _Different, with how one differs from the first: DuckDB would round values, or
    read NULL."""
    first: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for file, rows in zip(files, _columns_of(conn, files), strict=True):
        types = {folded(name): _kind(type_) for name, type_, *_ in rows}
        spelled |= {folded(name): name for name, *_ in rows}
        if len(types) < len(rows):
            raise _Different(f"{file} has two columns whose names differ in upper and lower case only")
        first = first or types
        if types == first:
            continue
        for name in sorted(first.keys() ^ types.keys()):
            having, lacking = (files[0], file) if name in first else (file, files[0])
            raise _Different(f"column {spelled[name]} is in {having} and not in {lacking}")
        name = next(name for name in first if first[name] != types[name])
        raise _Different(f"column {name} is {first[name]} in {files[0]} and {types[name]} in {file}; write one type")
    return len(first)


def _columns_of(conn: Any, files: list[str]) -> Iterator[list[tuple[str, ...]]]:
    """What DuckDB says of the columns of each file, in order."""

    def described(file: str) -> list[tuple[str, ...]]:
        with conn.cursor() as cursor:
            found: list[tuple[str, ...]] = cursor.execute(f"describe from {_READER.format(texts_of([file]))}").fetchall()
            return found

    return looks(described, files)


def _kind(type_: str) -> str:
    """Of types whose values fit into the wider one of them as they are."""
    if _WHOLE.fullmatch(type_):
        return "a whole number"
    decimal = _DECIMAL.fullmatch(type_)
    return f"DECIMAL with {decimal[1]} digits behind the point" if decimal else type_
