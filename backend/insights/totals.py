"""How the Backend is doing, as the internal database knows it: the same from any process."""

from dataclasses import dataclass
from pathlib import Path

from database.pool import Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_WAITING = ("unfinished", "unsent", "unpublished", "gates_unpublished", "unrouted", "held")


@dataclass(frozen=True)
class Ended:
    """How many requests have ended alike."""

    source: str
    target: str
    status: str
    verdict: str
    requests: int


@dataclass(frozen=True)
class States:
    """How many tables and datasets of a target are in a state: open, closed, stale or never_checked."""

    target: str
    state: str
    subjects: int


@dataclass(frozen=True)
class Waiting:
    """How many requests (or events of gates) wait for something, and for how long the oldest of them."""

    requests: int
    oldest_age_s: float


@dataclass(frozen=True)
class Totals:
    """All requests. `unfinished`: their check has not ended. `unsent`: DataOps has not accepted them. `unpublished`: Kafka does
    not have their result yet. `gates_unpublished`: events of gates that Kafka does not have yet. `unrouted`: events
    that nobody has looked at for messages to people. `held`: events that are still to be told to a channel."""

    ended: list[Ended]
    states: list[States]
    unfinished: Waiting
    unsent: Waiting
    unpublished: Waiting
    gates_unpublished: Waiting
    unrouted: Waiting
    held: Waiting


def read(database: Database) -> Totals:
    """At one moment."""
    with database.transaction() as cursor:
        ended = [Ended(**row) for row in cursor.all(SQL["ended"])]
        states = [States(**row) for row in cursor.all(SQL["states"])]
        waiting = {name: Waiting(**row) for name in _WAITING for row in cursor.all(SQL[name])}
    return Totals(ended, states, **waiting)
