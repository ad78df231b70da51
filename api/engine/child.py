"""Warm dbt processes: one imports dbt and parses the project once, and forks a child whenever `pool` asks for one; a child serves
one check at a time, in memory that it shares with the others until it writes to it.

The only importer of dbt; started as a process by `pool`, never imported. All that is said is JSON lines over sockets; dbt's own
output goes to standard error. When their parent is gone the sockets end, and so do these processes, whatever dbt is doing.
"""

import gc
import json
import os
import pkgutil
import queue
import random
import re
import socket
import sys
import threading
from dataclasses import dataclass
from importlib.machinery import FileFinder, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.version import __version__ as dbt_version
from dbt_common.clients.jinja import template_cache
from dbt_common.invocation import get_invocation_id

_TARGET = "STRINGX_TARGET_"
# An expression of the profile that stands alone. The name of a session is another for each check, so dbt renders it.
_ADDRESS = re.compile(
    r"""(?P<quote>["']){{ *env_var\('(?P<name>STRINGX_TARGET_(?!APPLICATION_NAME)\w+)'(, *'(?P<default>[\w./-]*)')?\)"""
    r""" *(?P<number>\| *as_number *)?}}(?P=quote)"""
)
_PLAIN = re.compile(r"[\w./-]*", re.ASCII)
# Each run makes an adapter, and each adapter adds its flags to this list of dbt's: a run would take 5 ms longer than
# the one before. What was added is taken off again.
_FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)

# A check of nothing, on a socket that is not there: what dbt loads and compiles at its first run, every child has.
_REHEARSAL = {"statement_timeout_ms": 1000, "lock_timeout_ms": 1000, "tables": []}


def main() -> None:
    """Arguments: the number of the socket to the parent, the project's folder, the profiles', one for what parsing leaves."""
    descriptor, project, profiles, home = sys.argv[1:5]
    parent = socket.socket(fileno=int(descriptor))
    os.dup2(2, 1)
    quiet = ["--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    arguments = ["--project-dir", project, *quiet]
    parsing = ["--profiles-dir", profiles, "--target-path", home, "--log-path", home, "--no-partial-parse"]
    parsed = dbtRunner().invoke(["parse", *arguments, *parsing])
    if not parsed.success:
        _say(parent, {"ready": False, "error": _one_line(parsed)})
        return
    runner = dbtRunner(manifest=parsed.result)
    _list_path_once()
    _compile_macros(parsed.result)
    gate = GateTest(runner, Path(profiles) / "profiles.yml", arguments)
    gate.run({"gate": _REHEARSAL, "folder": home, "environment": {"STRINGX_TARGET_HOST": home}})
    gc.collect()
    gc.freeze()  # what dbt has loaded stays: no collection looks through it again, nor copies it into a child's memory
    _say(parent, {"ready": True})
    client = _fork_as_asked(parent)
    if client is not None:
        _serve(client, gate)


def _fork_as_asked(parent: socket.socket) -> socket.socket | None:
    """A child for each socket that the parent sends; in the child that socket, None when the parent is gone."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(parent, 1, 1)
        if not asked:
            return None
        while _ended_child():
            continue
        client = socket.socket(fileno=descriptors[0])
        pid = os.fork()
        if pid == 0:
            parent.close()
            random.seed()
            return client
        client.close()
        _say(parent, {"pid": pid})


def _ended_child() -> bool:
    """Whether there was one. It keeps its number until then, so that nobody else is taken for it."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _serve(client: socket.socket, gate: "GateTest") -> None:
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    asked, answered = [0], 0

    def read() -> None:
        for line in client.makefile("rb"):
            asked[0] += 1
            requests.put(json.loads(line))
        if asked[0] != answered:  # the parent is gone: nobody wants what runs
            os._exit(0)
        requests.put(None)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while (request := requests.get()) is not None:
        _say(client, gate.run(request))
        answered += 1


@dataclass
class GateTest:
    """The gate test, run by dbt as often as it is wanted."""

    runner: dbtRunner
    profiles: Path  # the file
    arguments: list[str]

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """With the request's vars, on the target that its environment names."""
        for name in [name for name in os.environ if name.startswith((_TARGET, "DBT_ENV_SECRET_"))]:
            del os.environ[name]
        os.environ.update(request["environment"])
        del DEFAULT_BASE_BEHAVIOR_FLAGS[_FLAGS:]
        folder = request["folder"]
        self._write_profile(Path(folder))
        run = self.runner.invoke(
            [
                "test",
                "--select",
                "gate",
                *self.arguments,
                "--profiles-dir",
                folder,
                "--target-path",
                folder,
                "--log-path",
                folder,
            ],
            vars={"gate": request["gate"]},
            populate_cache=False,
        )
        results = list(getattr(run.result, "results", None) or [])
        gate = [result for result in results if result.node.name == "gate"]
        return {
            "invocation_id": get_invocation_id(),
            "dbt_version": dbt_version,
            "status": str(gate[0].status) if gate else None,
            "message": gate[0].message if gate else _one_line(run),
            "outcome": gate[0].adapter_response.get("_message") if gate else None,
        }

    def _write_profile(self, folder: Path) -> None:
        """The profile with the target's address in it: dbt compiles each expression anew in each run, 0.4 ms. What is not plain,
        and the password, is left to dbt."""
        text = _ADDRESS.sub(_value, self.profiles.read_text(encoding="utf-8"))
        written = folder / "profiles.yml"
        if not written.exists() or written.read_text(encoding="utf-8") != text:
            written.write_text(text, encoding="utf-8")


def _value(expression: re.Match[str]) -> str:
    """What env_var gives, where that is plain text in YAML and in Jinja."""
    value = os.environ.get(expression["name"], expression["default"])
    if value is None:
        return expression[0]
    if expression["number"]:
        return value if value.isdecimal() else expression[0]
    return f'"{value}"' if _PLAIN.fullmatch(value) else expression[0]


class _Folder:
    """A folder of the module path whose modules are listed once: dbt goes through the whole path at each run, 12 ms."""

    def __init__(self, path: str, finder: FileFinder) -> None:
        self._finder = finder
        self._modules = [(found.name, found.ispkg) for found in pkgutil.iter_modules([path])]

    def find_spec(self, name: str, target: ModuleType | None = None) -> ModuleSpec | None:
        return self._finder.find_spec(name, target)

    def invalidate_caches(self) -> None:
        self._finder.invalidate_caches()

    def iter_modules(self, prefix: str = "") -> list[tuple[str, bool]]:
        """As `pkgutil.iter_modules` asks finders that are none of Python's own."""
        return [(prefix + name, is_package) for name, is_package in self._modules]


def _list_path_once() -> None:
    for path in sys.path:
        finder = pkgutil.get_importer(path)
        if isinstance(finder, FileFinder):
            sys.path_importer_cache[path] = _Folder(path, finder)


def _compile_macros(manifest: Manifest) -> None:
    """Put the project's macros into dbt's own cache of compiled templates: no check is the first to use a rule type."""
    for macro in manifest.macros.values():
        if macro.package_name not in ("dbt", "dbt_postgres"):
            template_cache.get_node_template(macro)


def _one_line(run: dbtRunnerResult) -> str:
    text = str(run.exception or "dbt ran no test").strip()
    return " ".join(text.split())[:2000]


def _say(to: socket.socket, value: dict[str, Any]) -> None:
    to.sendall(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
