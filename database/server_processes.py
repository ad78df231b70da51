"""Processes of the embedded PostgreSQL: find those that use a data folder, and end one."""

import os
import signal
import time
from pathlib import Path

_PROGRAMS = ("initdb", "postgres", "pg_upgrade", "pg_ctl", "pg_dump", "pg_dumpall", "pg_restore", "psql", "pg_resetwal")


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
    """Whether a process with this id exists, of any user, and has not ended: one that nobody has waited for yet does no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # without /proc, or ended meanwhile
        return not Path("/proc/self").exists()
    return state not in ("Z", "X")


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


def does_not_end(folder: Path) -> int | None:
    """Kill PostgreSQL's processes whose working directory is this folder, as a start that was killed leaves them; the id of one
    that does not end. Those of people, such as a shell, are none."""
    pids = (pid for program in _PROGRAMS for pid in processes_in(folder, program))
    return next((pid for pid in pids if not ends_after(pid, signal.SIGKILL, 10.0)), None)
