"""How fast events become tracked requests, and how long an event waits for its result, beside the same request over HTTP.

`python -m benchmarks.events`: a broker, two PostgreSQL clusters, one process of each role and a trigger, as the tests have them.
"""

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from stringx_dataops.contract.ids import new_id
from tests.support.broker import Broker, Topics
from tests.support.installation import Installation
from tests.support.processes import Process, eventually
from tests.support.tables import CheckedTable

EVENTS, TABLES, ROUNDS = 20_000, 10, 60


@contextmanager
def running() -> Iterator[tuple[Installation, Broker]]:
    installation, broker = Installation(each=1), Broker()
    try:
        broker.start()
        installation.start()
        yield installation, broker
    finally:
        installation.end()
        broker.end()


def trigger(installation: Installation, topics: Topics, servers: str) -> Process:
    variables = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": topics.prefix, "QUEUE_LIMIT": "1000000"}
    return installation.make(f"trigger-{topics.prefix}", "trigger", **variables)


def intake(installation: Installation, broker: Broker) -> dict[str, float]:
    """Events a second, of which one in ten is repeated; nothing else runs but the database and the trigger."""
    topics = Topics(broker.servers, "intake")
    process = trigger(installation, topics, broker.servers)
    process.start()
    topics.wait()
    process.stop()
    tables = [installation.table(rows=10) for _ in range(TABLES)]
    for name in ("api-1", "backend-1", "worker-1"):
        installation[name].stop()
    bodies = [{"event_id": new_id(), "target": "shop", "table": tables[n % TABLES].relation} for n in range(EVENTS * 9 // 10)]
    bodies += bodies[: EVENTS - len(bodies)]
    for number in range(6):
        topics.send(*bodies[number::6], key=str(number).encode())
    process.start()
    eventually(lambda: topics.committed() == EVENTS, 300, "the end of all events")
    [row] = installation.rows(
        "select count(*) as n, extract(epoch from max(created_at) - min(created_at)) as seconds from stringx.requests"
        " where source = 'kafka'"
    )
    assert row["n"] == len({body["event_id"] for body in bodies})
    process.end()
    topics.close()
    installation.internal.rows("stringx", "truncate stringx.publications; delete from stringx.requests")
    installation.supervise()
    installation.wait_served()
    installation.wait_warm()
    return {"events": EVENTS, "seconds": round(float(row["seconds"]), 1), "events_per_s": round(EVENTS / float(row["seconds"]))}


def latency(installation: Installation, broker: Broker) -> dict[str, Any]:
    """Milliseconds from message to result message, and from request to answer over HTTP (sync), in turn."""
    topics = Topics(broker.servers, "latency")
    process = trigger(installation, topics, broker.servers)
    process.start()
    topics.wait()
    table = installation.table(rows=100)
    over_kafka, over_http = [], []
    consumer = KafkaConsumer(bootstrap_servers=broker.servers, group_id=None, enable_auto_commit=False)
    consumer.assign([TopicPartition(topics.results, number) for number in consumer.partitions_for_topic(topics.results) or ()])
    consumer.seek_to_end()
    consumer.poll(timeout_ms=500)
    for _ in range(ROUNDS):
        over_kafka.append(_over_kafka(topics, consumer, table))
        began = time.perf_counter()
        assert installation.post(table, mode="sync").status_code == 200
        over_http.append((time.perf_counter() - began) * 1000)
    consumer.close()
    process.stop()
    topics.close()
    found = {"kafka": over_kafka[5:], "http": over_http[5:]}
    figures = {
        name: {"median_ms": round(statistics.median(times)), "p95_ms": round(sorted(times)[-3])} for name, times in found.items()
    }
    ratio = statistics.median(found["kafka"]) / statistics.median(found["http"])
    return figures | {"kafka / http": round(ratio, 2)}


def _over_kafka(topics: Topics, consumer: KafkaConsumer, table: CheckedTable) -> float:
    event_id = new_id()
    body = json.dumps({"event_id": event_id, "target": "shop", "table": table.relation}).encode()
    began = time.perf_counter()
    topics.producer.send(topics.requests, key=table.relation.encode(), value=body)
    while True:
        for records in consumer.poll(timeout_ms=100).values():
            if any(json.loads(record.value)["request_id"] == event_id for record in records):
                return (time.perf_counter() - began) * 1000


def main() -> None:
    with running() as (installation, broker):
        print(json.dumps({"intake": intake(installation, broker), "latency": latency(installation, broker)}, indent=2))


if __name__ == "__main__":
    main()
