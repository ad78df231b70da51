"""What happens in the simulated months: tables that are checked, fail, flap, stay closed and recover, and people who acknowledge.

Made from a seed alone, before the product sees anything of it: `Check` and `Acknowledged` in the order of their times.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

GridVerdict = Literal["pass", "warn", "fail", "error"]
Kind = Literal["table", "dataset"]
STEP = timedelta(minutes=30)  # everything happens on this grid; the product looks twice per step
_HOURS = (2, 6, 12, 12, 24, 24, 24, 24)  # between the checks of a table
CHANGES_PER_DAY = 0.15  # how often trouble comes to a table
DATASET_SIZE = 5
OWNERS = [f"team-{n}" for n in range(6)]


@dataclass(frozen=True, order=True)
class Subject:
    """A table or dataset that has a gate."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Table:
    """`dataset`: of which it is a part; then it is checked with it."""

    name: str
    owner: str
    tags: tuple[str, ...]
    dataset: str | None

    @property
    def subject(self) -> Subject:
        return Subject("table", self.name)


@dataclass(frozen=True)
class Check:
    """A check of a table, or of a dataset with all its tables."""

    at: datetime
    about: Subject
    verdicts: tuple[tuple[str, GridVerdict], ...]  # of each table

    @property
    def found(self) -> dict[Subject, GridVerdict]:
        """By what it says something of; a dataset has the worst verdict of its tables."""
        found = {Subject("table", name): verdict for name, verdict in self.verdicts}
        if self.about.kind == "dataset":
            found[self.about] = max((verdict for _, verdict in self.verdicts), key=_WORSE.index)
        return found


@dataclass(frozen=True)
class Acknowledged:
    at: datetime
    about: Subject
    until: datetime | None


Happening: TypeAlias = "Check | Acknowledged"
_WORSE: tuple[GridVerdict, ...] = ("pass", "warn", "fail", "error")


@dataclass(frozen=True)
class World:
    start: datetime
    end: datetime
    tables: Sequence[Table]
    steps: Sequence[tuple[datetime, Sequence[Happening]]]  # every step of the grid, also those in which nothing happens

    @property
    def happenings(self) -> Iterator[Happening]:
        return itertools.chain.from_iterable(found for _, found in self.steps)

    @property
    def datasets(self) -> dict[str, list[Table]]:
        found: dict[str, list[Table]] = {}
        for table in self.tables:
            if table.dataset is not None:
                found.setdefault(table.dataset, []).append(table)
        return found


def gate_of(verdict: GridVerdict) -> Literal["open", "closed"]:
    """With the settings that documents have by default."""
    return "closed" if verdict in ("fail", "error") else "open"


def make(seed: int, tables: int, days: int, end: datetime) -> World:
    """A tenth of the tables are parts of datasets. Half of the incidents that last are acknowledged by somebody."""
    chance = random.Random(seed)
    start = end - timedelta(days=days)
    made = [
        Table(
            name=f"public.t{n:03d}",
            owner=OWNERS[n % len(OWNERS)],
            tags=("core",) if n % 4 == 0 else (),
            dataset=f"set-{n // DATASET_SIZE:02d}" if n < tables // 10 // DATASET_SIZE * DATASET_SIZE else None,
        )
        for n in range(tables)
    ]
    by_time: dict[datetime, list[Happening]] = {start + STEP * n: [] for n in range(int((end - start) / STEP))}
    alone = [table for table in made if table.dataset is None]
    units = [(table.subject, [table]) for table in alone]
    for name in sorted({table.dataset for table in made if table.dataset is not None}):
        units.append((Subject("dataset", name), [table for table in made if table.dataset == name]))
    for about, parts in units:
        for happening in _life(chance, about, parts, start, end):
            by_time[happening.at].append(happening)
    return World(start, end, made, sorted(by_time.items()))


def _life(chance: random.Random, about: Subject, parts: Sequence[Table], start: datetime, end: datetime) -> Iterator[Happening]:
    every = timedelta(hours=chance.choice(_HOURS))
    at = start + STEP * chance.randrange(int(every / STEP))
    series = {table.name: _series(chance, every) for table in parts}
    closed: set[Subject] = set()
    while at < end:
        check = Check(at, about, tuple((name, next(verdicts)) for name, verdicts in series.items()))
        yield check
        for subject, verdict in check.found.items():
            if gate_of(verdict) == "open":
                closed.discard(subject)
            elif subject not in closed:
                closed.add(subject)
                yield from _acknowledgements(chance, subject, at, end)
        at += every


def _acknowledgements(chance: random.Random, subject: Subject, closed_at: datetime, end: datetime) -> Iterator[Acknowledged]:
    """Somebody may do so though the gate has opened meanwhile: then it is refused."""
    at = closed_at
    while chance.random() < 0.5:
        at += STEP * chance.randint(1, 96)
        until = at + timedelta(hours=chance.randint(1, 60)) if chance.random() < 0.4 else None
        if at >= end:
            return
        yield Acknowledged(at, subject, until)


def _series(chance: random.Random, every: timedelta) -> Iterator[GridVerdict]:
    """The verdicts of a table, one per check: mostly it passes; sometimes trouble comes, of one of these kinds."""
    share = CHANGES_PER_DAY * every / timedelta(days=1)
    while True:
        if chance.random() >= share:
            yield "pass"
            continue
        bad: GridVerdict = "error" if chance.random() < 0.2 else "fail"
        kind = chance.choice(["blip", "flap", "lasts", "warns", "worsens"])
        lasts = max(1, int(timedelta(hours=chance.randint(12, 160)) / every))
        if kind == "blip":
            yield bad
        elif kind == "flap":
            for _ in range(chance.randint(2, 5)):
                yield bad
                yield "pass"
        elif kind == "lasts":
            yield from itertools.repeat(bad, lasts)
        elif kind == "warns":
            yield from itertools.repeat("warn", min(lasts, 5))
        else:
            yield "warn"
            yield from (bad if chance.random() < 0.7 else "error" for _ in range(min(lasts, 12)))
            yield "warn"
