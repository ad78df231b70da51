"""Warm dbt processes: one imports dbt and parses the project once, and forks a child whenever `pool` asks for one; a child serves
one check at a time, in memory that it shares with the others until it writes to it. What dbt does before it knows the check, an
idle child does in advance.

Started as a process by `pool`, never imported. It, `gate_runner` and `dbt_shortcuts`, which nothing else imports, are the only
importers of dbt. All that is said is JSON lines over sockets; dbt's own output goes to standard error. When their parent is gone
the sockets end, and so do these processes, whatever dbt is doing.
"""

import gc
import json
import os
import queue
import random
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from api.engine.dbt_shortcuts import compile_macros, list_path_once, remember_attributes
from api.engine.gate_runner import GateTest, Request, fault_of_manifest, one_line

_ANY_SCHEMA = "stringx_schema_of_target"  # the project is parsed once for all targets; the macros put the target's in its place
# A check of nothing, on a socket that is not there: what dbt loads and compiles at its first run, every child has.
_REHEARSAL = {"statement_timeout_ms": 1000, "lock_timeout_ms": 1000, "tables": [], "looks_up_project": True}
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
        _say(parent, {"ready": False, "error": one_line(parsed)})
        return
    if fault := fault_of_manifest(parsed.result, Path(project)):
        _say(parent, {"ready": False, "error": fault})
        return
    list_path_once()
    compile_macros(parsed.result)
    remember_attributes()
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


def _serve(client: socket.socket, gate: GateTest) -> None:
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


def _say(to: socket.socket, value: dict[str, Any]) -> None:
    to.sendall(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
