"""Sending processes as the Backend asks them: started when they are needed, kept for a while, ended when they take too long."""

import os
import select
import subprocess
import sys
import threading
import time
import weakref

from pydantic import ValidationError

from backend.notifications.senders.orders import LONGEST_S, Order, Outcome
from stringx_dataops.contract.settings import ROOT

_LONGEST_ANSWER = 64 * 1024  # bytes
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


class Ended(Exception):
    """The process gave no answer."""


class Processes:
    """Those of one Backend process. Several threads may send at once; each gets a process of its own meanwhile."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _end_all, self._idle)  # also at the end of this program

    def send(self, order: Order) -> Outcome:
        """Have a process send it. Returns the outcome within `longest_s` seconds."""
        order = order.model_copy(update={"longest_s": self._longest_s})
        process, is_used = self._take()
        try:
            try:
                outcome = process.ask(order)
            except Ended:
                if not is_used:
                    raise
                process.end()  # it may have ended itself just now, having had nothing to do
                process = _Process()
                outcome = process.ask(order)
        except TimeoutError:
            process.end()
            return Outcome(is_sent=False, reason=f"the receiver did not take the message within {self._longest_s:.0f} s")
        except Ended:
            process.end()
            return Outcome(is_sent=False, reason="the sending process ended; its receiver may have answered without end")
        except BaseException:
            process.end()
            raise
        with self._lock:
            self._idle.append(process)
        return outcome

    def tidy(self) -> None:
        """Reap the processes that have ended by themselves."""
        with self._lock:
            for process in [each for each in self._idle if not each.is_alive]:
                self._idle.remove(process)
                process.end()

    def _take(self) -> tuple["_Process", bool]:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process, True
                process.end()
        return _Process(), False


class _Process:
    def __init__(self) -> None:
        environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.notifications.senders.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, cwd=ROOT,
            env=environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, order: Order) -> Outcome:
        """Returns the answer. Raises Ended or TimeoutError without one."""
        assert self._popen.stdin is not None
        until = time.monotonic() + order.longest_s
        try:
            _write_all(self._popen.stdin.fileno(), order.model_dump_json().encode() + b"\n", until)
            return Outcome.model_validate_json(self._line(until))
        except TimeoutError:
            raise
        except (OSError, ValidationError) as error:
            raise Ended from error

    def _line(self, until: float) -> bytes:
        assert self._popen.stdout is not None
        found = b""
        while not found.endswith(b"\n"):
            _wait(self._popen.stdout.fileno(), select.POLLIN, until)
            piece = os.read(self._popen.stdout.fileno(), 1 << 16)
            if not piece or len(found) > _LONGEST_ANSWER:
                raise Ended
            found += piece
        return found

    def end(self) -> None:
        """End the process at once; a message that it is sending may arrive nevertheless."""
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()


def _end_all(processes: list[_Process]) -> None:
    """End the processes that are idle."""
    while processes:
        processes.pop().end()


def _write_all(file: int, data: bytes, until: float) -> None:
    """Write it to the process. Raises TimeoutError if the process does not read it in time."""
    while data:
        _wait(file, select.POLLOUT, until)
        data = data[os.write(file, data[: select.PIPE_BUF]) :]  # so much never blocks where there is room


def _wait(file: int, event: int, until: float) -> None:
    """Wait until the pipe is ready or has ended. Raises TimeoutError at this time."""
    poll = select.poll()  # not `select`, which takes no number of a file above 1023
    poll.register(file, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError
