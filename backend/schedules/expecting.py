"""Checks that are expected by a time of day (`expected_by`): if no deciding check has ended since the deadline before, that is an
incident. It closes no gate, and ends with the check that comes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from backend.schedules.times import daily
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.documents.expectations import Expectation

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MOST = 200  # in a transaction
ON_ITS_WAY = timedelta(minutes=1)  # that a result of before the deadline may take to arrive
_DAY = timedelta(days=1)
_LATER = timedelta(hours=1)  # for what cannot be read
_OVER = "no check is expected by a time of day any more"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deadlines:
    """`last` is the last deadline that is over, `before` the one before it, `next` the one after it."""

    before: datetime
    last: datetime
    next: datetime


@dataclass(frozen=True)
class Judgement:
    """Of a table or dataset: the first deadline by which no check had come, None if it has come; and whether that is news."""

    missed_at: datetime | None
    is_news: bool = False


def deadlines(expectation: Expectation, timezone: str, now: datetime) -> Deadlines:
    """The deadlines around a moment: the time of day by the zone's clock, and the grace after it."""
    zone, grace = ZoneInfo(timezone), timedelta(seconds=expectation.grace_s)
    found = [daily(expectation.at, zone, now - grace - 4 * _DAY)]
    while found[-1] + grace <= now:
        found.append(daily(expectation.at, zone, found[-1]))
    before, last, following = (moment + grace for moment in found[-3:])
    return Deadlines(before, last, following)


def judge(
    found: Deadlines, since: datetime, missed_at: datetime | None, checked_at: datetime | None, has_incident: bool
) -> Judgement:
    """What the last deadline says. `since`: a deadline before it is none, because nobody expected anything then."""
    if checked_at is not None and checked_at > found.before:
        return Judgement(None)
    if missed_at is not None and checked_at is not None and checked_at > missed_at:
        missed_at = None  # that one has come since
    if found.last <= since:
        return Judgement(missed_at)
    return Judgement(missed_at or found.last, is_news=missed_at is None or not has_incident)


def look(database: Database, now: datetime | None = None, alive: Callable[[], None] = lambda: None) -> None:
    """Judge every deadline that is over, and work out the next ones. `now`: by default the database's clock."""
    while look_once(database, now) == MOST:
        alive()


def look_once(database: Database, now: datetime | None = None) -> int:
    """Judge up to MOST deadlines, in one transaction. Returns how many there were."""
    with database.transaction() as cursor:
        now = now or cursor.now()
        until = now - ON_ITS_WAY
        subjects = [row["subject_id"] for row in cursor.all(SQL["due"], {"until": until, "limit": MOST})]
        if subjects:
            for row in cursor.all(SQL["lock"], {"subjects": subjects, "until": until}):
                _look_at(cursor, row, now, until)
    return len(subjects)


def _look_at(cursor: Cursor, row: Row, now: datetime, until: datetime) -> None:
    named = {"kind": row["subject_kind"], "target": row["target"], "name": row["name"]}
    if row["is_gone"]:
        if row["incident_id"] is not None and cursor.run(SQL["close_incident"], {**row, "now": now}):
            cursor.run(SQL["no_incident"], row)
            cursor.run(SQL["event"], _event(row, "removed", now, _OVER) | {"incident_id": row["incident_id"]})
        cursor.run(SQL["gone"], named)
        return
    try:
        expectation = Expectation.model_validate(row["expected_by"], extra="ignore")
    except ValidationError:
        log.warning("expected_by of %s %s is of another release, and this one cannot read it", named["kind"], named["name"])
        cursor.run(SQL["judged"], named | {"next_deadline_at": now + _LATER, "missed_at": row["missed_at"]})
        return
    timezone = expectation.timezone or "UTC"
    found = deadlines(expectation, timezone, until)
    judged = judge(found, row["since"], row["missed_at"], row["checked_at"], row["incident_id"] is not None)
    if judged.is_news and _is_on_its_way(cursor, row, found.before):
        cursor.run(SQL["judged"], named | {"next_deadline_at": now, "missed_at": row["missed_at"]})  # judged again in a minute
        return
    if judged.is_news:
        event = _event(row, "missed", found.last, _words(found.last, timezone, row["checked_at"]))
        cursor.run(SQL["open_incident"], event)
        incident = cursor.one(SQL["of_incident"], {"subject_id": row["subject_id"]})
        assert incident is not None
        cursor.run(SQL["event"], event | {"incident_id": incident["incident_id"]})
    cursor.run(SQL["judged"], named | {"next_deadline_at": found.next, "missed_at": judged.missed_at})


def _is_on_its_way(cursor: Cursor, row: Row, since: datetime) -> bool:
    """Whether a check has come, and its result has not: while no Backend ran, DataOps could not deliver it."""
    wanted = {name: row[name] for name in ("subject_kind", "target", "name")}
    return bool((cursor.one(SQL["on_its_way"], wanted | {"since": since}) or {}).get("is_on_its_way"))


def _event(row: Row, word: str, at: datetime, reason: str) -> dict[str, Any]:
    return {**row, "kind": row["subject_kind"], "word": word, "at": at, "reason": reason}


def _words(deadline: datetime, timezone: str, checked_at: datetime | None) -> str:
    """Why it is an incident."""
    zone = ZoneInfo(timezone)
    last = (
        f"the last one ended {checked_at.astimezone(zone):%Y-%m-%d %H:%M}" if checked_at is not None else "it was never checked"
    )
    return f"no check came by {deadline.astimezone(zone):%Y-%m-%d %H:%M} ({timezone}); {last}"
