#!/usr/bin/env python3
"""Write, audit, publish: a day's departures go to a staging table, and on to `flights_published` only when the gate is open.

Runs against the demo of `./start-service.sh --local`; `--spoil` loads what the gate must stop. Exit code: 0 published · 1 stopped
by the gate · 3 not decided. The load's id is the request's id: a step that is run again asks for the same verdict, and a new load
has a new id.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psycopg2
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("STRINGX_HOME") or ROOT / ".stringx")
DATAOPS = ROOT / ".venv" / "bin" / "dataops"
TARGET, STAGING, PUBLISHED = "nyc", "public.flights_staging", "public.flights_published"
PATIENCE_S = 300


def write(connection, day: datetime.date, spoil: bool) -> int:
    """The day into the staging table, in one transaction; how many rows."""
    with connection, connection.cursor() as cursor:
        for table in (STAGING, PUBLISHED):
            cursor.execute(f"create table if not exists {table} (like public.flights)")
        cursor.execute(f"truncate {STAGING}")
        cursor.execute(
            f"insert into {STAGING} select * from public.flights where (year, month, day) = (%s, %s, %s)",
            [day.year, day.month, day.day],
        )
        rows = cursor.rowcount
        if spoil:
            cursor.execute(f"update {STAGING} set distance = -1 where carrier = 'UA'")
    return rows


def audit_by_command_line(load: str) -> int:
    """Ask for the check of this load, wait for it, then ask for the gate of this very load: 0 open, 1 closed, 3 not decided."""
    check = [DATAOPS, "check", TARGET, STAGING, "--request-id", load, "--wait", str(PATIENCE_S)]
    if subprocess.run(check, check=False).returncode not in (0, 1):
        return 3
    return subprocess.run([DATAOPS, "gate", TARGET, STAGING, "--request-id", load], check=False).returncode


def audit_by_kafka(load: str) -> int:
    """Announce the load, wait for its result. Listening begins before the announcement, so that no result is missed."""
    prefix = os.environ.get("KAFKA_TOPIC_PREFIX", "stringx.quality-check")
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, enable_auto_commit=False)
    partitions = [TopicPartition(f"{prefix}.results", number) for number in consumer.partitions_for_topic(f"{prefix}.results")]
    consumer.assign(partitions)
    consumer.seek_to_end()
    for partition in partitions:
        consumer.position(partition)
    event = {"event_id": load, "target": TARGET, "table": STAGING}
    with KafkaProducer(bootstrap_servers=servers) as producer:
        producer.send(f"{prefix}.requests", key=STAGING.encode(), value=json.dumps(event).encode()).get(timeout=30)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=500).values():
            for result in (json.loads(record.value) for record in records):
                if result["request_id"] == load:
                    print(f"{STAGING}: {result['verdict']} (request {load})")
                    return {"pass": 0, "warn": 0, "fail": 1}.get(result["verdict"], 3)
    return 3


def publish(connection, day: datetime.date) -> int:
    """The audited rows in place of what was published of the day, in one transaction; nobody else writes to the staging table."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"delete from {PUBLISHED} where (year, month, day) = (%s, %s, %s)", [day.year, day.month, day.day])
        cursor.execute(f"insert into {PUBLISHED} select * from {STAGING}")
        return cursor.rowcount


def loader_of_the_demo() -> str:
    """The address of the demo's database for the role that loads it."""
    password, port = ((HOME / name).read_text().strip() for name in ("nyc-loader-password", "postgres-port"))
    return f"postgresql://nyc_loader:{password}@127.0.0.1:{port}/nyc"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=datetime.date.fromisoformat, default=datetime.date(2013, 1, 15), help="default 2013-01-15")
    parser.add_argument("--by", choices=["cli", "kafka"], default="cli", help="how the gate is asked; default cli")
    parser.add_argument("--spoil", action="store_true", help="break some of the rows first")
    parser.add_argument("--database-url", help="default: the demo's")
    asked = parser.parse_args()
    connection = psycopg2.connect(asked.database_url or loader_of_the_demo())
    load = f"flights-{asked.day}-{uuid.uuid4()}"
    print(f"written: {write(connection, asked.day, asked.spoil)} rows of {asked.day} in {STAGING}", flush=True)
    code = audit_by_kafka(load) if asked.by == "kafka" else audit_by_command_line(load)
    if code == 0:
        print(f"published: {publish(connection, asked.day)} rows in {PUBLISHED}")
    else:
        print(f"not published: the gate is {'closed' if code == 1 else 'not decided'}; {PUBLISHED} stays as it was")
    return code


if __name__ == "__main__":
    sys.exit(main())
