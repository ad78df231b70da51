"""Views of the tables that are files, whose columns must be alike. Made anew for each reading: a file may have been replaced."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb

from api.engine import duckdb_csv
from api.engine.duckdb_quoting import name_of, texts_of
from api.engine.s3_faults import fault_in
from api.engine.side_by_side import looks

# All files of a table have its columns. A folder such as `status=open` does not replace what a file says.
_READER = "read_parquet({}, union_by_name = true, hive_partitioning = false)"
_WHOLE = re.compile("U?(TINY|SMALL|BIG)?INT(EGER)?")  # of any width: none is rounded in a wider one
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")  # the same, with as many digits behind the point
_UNREADABLE = '"stringx$".unreadable'  # a table with `name` and `fault` of each table that cannot be read


def make_views(conn: Any, locations: dict[str, Any]) -> None:
    """A view of each table, in place of those that were there: what columns a file has is looked up now. Tables that cannot be
    read are listed, with one line that says why."""
    conn.execute('create schema if not exists "stringx$"')
    conn.execute(f"create or replace table {_UNREADABLE} (name varchar, fault varchar)")
    for table, each in locations.items():
        schema, name = map(name_of, table.split(".", 1))
        fault = each.get("fault")
        try:
            conn.execute(f"create schema if not exists {schema}")
            conn.execute(f"drop view if exists {schema}.{name}")
            is_csv = each["format"] == "csv"
            fault = fault or (None if is_csv else _fault_of_files(conn, each["files"]))
            if fault is None:
                query = duckdb_csv.query(each) if is_csv else f"from {_READER.format(texts_of(each['files']))}"
                conn.execute(f"create view {schema}.{name} as {query}")
        except duckdb_csv.NotAsListed as error:
            fault = str(error)
        except duckdb.Error as error:
            fault = fault_in(str(error)) or (str(error).splitlines() or [type(error).__name__])[0][:300]
        if fault is not None:
            conn.execute(f"insert into {_UNREADABLE} values (?, ?)", [table, fault])


def _fault_of_files(conn: Any, files: list[str]) -> str | None:
    """In one line, how a file's columns differ from those of the first: DuckDB would round values, or read NULL."""
    first: dict[str, str] = {}
    for file, rows in zip(files, _columns_of(conn, files), strict=True):
        types = {name.casefold(): _kind(type_) for name, type_, *_ in rows}
        if len(types) < len(rows):
            return f"{file} has two columns whose names differ in upper and lower case only"
        first = first or types
        if types == first:
            continue
        for name in sorted(first.keys() ^ types.keys()):
            return f"column {name} is in {files[0] if name in first else file} and not in {file if name in first else files[0]}"
        name = next(name for name in first if first[name] != types[name])
        return f"column {name} is {first[name]} in {files[0]} and {types[name]} in {file}; write one type"
    return None


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
