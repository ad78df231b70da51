"""Reports of processes without HTTP: each stores the state of its loops every few seconds, and its service reads them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from database.loops import Loop, Loops, State
from database.pool import Database, json_value
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
EVERY_S = 5.0
SEEN_S = 30  # a process without a report for so long has ended, or is cut off from the database


@dataclass(frozen=True)
class Report:
    """The state of a loop in another process. `process` is the name from `leases.worker_name`."""

    process: str
    loop: State

    @property
    def name(self) -> str:
        """The process's role and the loop's name, such as `worker.report`: without host and process id."""
        return f"{self.process.partition('@')[0]}.{self.loop.name}"


def start(loops: Loops, database: Database, service: str, process: str) -> None:
    """Report all loops of this process every few seconds. `process` is the name from `leases.worker_name`."""

    is_new = True

    def report(_: Loop) -> float:
        nonlocal is_new
        if is_new:
            forget(database, process)  # deletes reports of processes that were killed
            is_new = False
        write(database, service, process, loops.states())
        return EVERY_S

    loops.start("report", report)


def write(database: Database, service: str, process: str, states: Sequence[State]) -> None:
    """Store the states of all loops of a process, in place of its report before."""
    report = {"process": process, "service": service, "loops": json_value([asdict(state) for state in states])}
    with database.statements() as cursor:
        cursor.run(SQL["write"], report)


def forget(database: Database, process: str) -> None:
    """Delete the report of a process that ends, and reports older than SEEN_S."""
    with database.statements() as cursor:
        cursor.run(SQL["forget"], {"process": process, "seen_s": SEEN_S})


def read(database: Database, service: str) -> list[Report]:
    """The reported loops of all processes of a service, without reports older than SEEN_S."""
    with database.statements() as cursor:
        rows = cursor.all(SQL["read"], {"service": service, "seen_s": SEEN_S})
    return [Report(row["process"], State.written(loop, row["age_s"])) for row in rows for loop in row["loops"]]
