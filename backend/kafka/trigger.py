"""The Kafka trigger: messages become tracked requests; finished requests and gates that changed become messages.

One consumer of the group, which moves its offsets only after everything before them is tracked or a confirmed dead letter, and
two threads that publish results and gates. `python -m backend.kafka.trigger`; SIGTERM ends it after the batch that it is at.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from kafka import KafkaAdminClient
from kafka import errors as broker

from backend.kafka import gates_out, results_out
from backend.kafka.client import LARGEST, connect, words
from backend.kafka.consumer import Consumer
from backend.kafka.publishing import publishing, whole_or_short
from backend.requests.tracking import CHANNEL
from database import probes, reports
from database.connecting import bound_waits
from database.leases import worker_name
from database.loops import Loop, Loops, Turn
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError
from web import logs, tracing

_END_S = 20.0  # for a batch that is being sent when the process is told to end
_AGAIN_S = 1.0
_LONGEST_TURN_S = 300.0  # a batch of a broker that is slow, or that is away and comes back
_PARTITIONS = {"requests": 6, "results": 6, "gates": 6, "dead_letters": 1}

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class Trigger:
    """What the threads share."""

    kafka: Kafka
    database: Database
    catalogue: Catalogue
    limit: int  # requests that may wait for DataOps
    public_url: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    loops: Loops = field(default_factory=Loops)
    name: str = field(default_factory=lambda: worker_name("trigger"))

    # messages in

    def consume(self) -> None:
        """Until it is told to stop."""
        consumer = Consumer(self.kafka, self.database, self.catalogue, self.limit, self.stop)
        try:
            self.loops.add(Loop("consume", consumer.turn, stop=self.stop, longest_turn_s=_LONGEST_TURN_S)).run()
        finally:
            consumer.close()

    # results and events of gates out

    def publish_results(self, listener: Listener) -> Turn:
        """Publishes the results that wait; one turn is a batch."""
        send = whole_or_short(self.kafka, self.kafka.results, results_out.shortened)
        return publishing(
            "results", lambda: results_out.publish(self.database, self.name, send), listener, results_out.PUBLICATION
        )

    def publish_gates(self, listener: Listener) -> Turn:
        """Publishes the gates that changed; one turn is a batch."""
        send = whole_or_short(self.kafka, self.kafka.gates, gates_out.shortened)

        def publish() -> int:
            return gates_out.publish(self.database, self.name, self.public_url, send)

        return publishing("events of gates", publish, listener, gates_out.PUBLICATION)

    # both

    def has_read(self) -> bool:
        """Whether it has looked for messages at least once."""
        return any(state.name == "consume" and state.turns for state in self.loops.states())

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
        """Repeats `make` until it succeeds; None if the process is told to stop first."""
        while not self.stop.is_set():
            try:
                return make()
            except StringXError as error:
                log.warning("%s; trying again", error)
                self.stop.wait(_AGAIN_S)
        return None


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


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code is 2 if the settings cannot be used."""
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
    tracing.start("stringx-trigger")
    database = Database(url, 4, "stringx trigger", settings.database_direct_url)
    trigger = Trigger(found, database, catalogue, settings.queue_limit, settings.public_url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trigger.stop.set())
    listener = Listener(database, CHANNEL)
    listener.start(trigger.loops)
    reports.start(trigger.loops, database, "backend", trigger.name)
    probes.start(trigger.loops, settings.probe_folder, "trigger", trigger.has_read)
    try:
        trigger.prepare()
        publishers = [
            trigger.loops.add(Loop(name, turn(listener), stop=trigger.stop, longest_turn_s=_LONGEST_TURN_S))
            for name, turn in (("publish", trigger.publish_results), ("publish gates", trigger.publish_gates))
        ]
        for publisher in publishers:
            publisher.start()
        trigger.consume()
    except SettingsError as error:
        print(f"trigger: {error}", file=sys.stderr)
        return 2
    until = time.monotonic() + _END_S
    for publisher in publishers:
        publisher.join(max(0.0, until - time.monotonic()))
    with suppress(StringXError):
        reports.forget(database, trigger.name)
    tracing.stop()
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
