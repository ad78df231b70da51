"""A plugin of dbt-duckdb that opens a connection for a check: it lets DuckDB read what the target names and nothing else, and
locks that. dbt imports it, by the name in `stringx/duckdb/profiles.yml`.

Functions are named with `system.main`, because a database may have its own of the same name, which DuckDB would take.
"""

import json
import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from api.engine.duckdb_quoting import texts_of
from api.engine.duckdb_states import BESIDE, MEMORY
from api.engine.profile import PASSWORD_VARIABLE

_FUNCTIONS = "select function_name from system.main.duckdb_functions() where not internal order by all"
_TYPES = "select type_name, internal from system.main.duckdb_types()"


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt has no types
    """Its configuration has `reads`: a JSON object with `folders`, with `locations`, the files of each table, and with `s3`, the
    place of those that are objects."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Keep what may be read."""
        self._reads: dict[str, Any] = json.loads(plugin_config["reads"])

    def configure_connection(self, conn: Any) -> None:
        """Called for each connection, before anything else runs on it. The first to a database locks it for all."""
        path, options = str(self.creds.path), self.creds.config_options or {}
        locations, folders = self._reads.get("locations", {}), self._reads.get("folders", [])
        files = [file for each in locations.values() for file in each["files"]]
        if not _setting(conn, "lock_configuration"):
            if (storage := self._reads.get("s3")) is not None:
                # Imported here, because targets without objects need no package for them.
                from api.engine import duckdb_objects

                duckdb_objects.register(conn, storage, files, os.environ.get(PASSWORD_VARIABLE))
            conn.execute(f"set allowed_paths = {texts_of(files)}")
            conn.execute(f"set allowed_directories = {texts_of(folders)}")
            conn.execute("set enable_external_access = false")
            conn.execute("set allowed_configs = ['timezone']")
            conn.execute("set lock_configuration = true")
        own = str(options.get("temp_directory", ""))
        _require_locked(conn, path, files, [*folders, *([own, os.path.realpath(own)] if own else [])])
        if path != MEMORY:
            _require_no_names(conn)


def _require_locked(conn: Any, path: str, files: list[str], folders: list[str]) -> None:
    """DuckDB adds paths by itself, and takes the end of a link for a path that is one: nothing else may be there."""
    expected = {"allowed_paths": set(files), "allowed_directories": {folder.rstrip("/") for folder in folders}}
    if path != MEMORY:
        expected["allowed_paths"] |= {path + end for end in BESIDE}
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
