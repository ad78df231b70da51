"""The processes of an embedded PostgreSQL: which work in a data folder, and ending one."""

import os
import signal
import time
from pathlib import Path


def servers_of(data: Path) -> set[int]:
    """Processes of PostgreSQL that work in this data folder (each of them changes into it)."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == "postgres" and (process / "cwd").resolve() == data.resolve():
                found.add(int(process.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def is_alive(pid: int) -> bool:
    """Whether a process has this number, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def ends_after(pid: int, wanted: signal.Signals, patience: float) -> bool:
    """Sends the process this signal; whether it has ended within `patience` seconds."""
    try:
        os.kill(pid, wanted)
    except ProcessLookupError:
        return True
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False
