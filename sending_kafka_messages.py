#!/usr/bin/env python3
"""Sends quality-check requests over Kafka: samples for the demo's tables, or a file of JSON lines. `--wait` prints each verdict.

Exit code as the command line's: 0 pass · 1 fail · 2 usage, or refused · 3 could not be decided, or no broker.
"""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TextIO

if importlib.util.find_spec("kafka") is None:  # not the project's own Python: take that, where it is installed
    installed = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if not installed.exists() or Path(sys.executable) == installed:
        sys.exit("sending_kafka_messages: kafka-python is missing; run ./start-service.sh --local once, which installs it")
    os.execv(installed, [str(installed), *sys.argv])

import click
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.messages.kafka import Kafka
from stringx_dataops.contract.variables import SettingsError

TABLES = ("public.flights", "public.weather", "public.planes", "public.airlines", "public.airports")
PATIENCE_S = 600
AT_ONCE = 5000  # messages that the broker has not confirmed yet
LONG = 200  # messages from which on a bar shows how far it is


class Away(Exception):
    """No answer could be had; the text is the line to show."""


@dataclass
class Answers:
    """The verdicts of what was sent, as they come."""

    consumer: KafkaConsumer
    settings: Kafka
    open: set[str] = field(default_factory=set)  # ids without an answer
    places: dict[tuple[int, int], str] = field(default_factory=dict)  # where each message stands: a refused one is known by it
    seen: set[str] = field(default_factory=set)

    @classmethod
    def listen(cls, settings: Kafka, options: dict[str, Any]) -> "Answers":
        """From now on."""
        consumer = KafkaConsumer(**options, group_id=None, enable_auto_commit=False, allow_auto_create_topics=False)
        topics = (settings.results, settings.dead_letters)
        partitions = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_end()
        for partition in partitions:
            consumer.position(partition)  # it is looked up now, not when the first message has come
        return cls(consumer, settings)

    def read(self, until: float) -> Iterator[tuple[str, dict[str, Any] | str]]:
        """By id: the result, or why it was refused."""
        while self.open and time.monotonic() < until:
            for partition, records in self.consumer.poll(timeout_ms=500).items():
                for record in records:
                    found = self._result(record) if partition.topic == self.settings.results else self._refusal(record)
                    if found is not None and found[0] in self.open:
                        self.open.remove(found[0])
                        yield found

    @staticmethod
    def _result(record: Any) -> tuple[str, dict[str, Any]]:
        result = json.loads(record.value)
        return result["request_id"], result

    def _refusal(self, record: Any) -> tuple[str, str] | None:
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        place = (int(headers.get(kafka.PARTITION, -1)), int(headers.get(kafka.OFFSET, -1)))
        return (self.places[place], headers[kafka.ERROR]) if place in self.places else None


class _WaitingCommand(click.Command):
    """`--wait` alone is `--wait 600`, whatever follows it."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        following = [*args, ""][1:]
        alone = f"--wait={PATIENCE_S}"
        filled = [alone if arg == "--wait" and not after.isdigit() else arg for arg, after in zip(args, following, strict=True)]
        return super().parse_args(context, filled)


@click.command(cls=_WaitingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--target", default="nyc", show_default=True, help="target of the samples")
@click.option("--table", "tables", multiple=True, help="a sample for this table (schema.table) in place of the demo's five")
@click.option("--file", "lines", type=click.File(encoding="utf-8-sig"), help="send this file of JSON lines, - for standard input")
@click.option("--count", type=click.IntRange(1, 10_000_000), help="how many messages; samples and lines are taken in turn")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="at most this many messages per second")
@click.option("--wait", type=click.IntRange(1, 86400), metavar="[SECONDS]", help="print each verdict; wait at most SECONDS (600)")
@click.option("--bootstrap-servers", help="host:port of Kafka brokers (KAFKA_BOOTSTRAP_SERVERS; default 127.0.0.1:9092)")
def send(
    target: str, tables: tuple[str, ...], lines: TextIO | None, count: int | None, rate: float | None, wait: int | None,
    bootstrap_servers: str | None,
) -> int:  # fmt: skip
    """Send quality-check requests over Kafka. Each message has a new event_id, unless its line in the file names one: the same
    event sent again is the same request, and its verdict is published again."""
    if lines is not None and tables:
        raise click.UsageError("--file and --table are both given; keep one")
    settings = kafka.of_client(bootstrap_servers)
    bodies = _read(lines) if lines is not None else [{"target": target, "table": table} for table in tables or TABLES]
    options = {"bootstrap_servers": settings.bootstrap_servers, "bootstrap_timeout_ms": 10_000, **settings.security}
    heard = kafka.Heard()
    try:
        producer = KafkaProducer(**options, linger_ms=5, allow_auto_create_topics=False, max_block_ms=10_000)
    except KafkaError as error:
        raise Away(
            f"{heard.why(settings)}; start one (./start-service.sh --local --kafka), or name yours in KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    try:
        _require_topic(producer, settings)
        answers = Answers.listen(settings, options) if wait else None
        _send(producer, settings, bodies, count or len(bodies), rate, answers)
        return _await(answers, wait) if answers is not None and wait is not None else 0
    except KafkaError as error:
        raise Away(f"the Kafka broker at {settings.servers} does not answer: {error}") from error
    finally:
        producer.close(timeout=5)


def _require_topic(producer: KafkaProducer, settings: Kafka) -> None:
    try:
        found = producer.partitions_for(settings.requests)
    except KafkaError:  # of the time that it waited
        found = None
    if not found:
        raise Away(f"the broker has no topic {settings.requests}; start the Kafka trigger, which makes it")


def _read(lines: TextIO) -> list[dict[str, Any]]:
    """Every line is an object, or nothing is sent."""
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            body = json.loads(line)
        except ValueError as error:
            raise click.UsageError(f"{lines.name} line {number}: not JSON ({error}); write one object a line") from error
        if not isinstance(body, dict):
            raise click.UsageError(f'{lines.name} line {number}: must be an object, such as {{"target": …, "table": …}}')
        found.append(body)
    if not found:
        raise click.UsageError(f"{lines.name} holds no line; write one object a line")
    return found


def _send(
    producer: KafkaProducer, settings: Kafka, bodies: list[dict[str, Any]], count: int, rate: float | None,
    answers: Answers | None,
) -> None:  # fmt: skip
    """All of them confirmed by the broker when it returns."""
    began, unconfirmed = time.monotonic(), []
    is_long = count >= LONG or (rate is not None and count / rate > 2)
    with click.progressbar(length=count, label="sending", file=sys.stderr, hidden=not is_long) as bar:
        for number, body in enumerate(islice(cycle(bodies), count)):
            if rate is not None and (pause := began + number / rate - time.monotonic()) > 0:
                time.sleep(pause)
            message = {"event_id": body.get("request_id") or new_id()} | body
            key = str(message.get("table") or message.get("dataset") or "").encode()
            value = json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")
            unconfirmed.append((str(message["event_id"]), producer.send(settings.requests, key=key, value=value)))
            if len(unconfirmed) == AT_ONCE:
                _confirm(unconfirmed, answers)
            bar.update(1)
        _confirm(unconfirmed, answers)
    took_s = time.monotonic() - began
    click.echo(f"sent {count} to {settings.requests} in {took_s:.1f} s", err=True)


def _confirm(unconfirmed: list[tuple[str, Any]], answers: Answers | None) -> None:
    for event_id, future in unconfirmed:
        place = future.get(timeout=60)
        if answers is not None:
            answers.open.add(event_id)
            answers.places[place.partition, place.offset] = event_id
    unconfirmed.clear()


def _await(answers: Answers, wait: int) -> int:
    codes = set()
    for event_id, answer in answers.read(time.monotonic() + wait):
        if isinstance(answer, str):
            click.echo(f"refused: {answer} (event {event_id})")
            codes.add(2)
            continue
        click.echo(_in_words(answer))
        codes.add({"pass": 0, "warn": 0, "fail": 1}.get(answer["verdict"], 3))
    answers.consumer.close(timeout_ms=1000)
    if answers.open:
        rest = ", ".join(sorted(answers.open)[:3])
        raise Away(f"{len(answers.open)} not answered within {wait} s, such as {rest}; they go on")
    return next((code for code in (1, 2, 3) if code in codes), 0)


def _in_words(result: dict[str, Any]) -> str:
    subject = result.get("table") or f"dataset {result['dataset']}"
    lines = [f"{subject}: {result['verdict']} (request {result['request_id']})"]
    if result["counts"]:
        lines[0] += f", {result['counts']['pass']} of {sum(result['counts'].values())} rules pass, {result['duration_ms']} ms"
    if result.get("reason"):
        lines.append(f"  {result['reason']}")
    rules = [*result.get("rules", ()), *(rule for table in result.get("tables", ()) for rule in table["rules"])]
    lines += [f"  {rule['status']:5}  {rule['id']}: {rule['message']}" for rule in rules if rule["status"] in ("fail", "error")]
    return "\n".join(lines)


def main() -> None:
    try:
        code = send.main(prog_name="sending_kafka_messages.py", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except click.ClickException as error:
        code = _say(f"{error.format_message()}; see --help", 2)
    except SettingsError as error:
        code = _say(str(error), 2)
    except Away as error:
        code = _say(str(error), 3)
    sys.exit(code)


def _say(text: str, code: int) -> int:
    click.echo(f"sending_kafka_messages: {text}", err=True)
    return code


if __name__ == "__main__":
    main()
