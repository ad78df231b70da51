"""The program of the warm dbt processes. The first process imports dbt and parses the project once, and forks a child whenever
`pool` asks for one. A child serves one check at a time, in memory that it shares with the other processes until it writes to it.
While it is idle, it does what dbt does before it needs the check.

`pool` starts this file as a process; nothing imports it. It imports dbt, and so do `gate_test_runner`, `dbt_shortcuts` and
`loaded_before`, which only it imports. `protocol` has the messages on its sockets; dbt's own output goes to standard error. When
the worker is gone, the sockets end, and so do these processes, even while dbt is busy.
"""

import gc
import os
import queue
import random
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import Macro

from api.engine import abandoned, dbt_shortcuts, jinja_shortcuts, protocol
from api.engine.gate_test_runner import GateTest, fault_of_manifest, one_line
from api.engine.loaded_before import LoadedBefore
from api.engine.protocol import FORK, Forked, Loaded, Message, Place, Prepare, Request, RunGateTest
from stringx_dataops.contract.gate_test.specification import Specification

# The project is parsed once for all targets. The macros replace this name with the schema of the target.
_ANY_SCHEMA = "stringx_schema_of_target"
# A check of no table, on a target that does not exist. It makes dbt load and compile, before the first fork, what its first run
# needs.
_REHEARSAL: Specification = {
    "statement_timeout_ms": 1000,
    "lock_timeout_ms": 1000,
    "work_mem": None,
    "max_parallel_workers_per_gather": None,
    "tables": [],
    "looks_up_project": True,
}
_QUIET = ("--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none", "--no-write-json")
_COMPILES_AFTER_S = 60.0  # by then, whatever waited for the first children has been served
_PAUSE_S = 0.02  # before a child prepares: other processes are still busy with its last result, on the same processors


def main() -> None:
    """Arguments: the file descriptor of the socket to the worker, the folder of all files of the project, the project's folder,
    the folder of the profiles, a folder for what dbt writes while it parses, and one for what is kept of that for later starts,
    or nothing."""
    descriptor, files, project, profiles, home = sys.argv[1:6]
    kept = Path(sys.argv[6]) if len(sys.argv) > 6 else None
    # Ctrl-C reaches the whole process group. These processes end when the worker lets them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = socket.socket(fileno=int(descriptor))
    os.dup2(2, 1)
    loaded = threading.Event()
    watch = threading.Thread(target=_end_with, args=[worker, loaded], daemon=True)
    watch.start()
    arguments = ["--project-dir", project, *_QUIET]
    before = LoadedBefore(kept, Path(files), Path(profiles))
    is_lent = before.lend(Path(home))
    manifest = _load(Path(project), arguments, profiles, home)
    if isinstance(manifest, str) and is_lent:
        before.withdraw(Path(home))
        manifest = _load(Path(project), arguments, profiles, home)
    if isinstance(manifest, str):
        _send(worker, Loaded(fault=manifest))
        return
    before.keep_parsed(Path(home))
    gate_test = GateTest(manifest, Path(project) / "dbt_project.yml", Path(profiles) / "profiles.yml", arguments)
    often, seldom = dbt_shortcuts.macros_to_compile(manifest)
    before.compile_macros([*often, *filter(before.is_compiled, seldom)])
    seldom = [macro for macro in seldom if not before.is_compiled(macro)]
    _rehearse(gate_test, home)
    before.keep_compiled()
    loaded.set()
    watch.join()  # a process that forks should have one thread
    gc.collect()
    gc.freeze()  # so that no collection looks through what dbt has loaded, which would copy it into each child's memory
    _send(worker, Loaded(fault=None))
    client = _fork_on_request(worker, seldom, before)
    if client is not None:
        _serve(client, gate_test)


def _load(project: Path, arguments: list[str], profiles: str, home: str) -> Manifest | str:
    """The parsed project, or in one line why there is none. Later runs of dbt in this process are shortened."""
    parsing = ["--profiles-dir", profiles, "--target-path", home, "--log-path", home]
    os.environ["STRINGX_TARGET_SCHEMA"] = _ANY_SCHEMA
    dbt_shortcuts.lock_within_process()
    parsed = dbtRunner().invoke(["parse", *arguments, *parsing])
    if not parsed.success:
        return one_line(parsed)
    if fault := fault_of_manifest(parsed.result, project):
        return fault
    dbt_shortcuts.list_path_once()
    dbt_shortcuts.remember_macros()
    dbt_shortcuts.remember_types()
    dbt_shortcuts.silence_events()
    jinja_shortcuts.remember_attributes()
    jinja_shortcuts.read_dictionaries_first()
    jinja_shortcuts.call_methods_at_once()
    jinja_shortcuts.resolve_in_maps()
    manifest: Manifest = parsed.result
    return manifest


def _rehearse(gate_test: GateTest, home: str) -> None:
    """One run that fails, as there is no such target."""
    nowhere = {
        "STRINGX_TARGET_HOST": home,
        "STRINGX_TARGET_PATH": f"{home}/none.duckdb",
        "STRINGX_TARGET_ACCESS_MODE": "read_only",
    }
    place = Place(home, nowhere, modified_ns=())
    request = RunGateTest(place, "stringx", _REHEARSAL)
    gate_test.run(request, lambda: request)


def _end_with(worker: socket.socket, loaded: threading.Event) -> None:
    """End the process if the worker ends before the project is loaded. Until then the worker sends nothing, so only its end makes
    the socket readable."""
    while not loaded.wait(0.1):
        if select.select([worker], [], [], 0)[0]:
            os._exit(0)


def _fork_on_request(worker: socket.socket, macros: list[Macro], before: LoadedBefore) -> socket.socket | None:
    """Forks a child for each socket that the worker sends. Returns that socket in the child, and None in the process that forks
    when the worker is gone. After a while it compiles these macros, one at a time between requests, so that later children need
    not; the first children compile what they call."""
    compiles_at = time.monotonic() + _COMPILES_AFTER_S
    while True:
        while macros and not select.select([worker], [], [], max(0.0, compiles_at - time.monotonic()))[0]:
            before.compile_macros([macros.pop()])
            if not macros:
                before.keep_compiled()
                gc.collect()
                gc.freeze()
        data, descriptors, _, _ = socket.recv_fds(worker, len(FORK), 1)
        if not data:
            return None
        while _reap_child():
            continue
        client = socket.socket(fileno=descriptors[0])
        pid = os.fork()
        if pid == 0:
            worker.close()
            random.seed()
            return client
        client.close()
        _send(worker, Forked(pid))


def _reap_child() -> bool:
    """Whether a child had ended. Until it is reaped the system does not reuse its pid, so the pid names no other process."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _serve(client: socket.socket, gate_test: GateTest) -> None:
    """Serve the requests of the socket until its end."""
    requests = _Requests(client)
    while (request := requests.next()) is not None:
        if isinstance(request, Prepare) and requests.come_within(_PAUSE_S):
            continue
        result = gate_test.run(request, partial(requests.at, request))
        if result is not None:
            requests.replies += 1
            _send(client, result)


class _Requests:
    """The requests of a socket, in order. A thread reads them, so that the end of the socket ends the process while dbt runs."""

    def __init__(self, client: socket.socket) -> None:
        self.replies = 0  # sent by `_serve`
        self._checks = 0  # received; each has a reply
        self._all: queue.Queue[Request | None] = queue.Queue()
        self._put_back: list[Request | None] = []
        threading.Thread(target=self._read, args=[client], name="requests", daemon=True).start()

    def next(self) -> Request | None:
        """Wait for the next request; None at the end of the socket."""
        return self._put_back.pop() if self._put_back else self._all.get()

    def come_within(self, seconds: float) -> bool:
        """Whether another request, or the end, comes in that time. `next` returns it."""
        with suppress(queue.Empty):
            self._put_back.append(self._all.get(timeout=seconds))
        return bool(self._put_back)

    def at(self, expected: Request) -> RunGateTest | None:
        """The request to run now that dbt is ready at a place: `expected` itself if it is a check, else the next request if that
        has the same place. Otherwise None, and the next request is kept for later."""
        if isinstance(expected, RunGateTest):
            return expected
        request = self._all.get()
        if isinstance(request, RunGateTest) and request.place == expected.place:
            return request
        self._put_back.append(request)
        return None

    def _read(self, client: socket.socket) -> None:
        with suppress(OSError):  # the worker was killed before it had read the last reply
            for line in client.makefile("rb"):
                request = protocol.decode_request(line)
                self._checks += isinstance(request, RunGateTest)
                self._all.put(request)
        if self._checks != self.replies:  # nobody waits for the check that runs
            abandoned.end()
            os._exit(0)
        self._all.put(None)


def _send(to: socket.socket, message: Message) -> None:
    to.sendall(protocol.encode(message))


if __name__ == "__main__":
    main()
