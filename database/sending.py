"""Sending stored messages until they are accepted.

A message is leased, sent outside of any transaction, and then stored as sent, or postponed with a growing delay. Whoever dies in
between loses the lease, and another sender sends the message again: so a receiver may see a message twice, and must know its id.
"""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from database.leases import Lease
from database.loops import Loop, Turn
from database.notifications import LOOK_AGAIN_S, Listener
from database.pool import Database

_OTHERS_LOOK_AGAIN_S = 6.0
_SHORTEST_DELAY_S = 0.5
_APART_S = 300.0  # single posts to a receiver that did not take a batch
_MOST_DOUBLINGS = 12  # more than an hour: above the longest delay of every sender


class NotSent(Exception):
    """A message was not accepted and is sent again. `retry_after_s`: the wait that the receiver asked for."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff with full jitter."""

    longest_s: float

    def delay_s(self, attempts: int, retry_after_s: float | None = None) -> float:
        """Seconds until the next attempt, never less than the receiver asked for."""
        ceiling_s = min(self.longest_s, 2.0 ** min(attempts, _MOST_DOUBLINGS))
        return _SHORTEST_DELAY_S + random.uniform(0, ceiling_s) + (retry_after_s or 0.0)  # noqa: S311 (no secret)


@dataclass
class Takers:
    """How many messages each receiver takes in one post, as its last answer to a single one said (`messages.batches`). Threads
    share it, so what is gone through is a copy."""

    _most: dict[str, int] = field(default_factory=dict)
    _apart_until: dict[str, float] = field(default_factory=dict)  # by time.monotonic()

    def note(self, origin: str, said: int, most: int) -> None:
        """What a receiver said; more than `most` are never sent at once."""
        if said > 1:
            self._most[origin] = min(said, most)
        else:
            self.forget(origin)

    def forget(self, origin: str) -> None:
        """Until it says again that it takes batches."""
        self._most.pop(origin, None)

    def refused(self, origin: str) -> None:
        """It did not take a batch: it gets none for a while, whatever it says."""
        self._apart_until[origin] = time.monotonic() + _APART_S

    def origins(self) -> dict[str, int]:
        """Those that get batches now, with how many messages in each."""
        now = time.monotonic()
        apart = {origin for origin, until in dict(self._apart_until).items() if until > now}
        return {origin: most for origin, most in dict(self._most).items() if origin not in apart}


class Attempted(Protocol):
    """A message that knows how often it was tried."""

    @property
    def attempts(self) -> int:
        """How often; whether this attempt counts is the sender's choice."""


Message = TypeVar("Message", bound=Attempted)
Answer = TypeVar("Answer")


class Sender(ABC, Generic[Message, Answer]):
    """Sends one kind of message. Every write is fenced by the lease, and says whether the lease still held."""

    backoff: Backoff

    def __init__(self, database: Database, lease: Lease) -> None:
        self.database, self.lease = database, lease

    @abstractmethod
    def claim(self) -> Message | None:
        """Lease the message that has been due for longest; None if none is due."""

    @abstractmethod
    def send(self, message: Message) -> Answer:
        """Send a leased message; holds no connection to the database. NotSent if it has to be sent again."""

    @abstractmethod
    def mark_done(self, message: Message, answer: Answer) -> bool:
        """Store that the message needs no further attempt; False if nothing was stored because the lease was lost."""

    @abstractmethod
    def store_postponed(self, message: Message, fault: NotSent, delay_s: float) -> bool:
        """Log the fault, and store when the message is due again; False as for `mark_done`."""

    def postpone_by_backoff(self, message: Message, fault: NotSent) -> bool:
        """Postpone a message by its backoff; False as for `mark_done`."""
        return self.store_postponed(message, fault, self.backoff.delay_s(message.attempts, fault.retry_after_s))

    def deliver(self, message: Message) -> bool:
        """Send a leased message and store what came of it; False as for `mark_done`."""
        try:
            answer = self.send(message)
        except NotSent as fault:
            return self.postpone_by_backoff(message, fault)
        return self.mark_done(message, answer)

    def deliver_and_claim(self, message: Message) -> Message | None:
        """The same, and lease the next message."""
        self.deliver(message)
        return self.claim()

    def send_next(self) -> bool:
        """Lease a message and deliver it; False if none is due."""
        message = self.claim()
        if message is not None:
            self.deliver(message)
        return message is not None


Due = TypeVar("Due")


class Deliverer(Protocol[Due]):
    """Whoever delivers what is due: a message, or several at once."""

    def claim(self) -> Due | None:
        """Lease what has been due for longest; None if nothing is."""

    def deliver_and_claim(self, due: Due, /) -> Due | None:
        """Send it, store what came of it, and lease what is due next."""


def look_again_s(number: int) -> float:
    """How long a loop waits for a notification before it looks by itself. Of several that send the same, the first looks more
    often than the others, which are for the time in which it is sending: together they cost an idle process little."""
    return LOOK_AGAIN_S if number == 0 else _OTHERS_LOOK_AGAIN_S


def one_per_turn(send_next: Callable[[], bool], listener: Listener, payload: str, turn_s: float) -> Turn:
    """A turn of a sending loop: wait up to `turn_s` seconds for something to send, and send it. A notification of `payload` wakes
    all loops of the process."""

    def turn(_: Loop) -> None:
        listener.wait_for(payload, lambda: send_next() or None, turn_s, look_again_s=turn_s)

    return turn


def all_that_is_due(
    deliverer: Deliverer[Due], listener: Listener, payload: str, turn_s: float, look_again_s: float = LOOK_AGAIN_S
) -> Turn:
    """A turn of a sending loop: for `turn_s` seconds, send everything that becomes due. A notification of `payload` wakes one
    loop of the process, and that loop wakes the next one if it finds more than one message."""

    def turn(loop: Loop) -> None:
        def look() -> None:
            loop.alive()
            due = deliverer.claim()
            while due is not None:
                due = deliverer.deliver_and_claim(due)
                loop.alive()
                if due is not None:
                    listener.wake(payload)

        listener.wait_for(payload, look, turn_s, in_turn=True, look_again_s=look_again_s)

    return turn
