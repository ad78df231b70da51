"""Messages in: the consumer of the group, which tracks requests and moves its offsets, and writes dead letters."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as broker

from backend.kafka import requests_in
from backend.kafka.client import CUT, LARGEST, ReliableProducer, connect, words
from backend.kafka.messages import KafkaMessage
from backend.kafka.requests_in import Event
from database.loops import Loop
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import StringXError, Unavailable
from stringx_dataops.contract.trace_context import of_headers

_BATCH = 500
_POLL_MS = 500
_COMMIT_MS = 5_000
_SESSION_MS = 10_000  # so soon others take over from a consumer that was killed
_AGAIN_S = 1.0
_LOOK_AGAIN_S = 2.0

log = logging.getLogger(__name__)


@dataclass
class _Held(ConsumerRebalanceListener):  # type: ignore[misc]
    """Messages that were fetched and are not tracked yet, by partition; what another consumer has taken over is let go."""

    records: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    offsets: dict[TopicPartition, OffsetAndMetadata] = field(default_factory=dict)  # not committed yet
    _revoked: set[TopicPartition] = field(default_factory=set)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._revoked |= set(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Fetched from what is committed."""

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._revoked |= set(lost)

    def add(self, fetched: dict[TopicPartition, list[Any]]) -> None:
        revoked, self._revoked = self._revoked, set()
        for partition in revoked:
            self.records.pop(partition, None)
            self.offsets.pop(partition, None)
        for partition, records in fetched.items():
            self.records.setdefault(partition, []).extend(records)

    def done(self) -> None:
        """Everything that is held may be committed."""
        for partition, records in self.records.items():
            self.offsets[partition] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        self.records.clear()


class Consumer:
    """The consumer of the group, made anew after an error that nobody expected: what it held is fetched again."""

    def __init__(self, kafka: Kafka, database: Database, catalogue: Catalogue, limit: int, stop: threading.Event) -> None:
        self.kafka, self.database, self.catalogue = kafka, database, catalogue
        self.limit, self.stop = limit, stop
        self._consumer: KafkaConsumer | None = None
        self._dead_letters, self._held = ReliableProducer(self.kafka), _Held()
        self._look_at, self._full = 0.0, False

    def turn(self, _: Loop) -> float | None:
        """Fetch, take in, commit."""
        try:
            if self._consumer is None:
                self._consumer, self._held = self._connect(), _Held()
                self._consumer.subscribe([self.kafka.requests], listener=self._held)
                log.info("takes in %s from %s", self.kafka.requests, self.kafka.servers)
            consumer, held = self._consumer, self._held
            (consumer.pause if held.records or self._full else consumer.resume)(*consumer.assignment())
            held.add(self._fetch(consumer))
            try:
                if held.records:
                    self._take(held)
                if time.monotonic() >= self._look_at:
                    self._look_at = time.monotonic() + _LOOK_AGAIN_S
                    self._full = self._is_full(self._full)
            finally:
                self._commit(consumer, held)
        except Unavailable as error:
            log.warning("%s; paused, trying again", error)
            return _AGAIN_S
        except StringXError:
            raise  # of the database, not of the consumer
        except Exception:
            self.close()
            raise
        return None

    def close(self) -> None:
        """Commit what is done, and leave the group."""
        consumer, self._consumer = self._consumer, None
        self._dead_letters.close()
        if consumer is not None:
            try:
                self._commit(consumer, self._held)
            finally:
                consumer.close(autocommit=False, timeout_ms=_COMMIT_MS)

    def _fetch(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        """What has come; a fault of the network or the broker is its client's to mend."""
        try:
            fetched: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=_POLL_MS)
        except broker.KafkaError as error:
            log.warning("messages cannot be fetched from %s (%s); trying again", self.kafka.servers, words(error))
            self.stop.wait(_AGAIN_S)
            return {}
        return fetched

    def _take(self, held: _Held) -> None:
        """Every message that is held is tracked, or a dead letter that the broker has; Unavailable where it could not be done."""
        records = [record for partition in held.records.values() for record in partition]
        for begin in range(0, len(records), _BATCH):
            batch = records[begin : begin + _BATCH]
            events = [
                Event(record.value, f"{record.topic}-{record.partition}-{record.offset}", of_headers(record.headers or ()))
                for record in batch
            ]
            faults = requests_in.track_events(self.database, self.catalogue, events)
            refused = [(record, fault) for record, fault in zip(batch, faults, strict=True) if fault is not None]
            for record, fault in refused:
                log.warning("dead letter %s-%d-%d: %s", record.topic, record.partition, record.offset, fault)
            letters = [_dead_letter(record, fault) for record, fault in refused]
            if letters:
                self._bury(letters)
        held.done()

    def _bury(self, letters: Sequence[KafkaMessage]) -> None:
        """Send the letters; those that are too large are shortened. Unavailable if the broker does not confirm them all."""
        receipt = self._dead_letters.send(self.kafka.dead_letters, letters)
        if receipt.fault is None and receipt.too_large:
            cut = [_cut(letters[index]) for index in receipt.too_large]
            receipt = self._dead_letters.send(self.kafka.dead_letters, cut)
            if receipt.too_large:
                raise Unavailable(f"{self.kafka.dead_letters} takes no message of {CUT} bytes; raise its max.message.bytes")
        if receipt.fault is not None:
            raise Unavailable(receipt.fault)

    def _commit(self, consumer: KafkaConsumer, held: _Held) -> None:
        """Commits the offsets of processed messages. If that fails, they are committed later, or another consumer reads the
        messages again and finds them tracked."""
        if not held.offsets:
            return
        try:
            consumer.commit(held.offsets, timeout_ms=_COMMIT_MS)
            held.offsets.clear()
        except (broker.CommitFailedError, broker.IllegalGenerationError, broker.UnknownMemberIdError) as error:
            log.info("not committed, as the group has changed: %s", error)
            held.offsets.clear()
        except broker.KafkaError as error:
            log.warning("offsets not committed (%s); trying again", words(error))

    def _is_full(self, was_full: bool) -> bool:
        is_full = requests_in.is_full(self.database, self.limit)
        if is_full and not was_full:
            log.warning("%d requests wait for DataOps; paused until there are fewer (QUEUE_LIMIT)", self.limit)
        elif was_full and not is_full:
            log.info("goes on")
        return is_full

    def _connect(self) -> KafkaConsumer:
        return connect(
            KafkaConsumer,
            self.kafka,
            group_id=self.kafka.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=_BATCH,
            max_partition_fetch_bytes=LARGEST,
            session_timeout_ms=_SESSION_MS,
            allow_auto_create_topics=False,
            metadata_max_age_ms=30_000,
        )


def _dead_letter(record: Any, fault: StringXError) -> KafkaMessage:
    """The message as it was, with its own headers, and headers for the reason and the origin."""
    added = (kafka.ERROR, kafka.TOPIC, kafka.PARTITION, kafka.OFFSET)
    values = (fault.detail, record.topic, str(record.partition), str(record.offset))
    kept = [(name, value or b"") for name, value in record.headers or () if name not in added]
    headers = kept + [(name, value.encode()) for name, value in zip(added, values, strict=True)]
    key = b"" if record.key is None and record.value is None else record.key  # a message has at least one of the two
    return KafkaMessage(key, record.value, tuple(headers))


def _cut(letter: KafkaMessage) -> KafkaMessage:
    """A shortened letter, if the broker refuses the whole one. The headers say where the original is."""
    size = str(len(letter.value or b"")).encode()
    headers = [item for item in letter.headers if item[0] in (kafka.ERROR, kafka.TOPIC, kafka.PARTITION, kafka.OFFSET)]
    return KafkaMessage((letter.key or b"")[:1024], (letter.value or b"")[:CUT], (*headers, (kafka.CUT, size)))
