"""dbt processes, each at the other end of a socket: the one that has loaded dbt, and the children that it forks."""

import json
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from api.engine.profile import clean_environment
from stringx_dataops.contract.settings import ROOT

_END_S = 5.0


class ChildDied(Exception):
    """The child ended during a check, or none can be had."""


class ProjectFault(ChildDied):
    """dbt cannot load the project; the text is one line that says why."""


@dataclass(frozen=True)
class Process:
    """A dbt process at the other end of a socket: closing that ends it when it is idle, `kill` at once."""

    pid: int
    socket: socket.socket
    files: str  # what those of the project were that it has loaded
    handle: int | None  # names this process for as long as it is open, whatever gets its number later; where the system has it

    @property
    def alive(self) -> bool:
        """It sends nothing unasked, so what can be read of an idle one is its end."""
        return not select.select([self.socket], [], [], 0)[0]

    def kill(self) -> None:
        try:
            if self.handle is not None:
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended

    def close(self) -> None:
        self.socket.close()
        if self.handle is not None:
            os.close(self.handle)


@dataclass(frozen=True)
class LoadedProcess:
    """The process that has loaded dbt, and what the project's files were before."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    files: str

    def close(self) -> None:
        """It ends by itself, and takes away what it shares with other processes, unless it is busy."""
        self.socket.close()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment_of_program() -> dict[str, str]:
    """A clean environment, in which the program finds the modules beside it: it is started with `-P`, as a file."""
    environment = clean_environment()
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    return environment if str(ROOT) in paths else environment | {"PYTHONPATH": os.pathsep.join([str(ROOT), *paths])}


def handle_of(pid: int) -> int | None:
    """None where the system has no such thing, or the process has ended: it says so itself."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


def read_line(connection: socket.socket, timeout_s: float) -> dict[str, Any]:
    """What the other side says next, one line; ChildDied at its end, TimeoutError when the time is over."""
    until = time.monotonic() + timeout_s
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        connection.settimeout(max(0.001, until - time.monotonic()))
        parts.append(connection.recv(1 << 20))
        if not parts[-1]:
            raise ChildDied("it has ended")
    said: dict[str, Any] = json.loads(b"".join(parts))
    return said
