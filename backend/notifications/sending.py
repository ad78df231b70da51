"""Sending messages to channels: each channel in order, none waits for another, and each message until it is taken or given up."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.configuration.versions import read_stored
from backend.notifications import outbox
from backend.notifications.grouping import PER_MINUTE
from backend.notifications.secrets import Secrets
from backend.notifications.senders.orders import Order, Outcome
from backend.notifications.senders.processes import Processes
from database.leases import Lease
from database.loops import Loops
from database.notifications import Listener
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from database.sending import Backoff, NotSent, Sender, all_that_is_due, look_again_s
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.notifications import NotificationContent
from stringx_dataops.contract.trace_context import TraceContext, read_columns
from web import tracing

SQL = load_queries(Path(__file__).with_suffix(".sql"))
THREADS = 4
LEASE_S = 90  # longer than a message may take to be sent, twice if its process ends meanwhile
REFUSALS = 5  # attempts after which a message lets others pass
GIVE_UP_DAYS = 3
_LOOK_S = 20.0
_LONGEST_ERROR = 500  # characters

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leased:
    """A message, leased with its channel. `tried` counts its attempts, with this one; `attempts` the channel's since it last took
    a message. `expired`: it was tried for three days. `document`: the channel's; None if it was deleted."""

    notification_id: UUID | str
    channel: str
    content: Mapping[str, Any]
    tried: int
    attempts: int
    expired: bool
    document: Mapping[str, Any] | None


class NotTaken(NotSent):
    """Why a channel did not take a message. `gone`: it wants none any more."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason[:_LONGEST_ERROR], outcome.retry_after_s)
        self.status, self.gone = outcome.status, outcome.gone


class Mailroom:
    """Sends a message to a channel, in whatever way the channel's document says."""

    def __init__(self, secrets: Secrets, public_url: str | None, processes: Processes | None = None) -> None:
        self.secrets, self.public_url = secrets, public_url
        self.processes = processes or Processes()

    def send(self, channel: ChannelDocument, notification_id: str, content: NotificationContent) -> Outcome:
        """Returns the outcome. Raises Unusable if the channel's address or secret cannot be read."""
        is_webhook = channel.type == "webhook"
        order = Order(
            notification_id=notification_id,
            channel=channel.name,
            type=channel.type,
            address=self.secrets.address(channel),
            place=self.secrets.place(channel),
            secrets=self.secrets.signing_secrets(channel) if is_webhook else [],
            public_url=self.public_url,
            trace=tracing.current_headers(),
            content=content,
        )
        return self.processes.send(order)


class NotificationSender(Sender[Leased, Outcome | None]):
    """Sends the messages of the outbox. Their id is the same each time, so that receivers know one that comes twice."""

    backoff = Backoff(longest_s=600.0)

    def __init__(self, database: Database, mailroom: Mailroom, worker: str, *, is_for_healthy: bool = False) -> None:
        """`is_for_healthy`: it leaves channels whose last message failed to others."""
        super().__init__(database, Lease(worker, LEASE_S))
        self._mailroom, self._is_for_healthy = mailroom, is_for_healthy

    def claim(self) -> Leased | None:
        """The next message of the channel that was served longest ago. Where none is due, that is one round trip."""
        with self.database.statements() as cursor:
            is_due = cursor.one(SQL["any_due"]) is not None
        message = self._lease_next() if is_due else None
        if message is None:
            self._mailroom.processes.tidy()
        return message

    def _lease_next(self) -> Leased | None:
        bounds = self.lease.parameters | {"refusals": REFUSALS, "per_minute": PER_MINUTE, "days": GIVE_UP_DAYS}
        bounds["healthy"] = self._is_for_healthy
        seen: set[str] = set()
        with self.database.transaction() as cursor:
            while (queue := cursor.one(SQL["next_channel"], bounds)) is not None and queue["channel"] not in seen:
                if (row := cursor.one(SQL["lease"], bounds | queue)) is not None:
                    return Leased(**row, attempts=queue["attempts"] + 1)
                seen.add(queue["channel"])  # all that is due waits for an earlier message, which is not
                cursor.run(SQL["served"], queue)
        return None

    def send(self, message: Leased) -> Outcome | None:
        """Send it. Returns None, and sends nothing, if its channel is deleted or inactive."""
        channel = None if message.document is None else read_stored(ChannelDocument, message.document)
        if channel is None and message.document is not None:
            raise NotSent(f"channel {message.channel}: another release stored it, and this one cannot read it")
        if channel is None or not channel.active:
            return None
        content = read_stored(NotificationContent, message.content)
        if content is None:
            raise NotSent("another release wrote the message, and this one cannot read it")
        traces = self._traces(content)
        about: tracing.Attributes = {"channel": channel.name, "tables": content.number}
        with tracing.span("notify", "producer", traces[0] if len(traces) == 1 else None, about, links=traces):
            outcome = self._mailroom.send(channel, str(message.notification_id), content)
        if not outcome.is_sent:
            raise NotTaken(outcome)
        return outcome

    def _traces(self, content: NotificationContent) -> list[TraceContext]:
        """Those of the checks that a message tells of."""
        checks = [told.check_id for told in content.items if told.check_id is not None]
        if not checks:
            return []
        with self.database.statements() as cursor:
            rows = cursor.all(SQL["traces"], {"checks": checks})
        return [context for context in map(read_columns, rows) if context is not None]

    def mark_done(self, message: Leased, answer: Outcome | None) -> bool:
        """Mark it as delivered, or as withdrawn with its channel."""
        with self.database.transaction() as cursor:
            if answer is None:
                cursor.run(SQL["release"], self._held(message))
                return cursor.run(SQL["withdraw"], self._held(message)) > 0
            held = self._held(message) | {"status": answer.status}
            cursor.run(SQL["queue_delivered"], held)
            delivered = cursor.run(SQL["delivered"], held) > 0
            if message.attempts > 1:
                cursor.run(SQL["due_now"], held)
        return delivered

    def store_postponed(self, message: Leased, fault: NotSent, delay_s: float) -> bool:
        """Its channel waits. The message is given up after three days, or if the receiver wants none any more."""
        status, gone = (fault.status, fault.gone) if isinstance(fault, NotTaken) else (None, False)
        gives_up = message.expired or gone
        log.warning(
            "a message to channel %s was not sent (attempt %d)%s: %s",
            message.channel, message.tried, ", given up" if gives_up else "", fault.reason,
            extra={"notification_id": str(message.notification_id)},
        )  # fmt: skip
        stored = {"error": fault.reason[:_LONGEST_ERROR], "status": status, "delay_s": delay_s, "give_up": gives_up}
        parameters = self._held(message) | stored | {"refusals": REFUSALS}
        with self.database.transaction() as cursor:
            cursor.run(SQL["queue_postponed"], parameters)
            return cursor.run(SQL["postpone"], parameters) > 0

    def _held(self, message: Leased) -> dict[str, Any]:
        return {"notification_id": message.notification_id, "channel": message.channel, "worker": self.lease.worker}


def start(database: Database, mailroom: Mailroom, listener: Listener, loops: Loops, worker: str) -> None:
    """Starts daemon threads that send: several, so that a channel that is slow to answer holds up no other. The first one is for
    channels that work: however many are dead, these do not wait for them."""
    for number in range(THREADS):
        sender = NotificationSender(database, mailroom, f"{worker}/{number}", is_for_healthy=number == 0)
        looks_again_s = look_again_s(max(number - 1, 0))  # the first of all, and the first of the others
        turn = all_that_is_due(sender, listener, outbox.PAYLOAD, _LOOK_S, looks_again_s)
        loops.start(f"notify-{number}", turn, longest_turn_s=_LOOK_S + 2 * LEASE_S)


def put_test(cursor: Cursor, channel: str, worker: str, content: NotificationContent) -> str:
    """Store a test message that the caller sends now. Returns its id."""
    notification_id = new_id()
    cursor.run(
        SQL["put_test"],
        {
            "notification_id": notification_id,
            "channel": channel,
            "content": json_value(content.model_dump(mode="json", exclude_defaults=True)),
            "now": content.made_at,
            "worker": worker,
            "lease_s": LEASE_S,
        },
    )
    return notification_id


def end_test(database: Database, channel: str, notification_id: str, outcome: Outcome) -> None:
    """Store the outcome of a test message. What waits for a channel that took it is tried at once."""
    ended = {"notification_id": notification_id, "is_sent": outcome.is_sent, "status": outcome.status}
    with database.statements() as cursor:
        cursor.run(SQL["end_test"], ended | {"error": None if outcome.is_sent else outcome.reason[:_LONGEST_ERROR]})
        if outcome.is_sent:
            cursor.run(SQL["answers_again"], {"channel": channel})
