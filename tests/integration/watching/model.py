"""Who must be told of what, worked out from the world alone: nothing of the product is used here.

`faults` holds what channels received against it. Of an incident, a channel that asks for it is told once that it began, once that it is
over, and between them again and again as its routes say, but never while somebody has acknowledged it or hours are quiet.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.integration.watching.world import Acknowledged, Check, Subject, World, gate_of

Word = Literal["closed", "opened", "warn", "still_closed"]
SOON = timedelta(minutes=5)  # within which a message must be there: the product looks, and waits for others of the same cause


@dataclass(frozen=True)
class Quiet:
    start: time
    end: time
    zone: str

    def holds(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.zone)).time()
        return self.start <= local < self.end if self.start < self.end else local >= self.start or local < self.end


@dataclass(frozen=True)
class Route:
    """As its document says; `repeat_after` None is never."""

    name: str
    channel: str
    on: tuple[str, ...] = ("closed", "opened", "missed")
    tables: str | None = None
    owner: str | None = None
    tag: str | None = None
    repeat_after: timedelta | None = timedelta(hours=24)
    quiet: Quiet | None = None

    @property
    def document(self) -> dict[str, Any]:
        hours = "off" if self.repeat_after is None else f"{int(self.repeat_after / timedelta(hours=1))}h"
        said: dict[str, Any] = {"name": self.name, "channel": self.channel, "on": list(self.on), "repeat_after": hours}
        said |= {"tables": [self.tables]} if self.tables else {}
        said |= {"owner": self.owner} if self.owner else {}
        said |= {"tags": [self.tag]} if self.tag else {}
        if self.quiet is not None:
            start, end = (f"{moment:%H:%M}" for moment in (self.quiet.start, self.quiet.end))
            said |= {"quiet": {"from": start, "to": end, "timezone": self.quiet.zone}}
        return {"apiVersion": "stringx/v1", "kind": "Route"} | said


@dataclass(frozen=True, order=True)
class Said:
    """A line of a message that a channel received."""

    at: datetime
    channel: str
    what: str
    about: Subject
    message: str = ""  # its id


@dataclass
class Incident:
    about: Subject
    opened_at: datetime
    closed_at: datetime | None = None
    acknowledged: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def holds(self, at: datetime) -> bool:
        return self.opened_at <= at and (self.closed_at is None or self.closed_at > at)

    def is_quieted(self, at: datetime) -> bool:
        """Whether the last that acknowledged it by then still holds."""
        before = [until for since, until in self.acknowledged if since <= at]
        return bool(before) and (before[-1] is None or at < before[-1])

    def wanted_from(self, asks: "Listening", at: datetime) -> datetime | None:
        """The first moment from `at` on that is neither acknowledged nor quiet; None if there is none."""
        later = at
        while True:
            if self.is_quieted(later):
                ends = [until for since, until in self.acknowledged if until is not None and since <= later < until]
                again = [since for since, _ in self.acknowledged if since > later]  # another acknowledgement takes its place
                later = min([*ends, *again], default=None)
                if later is None:
                    return None
            elif (spoken := asks.from_then(later)) != later:
                later = spoken
            else:
                return later


@dataclass
class Lives:
    """What became of the subjects of a world."""

    incidents: dict[Subject, list[Incident]]
    warned: dict[Subject, list[datetime]]  # a check found `warn`, and the one before something else
    causes: dict[Subject, set[tuple[datetime, str]]]  # checks of datasets by which it flipped


def lives(world: World) -> Lives:
    found = Lives(defaultdict(list), defaultdict(list), defaultdict(set))
    verdicts: dict[Subject, str] = {}
    for happening in world.happenings:
        if isinstance(happening, Acknowledged):
            if (incident := _open(found.incidents[happening.about])) is not None:
                incident.acknowledged.append((happening.at, happening.until))
            continue
        for about, verdict in happening.found.items():
            incident = _open(found.incidents[about])
            if gate_of(verdict) == "closed" and incident is None:
                found.incidents[about].append(Incident(about, happening.at))
                _note_cause(found, happening, about)
            elif gate_of(verdict) == "open" and incident is not None:
                incident.closed_at = happening.at
                _note_cause(found, happening, about)
            if verdict == "warn" and verdicts.get(about) != "warn":
                found.warned[about].append(happening.at)
            verdicts[about] = verdict
    return found


def _open(incidents: list[Incident]) -> Incident | None:
    return incidents[-1] if incidents and incidents[-1].closed_at is None else None


def _note_cause(found: Lives, check: Check, about: Subject) -> None:
    if check.about.kind == "dataset":
        found.causes[about].add((check.at, check.about.name))


@dataclass(frozen=True)
class Listening:
    """What one channel wants to hear of one subject: its routes that match, taken together."""

    on: frozenset[str]
    repeat_after: timedelta | None
    quiet: Quiet | None

    def from_then(self, at: datetime) -> datetime:
        """The first moment that is not quiet; of a night that has begun, its end to the minute."""
        while self.quiet is not None and self.quiet.holds(at):
            at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return at


def listening(world: World, routes: Sequence[Route]) -> dict[tuple[str, Subject], Listening]:
    about = {table.subject: (table.owner, table.tags) for table in world.tables}
    about |= {Subject("dataset", name): ("", ()) for name in world.datasets}
    found: dict[tuple[str, Subject], Listening] = {}
    for subject, (owner, tags) in about.items():
        for channel in {route.channel for route in routes}:
            matching = [route for route in routes if route.channel == channel and _matches(route, subject.name, owner, tags)]
            if matching:
                first = matching[0]
                assert all((each.repeat_after, each.quiet) == (first.repeat_after, first.quiet) for each in matching)
                on = frozenset(word for route in matching for word in route.on)
                found[channel, subject] = Listening(on, first.repeat_after, first.quiet)
    return found


def _matches(route: Route, name: str, owner: str, tags: Sequence[str]) -> bool:
    is_named = route.tables is None or fnmatchcase(name, route.tables)
    return is_named and route.owner in (None, owner) and (route.tag is None or route.tag in tags)


def faults(world: World, routes: Sequence[Route], received: Sequence[Said]) -> list[str]:
    """Everything that is missing, too much, too early or too late, a line each."""
    found = lives(world)
    heard: dict[tuple[str, Subject], list[Said]] = defaultdict(list)
    for said in sorted(received):
        heard[said.channel, said.about].append(said)
    wanted = listening(world, routes)
    lines = [f"{said}: nobody asked for it" for key, given in heard.items() if key not in wanted for said in given]
    for (channel, about), asks in wanted.items():
        given = heard[channel, about]
        for fault in _faults(found.incidents[about], found.warned[about], asks, given, world.end):
            lines.append(f"{channel}, {about.name}: {fault}")
    return lines + list(_scattered(found, wanted, heard))


def _faults(
    incidents: Sequence[Incident], warned: Sequence[datetime], asks: Listening, given: Sequence[Said], end: datetime
) -> Iterator[str]:
    rest = list(given)

    def take(since: datetime, until: datetime, *what: str) -> list[Said]:
        taken = [said for said in rest if said.what in what and since <= said.at < until]
        rest[:] = [said for said in rest if said not in taken]
        return taken

    for place, incident in enumerate(incidents if "closed" in asks.on else ()):
        yield from _of_incident(incident, incidents[place + 1 :], asks, take, end)
    for at in warned if "warn" in asks.on else ():  # a gate that opens so is told as `opened`
        sayable = asks.from_then(at)
        if len(take(sayable, sayable + SOON, "warn", "opened")) != 1 and sayable < end - SOON:
            yield f"not told once that it warns since {at}"
    yield from (f"told without a reason: {said}" for said in rest)


def _of_incident(incident: Incident, later: Sequence[Incident], asks: Listening, take: Any, end: datetime) -> Iterator[str]:
    sayable = asks.from_then(incident.opened_at)
    over = incident.closed_at
    began = take(sayable, sayable + SOON, "closed")
    is_told = bool(began)
    if over is not None and over <= sayable:  # nobody could be told before it was over: once at most, either way
        after = take(sayable, sayable + SOON, "opened")
        if len(began) + len(after) > 1:
            yield f"it was over before it could be told, and was told {len(began) + len(after)} times: {incident}"
        return
    if len(began) != 1 and sayable < end - SOON:
        yield f"told {len(began)} times instead of once that it began: {incident}"
    if over is not None and "opened" in asks.on and is_told:
        sayable_over = asks.from_then(over)
        told = len(take(sayable_over, sayable_over + SOON, "opened"))
        is_untrue = any(each.holds(sayable_over) for each in later)  # when it could be said, the gate was closed again
        if told != 1 and sayable_over < end - SOON and not (is_untrue and told == 0):
            yield f"not told once that it is over: {incident}"
    if is_told:
        yield from _of_repeats(incident, asks, take, began[0].at, min(over or end, end))


def _of_repeats(incident: Incident, asks: Listening, take: Any, told_at: datetime, until: datetime) -> Iterator[str]:
    """Each as soon as it is due, nobody has acknowledged and hours are not quiet; none else."""
    repeats = take(told_at, until, "still_closed")
    for said in repeats:
        if incident.is_quieted(said.at):
            yield f"repeated at {said.at} though acknowledged: {incident}"
    if asks.repeat_after is None:
        yield from (f"repeated at {said.at}, and its route never repeats" for said in repeats)
        return
    moments = [told_at, *(said.at for said in repeats)]
    for before, at in zip(moments, [*moments[1:], None], strict=True):
        due = incident.wanted_from(asks, before + asks.repeat_after)
        if at is not None and (due is None or at < due - SOON):
            yield f"repeated at {at}, which is before {due}: {incident}"
        if due is not None and (at is None or at > due + SOON) and due + SOON < until:
            yield f"not repeated at {due}, but {at}: {incident}"


def _scattered(
    found: Lives, wanted: Mapping[tuple[str, Subject], Listening], heard: Mapping[tuple[str, Subject], Sequence[Said]]
) -> Iterator[str]:
    """Gates that one check of a dataset closes or opens come in one message per channel, where hours are not quiet."""
    messages: dict[tuple[str, str, datetime, str], set[str]] = defaultdict(set)
    for (channel, about), given in heard.items():
        if (channel, about) not in wanted or wanted[channel, about].quiet is not None:
            continue
        for at, dataset in found.causes[about]:
            for what in ("closed", "opened"):
                messages[channel, dataset, at, what] |= {
                    said.message for said in given if said.what == what and at <= said.at < at + SOON
                }
    for (channel, dataset, at, what), ids in messages.items():
        if len(ids) > 1:
            yield f"{channel}: the check of {dataset} at {at} came in {len(ids)} messages that something {what}"
