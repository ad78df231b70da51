"""The way of one sync check, as marks that follow each other, and what each step between two of them took."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# (whose mark, its name, what was done since the mark before). The next mark of that name after the one before counts; a step
# whose mark is missing is part of the next one. A commit's end is no mark: who it notifies may go on before it returns.
STEPS = (
    ("api", "receive<", "the request reaches the service"),
    ("api", "thread<", "request read, handed to a thread"),
    ("api", "flask<", "head parsed"),
    ("api", "key<", "Flask, until the key is looked at"),
    ("api", "key>", "key looked up"),
    ("api", "accept<", "body read and validated"),
    ("api", "sql.lifecycle.accept<", "configuration looked up and validated"),
    ("worker", "wake<", "check stored: insert and commit; notification to the worker"),
    ("worker", "claim<", "a thread of the worker wakes"),
    ("worker", "claim>", "claim: update and commit"),
    ("worker", "lookup>", "configuration looked up again"),
    ("worker", "specification<", "earlier checks recalled"),
    ("worker", "child<", "specification built, watchdog started"),
    ("child", "request>", "pipe to the child"),
    ("child", "connect<", "macros until the first statement"),
    ("child", "connect>", "login to the target"),
    ("child", "query>", "first round trip: probe"),
    ("child", "query<", "macros: the statements of the check"),
    ("child", "query>", "second round trip: snapshot, scan, statements"),
    ("child", "test>", "macros: the outcome; dbt's test ends"),
    ("child", "run>", "dbt's run ends"),
    ("worker", "child>", "pipe back to the worker"),
    ("worker", "conclude<", "command for people, clock"),
    ("worker", "finish<", "result built and validated"),
    ("api", "wake<", "result stored: transaction and commit; notification to the service"),
    ("api", "find<", "the waiting thread wakes"),
    ("api", "find>", "result read"),
    ("api", "send<", "answer made"),
    ("api", "send>", "answer sent"),
    ("client", "end", "the answer reaches the client"),
)
# How a process is told: by a mark that only its role leaves.
_ROLES = {"flask<": "api", "claim<": "worker", "run<": "child"}


@dataclass(frozen=True)
class Mark:
    """A time stamp, all times in nanoseconds."""

    at: int
    processor: int  # of its thread so far
    served: int  # of the PostgreSQL session that has just answered, for this round trip
    process: int
    thread: int
    name: str
    role: str = ""


@dataclass(frozen=True)
class Step:
    """What one step took in one check, in milliseconds. `processor` is None if it ended in another thread than it began."""

    label: str
    wall: float
    processor: float | None
    served: float


def read(file: Path) -> list[Mark]:
    """All marks, in their order, with the roles of their processes. Processes of other roles are left out."""
    marks = []
    for line in file.read_text().splitlines():
        at, processor, served, process, thread, name = line.split(" ", 5)
        marks.append(Mark(int(at), int(processor), int(served), int(process), int(thread), name))
    roles = {mark.process: _ROLES[mark.name] for mark in marks if mark.name in _ROLES}
    known = [
        Mark(mark.at, mark.processor, mark.served, mark.process, mark.thread, mark.name, roles[mark.process])
        for mark in marks
        if mark.process in roles
    ]
    return sorted(known, key=lambda mark: mark.at)


def steps(marks: Sequence[Mark], began: int, ended: int) -> list[Step]:
    """The steps of the check that a client asked for in that time."""
    within = [mark for mark in marks if began <= mark.at <= ended]
    before = Mark(began, 0, 0, 0, 0, "begin", "client")
    found = []
    for role, name, label in STEPS:
        mark = Mark(ended, 0, 0, 0, 0, "end", "client") if role == "client" else _next(within, before, role, name)
        if mark is None:
            continue
        same = mark.thread == before.thread and mark.process == before.process
        served = sum(each.served for each in within if before.at < each.at <= mark.at and each.role in (before.role, mark.role))
        processor = (mark.processor - before.processor) / 1e6 if same else None
        found.append(Step(label, (mark.at - before.at) / 1e6, processor, served / 1e6))
        before = mark
    return found


def medians(checks: Iterable[Sequence[Step]]) -> list[Step]:
    """Each step's median over all checks; a step that some checks have not is over the others."""
    by_label: dict[str, list[Step]] = {label: [] for _, _, label in STEPS}
    for check in checks:
        for step in check:
            by_label[step.label].append(step)
    found = []
    for label, all_of_it in by_label.items():
        if all_of_it:
            processor = [step.processor for step in all_of_it if step.processor is not None]
            found.append(
                Step(
                    label,
                    statistics.median(step.wall for step in all_of_it),
                    statistics.median(processor) if processor else None,
                    statistics.median(step.served for step in all_of_it),
                )
            )
    return found


def _next(marks: Sequence[Mark], after: Mark, role: str, name: str) -> Mark | None:
    return next((mark for mark in marks if mark.at > after.at and mark.role == role and mark.name == name), None)
