"""Helpers for supervised processes: end with the parent process, and keep the terminal writable."""

import ctypes
import os
import signal
import sys


def end_with_parent(end_signal: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process the signal when its parent ends (stays in force across exec; Linux only).

    So a supervisor that is killed with -9 leaves nothing running.
    """
    if not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, int(end_signal), 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the call
        os.kill(os.getpid(), end_signal)


def end_when_told() -> None:
    """End by SIGTERM also as process 1 of a container, which no signal ends unless it handles it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def make_console_reopenable() -> None:
    """Replace standard output by a pipe if it cannot be opened by name (/dev/fd/1), which the supervisor does.

    Opening fails for a socket and for another user's pipe or terminal. A small child process copies from the pipe to the original
    standard output, and ends when nobody can write to the pipe any more.
    """
    try:
        os.close(os.open("/dev/fd/1", os.O_WRONLY | os.O_APPEND))
        return
    except OSError:
        pass
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setpgid(0, 0)  # so that Ctrl-C reaches only the supervisor, and its last output is still copied
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(writing)
        for descriptor in range(3, 256):
            if descriptor != reading:
                try:
                    os.close(descriptor)
                except OSError:
                    continue
        try:
            while chunk := os.read(reading, 65536):
                os.write(1, chunk)
        finally:
            os._exit(0)
    os.close(reading)
    os.dup2(writing, 1)
    os.close(writing)
