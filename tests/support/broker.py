"""A real Kafka broker: Apache Kafka's, one node, started as the product starts it; or the one that KAFKA_BOOTSTRAP_SERVERS names."""

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from launch import broker
from stringx_dataops.contract.settings import ROOT
from tests.support.installation import INHERITED
from tests.support.java import SHORT_LIVED
from tests.support.processes import Process, eventually, free_port

JAVA = {"JDK_JAVA_OPTIONS": " ".join(SHORT_LIVED)}


def require() -> None:
    """Skip with one line where no broker can be had; with CI=true that is a failure."""
    try:
        broker.require_programs()
        broker.fetch(Path(tempfile.gettempdir()) / "stringx-kafka-install.log")
    except broker.BrokerError as error:
        line = f"{error}; or name a broker in KAFKA_BOOTSTRAP_SERVERS"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


class Broker:
    """It may be stopped, killed and started again, and keeps what it had."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="stringx-kafka-"))
        self.port = free_port()
        broker.prepare(self.home, self.port)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ} | {"PYTHONPATH": str(ROOT)}
        self.process = Process("kafka", "kafka", {**inherited, **JAVA, "STRINGX_HOME": str(self.home)}, self.home / "kafka.log")

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def configure(self, properties: Mapping[str, str]) -> None:
        """In place of those that the product gives it."""
        broker.prepare(self.home, self.port, properties)

    def start(self) -> None:
        self.process.start()
        eventually(self._listens, 60, f"a broker that listens\n{self.process.output()[-2000:]}")
        KafkaProducer(bootstrap_servers=self.servers).close()

    def stop(self) -> None:
        assert self.process.stop() in (0, 143)

    def end(self) -> None:
        self.process.end()
        shutil.rmtree(self.home, ignore_errors=True)

    def _listens(self) -> bool:
        assert self.process.runs, self.process.output()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Topics:
    """The topics of one prefix, written and read from outside the product."""

    def __init__(self, servers: str, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        self._options = {"bootstrap_servers": servers, **options}
        self._producer: KafkaProducer | None = None

    @property
    def requests(self) -> str:
        return f"{self.prefix}.requests"

    @property
    def results(self) -> str:
        return f"{self.prefix}.results"

    @property
    def gates(self) -> str:
        return f"{self.prefix.removesuffix('.quality-check')}.gates"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}.requests.dlq"

    def wait(self) -> None:
        """Until the trigger has made them."""
        eventually(lambda: self._partitions(self.dead_letters), 90, "the topics")

    def _partitions(self, topic: str) -> set[int]:
        try:
            return set(self.producer.partitions_for(topic) or ())
        except KafkaError:  # of the time that it waited
            return set()

    @property
    def producer(self) -> KafkaProducer:
        if self._producer is None:
            options = {"max_request_size": 4_000_000, "linger_ms": 5, "allow_auto_create_topics": False, "max_block_ms": 30_000}
            self._producer = KafkaProducer(**self._options, **options)
        return self._producer

    def send(self, *values: Any, key: bytes | None = b"t", headers: Iterable[tuple[str, bytes]] = ()) -> list[tuple[int, int]]:
        """Bytes as they are, anything else as JSON; where each message stands."""
        sent = []
        for value in values:
            content = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
            sent.append(self.producer.send(self.requests, key=key, value=content, headers=list(headers)))
        places = [future.get(timeout=30) for future in sent]
        return [(place.partition, place.offset) for place in places]

    def read(self, topic: str, enough: Callable[[list[Any]], bool] = bool, within_s: float = 60) -> list[Any]:
        """Every record of a topic from its beginning, once `enough` says so."""
        found: list[Any] = []
        for records in self.follow(topic, within_s):
            found += records
            if enough(found):
                break
        return found

    def follow(self, topic: str, within_s: float = 60) -> Iterator[list[Any]]:
        """The records of a topic from its beginning, as they come."""
        consumer = KafkaConsumer(**self._options, group_id=None, enable_auto_commit=False, max_partition_fetch_bytes=4_000_000)
        try:
            numbers = eventually(lambda: consumer.partitions_for_topic(topic), 60, f"topic {topic}")
            consumer.assign([TopicPartition(topic, number) for number in numbers])
            consumer.seek_to_beginning()
            until, count = time.monotonic() + within_s, 0
            while True:
                assert time.monotonic() < until, f"no more than {count} in {topic} within {within_s:.0f} s"
                records = [record for found in consumer.poll(timeout_ms=200).values() for record in found]
                count += len(records)
                yield records
        finally:
            consumer.close()

    def verdicts(self, *ids: str, within_s: float = 60) -> dict[str, dict[str, Any]]:
        """The results of these requests, each the first that came."""

        missing, found = set(ids), {}
        for records in self.follow(self.results, within_s):
            for record in records:
                result = json.loads(record.value)
                if result["request_id"] in missing:
                    missing.remove(result["request_id"])
                    found[result["request_id"]] = result | {"key": record.key.decode()}
            if not missing:
                break
        return found

    def refused(self, number: int, within_s: float = 60) -> list[Any]:
        """The dead letters, once there are so many."""
        return self.read(self.dead_letters, lambda records: len(records) >= number, within_s)

    def committed(self) -> int:
        """How many messages the group has done with."""
        consumer = KafkaConsumer(**self._options, group_id=self.prefix, enable_auto_commit=False)
        try:
            partitions = [TopicPartition(self.requests, number) for number in consumer.partitions_for_topic(self.requests) or ()]
            return sum(consumer.committed(partition) or 0 for partition in partitions)
        finally:
            consumer.close()

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=1)


def header(record: Any, name: str) -> str:
    return next(value.decode() for key, value in record.headers if key == name)
