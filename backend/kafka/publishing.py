"""What publishers of results and of gates share: sending whole or shortened messages, and a turn of their loops."""

import logging
import time
from collections.abc import Callable, Sequence

from backend.kafka.client import SENT_WITHIN_S, ReliableProducer
from backend.kafka.messages import KafkaMessage, Receipt
from database.loops import Loop, Turn
from database.notifications import Listener
from database.sending import one_per_turn
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import Unavailable

REFUSED_S = 60  # until a message is sent again that the broker refuses
_AGAIN_S = 1.0
_LOOK_AGAIN_S = 2.0

Send = Callable[[Sequence[KafkaMessage]], Receipt]
log = logging.getLogger(__name__)


class NotConfirmed(Unavailable):
    """The broker is away, or did not confirm all messages; what it did not confirm is sent again."""


def whole_or_short(settings: Kafka, topic: str, shorten: Callable[[KafkaMessage], KafkaMessage]) -> Send:
    """Sends messages to a topic, and shortened those that are too large for it."""
    producer = ReliableProducer(settings)

    def attempt(messages: Sequence[KafkaMessage], until: float) -> Receipt:
        try:
            return producer.send(topic, messages, until)
        except Unavailable as error:
            return Receipt(fault=error.detail)

    def send(messages: Sequence[KafkaMessage]) -> Receipt:
        until = time.monotonic() + SENT_WITHIN_S
        first = attempt(messages, until)
        if first.fault is not None or not first.too_large:
            return Receipt(first.confirmed, fault=first.fault)
        indexes, short = first.too_large, [shorten(messages[index]) for index in first.too_large]
        again = attempt(short, until)
        shortened = frozenset(indexes[number] for number in again.confirmed)
        confirmed = first.confirmed | shortened
        if not again.too_large:
            return Receipt(confirmed, fault=again.fault, shortened=shortened)
        largest = max(len(short[number].value or b"") for number in again.too_large)
        fault = f"{topic} takes no message of {largest} bytes; raise its max.message.bytes"
        return Receipt(confirmed, tuple(indexes[number] for number in again.too_large), fault, shortened)

    return send


def publishing(what: str, publish: Callable[[], int], listener: Listener, payload: str) -> Turn:
    """A turn of a publisher's loop: one batch, as soon as there is one. `payload` wakes it."""
    send_batch = one_per_turn(lambda: publish() > 0, listener, payload, _LOOK_AGAIN_S)

    def turn(loop: Loop) -> float | None:
        try:
            return send_batch(loop)
        except NotConfirmed as error:  # the broker's fault, and seen in how much waits
            log.warning("%s; %s wait, trying again", error, what)
            return _AGAIN_S

    return turn
