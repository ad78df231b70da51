"""When a message about an incident that lasts is repeated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.notifications.routing import quiet_until
from stringx_dataops.contract.documents.routes import RouteDocument


@dataclass(frozen=True)
class Due:
    """When to repeat, or to look again: `at`, None for never. `routes`: those that ask for it by then."""

    at: datetime | None
    routes: tuple[str, ...] = ()


def next_repeat(
    routes: Iterable[RouteDocument], words: frozenset[str], told_at: datetime, acknowledged_until: datetime | None, now: datetime
) -> Due:
    """When to repeat. `routes`: those of the channel that name the incident's table or dataset. `words`: the kinds of the events
    that the channel was told of; a route that asks for none of them repeats nothing. `acknowledged_until`: when the
    acknowledgement ended, if there was one. What was due in quiet hours is due when they end."""
    times: dict[str, datetime] = {}
    for route in routes:
        if route.repeat_after_s is None or words.isdisjoint(route.on):
            continue
        due = told_at + timedelta(seconds=route.repeat_after_s)
        if acknowledged_until is not None:
            due = max(due, acknowledged_until)
        times[route.name] = quiet_until(route, now) if due <= now else due
    at = min(times.values(), default=None)
    return Due(at, tuple(name for name, due in times.items() if at is not None and due <= max(at, now)))
