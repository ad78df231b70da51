"""The worker's side of warm dbt processes. One process has loaded dbt and forks children, one per slot. A child that has served
its number of checks, or has ended, is replaced; its successor is warm before it goes."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from pathlib import Path

from api.engine import protocol
from api.engine.command import DbtProject
from api.engine.processes import Child, ChildDied, LoadedProcess, ProjectFault, environment_of_program, handle_of, receive
from api.engine.profile import SESSION_VARIABLE
from api.engine.protocol import FORK, Forked, Loaded, Place, Prepare, RunGateTest
from api.engine.run_result import DbtRunResult, out_of_time
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.settings import ROOT

_PROGRAM = Path(__file__).with_name("child.py")
_START_S = 120.0
_FORK_S = 20.0
_LOOK_S = 5.0  # how often to look whether the project has changed
_SOON_S = 0.5  # how long a slot that has a child waits for its successor; a fork takes some milliseconds

log = logging.getLogger(__name__)


class ChildFactory:
    """Loads dbt once, in a process of its own, and forks children from it. Loads it again if that process has ended, or if the
    project's files have changed. What takes long is kept in the folder `kept`, if one is given, for the next process that loads
    the same. May be used from any thread; one child is forked at a time."""

    def __init__(self, project: DbtProject, home: Path, kept: Path | None = None) -> None:
        self._project = project
        self._home = home
        self._kept = kept
        self._loaded: LoadedProcess | None = None
        self._unusable = ""  # fingerprint of files that could not be loaded, while the files from before are in use
        self._latest = ""  # fingerprint of the files at the last look
        self._look_at = 0.0
        self._spawning = ThreadPoolExecutor(1, thread_name_prefix="spawn")
        self._begun: tuple[str, Future[LoadedProcess]] | None = None  # of these files, for the first child
        self._starting: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Begin to load, in the background; whatever is wrong is told to who needs the first child."""
        files = dbt_project.fingerprint(self._project.root)
        self._begun = files, self._spawning.submit(self._load, files)

    def spawn(self) -> "Future[Child]":
        """A new child. The future raises ChildDied if dbt cannot start, ProjectFault if that is the project's fault."""
        return self._spawning.submit(self._spawn)

    @contextmanager
    def slot(self, max_checks: int) -> "Iterator[Slot]":
        """A slot for a block that needs only one. The block's end closes it, and the factory too."""
        slot = Slot(self, max_checks)
        try:
            yield slot
        finally:
            slot.close()
            self.close()

    def modified_ns(self) -> tuple[int, ...]:
        """When the project's settings and profiles, which dbt reads again in each run, were last modified; 0 for no file."""
        project = self._project
        paths = (project.project_dir / "dbt_project.yml", project.profiles_dir / "profiles.yml")
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)

    def has_changed(self, files: str) -> bool:
        """Whether the project's files have another fingerprint than `files`, and may be loaded. Looks every few seconds only."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self._latest = dbt_project.fingerprint(self._project.root)
        return self._latest not in (files, self._unusable)

    def close(self) -> None:
        """End the process that forks; its children go on."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def kill(self) -> None:
        """End the process that loads dbt at once: this one ends without having used it."""
        if self._starting is not None:
            self._starting.kill()

    def _spawn(self) -> Child:
        loaded = self._current()
        near, far = socket.socketpair()
        try:
            loaded.socket.settimeout(_FORK_S)
            socket.send_fds(loaded.socket, [FORK], [far.fileno()])
            pid = receive(loaded.socket, Forked, _FORK_S).pid
        except (OSError, ChildDied) as error:
            near.close()
            self.close()
            raise ChildDied("the process that forks dbt children has ended") from error
        finally:
            far.close()
        log.info("child warm (pid %d)", pid)
        return Child(pid, near, loaded.files, handle_of(pid))

    def _current(self) -> LoadedProcess:
        """The process that has loaded the project's files. If they have changed and cannot be loaded, the one from before."""
        files = dbt_project.fingerprint(self._project.root)
        if self._begun is not None:
            begun_with, begun = self._begun
            self._begun = None
            if begun_with == files or begun.exception() is None:
                self._loaded = begun.result()
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
        loaded = self._start(files)
        try:
            fault = _wait_until_loaded(loaded)
            if fault is not None:
                raise ProjectFault(f"dbt cannot start: {fault} (the dbt project is {self._project.project_dir})")
        except ChildDied:
            loaded.close()
            raise
        self._look_at = time.monotonic() + _LOOK_S
        self._latest = files
        log.info("dbt loaded (pid %d)", loaded.process.pid)
        return loaded

    def _start(self, files: str) -> LoadedProcess:
        near, far = socket.socketpair()
        folders = [self._project.root, self._project.project_dir, self._project.profiles_dir, self._home]
        if self._kept is not None:
            folders.append(self._kept)
        try:
            process = self._starting = subprocess.Popen(
                # As a file. A frame of `-m` has no module, and dbt's adapters would search all modules for it: 9 ms per check.
                [sys.executable, "-P", str(_PROGRAM), str(far.fileno()), *map(str, folders)],
                cwd=ROOT,
                env=environment_of_program(self._project.adapter),
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
            )
        except OSError as error:
            near.close()
            raise ChildDied(f"dbt cannot start: {error}") from error
        finally:
            far.close()
        return LoadedProcess(process, near, files)


def _wait_until_loaded(loaded: LoadedProcess) -> str | None:
    """What is wrong with the project, or None. Raises ChildDied if the process does not say so."""
    try:
        return receive(loaded.socket, Loaded, _START_S).fault
    except TimeoutError as error:
        raise ChildDied(f"dbt cannot start: not loaded within {_START_S:g} s") from error
    except (OSError, ChildDied) as error:
        raise ChildDied("dbt cannot start: it ended while starting") from error


class Slot:
    """A slot for one warm dbt process. Used by one thread, except for `terminate`."""

    def __init__(self, child_factory: ChildFactory, max_checks: int) -> None:
        self._child_factory = child_factory
        self._max_checks = max_checks
        self._process: Child | None = None
        self._successor: Future[Child] | None = None
        self._served = 0
        self._last: Place | None = None  # where the last check ran
        self._expected: Place | None = None  # where the next check is likely to run, if that can be guessed
        self._prepared: Child | None = None  # the process that has the request to prepare there
        self._lock = threading.Lock()
        self.warm = False

    @property
    def alive(self) -> bool:
        """Whether there is a process, and it lives; only right while it is idle."""
        return self._process is not None and self._process.alive

    def ensure_warm(self) -> None:
        """Have a process. One that has served its number of checks, or has loaded other files than there are now, is replaced as
        soon as its successor is there. Raises ChildDied if there is no process and none can be forked."""
        if self._process is not None and not self._process.alive:
            self.kill()
        if (
            self._process is not None
            and self._served < self._max_checks
            and not self._child_factory.has_changed(self._process.files)
        ):
            return
        self._successor = self._successor or self._child_factory.spawn()
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
        """Have the idle process do what dbt does before it needs the check. This helps only the next check at the same place, and
        slows down others, so it begins only after two checks in a row at one place."""
        process = self._process
        if process is None or self._expected is None or self._prepared is process:
            return
        try:
            process.socket.sendall(protocol.encode(Prepare(self._expected)))
            self._prepared = process
        except OSError as error:
            log.info("a child has ended while it was idle: %s", error)

    def run(self, specification: Specification, folder: Path, environment: dict[str, str], timeout_s: float) -> DbtRunResult:
        """Run one check. After `timeout_s` the process is killed, and the result is `timed_out`. Raises ChildDied if there is no
        process, or if it ends."""
        process = self._process
        if process is None:
            raise ChildDied("no child")
        folder.mkdir(parents=True, exist_ok=True)
        self._served += 1
        variables = {name: value for name, value in environment.items() if name != SESSION_VARIABLE}
        place = Place(str(folder), variables, self._child_factory.modified_ns())
        self._expected, self._last, self._prepared = (place if place == self._last else None), place, None
        request = RunGateTest(place, environment[SESSION_VARIABLE], specification)
        try:
            process.socket.settimeout(timeout_s)
            process.socket.sendall(protocol.encode(request))
            return receive(process.socket, DbtRunResult, timeout_s)
        except TimeoutError:
            self.kill()
            return out_of_time()
        except (OSError, ChildDied) as error:
            self.kill()
            raise ChildDied("the child ended during the check") from error

    def terminate(self) -> None:
        """Kill the process; `run` then raises ChildDied. May be called from any thread."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def kill(self) -> None:
        """End the process at once."""
        process = self._give_up()
        if process is not None:
            process.kill()
            process.close()

    def close(self) -> None:
        """Let the process end by itself once it is idle."""
        process = self._give_up()
        if process is not None:
            process.close()

    def _give_up(self) -> Child | None:
        if self._successor is not None:
            self._successor.add_done_callback(_end)
            self._successor = None
        with self._lock:
            process, self._process, self.warm = self._process, None, False
        return process


def _end(spawned: "Future[Child]") -> None:
    """End a child that no slot waits for any more."""
    if not spawned.cancelled() and spawned.exception() is None:
        spawned.result().close()
