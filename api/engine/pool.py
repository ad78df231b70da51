"""The parent's side of warm children: one process that has loaded dbt and forks them, one child a slot, replaced when it ends or
has served its number, by one that is warm before the other goes."""

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.engine.command import Answer, DbtProject
from api.engine.processes import ChildDied, LoadedProcess, Process, ProjectFault, environment_of_program, handle_of, read_line
from api.engine.profile import SESSION_VARIABLE
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.settings import ROOT

_PROGRAM = Path(__file__).with_name("child.py")
_START_S = 120.0
_FORK_S = 20.0
_LOOK_S = 5.0  # how often to look whether the project has changed
_SOON_S = 0.5  # a fork takes some milliseconds; what takes longer is not waited for where there is a child

log = logging.getLogger(__name__)


class Nursery:
    """Loads dbt once, in a process of its own, and forks children off it. Loads it anew where that process has ended, or where
    the project's files have changed. May be used from any thread; spawns are one after another."""

    def __init__(self, project: DbtProject, home: Path) -> None:
        self._project = project
        self._home = home
        self._loaded: LoadedProcess | None = None
        self._unusable = ""  # the project's files as they could not be loaded, while others are used
        self._latest = ""
        self._look_at = 0.0
        self._spawning = ThreadPoolExecutor(1, thread_name_prefix="spawn")

    def spawn(self) -> "Future[Process]":
        """A child to be; ChildDied where dbt cannot start."""
        return self._spawning.submit(self._spawn)

    @contextmanager
    def child(self, max_checks: int) -> "Iterator[Child]":
        """A child that ends with the block, and the nursery with it: for whoever needs one alone."""
        child = Child(self, max_checks)
        try:
            yield child
        finally:
            child.close()
            self.close()

    def settings(self) -> list[int]:
        """Changes with the project's settings and profiles, which dbt reads anew in each run."""
        project = self._project
        paths = (project.project_dir / "dbt_project.yml", project.profiles_dir / "profiles.yml")
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]

    def has_changed(self, files: str) -> bool:
        """Whether the project's files are others than these, and may be loaded; looked at every few seconds only."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self._latest = dbt_project.fingerprint(self._project.project_dir)
        return self._latest not in (files, self._unusable)

    def close(self) -> None:
        """End the process that forks; its children go on."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def _spawn(self) -> Process:
        loaded = self._current()
        ours, theirs = socket.socketpair()
        try:
            loaded.socket.settimeout(_FORK_S)
            socket.send_fds(loaded.socket, [b"+"], [theirs.fileno()])
            pid = read_line(loaded.socket, _FORK_S)["pid"]
        except (OSError, ChildDied) as error:
            ours.close()
            self.close()
            raise ChildDied("the process that forks dbt children has ended") from error
        finally:
            theirs.close()
        log.info("child warm (pid %d)", pid)
        return Process(pid, ours, loaded.files, handle_of(pid))

    def _current(self) -> LoadedProcess:
        """A project that cannot be loaded as it is now takes nobody's place."""
        files = dbt_project.fingerprint(self._project.project_dir)
        loaded = self._loaded
        if loaded is not None and loaded.process.poll() is not None:
            self.close()
            loaded = None
        if loaded is not None and files == loaded.files:
            return loaded
        try:
            self._loaded = self._load(files)
        except ChildDied as error:
            if loaded is None:
                raise
            self._unusable = files
            log.error("the dbt project has changed, and is used as it was before: %s", error)
            return loaded
        if loaded is not None:
            loaded.close()
        return self._loaded

    def _load(self, files: str) -> LoadedProcess:
        ours, theirs = socket.socketpair()
        folders = (self._project.project_dir, self._project.profiles_dir, self._home)
        try:
            process = subprocess.Popen(
                # as a file: for each frame of `-m`, which has none, dbt's adapters would go through all modules, 9 ms a check
                [sys.executable, "-P", str(_PROGRAM), str(theirs.fileno()), *map(str, folders)],
                cwd=ROOT,
                env=environment_of_program(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        except OSError as error:
            ours.close()
            raise ChildDied(f"dbt cannot start: {error}") from error
        finally:
            theirs.close()
        loaded = LoadedProcess(process, ours, files)
        try:
            said = read_line(ours, _START_S)
        except TimeoutError:
            said = {"error": f"not loaded within {_START_S:g} s"}
        except (OSError, ChildDied):
            said = {"error": "it ended while starting"}
        if not said.get("ready"):
            loaded.close()
            if "ready" in said:
                raise ProjectFault(f"dbt cannot start: {said['error']} (the dbt project is {self._project.project_dir})")
            raise ChildDied(f"dbt cannot start: {said['error']}")
        self._look_at = time.monotonic() + _LOOK_S
        self._latest = files
        log.info("dbt loaded (pid %d)", process.pid)
        return loaded


class Child:
    """A slot with one warm dbt process. Used by one thread, but for `terminate`."""

    def __init__(self, nursery: Nursery, max_checks: int) -> None:
        self._nursery = nursery
        self._max_checks = max_checks
        self._process: Process | None = None
        self._successor: Future[Process] | None = None
        self._served = 0
        self._last: dict[str, Any] | None = None  # where the last check ran
        self._expected: dict[str, Any] | None = None  # where the next one will, as far as can be told
        self._prepared: Process | None = None  # the process that was told so
        self._lock = threading.Lock()
        self.warm = False

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def ensure_warm(self) -> None:
        """Take a new child where there is none, or, as soon as one is there, where this one has served its number; ChildDied
        where none can be had."""
        if self._process is not None and not self._process.alive:
            self.kill()
        if self._process is not None and self._served < self._max_checks and not self._nursery.has_changed(self._process.files):
            return
        self._successor = self._successor or self._nursery.spawn()
        try:
            process = self._successor.result(_START_S + _FORK_S if self._process is None else _SOON_S)
        except NotYet:
            if self._process is None:
                raise ChildDied("dbt is not loaded yet") from None
            return
        except (OSError, ChildDied) as error:
            self._successor = None
            if self._process is None:
                raise
            log.error("a child that should be replaced goes on: %s", error)
            return
        self._successor = None
        with self._lock:
            before, self._process, self._served, self.warm = self._process, process, 0, True
        if before is not None:
            before.close()

    def prepare(self) -> None:
        """While idle, the process does what dbt does before it needs the check. This helps only the next check at the same place
        and slows down others, so it begins only after two checks in a row at one place."""
        process = self._process
        if process is None or self._expected is None or self._prepared is process:
            return
        try:
            process.socket.sendall(json.dumps({"place": self._expected}).encode() + b"\n")
            self._prepared = process
        except OSError as error:
            log.info("a child has ended while it was idle: %s", error)

    def run(self, gate: Mapping[str, Any], folder: Path, environment: dict[str, str], timeout_s: float) -> Answer:
        """One check; past `timeout_s` the child is killed and the answer says so."""
        process = self._process
        if process is None:
            raise ChildDied("no child")
        folder.mkdir(parents=True, exist_ok=True)
        self._served += 1
        variables = {name: value for name, value in environment.items() if name != SESSION_VARIABLE}
        place = {"folder": str(folder), "environment": variables, "files": self._nursery.settings()}
        self._expected, self._last, self._prepared = (place if place == self._last else None), place, None
        request = {"place": place, "session": environment[SESSION_VARIABLE], "gate": gate}
        try:
            process.socket.settimeout(timeout_s)
            process.socket.sendall(json.dumps(request).encode() + b"\n")
            said = read_line(process.socket, timeout_s)
        except TimeoutError:
            self.kill()
            return Answer(None, "", None, None, timed_out=True)
        except (OSError, ChildDied) as error:
            self.kill()
            raise ChildDied("the child ended during the check") from error
        return Answer(said["invocation_id"], said["dbt_version"], said["message"], said["outcome"])

    def terminate(self) -> None:
        """Have the process end; whoever waits for its answer sees that. May come from any thread."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def kill(self) -> None:
        """End the child, at once."""
        process = self._give_up()
        if process is not None:
            process.kill()
            process.close()

    def close(self) -> None:
        """Let the child end by itself, once it has nothing to do: what dbt shares with other processes is taken away then."""
        process = self._give_up()
        if process is not None:
            process.close()

    def _give_up(self) -> Process | None:
        if self._successor is not None:
            self._successor.add_done_callback(_end)
            self._successor = None
        with self._lock:
            process, self._process, self.warm = self._process, None, False
        return process


def _end(spawned: "Future[Process]") -> None:
    """Of a child that nobody waits for any more."""
    if not spawned.cancelled() and spawned.exception() is None:
        spawned.result().close()
