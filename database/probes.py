"""Files that say how a process without HTTP is: `ROLE.alive` and `ROLE.ready` in PROBE_FOLDER, written anew while it is true.

A cluster's probes look at their age, which costs a thousandth of what a new Python does.
"""

from collections.abc import Callable
from pathlib import Path

from database.loops import Loop, Loops

EVERY_S = 5.0


def start(loops: Loops, folder: Path | None, role: str, is_ready: Callable[[], bool]) -> None:
    """Write the files every few seconds, in a daemon thread; nothing without a folder.

    `ROLE.alive`: no loop hangs. What only fails, such as while the database is away, goes on failing in a new process too.
    `ROLE.ready`: the same, and `is_ready`.
    """
    if folder is None:
        return

    def write(_: Loop) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(state.hangs for state in loops.states()):
            (folder / f"{role}.alive").touch()
            if is_ready():
                (folder / f"{role}.ready").touch()
        return EVERY_S

    loops.start("probes", write)
