"""Which channels are told of an event, and through which routes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.notifications import quiet
from stringx_dataops.contract.documents.routes import RouteDocument

_BEGINNINGS = frozenset({"closed", "missed", "error", "warn"})  # words by which a channel may learn of an incident


@dataclass(frozen=True)
class Happened:
    """An event, with what routes look at. `held_for`: its request, if a schedule's run that goes on made it."""

    event_id: int
    kinds: frozenset[str]
    target: str
    name: str
    owner: str
    tags: frozenset[str]
    incident_id: str | None = None
    held_for: str | None = None


@dataclass(frozen=True)
class Notice:
    """An event that a channel is to be told of, in one message whatever the number of routes. `words`: the kinds that these
    routes asked for. `ready_at`: now, or when quiet hours let it through by the first of its routes."""

    event: Happened
    channel: str
    routes: tuple[str, ...]
    words: frozenset[str]
    ready_at: datetime


class Routing:
    """The active routes to active channels."""

    def __init__(self, routes: Iterable[RouteDocument], channels: Collection[str]) -> None:
        self.channels = frozenset(channels)
        self._by_channel: dict[str, list[RouteDocument]] = defaultdict(list)
        for route in routes:
            if route.active and route.channel in channels:
                self._by_channel[route.channel].append(route)

    def notices(self, event: Happened, knowing: Collection[str], now: datetime) -> Iterator[Notice]:
        """A notice for each channel that is to be told of the event. `knowing`: the channels that know of its incident, or are
        about to be told of it."""
        for channel in self._by_channel:
            found = {
                route.name: (words, quiet_until(route, now))
                for route in self.concerned(channel, event)
                if (words := _asked(route, event.kinds, knows=channel in knowing))
            }
            if found:
                words = frozenset().union(*(words for words, _ in found.values()))
                yield Notice(event, channel, tuple(found), words, min(ready_at for _, ready_at in found.values()))

    def concerned(self, channel: str, about: Happened) -> Sequence[RouteDocument]:
        """Routes of a channel that name the event's table or dataset."""
        routes = self._by_channel.get(channel, [])
        return [route for route in routes if route.concerns(about.target, about.name, about.owner, about.tags)]

    def ready_at(self, channel: str, names: Collection[str], now: datetime) -> datetime:
        """When the quiet hours of the first of these routes are over; now if none of them is active."""
        routes = [route for route in self._by_channel.get(channel, []) if route.name in names]
        return min((quiet_until(route, now) for route in routes), default=now)

    def names(self, channel: str) -> frozenset[str]:
        """The names of the channel's routes."""
        return frozenset(route.name for route in self._by_channel.get(channel, []))

    def is_active(self, channel: str) -> bool:
        """Whether the channel exists and is active."""
        return channel in self.channels


def quiet_until(route: RouteDocument, at: datetime) -> datetime:
    """The end of the route's quiet hours if they hold at `at`; else `at`."""
    until = quiet.ends(route.quiet, at) if route.quiet is not None else None
    return until or at


def _asked(route: RouteDocument, kinds: frozenset[str], *, knows: bool) -> frozenset[str]:
    """The kinds of an event that a route asks for. A channel is told that an incident is over if it knows of the incident, or
    through a route that asks for no beginning."""
    words = kinds.intersection(route.on)
    if knows:
        return words | {"removed"} if "removed" in kinds and "opened" in route.on else words
    return words if _BEGINNINGS.isdisjoint(route.on) else words - {"opened"}
