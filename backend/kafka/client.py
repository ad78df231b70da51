"""The client of Kafka's brokers: how they are reached, and sending until they confirm."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka import errors as broker

from backend.kafka.messages import KafkaMessage, Receipt
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import Unavailable

LARGEST = 2 * 1024 * 1024  # bytes of a dead letter: a message of the largest size that brokers take by default, and headers
CUT = 64 * 1024  # … of one that even so is too large for its topic
_CONNECT_MS = 6_000
_SEND_MS = 60_000  # until the broker confirms a message
_BLOCK_MS = 20_000  # to connect, and until there is room for a message
SENT_WITHIN_S = 80.0  # until the broker confirms all messages of a batch; shorter than their lease
_BATCH_BYTES = 256 * 1024  # of messages that the broker is sent together

_TOO_LARGE = (broker.MessageSizeTooLargeError, broker.RecordListTooLargeError)

T = TypeVar("T")
_heard = kafka.Heard()


def connect(make: Callable[..., T], settings: Kafka, **options: Any) -> T:
    """Make a client of kafka-python. Unavailable if no broker answers or accepts the credentials; then nothing of the client is
    left."""
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


@dataclass(frozen=True)
class _Fault:
    """Why a message is not confirmed, in one line."""

    reason: str


_Outcome = Literal["confirmed", "too_large"] | _Fault


class ReliableProducer:
    """Sends messages and waits until the broker confirms them; connects again after a fault."""

    def __init__(self, settings: Kafka) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def send(self, topic: str, messages: Sequence[KafkaMessage], until: float | None = None) -> Receipt:
        """Send messages in their order. Unavailable if no broker answers. A message that is not confirmed may have arrived.

        `until`: how long to wait for confirmations, as a time of the monotonic clock; after it a call blocks for `_BLOCK_MS` at
        most."""
        until = until if until is not None else time.monotonic() + SENT_WITHIN_S
        producer, outcomes = self._connected(), dict[int, _Outcome]()
        fault: str | None = None
        try:
            futures = [(index, _begin(producer, topic, message)) for index, message in enumerate(messages)]
            suspects = []
            for index, future in futures:
                outcome = _confirm(future, until)
                if outcome == "too_large" and future is not None:
                    suspects.append(index)
                else:
                    outcomes[index] = outcome
            for index in suspects:  # another message of its batch may have been the large one
                outcomes[index] = _confirm(_begin(producer, topic, messages[index]), until)
        except broker.KafkaError as error:
            fault = f"the Kafka broker did not take messages for {topic} ({words(error)})"
        finally:
            receipt = _receipt(outcomes, fault)
            if receipt.fault is not None or len(receipt.confirmed) + len(receipt.too_large) < len(messages):
                self.close()
        return receipt

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
        """Close the connection, if there is one; the next `send` opens a new one."""
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None


def _begin(producer: KafkaProducer, topic: str, message: KafkaMessage) -> Any:
    """Hand a message to the client. Returns its future, or None if the client refuses the message as too large."""
    try:
        return producer.send(topic, key=message.key, value=message.value, headers=list(message.headers))
    except broker.MessageSizeTooLargeError:
        return None


def _confirm(future: Any, until: float) -> _Outcome:
    """Wait until the broker confirms the message of a future from `_begin`."""
    if future is None:
        return "too_large"
    try:
        future.get(timeout=max(0.0, until - time.monotonic()))
    except _TOO_LARGE:
        return "too_large"
    except broker.KafkaError as error:
        return _Fault(f"the Kafka broker did not confirm a message ({words(error)})")
    return "confirmed"


def _receipt(outcomes: Mapping[int, _Outcome], fault: str | None) -> Receipt:
    """`fault`: why not all messages have an outcome; it comes before the last fault of a single message."""
    faults = [outcome.reason for outcome in outcomes.values() if isinstance(outcome, _Fault)]
    return Receipt(
        frozenset(index for index, outcome in outcomes.items() if outcome == "confirmed"),
        tuple(index for index, outcome in outcomes.items() if outcome == "too_large"),
        fault if fault is not None or not faults else faults[-1],
    )


def words(error: BaseException) -> str:
    """The first line of an error's text, or else its class."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
