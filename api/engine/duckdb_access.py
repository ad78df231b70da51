"""A plugin of dbt-duckdb that opens a connection for a check: it lets DuckDB read what the target names and nothing else, and
locks that. dbt imports it, by the name in `stringx/duckdb/profiles.yml`.

Functions are named with `system.main`, because a database may have its own of the same name, which DuckDB would take.
"""

import json
import os
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from api.engine.duckdb_quoting import name_of, text_of, texts_of
from api.engine.duckdb_states import BESIDE, MEMORY, note
from api.engine.profile import PASSWORD_VARIABLE
from stringx_dataops.contract.ascii_case import folded

_FUNCTIONS = "select database_name, function_name from system.main.duckdb_functions() where not internal order by all"
_TYPES = "select database_name, type_name, internal from system.main.duckdb_types()"
_DATABASES = "select database_name, path from system.main.duckdb_databases() where not internal"
_SCHEMAS = "select schema_name from system.main.duckdb_schemas() where database_name = system.main.current_database()"


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt has no types
    """Its configuration has `reads`: a JSON object with `folders`; with `locations`, the files of each table; with `s3`, where
    the objects among them are; and with `attach`, further database files by their names."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Keep what may be read."""
        self._reads: dict[str, Any] = json.loads(plugin_config["reads"])

    def configure_connection(self, conn: Any) -> None:
        """Called for each connection, before anything else runs on it. The first to a database locks it for all."""
        path, options = str(self.creds.path), self.creds.config_options or {}
        locations, folders = self._reads.get("locations", {}), self._reads.get("folders", [])
        attached: dict[str, str] = self._reads.get("attach", {})
        files = [file for each in locations.values() for file in each["files"]]
        if not _setting(conn, "lock_configuration"):
            try:
                _attach(conn, attached)
            finally:
                self._lock(conn, files, folders)
        own = str(options.get("temp_directory", ""))
        databases = [*([] if path == MEMORY else [path]), *attached.values()]
        _require_locked(conn, databases, files, [*folders, *([own, os.path.realpath(own)] if own else [])])
        _require_attached(conn, path, attached)
        if databases:
            _require_no_names(conn)

    def _lock(self, conn: Any, files: list[str], folders: list[str]) -> None:
        if (storage := self._reads.get("s3")) is not None:
            # Imported here, because targets without objects need no package for them.
            from api.engine import duckdb_objects

            duckdb_objects.register(conn, storage, files, os.environ.get(PASSWORD_VARIABLE))
        conn.execute(f"set allowed_paths = {texts_of(files)}")
        conn.execute(f"set allowed_directories = {texts_of(folders)}")
        conn.execute("set enable_external_access = false")
        conn.execute("set allowed_configs = ['timezone']")
        conn.execute("set lock_configuration = true")


def _attach(conn: Any, attached: dict[str, str]) -> None:
    """As files of DuckDB alone, so that no extension is looked for. An error names the file, as DuckDB's does not always."""
    for name, file in attached.items():
        note(file)
        try:
            conn.execute(f"attach {text_of(file)} as {name_of(name)} (type duckdb, read_only)")
        except duckdb.Error as error:
            raise DbtRuntimeError(f'database file "{file}": {error}') from error


def _require_attached(conn: Any, path: str, attached: dict[str, str]) -> None:
    """Each name is that of its file, and of nothing else that DuckDB could take for it."""
    found = dict(conn.execute(_DATABASES).fetchall())
    (own,) = conn.execute("select system.main.current_database()").fetchone()
    if found != {own: None if path == MEMORY else path} | attached:
        raise DbtRuntimeError("DuckDB has other databases than the target names, so nothing was read")
    schemas = {folded(name) for (name,) in conn.execute(_SCHEMAS).fetchall()}
    if alike := sorted(schemas.intersection(attached)):
        raise DbtRuntimeError(f"the database has a schema with the name of an attached one: {alike[0]}")


def _require_locked(conn: Any, databases: list[str], files: list[str], folders: list[str]) -> None:
    """DuckDB adds paths by itself, and takes the end of a link for a path that is one: nothing else may be there."""
    beside = {database + end for database in databases for end in BESIDE}
    expected = {"allowed_paths": {*files, *beside}, "allowed_directories": {folder.rstrip("/") for folder in folders}}
    found = {name: {path.rstrip("/") for path in _setting(conn, name)} for name in expected}
    if not _setting(conn, "lock_configuration") or _setting(conn, "enable_external_access"):
        raise DbtRuntimeError("the database could not be locked, so nothing was read")
    if others := sorted(path for name in expected for path in found[name] - expected[name]):
        raise DbtRuntimeError(f"DuckDB could read what the target does not name, so nothing was read: {others[0]}")


def _setting(conn: Any, name: str) -> Any:
    return conn.execute("select system.main.current_setting(?)", [name]).fetchone()[0]


def _require_no_names(conn: Any) -> None:
    """DuckDB takes a function or a type of the database before its own. It would decide about rules."""
    files = dict(conn.execute(_DATABASES).fetchall())
    types = conn.execute(_TYPES).fetchall()
    own = {folded(name) for _, name, is_own in types if is_own}
    made = [(database, name) for database, name, is_own in types if not is_own]
    named = conn.execute(_FUNCTIONS).fetchall()
    named += sorted(each for each in made if folded(each[1]) in own or folded(each[1]).startswith("stringx"))
    if named:
        of_first = [name for database, name in named if database == named[0][0]]
        raise DbtRuntimeError(
            f'database file "{files.get(named[0][0])}": the database defines functions or types: {", ".join(of_first[:5])}'
        )
