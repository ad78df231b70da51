"""Plans messages to people: events become notices of channels, and notices, and incidents that last, become messages.

Each step is a transaction, and one process at a time does it: nothing is lost or told twice if it ends at any moment. Decisions
are made in `routing`, `grouping`, `quiet` and `repeats`, for a moment that the caller may name, by default that of the database.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from backend.configuration import watching
from backend.notifications import content, grouping, outbox, rows
from backend.notifications.routing import Routing
from database.loops import Loop, Loops
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.problems import Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
ROUTED = 1000  # events in a transaction
TOLD = 20_000  # notices in a message
REPEATED = 20_000  # incidents that are looked at in a transaction
REWORDED = 100  # messages in a transaction
_LOOK_S = 1.0
_AFTER_FAULT_S = 60.0  # a channel whose messages cannot be made waits so long
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_WORK_S = 2.0  # without a word to the database
_LOCK = 7_418_205_351  # an arbitrary number for an advisory lock

T = TypeVar("T")
log = logging.getLogger(__name__)


def start(database: Database, loops: Loops) -> None:
    """Start the loop that plans, once a second, in a daemon thread."""
    planner = Planner(database)

    def look(loop: Loop) -> float | None:
        return None if planner.turn(alive=loop.alive) else _LOOK_S

    loops.start("planner", look)


class _NotMine(Exception):
    """Another process is planning at this moment."""


class Planner:
    """Plans messages. A channel whose messages cannot be made is left out for a minute, by this process alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paused: dict[str, float] = {}

    def turn(self, now: datetime | None = None, alive: Callable[[], None] = lambda: None) -> bool:
        """Plan everything that is due. Returns whether more events wait than one turn routes."""
        with self._database.statements() as cursor:
            found = cursor.one(SQL["look"], {"now": now})
            assert found is not None
        is_full = False
        try:
            if found["has_routes"]:
                self._look_again(now)
            if found["has_events"]:
                is_full = self._route(now)
                alive()
            if found["has_events"] or found["has_notices"]:
                for channel in self._ready(now):
                    self._guarded(channel, lambda channel=channel: self._tell(channel, now))  # type: ignore[misc]
                    alive()
            if found["has_repeats"]:
                self._repeat(now)
                alive()
            if found["has_unsent"]:
                self._tidy(now)
        except _NotMine:
            return False
        return is_full

    @contextmanager
    def _alone(self, now: datetime | None) -> Iterator[tuple[Cursor, datetime]]:
        """A transaction beside which no other process plans, and its time. Raises _NotMine if another one is planning."""
        with self._database.transaction() as cursor:
            row = cursor.one(SQL["alone"], {"lock": _LOCK, "now": now})
            assert row is not None
            if not row["is_mine"]:
                raise _NotMine
            yield cursor, row["now"]

    def _look_again(self, now: datetime | None) -> None:
        """After a change of routes or channels: work out again until when notices are held, and when to repeat."""
        with self._alone(now) as (cursor, at):
            cursor.run(SQL["routes_changed"])
            held = cursor.all(SQL["held"], {"now": at, "most": TOLD})
            changed = list(_for_a_while(rows.held(_routing(cursor), held, at)))
            if changed:
                cursor.run(SQL["hold"], {"notices": json_value(changed)})

    def _route(self, now: datetime | None) -> bool:
        with self._alone(now) as (cursor, at):
            events = cursor.all(SQL["unrouted"], {"most": ROUTED})
            event_ids: list[int] = []
            notices: list[dict[str, Any]] = []
            for event_id, of_event in _for_a_while(rows.notices(_routing(cursor), events, at)):
                event_ids.append(event_id)
                notices += of_event
            if notices:
                cursor.run(SQL["notice"], {"notices": json_value(notices), "now": at})
            cursor.run(SQL["routed"], {"event_ids": event_ids})
        return len(events) == ROUTED or len(event_ids) < len(events)

    def _ready(self, now: datetime | None) -> list[str]:
        with self._alone(now) as (cursor, at):
            times = {"now": at, "minute": grouping.MINUTE, "schedule_settles": grouping.SCHEDULE_SETTLES}
            channels = cursor.all(SQL["ready"], times)
            routing = _routing(cursor)
        return [
            row["channel"]
            for row in channels
            if not routing.is_active(row["channel"])
            or (grouping.is_settled(row["oldest"], row["newest"], at) and grouping.may_be_sent(row["planned"]))
        ]

    def _guarded(self, channel: str, work: Callable[[], None]) -> None:
        """Do the work of one channel. If it fails, the channel is left out for a minute, and the others go on."""
        if self._paused.get(channel, 0.0) > time.monotonic():
            return
        try:
            work()
        except (Unavailable, _NotMine):
            raise
        except Exception:
            self._paused[channel] = time.monotonic() + _AFTER_FAULT_S
            log.exception("no message to the channel %s can be made; again in a minute", channel)

    def _tell(self, channel: str, now: datetime | None) -> None:
        """Plan one message with everything that is left to say to the channel. Notices by routes that are no longer active are
        dropped."""
        with self._alone(now) as (cursor, at):
            routes = _routing(cursor).names(channel)
            waiting = [rows.waiting(row, at) for row in cursor.all(SQL["waiting"], {"channel": channel, "now": at, "most": TOLD})]
            said, unsaid = grouping.left_to_say([notice for notice in waiting if not routes.isdisjoint(notice.routes)])
            unsaid += [notice for notice in waiting if routes.isdisjoint(notice.routes)]
            if said:
                event_ids = [each.last.event_id for each in said]
                made = content.build(cursor, "change", at, event_ids=event_ids, cause=grouping.cause(said))
                message = outbox.add(cursor, channel, made, at)
                told = [rows.told(each) for each in said if each.last.is_of_incident]
                of_message = {"channel": channel, "notification_id": message, "now": at}
                _note(cursor, of_message, [rows.noted(notice, each.kind) for each in said for notice in each.notices])
                cursor.run(SQL["told"], of_message | {"told": json_value(told)})
            of_none = {"channel": channel, "notification_id": None, "now": at}
            _note(cursor, of_none, [rows.noted(notice, "change") for notice in unsaid])
            done = [*unsaid, *(notice for each in said for notice in each.notices)]
            cursor.run(SQL["noted"], {"channel": channel, "event_ids": [notice.event_id for notice in done]})
            if len(waiting) < TOLD:
                cursor.run(SQL["forgotten"], {"channel": channel})

    def _repeat(self, now: datetime | None) -> None:
        """Plan repeats, one message per channel, and note when to look at the other incidents again."""
        with self._alone(now) as (cursor, at):
            cursor.run(SQL["put_off"], {"now": at, "minute": grouping.MINUTE})
            lasting = cursor.all(SQL["lasting"], {"now": at, "most": REPEATED})
            due: dict[str, list[rows.Repeat]] = defaultdict(list)
            later = []
            for channel, found in _for_a_while(rows.repeats(_routing(cursor), lasting, at)):
                if found.due.at is not None and found.due.at <= at:
                    due[channel].append(found)
                else:
                    later.append(found.named | {"channel": channel, "at": rows.text(found.due.at)})
            if due:
                planned = cursor.all(SQL["planned"], {"channels": list(due), "now": at, "minute": grouping.MINUTE})
                for channel in (row["channel"] for row in planned if not grouping.may_be_sent(row["planned"])):
                    in_a_minute = rows.text(at + grouping.MINUTE)
                    later += [repeat.named | {"channel": channel, "at": in_a_minute} for repeat in due.pop(channel)]
            if later:
                cursor.run(SQL["repeat_later"], {"later": json_value(later)})
        for channel, repeats in due.items():
            self._guarded(channel, lambda channel=channel, repeats=repeats: self._tell_again(channel, repeats, at))  # type: ignore[misc]

    def _tell_again(self, channel: str, repeats: Sequence[rows.Repeat], now: datetime) -> None:
        with self._alone(now) as (cursor, at):
            open_ids = {row["incident_id"] for row in cursor.all(SQL["still_lasting"], {"channel": channel, "now": at})}
            repeats = [repeat for repeat in repeats if repeat.incident_id in open_ids]
            if not repeats:
                return
            made = content.build(cursor, "repeat", at, incident_ids=[repeat.incident_id for repeat in repeats])
            if not made.number:
                return  # they ended at this moment
            of_message = {"channel": channel, "notification_id": outbox.add(cursor, channel, made, at), "now": at}
            noted = [repeat.named | {"event_id": None, "kind": "repeat", "routes": repeat.due.routes} for repeat in repeats]
            _note(cursor, of_message, noted)
            cursor.run(SQL["repeated"], of_message | {"told": json_value([repeat.named for repeat in repeats])})

    def _tidy(self, now: datetime | None) -> None:
        """Withdraw unsent messages that have become pointless, and repeats of what was acknowledged meanwhile."""
        with self._alone(now) as (cursor, at):
            cursor.run(SQL["dead_tests"], {"now": at})
            cursor.run(SQL["without_channel"], {"channels": list(_routing(cursor).channels), "now": at})
            for row in cursor.all(SQL["outdated"], {"now": at, "most": REWORDED}):
                message, left = str(row["notification_id"]), row["left"] or []
                if left:
                    outbox.reword(cursor, message, content.build(cursor, "repeat", at, incident_ids=left), left)
                else:
                    outbox.withdraw(cursor, message, "acknowledged" if row["has_open"] else "over", at)


def _for_a_while(found: Iterator[T]) -> Iterator[T]:
    """As many of them as two seconds allow: the server ends transactions that idle longer. The next turn goes on."""
    end_at = time.monotonic() + _WORK_S
    for each in found:
        yield each
        if time.monotonic() > end_at:
            return


def _routing(cursor: Cursor) -> Routing:
    active = [found.document.name for found in watching.channels(cursor) if found.document.active]
    return Routing((found.document for found in watching.routes(cursor)), active)


def _note(cursor: Cursor, of_message: dict[str, Any], noted: Sequence[dict[str, Any]]) -> None:
    if noted:
        cursor.run(SQL["notified"], of_message | {"said": json_value(noted)})
