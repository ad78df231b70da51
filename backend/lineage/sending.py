"""Sending results to a receiver of OpenLineage: each table's in order, at least once, for three days."""

import json
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from backend.lineage.events import Teller, events, over_two_tables
from database.leases import Lease
from database.loops import Loop, Loops
from database.notifications import Listener
from database.pool import Cursor, Database
from database.queries import load_queries
from database.sending import Backoff, NotSent, Sender, all_that_is_due, look_again_s
from stringx_dataops.contract import http_answers
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.http_posts import TOO_LARGE, Limits, Poster, retry_after_s
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import Settings, lineage_key
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))
LINEAGE = "lineage"  # the payload that wakes the senders
LIMITS = Limits(connect_s=5, read_s=15, body_s=2, largest=64 * 1024)
MOST_WAITING = 100_000  # events: the oldest are dropped above that
REFUSALS = 5  # attempts after which an event that the receiver does not understand lets the later ones of its table pass
LEASE_S = 60  # two posts are one message
_THREADS = 2
_SOME, _LOOKS = 200, 50  # so many that are due are looked at in a statement, in so many statements
_LOOK_S = 20.0
_KEEP_S = 60.0
_SWITCH_S = 3600.0
_LONGEST_RETRY_AFTER_S = 3600.0
_NOT_UNDERSTOOD = (400, 404, TOO_LARGE, 422)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leased:
    """A result that is to be sent. `attempts` counts this one; `expired`: it was tried for three days."""

    event_id: int
    check_id: UUID | str
    attempts: int
    now: datetime
    expired: bool


class NotTaken(NotSent):
    """Why an event was not sent. `is_refused`: the receiver does not take this one."""

    def __init__(self, reason: str, retry_after_s: float | None = None, *, is_refused: bool = False) -> None:
        super().__init__(reason, retry_after_s)
        self.is_refused = is_refused


@dataclass(frozen=True)
class Waiting:
    """How many events wait, and for how long the oldest of them."""

    events: int
    oldest_age_s: float


class LineageSender(Sender[Leased, None]):
    """Posts the events of a result: that of its start, then that of its end."""

    backoff = Backoff(longest_s=600.0)

    def __init__(self, database: Database, worker: str, url: str, key: str | None, teller: Teller) -> None:
        super().__init__(database, Lease(worker, LEASE_S))
        self._url, self._teller = url, teller
        self._poster = Poster(key, LIMITS)

    def claim(self) -> Leased | None:
        """The due event that is the first of its table."""
        with self.database.statements() as cursor:
            for _ in range(_LOOKS):
                if cursor.run(SQL["park"], {"some": _SOME}) < _SOME:
                    break
            row = cursor.one(SQL["claim"], self.lease.parameters)
        return Leased(**row) if row is not None else None

    def send(self, message: Leased) -> None:
        """NotTaken if the receiver takes one of the two not."""
        for event in self._events(message):
            self._post(event, message.now)

    def mark_done(self, message: Leased, answer: None) -> bool:
        """Forget it. If earlier attempts failed, all others are due now: the receiver answers again."""
        with self.database.transaction() as cursor:
            is_done = self._forget(cursor, message)
            if message.attempts > 1:
                cursor.run(SQL["due_now"])
        return is_done

    def store_postponed(self, message: Leased, fault: NotSent, delay_s: float) -> bool:
        """Store when it is due again, or give it up."""
        is_refused = isinstance(fault, NotTaken) and fault.is_refused and message.attempts >= REFUSALS
        gives_up = message.expired or is_refused
        log.warning(
            "OpenLineage event not sent (attempt %d)%s: %s",
            message.attempts, ", given up" if gives_up else "", fault.reason, extra={"check_id": str(message.check_id)},
        )  # fmt: skip
        with self.database.transaction() as cursor:
            if gives_up:
                return self._forget(cursor, message)
            return cursor.run(SQL["postpone"], self._held(message) | {"delay_s": delay_s, "error": fault.reason}) > 0

    def _events(self, message: Leased) -> list[JsonObject]:
        """None for a result that is deleted, or that this release cannot read."""
        with self.database.statements() as cursor:
            row = cursor.one(SQL["leased"], {"check_id": str(message.check_id)})
        if row is None:
            return []
        try:
            target = stored_target(row["target"]) if row["target"] is not None else None
            return events(self._teller, CheckResult.model_validate(row["result"], extra="ignore"), target, row["gate"])
        except (ValidationError, ValueError, KeyError, TypeError):
            log.exception("a result is not sent to OpenLineage", extra={"check_id": str(message.check_id)})
            return []

    def _post(self, event: JsonObject, now: datetime) -> None:
        headers = {"Content-Type": "application/json"} | tracing.current_headers()
        try:
            answer = self._poster.post(self._url, data=json.dumps(event, ensure_ascii=False).encode(), headers=headers)
            status, retry_after = answer.status, answer.headers.get("Retry-After")
        except http_answers.Unreadable as error:
            status, retry_after = error.status, error.headers.get("Retry-After")
        except http_answers.FAULTS as error:
            raise NotTaken(http_answers.words_of(error)) from error
        if not 200 <= status < 300:
            wait_s = retry_after_s(retry_after, _LONGEST_RETRY_AFTER_S, now)
            raise NotTaken(f"status {status}", wait_s, is_refused=status in _NOT_UNDERSTOOD)

    def _forget(self, cursor: Cursor, message: Leased) -> bool:
        cursor.run(SQL["next"], {"event_id": message.event_id})
        return cursor.run(SQL["done"], self._held(message)) > 0

    def _held(self, message: Leased) -> dict[str, object]:
        return {"event_id": message.event_id, "worker": self.lease.worker}


class Keeper:
    """Has results kept for a receiver, or no more of them, and bounds what waits: however slow the receiver is, and when there is
    none any more."""

    def __init__(self, database: Database, *, is_sent: bool) -> None:
        self._database, self._is_sent = database, is_sent
        self._switch_at = float("-inf")

    def turn(self, _: Loop | None = None) -> float:
        """Returns the seconds until it is due again."""
        with self._database.statements() as cursor:
            if time.monotonic() >= self._switch_at:
                cursor.run(SQL["begin" if self._is_sent else "end"])
                self._switch_at = time.monotonic() + _SWITCH_S
            dropped = cursor.run(SQL["drop_oldest"], {"most": MOST_WAITING})
            if not self._is_sent:
                dropped += cursor.run(SQL["drop_late"])
            cursor.run(SQL["unpark"])
        if dropped:
            log.warning("%d results were dropped that waited for a receiver of OpenLineage", dropped)
        return _KEEP_S


def start(database: Database, settings: Settings, catalogue: Catalogue, listener: Listener, loops: Loops, worker: str) -> None:
    """Results are kept from now on and sent by two threads; without a receiver no more are kept."""
    receiver = settings.lineage
    loops.start("lineage", Keeper(database, is_sent=receiver is not None).turn, delay_s=0.2)
    if receiver is None:
        return
    teller = Teller(settings.public_url or settings.backend_url, receiver.namespace, over_two_tables(catalogue))
    key = lineage_key()
    for number in range(_THREADS):
        sender = LineageSender(database, f"{worker} {number}", receiver.url, key, teller)
        loops.start(f"lineage-{number}", all_that_is_due(sender, listener, LINEAGE, _LOOK_S, look_again_s(number)))


def waiting(database: Database) -> Waiting:
    """What waits just now."""
    with database.statements() as cursor:
        row = cursor.one(SQL["waiting"])
    assert row is not None
    return Waiting(**row)
