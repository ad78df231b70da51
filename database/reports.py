"""How the loops of processes without HTTP do: such a process writes it down now and then, and its service reads it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from database.loops import Loop, Loops, State
from database.pool import Database, json_value
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
EVERY_S = 5.0
SEEN_S = 30  # a process that has not reported for so long has ended, or is cut off from the database


@dataclass(frozen=True)
class Report:
    """A loop of another process, named by that process' role and its own name."""

    process: str
    loop: State

    @property
    def name(self) -> str:
        return f"{self.process.partition('@')[0]}.{self.loop.name}"


def start(loops: Loops, database: Database, service: str, process: str) -> None:
    """Report all loops of this process every few seconds; `process` as `leases.worker_name` makes it."""

    is_new = True

    def report(_: Loop) -> float:
        nonlocal is_new
        if is_new:
            forget(database, process)  # those of processes that were killed
            is_new = False
        write(database, service, process, loops.states())
        return EVERY_S

    loops.start("report", report)


def write(database: Database, service: str, process: str, states: Sequence[State]) -> None:
    named = {"process": process, "service": service, "loops": json_value([asdict(state) for state in states])}
    with database.statements() as cursor:
        cursor.run(SQL["write"], named)


def forget(database: Database, process: str) -> None:
    """Those of a process that ends, and of processes that are long gone."""
    with database.statements() as cursor:
        cursor.run(SQL["forget"], {"process": process, "seen_s": SEEN_S})


def read(database: Database, service: str) -> list[Report]:
    """What the processes of a service have reported lately."""
    with database.statements() as cursor:
        rows = cursor.all(SQL["read"], {"service": service, "seen_s": SEEN_S})
    return [Report(row["process"], State.written(said, row["age_s"])) for row in rows for said in row["loops"]]
