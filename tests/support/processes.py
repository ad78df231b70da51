"""Processes of one installation: started as a person starts them, ended by the number that the start gave."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import psutil

from stringx_dataops.contract.settings import ROOT

T = TypeVar("T")
_LEAST_WAIT_S = 60.0
_PORTS = range(
    10_000, 20_000
)  # below those that systems give to outgoing connections, so that a port is free again after a restart


def eventually(look: Callable[[], T | None], within_s: float, what: str = "it") -> T:
    """What `look` finds once it is true; an error of the network counts as not yet. Nothing is missed because the machine is busy:
    it waits for a minute at least."""
    within_s = max(within_s, _LEAST_WAIT_S)
    until = time.monotonic() + within_s
    while True:
        last: object = None
        try:
            if found := look():
                return found
        except OSError as error:  # requests' errors are among them
            last = error
        assert time.monotonic() < until, f"{what} did not happen within {within_s:.0f} s ({last})"
        time.sleep(0.05)


def free_port() -> int:
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Process:
    """`python -m launch ROLE` with variables of its own; may be started again after it has ended."""

    def __init__(self, name: str, role: str, environment: Mapping[str, str], log: Path, root: Path = ROOT) -> None:
        self.program = ("launch", role)  # the module that runs, and its arguments
        self.name = name
        self.role = role
        self.environment = dict(environment)
        self.log = log
        self.root = root  # of the code that runs
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._popen is not None, f"{self.name} has not been started"
        return self._popen.pid

    @property
    def runs(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def port(self) -> int:
        return int(self.environment[{"api": "DATAOPS_PORT", "backend": "BACKEND_PORT"}[self.role]])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **variables: str) -> None:
        assert not self.runs, f"{self.name} runs"
        with self.log.open("ab") as file:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", *self.program],
                cwd=self.root, env={"PYTHONPATH": str(self.root)} | self.environment | variables, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip

    def family(self) -> list[psutil.Process]:
        """Its children, their children and so on."""
        try:
            return psutil.Process(self.pid).children(recursive=True) if self.runs else []
        except psutil.NoSuchProcess:
            return []

    def dbt_processes(self) -> list[psutil.Process]:
        """Of a worker: what has loaded dbt, and its children."""
        return [child for child in self.family() if says(child, "engine/child.py")]

    def dbt_children(self) -> list[psutil.Process]:
        """Of a worker: those that run checks."""
        loaded = self.dbt_processes()
        pids = {process.pid for process in loaded}
        return [process for process in loaded if _parent(process) in pids]

    def web_workers(self) -> list[psutil.Process]:
        """Of a web service: what its master has forked."""
        return [child for child in self.family() if says(child, "gunicorn")]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def pause(self, *, family: bool = True) -> list[int]:
        """Stop it, with its children, as a machine that sleeps; their numbers."""
        pids = [self.pid, *(child.pid for child in self.family() if family)]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED, 5, f"the sleep of {self.name}")
        return pids

    def resume(self) -> None:
        for pid in [self.pid, *(child.pid for child in self.family())]:
            _signal(pid, signal.SIGCONT)

    def kill(self) -> None:
        """-9, it alone; returns when it is gone."""
        if self.runs:
            self.send(signal.SIGKILL)
            self.wait(60)

    def stop(self, number: signal.Signals = signal.SIGTERM, within_s: float = 60) -> int:
        """Its exit code after a signal."""
        if self.runs:
            self.resume()  # a stopped process takes no signal
            self.send(number)
        return self.wait(within_s)

    def wait(self, within_s: float) -> int:
        assert self._popen is not None
        return self._popen.wait(timeout=within_s)

    def end(self) -> None:
        """With everything that it started, whatever state it is in."""
        family = self.family()
        if self.runs:
            self.send(signal.SIGKILL)
            self.wait(60)
        for child in family:
            _signal(child.pid, signal.SIGKILL)

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def is_alive(process: psutil.Process) -> bool:
    """Not one that has ended, whether it was waited for or not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def says(process: psutil.Process, word: str) -> bool:
    """Whether its command line has the word; not that of a process that has ended since it was listed."""
    try:
        return word in " ".join(process.cmdline())
    except psutil.Error:
        return False  # ended meanwhile


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None  # ended meanwhile


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # ended meanwhile
