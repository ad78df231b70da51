"""The parent's side of warm children: one child a slot, restarted when it ends, recycled after so many checks."""

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from api.engine.command import Answer, DbtProject
from api.targets import clean_environment
from contract.environment import ROOT

_START_S = 120.0

log = logging.getLogger(__name__)


class ChildDied(Exception):
    """The child ended during a check."""


class Child:
    """One warm dbt process. Used by one thread, but for `terminate`."""

    def __init__(self, project: DbtProject, home: Path, max_checks: int) -> None:
        self._project = project
        self._home = home
        self._max_checks = max_checks
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0
        self._lock = threading.Lock()
        self.warm = False

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ensure_warm(self) -> None:
        """Start the child where there is none, or where it has served its number; ChildDied where it cannot start."""
        if self._process is not None and (self._process.poll() is not None or self._served >= self._max_checks):
            self.kill()
        if self._process is None:
            self._start()

    def run(self, gate: dict[str, Any], folder: Path, environment: dict[str, str], timeout_s: float) -> Answer:
        """One check; past `timeout_s` the child is killed and the answer says so."""
        process = self._process
        if process is None:
            raise ChildDied("no child")
        folder.mkdir(parents=True, exist_ok=True)
        self._served += 1
        request = {"gate": gate, "folder": str(folder), "environment": environment}
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = _read_line(process.stdout, time.monotonic() + timeout_s)
        except (BrokenPipeError, ValueError) as error:
            self.kill()
            raise ChildDied("the child ended") from error
        if line is None:
            self.kill()
            return Answer(None, "", None, None, timed_out=True)
        if not line:
            self.kill()
            raise ChildDied("the child ended during the check")
        said = json.loads(line)
        return Answer(said["invocation_id"], said["dbt_version"], said["message"], said["outcome"])

    def terminate(self) -> None:
        """Have the process end; whoever waits for its answer sees that. May come from any thread."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def kill(self) -> None:
        """End the child, at once and with everything it started."""
        with self._lock:
            process, self._process, self.warm = self._process, None, False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)

    def _start(self) -> None:
        with self._lock:
            self._process = process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "api.engine.child",
                    str(self._project.project_dir),
                    str(self._project.profiles_dir),
                    str(self._home),
                ],
                cwd=ROOT,
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        self._served = 0
        assert process.stdout is not None
        line = _read_line(process.stdout, time.monotonic() + _START_S)
        said = json.loads(line) if line else {"ready": False, "error": "it ended while starting"}
        if not said["ready"]:
            self.kill()
            raise ChildDied(f"dbt cannot start: {said['error']}")
        self.warm = True
        log.info("child warm (pid %d)", process.pid)


def _read_line(pipe: IO[bytes], deadline: float) -> bytes | None:
    """A whole line, empty at the end of the pipe, None when the time is over."""
    os.set_blocking(pipe.fileno(), False)
    parts: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        if not select.select([pipe], [], [], left)[0]:
            return None
        part = os.read(pipe.fileno(), 1 << 20)
        parts.append(part)
        if not part:
            return b""
        if part.endswith(b"\n"):
            return b"".join(parts)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # what was left to write has no reader any more
