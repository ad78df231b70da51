"""A warm dbt process: imports dbt and parses the project once, then serves one check at a time.

The only importer of dbt; started as a process by `pool`, never imported. It speaks JSON lines: requests on standard
input, answers on the descriptor that standard output was at the start (dbt's own output goes to standard error).
When its parent is gone, standard input ends and so does this process, whatever dbt is doing.
"""

import gc
import json
import os
import pkgutil
import queue
import sys
import threading
from importlib.machinery import FileFinder, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.version import __version__ as dbt_version
from dbt_common.invocation import get_invocation_id

_TARGET = "STRINGX_TARGET_"
# Each run makes an adapter, and each adapter adds its flags to this list of dbt's: a run would take 5 ms longer than
# the one before. What was added is taken off again.
_FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = _read_in_background()
    project, profiles, home = sys.argv[1:4]
    common = ["--project-dir", project, "--profiles-dir", profiles]
    quiet = ["--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    parsed = dbtRunner().invoke(
        [
            "parse",
            *common,
            *quiet,
            "--target-path",
            f"{home}/parse",
            "--log-path",
            f"{home}/parse",
            "--no-partial-parse",
        ]
    )
    if not parsed.success:
        _say(answers, {"ready": False, "error": _one_line(parsed)})
        return
    runner = dbtRunner(manifest=parsed.result)
    _list_path_once()
    gc.collect()
    gc.freeze()  # what dbt has loaded stays; no collection looks through it again
    _say(answers, {"ready": True, "dbt_version": dbt_version})
    while True:
        request = requests.get()
        _say(answers, _serve(runner, request, [*common, *quiet]))


def _serve(runner: dbtRunner, request: dict[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Run the gate test with the request's vars on the request's target."""
    for name in [name for name in os.environ if name.startswith((_TARGET, "DBT_ENV_SECRET_"))]:
        del os.environ[name]
    os.environ.update(request["environment"])
    del DEFAULT_BASE_BEHAVIOR_FLAGS[_FLAGS:]
    folder = Path(request["folder"])
    run = runner.invoke(
        ["test", "--select", "gate", *arguments, "--target-path", str(folder), "--log-path", str(folder)],
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


def _one_line(run: dbtRunnerResult) -> str:
    text = str(run.exception or "dbt ran no test").strip()
    return " ".join(text.split())[:2000]


def _read_in_background() -> "queue.Queue[dict[str, Any]]":
    requests: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(0)  # the parent is gone

    threading.Thread(target=read, name="requests", daemon=True).start()
    return requests


def _say(answers: Any, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
