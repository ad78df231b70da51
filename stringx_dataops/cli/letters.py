"""The dead-letter topic: reads its messages and sends them again as requests."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypedDict

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from stringx_dataops.client import Undecided
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka

_ANSWER_S = 30.0  # how long the brokers may be silent
_SHOWN = 120  # characters of a message in `as_line`
_LARGEST = 4 * 1024 * 1024  # bytes of a message
_OWN_HEADERS = (kafka.ERROR, kafka.TOPIC, kafka.PARTITION, kafka.OFFSET, kafka.CUT)  # added when a message became a dead letter


class LetterJson(TypedDict):
    """A dead letter as `dataops dlq list --json` prints it; the fields from `error` to `offset` are its headers."""

    place: str
    sent_at: str
    error: str
    topic: str
    partition: str
    offset: str
    key: str | None
    value: str | None


@dataclass(frozen=True)
class Letter:
    """A message in the dead-letter topic."""

    partition: int
    offset: int
    sent_at: datetime
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def place(self) -> str:
        """PARTITION:OFFSET in the dead-letter topic."""
        return f"{self.partition}:{self.offset}"

    @property
    def origin(self) -> str:
        """TOPIC-PARTITION-OFFSET of the original message."""
        return f"{self.header(kafka.TOPIC)}-{self.header(kafka.PARTITION)}-{self.header(kafka.OFFSET)}"

    def header(self, name: str) -> str:
        """The header's text, or `?` if there is none of this name."""
        return next((value.decode(errors="replace") for key, value in self.headers if key == name), "?")

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the message was kept."""
        return any(name == kafka.CUT for name, _ in self.headers)

    def as_json(self) -> LetterJson:
        """The letter for `--json`; bytes that are not UTF-8 become escapes."""
        return {
            "place": self.place,
            "sent_at": self.sent_at.isoformat(),
            "error": self.header(kafka.ERROR),
            "topic": self.header(kafka.TOPIC),
            "partition": self.header(kafka.PARTITION),
            "offset": self.header(kafka.OFFSET),
            "key": self.key.decode(errors="backslashreplace") if self.key is not None else None,
            "value": self.value.decode(errors="backslashreplace") if self.value is not None else None,
        }

    def as_line(self) -> str:
        """The letter in one line: place, time (UTC), origin, error, and the beginning of the message."""
        text = (self.value or b"").decode(errors="backslashreplace").replace("\n", " ")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(self.value or b'')} bytes)"
        return f"{self.place}  {self.sent_at:%Y-%m-%dT%H:%M:%SZ}  {self.origin}  {self.header(kafka.ERROR)}  {shown}"


class Letters:
    """The dead-letter topic, as a context manager. Raises Undecided if the brokers do not answer."""

    def __init__(self, settings: Kafka) -> None:
        self._settings = settings
        self._options = {"bootstrap_servers": settings.bootstrap_servers, "bootstrap_timeout_ms": 10_000, **settings.security}
        self._producer: KafkaProducer | None = None

    def __enter__(self) -> "Letters":
        heard = kafka.Heard()
        try:
            self._consumer = KafkaConsumer(
                **self._options, group_id=self._settings.replayed, enable_auto_commit=False, allow_auto_create_topics=False,
                max_partition_fetch_bytes=_LARGEST,
            )  # fmt: skip
        except KafkaError as error:
            raise Undecided(f"{heard.why(self._settings)}; is it the right KAFKA_BOOTSTRAP_SERVERS?") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._consumer.close(autocommit=False, timeout_ms=1000)
        if self._producer is not None:
            self._producer.close(timeout=1)
        if isinstance(error, KafkaError):
            raise Undecided(f"the Kafka broker at {self._settings.servers} does not answer: {error}") from error

    def replay(self, letter: Letter) -> None:
        """Send the letter again as a request, without the headers of a dead letter; returns once the brokers confirmed it."""
        if self._producer is None:
            self._producer = KafkaProducer(**self._options, max_request_size=_LARGEST, allow_auto_create_topics=False)
        headers = [item for item in letter.headers if item[0] not in _OWN_HEADERS]
        sent = self._producer.send(self._settings.requests, key=letter.key, value=letter.value, headers=headers)
        sent.get(timeout=_ANSWER_S)

    def read(self, everything: bool) -> Iterator[Letter]:
        """Letters up to the last one that exists now, from the first that was not replayed; with `everything`, from the first."""
        topic = self._settings.dead_letters
        partitions = [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic) or ())]
        if not partitions:
            raise Undecided(f"the brokers have no topic {topic}; start the Kafka trigger, which makes it")
        self._consumer.assign(partitions)
        first, self._ends = self._consumer.beginning_offsets(partitions), self._consumer.end_offsets(partitions)
        for partition in partitions:
            begin = None if everything else self._consumer.committed(partition)
            self._consumer.seek(partition, max(first[partition], begin or 0))
        until = time.monotonic() + _ANSWER_S
        while any(self._consumer.position(partition) < self._ends[partition] for partition in partitions):
            for records in self._consumer.poll(timeout_ms=500).values():
                until = time.monotonic() + _ANSWER_S
                yield from (_letter(record) for record in records if record.offset < self._ends[_partition(record)])
            if time.monotonic() > until:
                raise Undecided(f"the Kafka broker at {self._settings.servers} does not answer")

    def commit(self) -> None:
        """Mark all letters that were read as replayed."""
        self._consumer.commit({partition: OffsetAndMetadata(end, "", -1) for partition, end in self._ends.items()})


def _partition(record: Any) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _letter(record: Any) -> Letter:
    sent_at = datetime.fromtimestamp(record.timestamp / 1000, timezone.utc)
    headers = [(name, value or b"") for name, value in record.headers or ()]
    return Letter(record.partition, record.offset, sent_at, record.key, record.value, headers)
