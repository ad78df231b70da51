"""Processes of the embedded PostgreSQL: find those that use a data folder, and end one."""

import os
import signal
import time
from pathlib import Path


def servers_of(data: Path) -> set[int]:
    """Ids of PostgreSQL processes whose working directory is this data folder; empty without /proc."""
    return processes_in(data, "postgres")


def processes_in(folder: Path, program: str | None = None) -> set[int]:
    """Ids of processes, of this program if one is named, whose working directory is this folder; empty without /proc."""
    pids = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if program not in (None, (process / "comm").read_text().strip()):
                continue
            if (process / "cwd").resolve() == folder.resolve():
                pids.add(int(process.name))
        except OSError:
            continue  # the process has ended meanwhile, or belongs to another user
    return pids


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists, of any user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def ends_after(pid: int, wanted: signal.Signals, patience: float) -> bool:
    """Send the signal; returns whether the process has ended within `patience` seconds."""
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
