"""The client of Kafka's brokers: how they are reached, and sending until they confirm."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka import errors as broker

from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import Unavailable

LARGEST = 2 * 1024 * 1024  # bytes of a dead letter: a message of the largest size that brokers take by default, and headers
CUT = 64 * 1024  # … of one that even so is too large for its topic
_CONNECT_MS = 6_000
_SEND_MS = 60_000  # for the broker's word that it has a message
_BLOCK_MS = 20_000  # to connect, and until there is room for a message
SENT_WITHIN_S = 80.0  # for its word on all messages of a batch, within their lease
_BATCH_BYTES = 256 * 1024  # of messages that the broker is sent together

_TOO_LARGE = (broker.MessageSizeTooLargeError, broker.RecordListTooLargeError)

T = TypeVar("T")
_heard = kafka.Heard()


def connect(make: Callable[..., T], settings: Kafka, **options: Any) -> T:
    """A client of kafka-python. Unavailable where no broker answers or lets us in; nothing of the client is left then."""
    made: list[Any] = []

    def client(**config: Any) -> Any:
        made.append(KafkaConsumer.DEFAULT_CONFIG["kafka_client"](**config))
        return made[-1]

    try:
        return make(
            bootstrap_servers=settings.bootstrap_servers,
            reconnect_backoff_max_ms=2_000,
            kafka_client=client,
            **settings.security,
            **({"bootstrap_timeout_ms": _CONNECT_MS} | options),
        )
    except Exception as error:
        for part in made:
            part.close()
        if isinstance(error, broker.KafkaError):
            raise Unavailable(_heard.why(settings)) from error
        raise


@dataclass
class Receipt:
    """What came of messages, by their place in the list: confirmed, or too large for the topic; and why not the others."""

    confirmed: set[int] = field(default_factory=set)
    too_large: list[int] = field(default_factory=list)
    fault: str | None = None


class ReliableProducer:
    """Sends messages and waits until the broker has them; begins anew after a fault."""

    def __init__(self, settings: Kafka) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def send(self, topic: str, messages: Sequence[dict[str, Any]], until: float | None = None) -> Receipt:
        """In their order. Unavailable where no broker answers. Those that are not confirmed may be sent or not: the broker's word
        is waited for until this moment of the monotonic clock, after which a call blocks for `_BLOCK_MS` at most."""
        receipt, until = Receipt(), until if until is not None else time.monotonic() + SENT_WITHIN_S
        producer, sent, suspects = self._connected(), [], []
        try:
            for place, message in enumerate(messages):
                try:
                    sent.append((place, producer.send(topic, **message)))
                except broker.MessageSizeTooLargeError:
                    receipt.too_large.append(place)
            for place, future in sent:
                try:
                    self._confirm(receipt, place, future, until)
                except _TOO_LARGE:
                    suspects.append(place)
            for place in suspects:  # it may have been those beside it
                try:
                    self._confirm(receipt, place, producer.send(topic, **messages[place]), until)
                except _TOO_LARGE:
                    receipt.too_large.append(place)
        except broker.KafkaError as error:
            receipt.fault = f"the Kafka broker did not take messages for {topic} ({words(error)})"
        finally:
            if receipt.fault is not None or len(receipt.confirmed) + len(receipt.too_large) < len(messages):
                self.close()
        return receipt

    @staticmethod
    def _confirm(receipt: Receipt, place: int, future: Any, until: float) -> None:
        """Wait for the broker's word on a message; where it gives none, that is the receipt's fault."""
        try:
            future.get(timeout=max(0.0, until - time.monotonic()))
            receipt.confirmed.add(place)
        except _TOO_LARGE:
            raise
        except broker.KafkaError as error:
            receipt.fault = f"the Kafka broker did not confirm a message ({words(error)})"

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = connect(
                KafkaProducer,
                self._settings,
                bootstrap_timeout_ms=_BLOCK_MS,
                delivery_timeout_ms=_SEND_MS,
                request_timeout_ms=_SEND_MS // 2,
                max_block_ms=_BLOCK_MS,
                max_request_size=LARGEST + CUT,
                batch_size=_BATCH_BYTES,  # a slow broker gets many messages in one round trip
                linger_ms=0,
                enable_idempotence=False,  # with it, one message that is too large makes all later ones fail with its error
                max_in_flight_requests_per_connection=1,
                compression_type="gzip",
                allow_auto_create_topics=False,
            )
        return self._producer

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None


def words(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
