"""Weekly digests: once a week for each channel that wants one, a message per owner of its routes.

Which digest was planned last is stored in the transaction that plans the messages: a week has one, whatever number of Backends
looks, and whoever is killed. After a time without a Backend only the latest is sent, of all the time since the one before.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from backend.configuration import watching
from backend.notifications import outbox
from backend.notifications.digest_content import Facts, digest_of
from backend.notifications.grouping import PER_MINUTE
from database.loops import Loop, Loops
from database.pool import Cursor, Database
from database.queries import load_queries
from stringx_dataops.contract.documents.channels import Digest, Weekday
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.zones import clock
from stringx_dataops.contract.messages.notifications import NotificationContent
from stringx_dataops.contract.problems import Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MOST_OWNERS = 10  # that get a message of their own, of a channel; the others are told together
_LOOK_S = 20.0
_DAYS: tuple[Weekday, ...] = get_args(Weekday)
_WEEK = timedelta(days=7)
_LEAST_APART = _WEEK / 2  # if the day is changed: nearer to the last one, no other is sent
_MOST_TOLD = timedelta(days=28)  # the longest time that a digest tells of

log = logging.getLogger(__name__)


def start(database: Database, loops: Loops) -> None:
    """Start the loop that plans digests, in a daemon thread."""

    def look(loop: Loop) -> float:
        plan(database, alive=loop.alive)
        return _LOOK_S

    loops.start("digests", look)


def last_due(weekly: Digest, now: datetime) -> datetime:
    """When it was due last, by the clock of its zone. A time that does not exist is after the gap, of one that comes twice it is
    the first."""
    zone = ZoneInfo(weekly.timezone)
    today = now.astimezone(zone).date()
    day = today - timedelta(days=(today.weekday() - _DAYS.index(weekly.day)) % 7)
    due = datetime.combine(day, clock(weekly.time), zone).astimezone(now.tzinfo)
    return due if due <= now else datetime.combine(day - _WEEK, clock(weekly.time), zone).astimezone(now.tzinfo)


def plan(database: Database, now: datetime | None = None, alive: Callable[[], None] = lambda: None) -> int:
    """Plan the digests that are due. Returns the number of messages. `now` replaces the database's clock. `alive` is
    called after each channel."""
    with database.transaction() as cursor:
        now = now or cursor.now()
        channels = {each.document.name: each.document.weekly for each in watching.channels(cursor) if each.document.active}
        weekly = {name: digest for name, digest in channels.items() if digest is not None}
        cursor.run(SQL["forget"], {"channels": list(weekly)})
    planned = 0
    for channel, digest in weekly.items():
        try:
            with database.transaction() as cursor:
                planned += _plan(cursor, channel, last_due(digest, now), now)
        except Unavailable:
            raise
        except Exception:  # one channel holds up no other
            log.exception("no digest of the channel %s can be made; trying again", channel)
        alive()
    return planned


def _plan(cursor: Cursor, channel: str, due: datetime, now: datetime) -> int:
    """Plan the digests of a channel unless they are planned already. A new channel gets its first one a week later at the
    latest."""
    cursor.run(SQL["begin"], {"channel": channel, "due_at": due})
    last = cursor.one(SQL["last"], {"channel": channel})
    if last is None or due - last["due_at"] < _LEAST_APART:
        return 0
    routes = [each.document for each in watching.routes(cursor) if each.document.active and each.document.channel == channel]
    owners = _by_owner(routes)
    recent = cursor.one(SQL["recent"], {"channel": channel, "now": now})
    if recent is not None and recent["number"] + len(owners) > PER_MINUTE:
        return 0  # a storm: later
    facts, planned = Facts.read(cursor, max(last["due_at"], due - _MOST_TOLD), due, now), 0
    for owner, of_owner in owners.items():
        found = digest_of(facts, owner, of_owner)
        if found is not None:
            outbox.add(cursor, channel, NotificationContent(kind="digest", made_at=now, digest=found), now)
            planned += 1
    cursor.run(SQL["planned"], {"channel": channel, "due_at": due})
    return planned


def _by_owner(routes: Sequence[RouteDocument]) -> dict[str, list[RouteDocument]]:
    """The routes of each message, by owner; under an empty text those without one, and those of owners beyond the first."""
    found: dict[str, list[RouteDocument]] = defaultdict(list)
    first = sorted({route.owner for route in routes if route.owner})[:MOST_OWNERS]
    for route in routes:
        found[route.owner if route.owner in first and route.owner else ""].append(route)
    return dict(sorted(found.items()))
