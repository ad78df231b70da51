"""A plugin of dbt-duckdb that opens a connection for a check: it lets DuckDB read what the target names and nothing else, locks
that, and makes a view of each table that is files. dbt imports it, by the name in `stringx/duckdb/profiles.yml`.

Functions are named with `system.main`, because a database may have its own of the same name, which DuckDB would take.
"""

import json
import os
import re
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from api.engine import duckdb_csv

_MEMORY = ":memory:"
_BESIDE = ("", ".wal", ".wal.recovery", ".wal.checkpoint")  # of a database file, which DuckDB reads by itself
# All files of a table have its columns. A folder such as `status=open` does not replace what a file says.
_READER = "read_parquet({}, union_by_name = true, hive_partitioning = false)"
_WHOLE = re.compile("U?(TINY|SMALL|BIG)?INT(EGER)?")  # of any width: none is rounded in a wider one
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")  # the same, with as many digits behind the point
_UNREADABLE = '"stringx$".unreadable'  # a table with `name` and `fault` of each table that cannot be read
_FUNCTIONS = "select function_name from system.main.duckdb_functions() where not internal order by all"
_TYPES = "select type_name, internal from system.main.duckdb_types()"


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt has no types
    """Its configuration has `reads`: a JSON object with `folders`, and with `locations`, the files of each table."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Keep what may be read."""
        self._reads: dict[str, Any] = json.loads(plugin_config["reads"])

    def configure_connection(self, conn: Any) -> None:
        """Called for each connection, before anything else runs on it. The first to a database locks it for all."""
        path, options = str(self.creds.path), self.creds.config_options or {}
        locations, folders = self._reads.get("locations", {}), self._reads.get("folders", [])
        files = [file for each in locations.values() for file in each["files"]]
        if not _setting(conn, "lock_configuration"):
            conn.execute(f"set allowed_paths = {_list(files)}")
            conn.execute(f"set allowed_directories = {_list(folders)}")
            conn.execute("set enable_external_access = false")
            conn.execute("set allowed_configs = ['timezone']")
            conn.execute("set lock_configuration = true")
        own = str(options.get("temp_directory", ""))
        _require_locked(conn, path, files, [*folders, *([own, os.path.realpath(own)] if own else [])])
        if path != _MEMORY:
            _require_no_names(conn)
        elif locations:
            _make_views(conn, locations)


def _require_locked(conn: Any, path: str, files: list[str], folders: list[str]) -> None:
    """DuckDB adds paths by itself, and takes the end of a link for a path that is one: nothing else may be there."""
    expected = {"allowed_paths": set(files), "allowed_directories": {folder.rstrip("/") for folder in folders}}
    if path != _MEMORY:
        expected["allowed_paths"] |= {path + end for end in _BESIDE}
    found = {name: {path.rstrip("/") for path in _setting(conn, name)} for name in expected}
    if not _setting(conn, "lock_configuration") or _setting(conn, "enable_external_access"):
        raise DbtRuntimeError("the database could not be locked, so nothing was read")
    if others := sorted(path for name in expected for path in found[name] - expected[name]):
        raise DbtRuntimeError(f"DuckDB could read what the target does not name, so nothing was read: {others[0]}")


def _setting(conn: Any, name: str) -> Any:
    return conn.execute("select system.main.current_setting(?)", [name]).fetchone()[0]


def _require_no_names(conn: Any) -> None:
    """DuckDB takes a function or a type of the database before its own. It would decide about rules."""
    named = [name for (name,) in conn.execute(_FUNCTIONS).fetchall()]
    types = conn.execute(_TYPES).fetchall()
    own = {name.casefold() for name, is_own in types if is_own}
    made = [name for name, is_own in types if not is_own]
    named += sorted(name for name in made if name.casefold() in own or name.casefold().startswith("stringx"))
    if named:
        raise DbtRuntimeError(f"the database defines functions or types: {', '.join(named[:5])}")


def _make_views(conn: Any, locations: dict[str, Any]) -> None:
    """A view of each table. Those that cannot be read are listed, with one line that says why."""
    conn.execute(f'create schema "stringx$"; create table {_UNREADABLE} (name varchar, fault varchar)')
    for table, each in locations.items():
        schema, name = map(_name, table.split(".", 1))
        fault = each.get("fault")
        try:
            is_csv = each["format"] == "csv"
            fault = fault or (None if is_csv else _fault_of_files(conn, each["files"]))
            if fault is None:
                query = duckdb_csv.query(each) if is_csv else f"from {_READER.format(_list(each['files']))}"
                conn.execute(f"create schema if not exists {schema}")
                conn.execute(f"create view {schema}.{name} as {query}")
        except duckdb_csv.NotAsListed as error:
            fault = str(error)
        except duckdb.Error as error:
            fault = (str(error).splitlines() or [type(error).__name__])[0][:300]
        if fault is not None:
            conn.execute(f"insert into {_UNREADABLE} values (?, ?)", [table, fault])


def _fault_of_files(conn: Any, files: list[str]) -> str | None:
    """In one line, how a file's columns differ from those of the first: DuckDB would round values, or read NULL."""
    first: dict[str, str] = {}
    for file in files:
        rows = conn.execute(f"describe from {_READER.format(_list([file]))}").fetchall()
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


def _kind(type_: str) -> str:
    """Of types whose values fit into the wider one of them as they are."""
    if _WHOLE.fullmatch(type_):
        return "a whole number"
    decimal = _DECIMAL.fullmatch(type_)
    return f"DECIMAL with {decimal[1]} digits behind the point" if decimal else type_


def _list(texts: list[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]::varchar[]"


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _name(value: str) -> str:
    quoted = value.replace('"', '""')
    return f'"{quoted}"'
