"""Warm dbt processes: one imports dbt and parses the project once, and forks a child whenever `pool` asks for one; a child serves
one check at a time, in memory that it shares with the others until it writes to it. What dbt does before it knows the check, an
idle child does in advance.

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
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.machinery import FileFinder, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2.sandbox
import yaml
from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType
from dbt.version import __version__ as dbt_version
from dbt_common.clients.jinja import template_cache
from dbt_common.events.base_types import EventMsg
from dbt_common.invocation import get_invocation_id

_OF_DBT = ("dbt", "dbt_postgres")  # packages
_TARGET = "STRINGX_TARGET_"
_SESSION_NAME = "STRINGX_TARGET_APPLICATION_NAME"
# An expression of the profile that stands alone.
_ADDRESS = re.compile(
    r"""(?P<quote>["']){{ *env_var\('(?P<name>STRINGX_TARGET_\w+)'(, *'(?P<default>[\w./-]*)')?\)"""
    r""" *(?P<number>\| *as_number *)?}}(?P=quote)"""
)
_ANY_SCHEMA = "stringx_schema_of_target"  # the project is parsed once for all targets; the macros put the target's in its place
_PLAIN = re.compile(r"[\w./-]*", re.ASCII)
# Each run makes an adapter, and each adapter adds its flags to this list of dbt's: a run would take 5 ms longer than
# the one before. What was added is taken off again.
_FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)

# A check of nothing, on a socket that is not there: what dbt loads and compiles at its first run, every child has.
_REHEARSAL = {"statement_timeout_ms": 1000, "lock_timeout_ms": 1000, "tables": [], "looks_up_project": True}

# What the parent asks for: a `place` (folder, environment, and when the project's settings were written), and there the gate
# test's specification `gate`, in a session of the name `session`; or the place alone, where it expects to ask for something next.
Request = dict[str, Any]
_PAUSE_S = 0.02  # before a child prepares: the result that it has just given is still on its way, by the same processors


def main() -> None:
    """Arguments: the number of the socket to the parent, the project's folder, the profiles', one for what parsing leaves."""
    descriptor, project, profiles, home = sys.argv[1:5]
    # Ctrl-C reaches the whole group; these processes end when their parent lets them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = socket.socket(fileno=int(descriptor))
    os.dup2(2, 1)
    quiet = ["--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    arguments = ["--project-dir", project, *quiet]
    parsing = ["--profiles-dir", profiles, "--target-path", home, "--log-path", home, "--no-partial-parse"]
    loaded = threading.Event()
    watch = threading.Thread(target=_end_with, args=[parent, loaded], daemon=True)
    watch.start()
    os.environ["STRINGX_TARGET_SCHEMA"] = _ANY_SCHEMA
    parsed = dbtRunner().invoke(["parse", *arguments, *parsing])
    if not parsed.success:
        _say(parent, {"ready": False, "error": _one_line(parsed)})
        return
    if fault := _fault_of_manifest(parsed.result, Path(project)):
        _say(parent, {"ready": False, "error": fault})
        return
    _list_path_once()
    _compile_macros(parsed.result)
    _remember_attributes()
    gate = GateTest(parsed.result, Path(project) / "dbt_project.yml", Path(profiles) / "profiles.yml", arguments)
    place = {"folder": home, "environment": {"STRINGX_TARGET_HOST": home}}
    rehearsal = {"place": place, "session": "stringx", "gate": _REHEARSAL}
    gate.run(rehearsal, lambda: rehearsal)
    loaded.set()
    watch.join()  # no thread while it forks
    gc.collect()
    gc.freeze()  # what dbt has loaded stays: no collection looks through it again, nor copies it into a child's memory
    _say(parent, {"ready": True})
    client = _fork_as_asked(parent)
    if client is not None:
        _serve(client, gate)


def _end_with(parent: socket.socket, loaded: threading.Event) -> None:
    """End the process where the parent is gone before the project is loaded: until then it says nothing."""
    while not loaded.wait(0.1):
        if select.select([parent], [], [], 0)[0]:
            os._exit(0)


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
    requests = _Requests(client)
    while (request := requests.next()) is not None:
        if "gate" not in request and requests.come_within(_PAUSE_S):
            continue
        answer = gate.run(request, partial(requests.at, request))
        if answer is not None:
            requests.answered += 1
            _say(client, answer)


class _Requests:
    """What comes over the socket, in order."""

    def __init__(self, client: socket.socket) -> None:
        self.answered = 0  # of those that were asked
        self._asked = 0
        self._all: queue.Queue[Request | None] = queue.Queue()
        self._put_back: list[Request | None] = []
        threading.Thread(target=self._read, args=[client], name="requests", daemon=True).start()

    def next(self) -> Request | None:
        """None at the end: the parent is gone."""
        return self._put_back.pop() if self._put_back else self._all.get()

    def come_within(self, seconds: float) -> bool:
        """Whether there is another, or the end; it is next."""
        with suppress(queue.Empty):
            self._put_back.append(self._all.get(timeout=seconds))
        return bool(self._put_back)

    def at(self, expected: Request) -> Request | None:
        """What dbt runs now that it is ready at a place: what it was asked to, or else what comes next, if it comes and is of
        that place."""
        if "gate" in expected:
            return expected
        request = self._all.get()
        if request is not None and request["place"] == expected["place"]:
            return request
        self._put_back.append(request)
        return None

    def _read(self, client: socket.socket) -> None:
        with suppress(OSError):  # the parent was killed before it had read the last answer
            for line in client.makefile("rb"):
                request = json.loads(line)
                self._asked += "gate" in request
                self._all.put(request)
        if self._asked != self.answered:  # nobody wants what runs
            os._exit(0)
        self._all.put(None)


class _Unwanted(Exception):
    """Ends a run that was begun for a request that did not come."""


@dataclass
class GateTest:
    """The gate test, run by dbt as often as it is wanted."""

    manifest: Manifest
    project: Path  # the files
    profiles: Path
    arguments: list[str]
    _arrive: Callable[[], None] | None = field(init=False, default=None)
    _runner: dbtRunner = field(init=False)
    _never_prepares: bool = field(init=False)

    def __post_init__(self) -> None:
        self._runner = dbtRunner(self.manifest, callbacks=[self._on_event])
        has_hooks = any(node.resource_type == NodeType.Operation for node in self.manifest.nodes.values())
        self._never_prepares = has_hooks or any(map(_is_another_each_time, _texts(self.manifest)))

    def run(self, expected: Request, receive: Callable[[], Request | None]) -> dict[str, Any] | None:
        """Have dbt get ready at a place, and run there what is received then; None where that is nothing."""
        try:
            if "gate" not in expected and not self._can_prepare():
                return None
            self._settle(expected)
        except OSError:
            if "gate" in expected:
                raise
            return None  # the next check says so
        variables: dict[str, Any] = {}

        def arrive() -> None:
            request = receive()
            if request is None:
                raise _Unwanted
            variables["gate"] = request["gate"]
            os.environ["PGAPPNAME"] = request["session"]

        self._arrive = arrive
        folder = expected["place"]["folder"]
        folders = ["--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
        run = self._runner.invoke(["test", "--select", "gate", *self.arguments, *folders], vars=variables, populate_cache=False)
        return self._answer(run) if "gate" in expected or variables else None

    def _answer(self, run: dbtRunnerResult) -> dict[str, Any]:
        results = list(getattr(run.result, "results", None) or [])
        gate = [result for result in results if result.node.name == "gate"]
        hooks = [result for result in results if result.node.resource_type == NodeType.Operation and result.status == "error"]
        failed = [hook for hook in hooks if "-on-run-start-" in hook.node.unique_id]
        ran = gate and not failed
        return {
            "invocation_id": get_invocation_id(),
            "dbt_version": dbt_version,
            "status": str(gate[0].status) if gate else None,
            "message": f"on-run-start failed: {failed[0].message}" if failed else gate[0].message if gate else _one_line(run),
            "outcome": gate[0].adapter_response.get("_message") if ran else None,
        }

    def _on_event(self, event: EventMsg) -> None:
        """dbt is about to execute the gate test; its vars are read after this."""
        if event.info.name == "NodeExecuting" and self._arrive is not None:
            arrive, self._arrive = self._arrive, None
            arrive()

    def _can_prepare(self) -> bool:
        """Whether nothing is read on the way to the gate test that is another for each check, and nothing goes to the target."""
        project, profile = self.project.read_text(encoding="utf-8"), self.profiles.read_text(encoding="utf-8")
        tells = _is_another_each_time(project) or _is_another_each_time(_ADDRESS.sub("", profile))
        return not self._never_prepares and not tells and _is_silent(project, profile)

    def _settle(self, request: Request) -> None:
        """Everything outside of dbt."""
        for name in [name for name in os.environ if name.startswith((_TARGET, "DBT_ENV_SECRET_"))]:
            del os.environ[name]
        os.environ.update(request["place"]["environment"])
        if "session" in request:
            os.environ[_SESSION_NAME] = request["session"]
        del DEFAULT_BASE_BEHAVIOR_FLAGS[_FLAGS:]
        self._write_profile(Path(request["place"]["folder"]))

    def _write_profile(self, folder: Path) -> None:
        """The profile with the target's address in it: dbt compiles each expression anew in each run, 0.4 ms. What is not plain,
        and the password, is left to dbt; the session's name, which is another for each check, to libpq's own variable."""
        text = _ADDRESS.sub(_value, self.profiles.read_text(encoding="utf-8"))
        written = folder / "profiles.yml"
        if not written.exists() or written.read_text(encoding="utf-8") != text:
            written.write_text(text, encoding="utf-8")


def _fault_of_manifest(manifest: Manifest, project: Path) -> str | None:
    """What a check needs and the project has not."""
    gates = [node for node in manifest.nodes.values() if node.resource_type == NodeType.Test and node.name == "gate"]
    if not gates:
        return "it has no test named gate; add the package stringx to packages.yml and run `dbt deps`"
    name = str(yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["name"])
    materialization = manifest.find_materialization_macro_by_name(name, "test", "postgres")
    if materialization is None or "stringx_test" not in materialization.macro_sql:
        return (
            "it has not the line that runs the gate test; add to its macros:"
            " {% materialization test, default %}{{ return(stringx.stringx_test()) }}{% endmaterialization %}"
        )
    return None


def _texts(manifest: Manifest) -> Iterator[str]:
    """Of the macros and tests of the project and its packages."""
    yield from (macro.macro_sql for macro in manifest.macros.values() if macro.package_name not in _OF_DBT)
    yield from (f"{node.raw_code} {getattr(node, 'test_metadata', '')}" for node in manifest.nodes.values())


def _is_another_each_time(text: str) -> bool:
    return "run_started_at" in text or _SESSION_NAME in text


def _is_silent(project: str, profile: str) -> bool:
    """Whether dbt sends nothing before the gate test's first statement: no BEGIN and COMMIT around hooks that are not there."""
    try:
        flags = yaml.safe_load(project)["flags"]
        profiles = yaml.safe_load(profile)
        outputs = [output for name, each in profiles.items() if name != "config" for output in each["outputs"].values()]
        return flags["postgres_skip_autocommit_transaction_statements"] is True and all(
            each["autocommit"] is True for each in outputs
        )
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        return False


def _value(expression: re.Match[str]) -> str:
    """What env_var gives, where that is plain text in YAML and in Jinja."""
    if expression["name"] == _SESSION_NAME:
        return '""'
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
        if macro.package_name not in _OF_DBT:
            template_cache.get_node_template(macro)


def _remember_attributes() -> None:
    """Jinja's sandbox asks at each attribute that a macro reads whether it is one of Python's own, which the type decides: a
    third of the time that macros take."""
    is_internal, known = jinja2.sandbox.is_internal_attribute, dict[tuple[type, str], bool]()

    def remembered(obj: object, attr: str) -> bool:
        key = (type(obj), attr)
        if key not in known:
            known[key] = is_internal(obj, attr)
        return known[key]

    jinja2.sandbox.is_internal_attribute = remembered


def _one_line(run: dbtRunnerResult) -> str:
    text = str(run.exception or "dbt ran no test").strip()
    return " ".join(text.split())[:2000]


def _say(to: socket.socket, value: dict[str, Any]) -> None:
    to.sendall(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
