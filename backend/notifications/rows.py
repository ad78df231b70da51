"""Turns rows of events, notices and incidents into the values that decisions take, and their results into rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.notifications.grouping import HELD, Kind, Said, Waiting
from backend.notifications.repeats import Due, next_repeat
from backend.notifications.routing import Happened, Routing
from database.pool import Row

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Repeat:
    """An open incident, and when a channel is told of it again."""

    incident_id: str
    due: Due

    @property
    def named(self) -> dict[str, Any]:
        return {"incident_id": self.incident_id}


def notices(routing: Routing, rows: Sequence[Row], now: datetime) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """For each event its id and the rows of its notices."""
    knowing: dict[str, set[str]] = defaultdict(set)  # also by events of this very batch
    for row in rows:
        incident_id = None if row["incident_id"] is None else str(row["incident_id"])
        event = _happened(row, incident_id)
        of_incident = knowing[incident_id] if incident_id is not None else set()
        of_incident.update(row["knowing"])
        found = [
            {
                "event_id": event.event_id,
                "channel": notice.channel,
                "routes": notice.routes,
                "words": sorted(notice.words),
                "incident_id": incident_id,
                "ready_at": text(notice.ready_at),
                "held_for": row["held_for"],
            }
            for notice in routing.notices(event, of_incident, now)
        ]
        of_incident.update(notice["channel"] for notice in found)
        yield event.event_id, found


def held(routing: Routing, waiting: Sequence[Row], now: datetime) -> Iterator[dict[str, Any]]:
    """For each notice that quiet hours hold: when it can be told, by the routes as they are now."""
    for row in waiting:
        ready_at = routing.ready_at(row["channel"], row["routes"], now)
        yield {"channel": row["channel"], "event_id": row["event_id"], "ready_at": text(ready_at)}


def _happened(row: Row, incident_id: str | None) -> Happened:
    return Happened(
        row["event_id"], frozenset(row["kinds"]), row["target"], row["name"], row["owner"], frozenset(row["tags"]), incident_id
    )


def waiting(row: Row, now: datetime) -> Waiting:
    """A notice that can be told, with the present state of what it is about."""
    return Waiting(
        event_id=row["event_id"],
        subject=(row["subject_kind"], row["target"], row["name"]),
        kinds=frozenset(row["kinds"]),
        words=frozenset(row["words"]),
        routes=tuple(row["routes"]),
        incident_id=None if row["incident_id"] is None else str(row["incident_id"]),
        is_over=row["is_over"],
        check_id=None if row["check_id"] is None else str(row["check_id"]),
        asked_by=row["asked_by"],
        verdict=row["verdict"],
        gate=row["gate"],
        is_stale=row["is_stale"],
        is_held=row["ready_at"] > row["planned_at"] or now - row["planned_at"] > HELD,
    )


def noted(notice: Waiting, kind: Kind) -> dict[str, Any]:
    return {"event_id": notice.event_id, "incident_id": notice.incident_id, "kind": kind, "routes": notice.routes}


def told(said: Said) -> dict[str, Any]:
    words = frozenset().union(*(notice.words for notice in said.notices))
    return {"incident_id": said.last.incident_id, "words": sorted(words), "is_over": said.kind == "over"}


def repeats(routing: Routing, lasting: Sequence[Row], now: datetime) -> Iterator[tuple[str, Repeat]]:
    """For each open incident and channel that knows of it: the channel, and when it is told again."""
    for row in lasting:
        about = Happened(0, frozenset(), row["target"], row["name"], row["owner"], frozenset(row["tags"]))
        routes = routing.concerned(row["channel"], about)
        due = next_repeat(routes, frozenset(row["words"]), row["told_at"] or _NEVER, row["acknowledged_until"], now)
        yield row["channel"], Repeat(str(row["incident_id"]), due)


def text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
