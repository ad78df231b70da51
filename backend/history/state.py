"""The present state of a table or dataset, from what decides its gate. A pure function, like the gate itself."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from backend.gates.decision import Facts, decide
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.messages.verdicts import Gate, gate_of

StateName = Literal["closed", "stale", "never_checked", "open"]
RANKS: dict[StateName, int] = {"closed": 0, "stale": 1, "never_checked": 2, "open": 3}  # the order of the board


@dataclass(frozen=True)
class State:
    """`gate` is the decided one: as the last deciding check left it, whatever has changed since; None before the first. The end
    of a waiver that the check leans on closes it, too. `stale_at`: when the check becomes older than `max_age`, or its first
    waiver ends; None if neither happens."""

    name: StateName
    gate: Gate | None
    reasons: list[str]
    stale_at: datetime | None

    @property
    def rank(self) -> int:
        """The place of its kind on the board, from 0."""
        return RANKS[self.name]


def state_of(facts: Facts) -> State:
    """The state without requests that are not finished: while a newer check runs, nothing changes."""
    facts = replace(facts, newer_request=None)
    subject, check, view = facts.subject, facts.check, decide(facts)
    if check is None:
        return State("never_checked", None, view.reasons, None)
    gate = gate_of(check.verdict, subject.settings.on_warn, subject.settings.on_error)
    if facts.leaning.reasons():
        gate = "closed"
    name: StateName = "closed" if gate == "closed" else "stale" if view.gate == "closed" else "open"
    return State(name, gate, [*view.reasons, *view.notes], _next_change(facts))


def _next_change(facts: Facts) -> datetime | None:
    """When time alone changes the state."""
    moments = [waiver.until for waiver in facts.waivers.values() if waiver.ended_because is None]
    check, max_age = facts.check, facts.subject.settings.max_age
    if check is not None and max_age is not None and check.age_s <= (limit := parse_duration(max_age)):
        with suppress(OverflowError):  # later than any date
            moments.append(check.decided_at + timedelta(seconds=limit))
    return min(moments, default=None)
