"""The worker's ends of the sockets to its dbt processes: the one that has loaded dbt, and the children that it forks."""

import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from api.engine import protocol
from api.engine.profile import clean_environment, module_path
from stringx_dataops.contract.adapters import Adapter

_END_S = 5.0


class ChildDied(Exception):
    """A child ended during a check, or no child can be forked."""


class ProjectFault(ChildDied):
    """dbt cannot load the project. The text says why in one line."""


@dataclass(frozen=True)
class Child:
    """A child at the other end of a socket. If the socket is closed, it ends once it is idle; `kill` ends it at once."""

    pid: int
    socket: socket.socket
    files: str  # fingerprint of the project's files that it has loaded
    handle: int | None  # a pidfd, which names this process even if its pid is reused; None if the system has none

    @property
    def alive(self) -> bool:
        """Whether an idle child lives. It sends nothing while it is idle, so only its end makes the socket readable."""
        return not select.select([self.socket], [], [], 0)[0]

    def kill(self) -> None:
        """End the process at once; nothing happens if it has ended."""
        try:
            if self.handle is not None:
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Let the process end once it is idle; it cannot be used any more."""
        self.socket.close()
        if self.handle is not None:
            os.close(self.handle)


@dataclass(frozen=True)
class LoadedProcess:
    """The process that has loaded dbt, and the fingerprint of the project's files from just before."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    files: str

    def close(self) -> None:
        """Let the process end by itself. It is killed after 5 s."""
        self.socket.close()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment_of_program(adapter: Adapter) -> dict[str, str]:
    """A clean environment with this project on the module path. The program is a file that is started with `-P`, so Python does
    not add the project by itself."""
    environment = clean_environment()
    return environment | {"PYTHONPATH": module_path(adapter, environment.get("PYTHONPATH", ""))}


def handle_of(pid: int) -> int | None:
    """A pidfd; None if the system has none, or if the process has ended, which its socket shows."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


def receive(connection: socket.socket, kind: type[protocol.Kind], timeout_s: float) -> protocol.Kind:
    """The next message, of a kind that the caller knows. Raises ChildDied if the other side has ended, and TimeoutError."""
    until = time.monotonic() + timeout_s
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        connection.settimeout(max(0.001, until - time.monotonic()))
        parts.append(connection.recv(1 << 20))
        if not parts[-1]:
            raise ChildDied("it has ended")
    return protocol.decode(b"".join(parts), kind)
