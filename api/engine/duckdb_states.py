"""States of the files and objects that a check of DuckDB reads: which they are, and when they were written. By them it notices
what is replaced or overwritten meanwhile, which DuckDB's lock of a database file does not hinder."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.engine import duckdb_views
from api.engine.s3_client import State
from api.engine.s3_faults import StorageFault
from stringx_dataops.contract.documents.engines.s3 import is_object

if TYPE_CHECKING:
    from api.engine.duckdb_objects import Objects

MEMORY = ":memory:"  # in place of a database file
OVERWRITTEN = 'database file "{}": it was overwritten while it was read'
BESIDE = ("", ".wal", ".wal.recovery", ".wal.checkpoint")  # of a database file: what DuckDB reads by itself


@dataclass(frozen=True)
class Database:
    """What is known of a database file and of those beside it: None of one that is not there."""

    path: str
    states: dict[str, tuple[int, ...] | None]

    @classmethod
    def now(cls, path: str) -> "Database":
        return cls(path, {path + end: _state(path + end) for end in BESIDE})

    def has_changed(self) -> bool:
        return self.states[self.path] is None or any(_state(name) != state for name, state in self.states.items())


_opened: dict[str, Database] = {}


def forget_all_but(paths: Collection[str]) -> None:
    """The database files of another target, which this process has opened before."""
    for path in _opened.keys() - set(paths):
        del _opened[path]


def note(path: str) -> None:
    """The state of a database file, just before it is opened."""
    _opened[path] = Database.now(path)


def opened() -> list[Database]:
    """The database files of this process, as they were before they were opened."""
    return list(_opened.values())


@dataclass(frozen=True)
class Files:
    """What is known of the files of all tables at one moment: None of one that cannot be looked at. Of objects their tags, sizes
    and times, or why there are none."""

    states: dict[str, tuple[int, ...] | None]
    objects: Mapping[str, State | StorageFault]

    @classmethod
    def now(cls, locations: dict[str, Any]) -> "Files":
        names = {name: is_object(name) for each in locations.values() for name in each["files"]}
        states = {name: _state(name) for name, on_s3 in names.items() if not on_s3}
        return cls(states, _registered().look() if any(names.values()) else {})

    def make_views(self, connection: Any, locations: dict[str, Any]) -> bool:
        """Views of the tables. From now on objects are read as they were at that moment, and files as they are. Returns whether
        an object was replaced meanwhile, so that it cannot be read."""
        if self.objects:
            _registered().pin(self.objects)
        duckdb_views.make_views(connection, locations)
        return bool(self.objects) and _registered().is_replaced

    def have_changed(self) -> bool:
        if any(state is None or _state(name) != state for name, state in self.states.items()):
            return True
        if self.objects and _registered().is_replaced:  # though it may be the same again
            return True
        now = _registered().look() if self.objects else {}
        return any(not isinstance(state, State) or now[name] != state for name, state in self.objects.items())


def _state(name: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _registered() -> "Objects":
    from api.engine.duckdb_objects import registered  # here, because other targets need no package for objects

    return registered()
