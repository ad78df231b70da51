"""Decides what one message to a channel says: which of the waiting notices still hold, and what stands for which."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

SETTLES = timedelta(seconds=2)  # a message waits for more to tell until nothing has come for so long …
SETTLES_AT_MOST = timedelta(seconds=10)  # … or until its first news is so old
SCHEDULE_SETTLES = timedelta(seconds=90)  # that of a schedule's run waits for the rest of the run, at most so long
PER_MINUTE = 20  # messages to a channel; what comes beyond them waits, and is told in one message
MINUTE = timedelta(minutes=1)
HELD = timedelta(minutes=2)  # a notice that has waited longer waits for its channel, not for others to be told with it

Kind = Literal["closed", "over", "change"]
_OF_NO_INCIDENT = frozenset({"warn", "error", "stale"})
_BEGINNINGS = frozenset({"closed", "missed"})
_ENDINGS = frozenset({"opened", "removed"})


@dataclass(frozen=True)
class Waiting:
    """A notice, and how things stand. `subject`: kind, target and name of what it is about. `is_over`: its incident. `asked_by`:
    the schedule that asked for the check by which it happened. `verdict`, `gate`, `is_stale`: of the table or dataset as it is
    now. `is_held`: quiet hours held it, or a channel that had enough messages."""

    event_id: int
    subject: tuple[str, str, str]
    kinds: frozenset[str]
    words: frozenset[str]
    routes: tuple[str, ...]
    incident_id: str | None
    is_over: bool
    check_id: str | None
    asked_by: str | None
    verdict: str | None
    gate: str | None
    is_stale: bool
    is_held: bool

    @property
    def is_of_incident(self) -> bool:
        """Whether it is about an incident: its beginning, a change while it lasts, or its end."""
        return self.incident_id is not None and not (self.kinds & _ENDINGS and self.words <= _OF_NO_INCIDENT)

    @property
    def is_ending(self) -> bool:
        return bool(self.words & _ENDINGS)

    @property
    def is_true(self) -> bool:
        """Whether a notice that is about no incident still holds."""
        return bool(
            ("stale" in self.words and self.is_stale)
            or (self.verdict in self.words and self.verdict in ("warn", "error"))
            or ("opened" in self.words and self.gate == "open")
        )


@dataclass(frozen=True)
class Said:
    """What a message says about one incident, or of one table or dataset without an incident. `last` stands for all notices."""

    kind: Kind
    last: Waiting
    notices: tuple[Waiting, ...]


def left_to_say(waiting: Sequence[Waiting]) -> tuple[list[Said], list[Waiting]]:
    """What is said, in the order of events, and the notices of which nothing is left to say. An incident that was over while its
    notices were held is told once, as over, to those who ask for endings. One that was just shorter than messages take to settle
    is told as it began; the rest of its notices are in neither list, and are told next."""
    groups: dict[tuple[object, ...], list[Waiting]] = defaultdict(list)
    for notice in sorted(waiting, key=lambda notice: notice.event_id):
        groups[("incident", notice.incident_id) if notice.is_of_incident else ("subject", *notice.subject)].append(notice)
    said: list[Said] = []
    unsaid: list[Waiting] = []
    told: set[tuple[str, str, str]] = set()  # subjects of which this message tells a change, and the next one what came after it
    for (kind, *_), notices in groups.items():
        if kind == "incident" and notices[0].subject in told:
            continue
        found = _of_incident(notices) if kind == "incident" else _of_subject(notices)
        if found is None:
            unsaid += notices
        else:
            said.append(found)
            if kind == "incident" and not any(notice.is_held for notice in notices):
                told.add(notices[0].subject)
    return sorted(said, key=lambda each: each.last.event_id), unsaid


def _of_incident(notices: Sequence[Waiting]) -> Said | None:
    last = notices[-1]
    if not last.is_over:
        begins = any(notice.kinds & _BEGINNINGS for notice in notices)
        return Said("closed" if begins else "change", last, tuple(notices))
    first = list(takewhile(lambda notice: not notice.is_ending, notices))
    if any(notice.kinds & _BEGINNINGS for notice in first) and not any(notice.is_held for notice in first):
        return Said("closed", first[-1], tuple(first))
    endings = [notice for notice in notices if notice.is_ending]
    return Said("over", endings[-1], tuple(notices)) if endings else None


def _of_subject(notices: Sequence[Waiting]) -> Said | None:
    true = [notice for notice in notices if notice.is_true]
    return Said("change", true[-1], tuple(notices)) if true else None


def may_be_sent(planned: int) -> bool:
    """Whether a channel takes one more message, with so many that are unsent, or were planned or sent in the last minute. So a
    channel that does not answer gathers at most PER_MINUTE messages, and the rest in one."""
    return planned < PER_MINUTE


def is_settled(oldest: datetime, newest: datetime, now: datetime) -> bool:
    """Whether to tell a channel's notices now. `oldest`, `newest`: when the first and the last of them became ready."""
    return now - newest >= SETTLES or now - oldest >= SETTLES_AT_MOST


def cause(said: Sequence[Said]) -> str | None:
    """What several tables have in common, in words: the schedule that asked for all of it, or the dataset that was checked."""
    if len(said) < 2:
        return None
    asked = {each.last.asked_by for each in said}
    if len(asked) == 1 and None not in asked:
        return f"schedule {asked.pop()}"
    checks = {each.last.check_id for each in said}
    datasets = [name for kind, _, name in (each.last.subject for each in said) if kind == "dataset"]
    return f"dataset {datasets[0]}" if datasets and len(checks) == 1 and None not in checks else None
