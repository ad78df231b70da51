"""What a supervised process owes its supervisor, and where the terminal can be written to."""

import ctypes
import os
import signal
import sys


def end_with_parent(wanted: signal.Signals = signal.SIGTERM) -> None:
    """The kernel sends this process the signal when its parent ends (kept across exec; Linux only).

    So a supervisor that is killed with -9 leaves nothing running.
    """
    if not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, int(wanted), 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), wanted)


def make_console_reopenable() -> None:
    """The supervisor opens its standard output by name, which fails for a socket and for another user's pipe or terminal.

    Then a small process copies from a pipe of our own to it, and ends with the last writer.
    """
    try:
        os.close(os.open("/dev/fd/1", os.O_WRONLY | os.O_APPEND))
        return
    except OSError:
        pass
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setpgid(0, 0)  # Ctrl-C is the supervisor's to handle; the last words still pass
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
