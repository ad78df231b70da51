"""What a call takes: of the clock, and of the processor in this thread and in the sessions of its database. The second depends
little on what else the machine does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.pool import Database

_SESSIONS = "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"


@dataclass(frozen=True)
class Taken:
    """Milliseconds."""

    wall_ms: float
    processor_ms: float


class Processor:
    """Reads /proc of this machine, where the server runs, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def taken(self, call: Callable[[], Any]) -> Taken:
        """Sessions that the call opens are not counted."""
        with self._database.transaction() as cursor:
            sessions = [Path(f"/proc/{row['pid']}/schedstat") for row in cursor.all(_SESSIONS)]
        server, thread, began = _processor_ms(sessions), time.thread_time(), time.perf_counter()
        call()
        wall, own = time.perf_counter() - began, time.thread_time() - thread
        time.sleep(0.001)  # a session that has answered goes on for some microseconds
        return Taken(wall * 1000, own * 1000 + _processor_ms(sessions) - server)


def _processor_ms(sessions: list[Path]) -> float:
    return sum(int(path.read_text().split()[0]) for path in sessions) / 1e6
