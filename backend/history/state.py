"""The present state of a table or dataset, from what decides its gate. A pure function, like the gate itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backend.gates.decision import DecidingCheck, Facts, GateSubject, decide
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.messages.verdicts import Gate, gate_of

StateName = Literal["closed", "stale", "never_checked", "open"]
RANKS: dict[StateName, int] = {"closed": 0, "stale": 1, "never_checked": 2, "open": 3}  # the order of the board


@dataclass(frozen=True)
class State:
    """`gate` is the decided one: as the last deciding check left it, whatever has changed since; None before the first.
    `stale_at`: when the check becomes older than `max_age`; None if it never does, or is already."""

    name: StateName
    gate: Gate | None
    reasons: list[str]
    stale_at: datetime | None

    @property
    def rank(self) -> int:
        """The place of its kind on the board, from 0."""
        return RANKS[self.name]


def state_of(subject: GateSubject, check: DecidingCheck | None) -> State:
    """The state without requests that are not finished: while a newer check runs, nothing changes."""
    view = decide(Facts(subject, check))
    if check is None:
        return State("never_checked", None, view.reasons, None)
    gate = gate_of(check.verdict, subject.settings.on_warn, subject.settings.on_error)
    max_age = subject.settings.max_age
    stale_at = None if max_age is None else _stale_at(check, parse_duration(max_age))
    name: StateName = "closed" if gate == "closed" else "stale" if view.gate == "closed" else "open"
    return State(name, gate, view.reasons, stale_at)


def _stale_at(check: DecidingCheck, max_age_s: float) -> datetime | None:
    if check.age_s > max_age_s:
        return None
    try:
        return check.decided_at + timedelta(seconds=max_age_s)
    except OverflowError:  # later than any date
        return None
