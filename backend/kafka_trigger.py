"""The Kafka trigger: messages become tracked requests, and finished requests become messages.

One consumer of the group, which moves its offsets only after everything before them is tracked or a confirmed dead letter, and
one thread that publishes results. `python -m backend.kafka_trigger`; SIGTERM ends it after the batch that it is at.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka import errors as broker

from backend import intake, publications
from backend.intake import Event
from backend.publications import PUBLICATION, Message
from backend.requests import CHANNEL
from contract import environment, kafka
from contract.catalogue import Catalogue
from contract.environment import SettingsError
from contract.kafka import Kafka
from contract.problems import StringXError, Unavailable
from database.notifications import Listener
from database.pool import Database, bound_waits
from web import logs

_BATCH = 500
_POLL_MS = 500
_CONNECT_MS = 6_000
_SEND_MS = 10_000  # for the broker's word that it has a message
_COMMIT_MS = 5_000
_SESSION_MS = 10_000  # so soon others take over from a consumer that was killed
_AGAIN_S = 1.0
_LOOK_AGAIN_S = 2.0
_PARTITIONS = {"requests": 6, "results": 6, "dead_letters": 1}
_LARGEST = 2 * 1024 * 1024  # bytes of a dead letter: a message of the largest size that brokers take by default, and headers
_CUT = 64 * 1024  # … of one that even so is too large for its topic

_TOO_LARGE = (broker.MessageSizeTooLargeError, broker.RecordListTooLargeError)

T = TypeVar("T")
log = logging.getLogger(__name__)
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
            bootstrap_timeout_ms=_CONNECT_MS,
            reconnect_backoff_max_ms=2_000,
            kafka_client=client,
            **settings.security,
            **options,
        )
    except Exception as error:
        for part in made:
            part.close()
        if isinstance(error, broker.KafkaError):
            raise Unavailable(_heard.why(settings)) from error
        raise


class Sender:
    """Sends messages and waits until the broker has them; begins anew after a fault."""

    def __init__(self, settings: Kafka) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def send(self, topic: str, messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """All of them, in their order; those that are too large for the topic are returned. Unavailable where the broker does not
        confirm all others: some may be sent then."""
        messages = list(messages)
        if self._producer is None:
            self._producer = connect(
                KafkaProducer,
                self._settings,
                delivery_timeout_ms=_SEND_MS,
                request_timeout_ms=_SEND_MS // 2,
                max_block_ms=_SEND_MS,
                max_request_size=_LARGEST + _CUT,
                linger_ms=0,
                enable_idempotence=False,  # with it, one message that is too large makes all later ones fail with its error
                max_in_flight_requests_per_connection=1,
                compression_type="gzip",
                allow_auto_create_topics=False,
            )
        sent, suspects, too_large = [], [], []
        try:
            for message in messages:
                try:
                    sent.append((message, self._producer.send(topic, **message)))
                except broker.MessageSizeTooLargeError:
                    too_large.append(message)
            for message, future in sent:
                try:
                    future.get(timeout=_SEND_MS / 1000 * 2)
                except _TOO_LARGE:
                    suspects.append(message)
            for message in suspects:  # it may have been those beside it
                try:
                    self._producer.send(topic, **message).get(timeout=_SEND_MS / 1000 * 2)
                except _TOO_LARGE:
                    too_large.append(message)
        except broker.KafkaError as error:
            self.close()
            raise Unavailable(f"the Kafka broker did not take messages for {topic} ({_words(error)})") from error
        return too_large

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None


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
    failed: bool = False

    # messages in

    def consume(self) -> None:
        """Until it is told to stop."""
        consumer = self._connected(self._consumer)
        if consumer is None:
            return
        dead_letters, held = Sender(self.kafka), _Held()
        consumer.subscribe([self.kafka.requests], listener=held)
        log.info("takes in %s from %s", self.kafka.requests, self.kafka.servers)
        look_at, is_full = 0.0, False
        try:
            while not self.stop.is_set():
                (consumer.pause if held.records or is_full else consumer.resume)(*consumer.assignment())
                held.add(self._fetch(consumer))
                try:
                    if held.records:
                        self._take(held, dead_letters)
                    if time.monotonic() >= look_at:
                        look_at = time.monotonic() + _LOOK_AGAIN_S
                        is_full = self._is_full(is_full)
                except Unavailable as error:
                    log.warning("%s; paused, trying again", error)
                    self.stop.wait(_AGAIN_S)
                self._commit(consumer, held)
        finally:
            self._commit(consumer, held)
            dead_letters.close()
            consumer.close(autocommit=False, timeout_ms=_COMMIT_MS)

    def _fetch(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        """What has come; a fault of the network or the broker is its client's to mend."""
        try:
            fetched: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=_POLL_MS)
        except broker.KafkaError as error:
            log.warning("messages cannot be fetched from %s (%s); trying again", self.kafka.servers, _words(error))
            self.stop.wait(_AGAIN_S)
            return {}
        return fetched

    def _take(self, held: _Held, dead_letters: Sender) -> None:
        """Every message that is held is tracked, or a dead letter that the broker has; Unavailable where it could not be done."""
        records = [record for partition in held.records.values() for record in partition]
        for begin in range(0, len(records), _BATCH):
            batch = records[begin : begin + _BATCH]
            events = [Event(record.value, f"{record.topic}-{record.partition}-{record.offset}") for record in batch]
            faults = intake.take(self.database, self.catalogue, events)
            refused = [(record, fault) for record, fault in zip(batch, faults, strict=True) if fault is not None]
            for record, fault in refused:
                log.warning("dead letter %s-%d-%d: %s", record.topic, record.partition, record.offset, fault)
            letters = [_dead_letter(record, fault) for record, fault in refused]
            too_large = dead_letters.send(self.kafka.dead_letters, letters) if letters else []
            if too_large and dead_letters.send(self.kafka.dead_letters, map(_cut, too_large)):
                raise Unavailable(f"{self.kafka.dead_letters} takes no message of {_CUT} bytes; raise its max.message.bytes")
        held.done()

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
            log.warning("offsets not committed (%s); trying again", _words(error))

    def _is_full(self, was_full: bool) -> bool:
        is_full = intake.is_full(self.database, self.limit)
        if is_full and not was_full:
            log.warning("%d requests wait for DataOps; paused until there are fewer (QUEUE_LIMIT)", self.limit)
        elif was_full and not is_full:
            log.info("goes on")
        return is_full

    def _consumer(self) -> KafkaConsumer:
        return connect(
            KafkaConsumer,
            self.kafka,
            group_id=self.kafka.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=_BATCH,
            max_partition_fetch_bytes=_LARGEST,
            session_timeout_ms=_SESSION_MS,
            allow_auto_create_topics=False,
            metadata_max_age_ms=30_000,
        )

    # results out

    def publish(self, listener: Listener) -> None:
        """Until it is told to stop; a fault that no patience mends ends the process, and its supervisor starts it again."""
        try:
            self._publish(listener)
        except Exception:
            log.exception("results cannot be published")
            self.failed = True
            self.stop.set()

    def _publish(self, listener: Listener) -> None:
        sender = Sender(self.kafka)

        def send(messages: list[Message]) -> None:
            by_value = {message.value: message for message in messages}
            too_large = sender.send(self.kafka.results, (_as_kwargs(message) for message in messages))
            short = [by_value[message["value"]].without_rules() for message in too_large]
            for message in sender.send(self.kafka.results, map(_as_kwargs, short)):
                raise Unavailable(
                    f"{self.kafka.results} takes no message of {len(message['value'])} bytes; raise its max.message.bytes"
                )

        while not self.stop.is_set():
            try:
                listener.wait_for(PUBLICATION, lambda: publications.publish(self.database, send) or None, _LOOK_AGAIN_S)
            except StringXError as error:
                log.warning("%s; results wait, trying again", error)
                self.stop.wait(_AGAIN_S)
        sender.close()

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
            log.warning("topics cannot be made (%s); make %s.* yourself where they are missing", _words(error), self.kafka.prefix)
        finally:
            admin.close()

    def _begin(self) -> bool:
        publications.begin(self.database)
        return True

    def _connected(self, make: Callable[[], T]) -> T | None:
        """What is made once what it needs answers; None where the process is told to stop first."""
        while not self.stop.is_set():
            try:
                return make()
            except Unavailable as error:
                log.warning("%s; trying again", error)
                self.stop.wait(_AGAIN_S)
        return None


def _make_topics(admin: KafkaAdminClient, settings: Kafka) -> None:
    there = set(admin.list_topics())
    for name, partitions in _PARTITIONS.items():
        topic = getattr(settings, name)
        if topic in there:
            continue
        configs = {"max.message.bytes": str(_LARGEST)} if name == "dead_letters" else {}
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
    return message | {"key": key, "value": (message["value"] or b"")[:_CUT], "headers": [*headers, (kafka.CUT, size)]}


def _words(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def main() -> int:
    logs.configure()
    try:
        settings = environment.read()
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
    listener.start()
    try:
        trigger.prepare()
        publisher = threading.Thread(target=trigger.publish, args=(listener,), name="publish", daemon=True)
        publisher.start()
        trigger.consume()
    except SettingsError as error:
        print(f"trigger: {error}", file=sys.stderr)
        return 2
    publisher.join(_SEND_MS / 1000 * 2)
    log.info("ended")
    return 1 if trigger.failed else 0


if __name__ == "__main__":
    sys.exit(main())
