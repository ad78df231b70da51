"""Time stamps of the product's processes, taken from outside: functions are wrapped when their module is imported.

`install` is called by a `sitecustomize` that the benchmark puts on the module path of the processes (`hook`); the product knows
nothing of it. A mark is a line in a file that all processes append to: monotonic nanoseconds, nanoseconds of processor of this
thread, nanoseconds of processor of the PostgreSQL session that has just answered (0 without one), process, thread, name.
"""

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_HOOK = "from benchmarks.latency import marks\nmarks.install({file!r})\n"
# The functions that are wrapped, by module: "Class.method" or "function". Each call leaves `NAME<` and `NAME>`.
WRAPPED: dict[str, dict[str, str]] = {
    "web.connections": {"RequestWorker._receive": "receive", "_Client.sendall": "send"},
    "gunicorn.workers.gthread": {"ThreadWorker.handle": "thread", "ThreadWorker.finish_request": "kept"},
    "flask.app": {"Flask.wsgi_app": "flask", "Flask.preprocess_request": "before", "Flask.process_response": "after"},
    "database.keys": {"authenticate": "key"},
    "database.notifications": {"Listener._wake": "wake"},
    "api.checks.lookup": {"find_subject_with": "lookup", "find_subject": "lookup"},
    "api.checks.lifecycle": {"accept": "accept", "find": "find", "Check.as_json": "shown"},
    "web.bodies": {"answer": "render"},
    "api.checks.claims": {"claim_batch": "claim", "finish": "finish"},
    "api.worker.execution": {"Executor.execute": "execute", "Executor._conclude": "conclude"},
    "api.checks.memory": {"recall": "recall"},
    "api.checks.specification": {"build": "specification"},
    "api.engine.pool": {"Slot.run": "child", "Slot.prepare": "prepare"},
    "api.engine.command": {"by_hand": "by_hand"},
    "api.worker.results": {"decided": "decided"},
    "api.engine.protocol": {"encode": "encode", "decode_request": "request"},
    "api.engine.gate_test_runner": {"GateTest.run": "run", "_result": "read_result"},
    "dbt.task.test": {"TestRunner.execute": "test"},
}
_file = -1


def hook(folder: Path, file: Path) -> Path:
    """Writes the `sitecustomize` that has processes leave marks in a file; returns the folder to put on their module path."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HOOK.format(file=str(file)))
    return folder


def install(file: str) -> None:
    """Have this process, and those that it forks, append to the file."""
    global _file
    _file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    sys.meta_path.insert(0, _Finder())


def mark(name: str, served_ns: int = 0) -> None:
    """Leave a mark now. A line is shorter than a pipe's atomic write, so lines of several processes do not mix."""
    line = f"{time.monotonic_ns()} {time.thread_time_ns()} {served_ns} {os.getpid()} {threading.get_ident()} {name}\n"
    os.write(_file, line.encode())


class _Finder:
    """Wraps the functions of WRAPPED when their module has been executed."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder` has it."""
        if name not in WRAPPED and name not in _MORE:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for path, label in WRAPPED.get(name, {}).items():
                _wrap(module, path, label)
            if name in _MORE:
                _MORE[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _wrap(module: ModuleType, path: str, label: str) -> None:
    """Does nothing if this release has no such function."""
    holder: Any = module
    *classes, function = path.split(".")
    for each in classes:
        holder = getattr(holder, each, None)
    if (original := getattr(holder, "__dict__", {}).get(function)) is None:
        return
    called = original.__func__ if isinstance(original, classmethod | staticmethod) else original

    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        mark(label + "<")
        try:
            return called(*arguments, **keywords)
        finally:
            mark(label + ">")

    setattr(holder, function, type(original)(wrapper) if isinstance(original, classmethod | staticmethod) else wrapper)


def _processor_of(connection: Any) -> int:
    """Nanoseconds of processor of the PostgreSQL session at the other end, if it runs on this machine."""
    try:
        with open(f"/proc/{connection.info.backend_pid}/schedstat") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _statements(pool: ModuleType) -> None:
    """Marks of each round trip to the internal database, with its block's name."""
    original = pool.Cursor._execute

    def execute(self: Any, sql: str, parameters: Any) -> None:
        label, before = f"sql.{_known.get(sql, 'other')}", _processor_of(self._cursor.connection)
        mark(label + "<")
        try:
            original(self, sql, parameters)
        finally:
            mark(label + ">", _processor_of(self._cursor.connection) - before)

    pool.Cursor._execute = execute


def _blocks(queries: ModuleType) -> None:
    """Remember each block's name."""
    original = queries.load_queries

    def load(path: Path) -> dict[str, str]:
        found: dict[str, str] = original(path)
        _known.update({block: f"{path.stem}.{name}" for name, block in found.items()})
        return found

    queries.load_queries = load


_known: dict[str, str] = {}


def _queries(connections: ModuleType) -> None:
    """Marks of each round trip to the target."""
    original = connections.SQLConnectionManager.add_query

    def add_query(self: Any, sql: str, *arguments: Any, **keywords: Any) -> Any:
        handle = self.get_thread_connection().handle
        before = _processor_of(handle)
        mark("query<")
        try:
            return original(self, sql, *arguments, **keywords)
        finally:
            mark("query>", _processor_of(handle) - before)

    connections.SQLConnectionManager.add_query = add_query


def _logins(connections: ModuleType) -> None:
    """The processor of a login: all of a new session's."""
    original = connections.psycopg2.connect

    def connect(*arguments: Any, **keywords: Any) -> Any:
        mark("connect<")
        handle = original(*arguments, **keywords)
        mark("connect>", _processor_of(handle))
        return handle

    connections.psycopg2.connect = connect


_MORE: dict[str, Callable[[ModuleType], None]] = {
    "database.pool": _statements,
    "database.queries": _blocks,
    "dbt.adapters.sql.connections": _queries,
    "dbt.adapters.postgres.connections": _logins,
}
