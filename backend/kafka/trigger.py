"""The Kafka trigger: messages become tracked requests, and finished requests become messages.

One consumer of the group, which moves its offsets only after everything before them is tracked or a confirmed dead letter, and
one thread that publishes results. `python -m backend.kafka.trigger`; SIGTERM ends it after the batch that it is at.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as broker

from backend.kafka import requests_in, results_out
from backend.kafka.client import CUT, LARGEST, SENT_WITHIN_S, Outcome, ReliableProducer, connect, words
from backend.kafka.requests_in import Event
from backend.kafka.results_out import PUBLICATION, Message, NotConfirmed, Sent
from backend.requests.tracking import CHANNEL
from database import reports
from database.leases import worker_name
from database.loops import Loop, Loops, Turn
from database.notifications import Listener
from database.pool import Database, bound_waits
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import StringXError, Unavailable
from stringx_dataops.contract.settings import SettingsError, read_settings
from web import logs

_BATCH = 500
_POLL_MS = 500
_END_S = 20.0  # for a batch that is being sent when the process is told to end
_COMMIT_MS = 5_000
_SESSION_MS = 10_000  # so soon others take over from a consumer that was killed
_AGAIN_S = 1.0
_LOOK_AGAIN_S = 2.0
_LONGEST_TURN_S = 300.0  # a batch of a broker that is slow, or that is away and comes back
_PARTITIONS = {"requests": 6, "results": 6, "dead_letters": 1}

T = TypeVar("T")
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


@dataclass
class Trigger:
    """What the two threads share."""

    kafka: Kafka
    database: Database
    catalogue: Catalogue
    limit: int  # requests that may wait for DataOps
    stop: threading.Event = field(default_factory=threading.Event)
    loops: Loops = field(default_factory=Loops)
    name: str = field(default_factory=lambda: worker_name("trigger"))

    # messages in

    def consume(self) -> None:
        """Until it is told to stop."""
        consuming = _Consuming(self)
        try:
            self.loops.add(Loop("consume", consuming.turn, stop=self.stop, longest_turn_s=_LONGEST_TURN_S)).run()
        finally:
            consuming.close()

    # results out

    def publisher(self, listener: Listener) -> Turn:
        """Publishes the results that wait; one turn is a batch."""
        producer = ReliableProducer(self.kafka)

        def attempt(messages: list[Message], until: float) -> Outcome:
            try:
                return producer.send(self.kafka.results, [_as_kwargs(message) for message in messages], until)
            except Unavailable as error:
                return Outcome(fault=error.detail)

        def send(messages: list[Message]) -> Sent:
            until = time.monotonic() + SENT_WITHIN_S
            outcome = attempt(messages, until)
            if outcome.fault is not None or not outcome.too_large:
                return Sent(outcome.confirmed, fault=outcome.fault)
            places, short = outcome.too_large, [messages[place].without_rules() for place in outcome.too_large]
            again = attempt(short, until)
            confirmed = outcome.confirmed | {places[number] for number in again.confirmed}
            if not again.too_large:
                return Sent(confirmed, fault=again.fault)
            largest = max(len(short[number].value) for number in again.too_large)
            fault = f"{self.kafka.results} takes no message of {largest} bytes; raise its max.message.bytes"
            return Sent(confirmed, {places[number] for number in again.too_large}, fault)

        def publish() -> int | None:
            return results_out.publish(self.database, self.name, send) or None

        def turn(_: Loop) -> float | None:
            try:
                listener.wait_for(PUBLICATION, publish, _LOOK_AGAIN_S)
            except NotConfirmed as error:  # the broker's fault, and seen in how many results wait
                log.warning("%s; results wait, trying again", error)
                return _AGAIN_S
            return None

        return turn

    # both

    def prepare(self) -> None:
        """Results are kept from now on, and the topics are there, unless the broker leaves that to others."""
        if self._connected(self._begin) is None:
            return
        admin = self._connected(lambda: connect(KafkaAdminClient, self.kafka))
        if admin is None:
            return
        try:
            _make_topics(admin, self.kafka)
        except broker.KafkaError as error:
            log.warning("topics cannot be made (%s); make %s.* yourself where they are missing", words(error), self.kafka.prefix)
        finally:
            admin.close()

    def _begin(self) -> bool:
        results_out.begin(self.database)
        return True

    def _connected(self, make: Callable[[], T]) -> T | None:
        """What is made once what it needs answers; None where the process is told to stop first."""
        while not self.stop.is_set():
            try:
                return make()
            except StringXError as error:
                log.warning("%s; trying again", error)
                self.stop.wait(_AGAIN_S)
        return None


class _Consuming:
    """The consumer of the group, made anew after an error that nobody expected: what it held is fetched again."""

    def __init__(self, trigger: Trigger) -> None:
        self.kafka, self.database, self.catalogue = trigger.kafka, trigger.database, trigger.catalogue
        self.limit, self.stop = trigger.limit, trigger.stop
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
            events = [Event(record.value, f"{record.topic}-{record.partition}-{record.offset}") for record in batch]
            faults = requests_in.take(self.database, self.catalogue, events)
            refused = [(record, fault) for record, fault in zip(batch, faults, strict=True) if fault is not None]
            for record, fault in refused:
                log.warning("dead letter %s-%d-%d: %s", record.topic, record.partition, record.offset, fault)
            letters = [_dead_letter(record, fault) for record, fault in refused]
            if letters:
                self._bury(letters)
        held.done()

    def _bury(self, letters: list[dict[str, Any]]) -> None:
        """Every letter, those that are too large cut; Unavailable where the broker does not confirm them all."""
        outcome = self._dead_letters.send(self.kafka.dead_letters, letters)
        if outcome.fault is None and outcome.too_large:
            cut = [_cut(letters[place]) for place in outcome.too_large]
            outcome = self._dead_letters.send(self.kafka.dead_letters, cut)
            if outcome.too_large:
                raise Unavailable(f"{self.kafka.dead_letters} takes no message of {CUT} bytes; raise its max.message.bytes")
        if outcome.fault is not None:
            raise Unavailable(outcome.fault)

    def _commit(self, consumer: KafkaConsumer, held: _Held) -> None:
        """Offsets of what is done; where that fails it is done again, or others are sent it again, and find it tracked."""
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


def _make_topics(admin: KafkaAdminClient, settings: Kafka) -> None:
    there = set(admin.list_topics())
    for name, partitions in _PARTITIONS.items():
        topic = getattr(settings, name)
        if topic in there:
            continue
        configs = {"max.message.bytes": str(LARGEST)} if name == "dead_letters" else {}
        wanted = {topic: {"num_partitions": partitions, "replication_factor": -1, "configs": configs}}
        try:
            admin.create_topics(wanted)
        except broker.TopicAlreadyExistsError:
            pass  # another process made it meanwhile


def _as_kwargs(message: Message) -> dict[str, Any]:
    return {"key": message.key, "value": message.value}


def _dead_letter(record: Any, fault: StringXError) -> dict[str, Any]:
    """The message as it was, and why and where; its own headers stay."""
    ours = (kafka.ERROR, kafka.TOPIC, kafka.PARTITION, kafka.OFFSET)
    values = (fault.detail, record.topic, str(record.partition), str(record.offset))
    kept = [(name, value or b"") for name, value in record.headers or () if name not in ours]
    headers = kept + [(name, value.encode()) for name, value in zip(ours, values, strict=True)]
    key = b"" if record.key is None and record.value is None else record.key  # a message has at least one of the two
    return {"key": key, "value": record.value, "headers": headers}


def _cut(message: dict[str, Any]) -> dict[str, Any]:
    """Its beginning, where the whole is more than the broker takes; the whole stands where the headers say."""
    size = str(len(message["value"] or b"")).encode()
    headers = [item for item in message["headers"] if item[0] in (kafka.ERROR, kafka.TOPIC, kafka.PARTITION, kafka.OFFSET)]
    key = (message["key"] or b"")[:1024]
    return message | {"key": key, "value": (message["value"] or b"")[:CUT], "headers": [*headers, (kafka.CUT, size)]}


def main() -> int:
    logs.configure()
    try:
        settings = read_settings()
        found = kafka.read()
        if found is None:
            raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is not set: give host:port of a Kafka broker")
        catalogue = Catalogue.load(settings.dbt_project_dir)
        url = settings.require_database_url()
    except (SettingsError, ValueError) as error:
        print(f"trigger: {error}", file=sys.stderr)
        return 2
    bound_waits()
    database = Database(url, size=4, application_name="stringx trigger")
    trigger = Trigger(found, database, catalogue, settings.queue_limit)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trigger.stop.set())
    listener = Listener(database, CHANNEL)
    listener.start(trigger.loops)
    reports.start(trigger.loops, database, "backend", trigger.name)
    try:
        trigger.prepare()
        publisher = trigger.loops.add(
            Loop("publish", trigger.publisher(listener), stop=trigger.stop, longest_turn_s=_LONGEST_TURN_S)
        )
        publisher.start()
        trigger.consume()
    except SettingsError as error:
        print(f"trigger: {error}", file=sys.stderr)
        return 2
    publisher.join(_END_S)
    with suppress(StringXError):
        reports.forget(database, trigger.name)
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
