"""Consumers, brokers and databases that come and go: each valid event is exactly one request, and every result is announced."""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stringx_dataops.contract.ids import new_id
from tests.kafka.conftest import Trigger
from tests.kafka.test_intake import tracked
from tests.support.broker import Broker, Topics, header, require
from tests.support.installation import Installation
from tests.support.processes import Process, eventually, free_port
from tests.support.tables import CheckedTable


def events(table: CheckedTable, number: int) -> list[dict[str, Any]]:
    return [{"event_id": new_id(), "target": table.target, "table": table.relation} for _ in range(number)]


def ids(sent: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in sent]


@pytest.fixture
def own(installation: Installation, own_broker: Broker) -> Iterator[tuple[Broker, Topics, Process]]:
    """A broker that may be stopped, its topics, and a trigger that is not started yet."""
    if not own_broker.process.runs:
        own_broker.start()
    topics = Topics(own_broker.servers, f"own-{secrets.token_hex(4)}.quality-check")
    variables = {"KAFKA_BOOTSTRAP_SERVERS": own_broker.servers, "KAFKA_TOPIC_PREFIX": topics.prefix}
    process = installation.make(f"trigger-{topics.prefix}", "trigger", **variables)
    yield own_broker, topics, process
    process.end()
    topics.close()


def test_a_trigger_that_starts_before_its_broker_waits_for_it(
    installation: Installation, own: tuple[Broker, Topics, Process]
) -> None:
    broker, topics, process = own
    broker.stop()
    process.start()
    eventually(lambda: process.output().count("no Kafka broker answers") >= 2, 60, "two tries")
    assert installation.ask(installation.table(), mode="sync"), "HTTP serves"
    threads = len(list(_threads(process)))
    eventually(lambda: process.output().count("no Kafka broker answers") >= 3, 60, "one more")
    assert len(list(_threads(process))) <= threads, "nothing is left of a try"
    broker.start()
    topics.wait()
    sent = events(installation.table(), 1)
    topics.send(*sent)
    assert topics.verdicts(*ids(sent))[sent[0]["event_id"]]["verdict"] == "pass"
    assert process.stop() == 0


def _threads(process: Process) -> Iterator[Any]:
    import psutil

    yield from psutil.Process(process.pid).threads()


def test_a_broker_that_is_stopped_and_started_loses_nothing(
    installation: Installation, own: tuple[Broker, Topics, Process], pytestconfig: pytest.Config
) -> None:
    broker, topics, process = own
    process.start()
    topics.wait()
    tables = [installation.table(), installation.table("dirty")]
    sent: list[dict[str, Any]] = []
    for turn in range(5 if pytestconfig.getoption("long") else 2):
        now = [event for table in tables for event in events(table, 20)]
        topics.send(*now)
        sent += now
        topics.close()
        if turn % 2:
            broker.process.kill()
        else:
            broker.stop()
        request = installation.ask(tables[1])  # ends while nobody can be told
        installation.result(request)
        sent.append({"event_id": request, "table": tables[1].relation})
        broker.start()
        topics = Topics(broker.servers, topics.prefix)
    found = topics.verdicts(*ids(sent), within_s=90)
    assert {one: found[one]["verdict"] for one in ids(sent)} == {
        event["event_id"]: "pass" if event["table"] == tables[0].relation else "fail" for event in sent
    }
    assert len(tracked(installation, *ids(sent))) == len(sent)
    eventually(lambda: not installation.rows("select 1 from stringx.publications"), 60, "that nothing waits to be published")
    assert process.runs
    topics.close()


def test_while_the_database_is_away_the_consumer_waits_in_its_group(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    process = trigger()
    table = installation.table()
    installation.internal.crash()
    sent = events(table, 50)
    topics.send(*sent, b"no JSON")
    eventually(lambda: "trying again" in process.output(), 60, "a try")
    assert topics.committed() == 0
    time.sleep(12)  # longer than a session of the group lasts
    installation.internal.start()
    topics.verdicts(*ids(sent), within_s=120)
    assert len(tracked(installation, *ids(sent))) == 50
    [letter] = topics.refused(1)
    assert letter.value == b"no JSON"
    assert process.runs
    assert "group has changed" not in process.output()


ODD = """
create function odd() returns trigger language plpgsql as $$ begin raise exception 'odd' using errcode = 'ZZ123'; end $$;
create trigger odd before insert on stringx.requests for each row when (new.source = 'kafka') execute function odd();
create trigger odd before update on stringx.publications for each row when (new.worker is not null) execute function odd();
"""


def test_errors_that_the_driver_does_not_know_end_neither_loop_of_the_trigger(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    process, table = trigger(), installation.table()
    wanted = {"trigger.consume", "trigger.publish"}

    def failed() -> bool:
        told = installation.call("GET", f"{installation['backend-1'].url}/metrics").text
        return all(re.search(rf'^stringx_loop_failures_total{{loop="{name}"}} [1-9]', told, re.MULTILINE) for name in wanted)

    try:
        installation.rows(ODD)
        sent = events(table, 3)
        topics.send(*sent)
        request = installation.ask(table)
        installation.result(request)
        eventually(failed, 60, "that both have failed")
    finally:
        installation.rows("drop function if exists odd cascade")
    found = topics.verdicts(*ids(sent), request)
    assert {one["verdict"] for one in found.values()} == {"pass"}
    assert process.runs
    assert process.output().count("takes in") == 1, "the consumer stays in its group"


def test_while_too_many_wait_for_dataops_the_consumer_pauses(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    """With DataOps away, no more than QUEUE_LIMIT and what is fetched at once are taken in."""
    table = installation.table()
    installation.to_api.refuse()
    process = trigger(QUEUE_LIMIT="10")
    first = events(table, 30)
    topics.send(*first)
    eventually(lambda: "paused until there are fewer" in process.output(), 60, "the pause")
    second = events(table, 30)
    topics.send(*second)
    time.sleep(5)
    assert not tracked(installation, *ids(second))
    assert topics.committed() == 30
    installation.to_api.forward()
    topics.verdicts(*ids(first), *ids(second), within_s=120)
    eventually(lambda: topics.committed() == 60, 30, "the offsets")
    assert "group has changed" not in process.output()


def test_consumers_that_are_started_and_killed_make_each_event_one_request(
    installation: Installation, trigger: Trigger, topics: Topics, pytestconfig: pytest.Config
) -> None:
    dice = Random("consumers")
    long = pytestconfig.getoption("long")
    trigger()
    table = installation.table("dirty")
    sent: list[dict[str, Any]] = []
    poison = 0
    alive: list[Process] = []
    until = time.monotonic() + (120 if long else 20)
    number = 0
    while time.monotonic() < until:
        now = events(table, 40)
        sent += now
        for event in [*now, *dice.sample(now, 4)]:
            topics.send(event, key=str(dice.random()).encode())
        topics.send(f"poison {poison}".encode())
        poison += 1
        if number % 3 == 0:
            alive.append(trigger(wait=False))
        elif alive and number % 3 == 1:
            victim = alive.pop(0)
            if dice.random() < 0.7:
                victim.kill()
            else:
                is_at_work = "takes in" in victim.output()
                assert victim.stop() == 0 or not is_at_work
        number += 1
        time.sleep(dice.uniform(0.3, 2.0))
    total = len(sent) + len(sent) // 10 + poison
    eventually(lambda: topics.committed() == total, 90, "the end of all messages")
    assert len(tracked(installation, *ids(sent))) == len(sent)
    runs = "select request_id, count(*) as n from dataops.checks where request_id = any(%s) group by 1"
    eventually(lambda: len(installation.rows(runs, [ids(sent)])) == len(sent), 180, "a check of each")
    assert {row["n"] for row in installation.rows(runs, [ids(sent)])} == {1}
    letters = topics.read(topics.dead_letters, lambda found: len({one.value for one in found}) == poison)
    assert {letter.value for letter in letters} == {f"poison {n}".encode() for n in range(poison)}
    assert {header(letter, "topic") for letter in letters} == {topics.requests}
    topics.verdicts(*ids(sent), within_s=300)


@pytest.mark.long
def test_20000_messages_one_in_ten_repeated_and_poison_among_them(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    dice = Random("20000")
    trigger()
    trigger(wait=False)
    tables = [installation.table(kind) for kind in ("clean", "dirty", "warned")]
    valid = [event for table in tables for event in events(table, 17_600 // 3)]
    poison = [f"poison {n} {{".encode() for n in range(400)]
    messages: list[Any] = [*valid, *dice.sample(valid, 2000), *poison]
    dice.shuffle(messages)
    for start in range(0, len(messages), 2000):
        for key in range(6):
            topics.send(*messages[start : start + 2000][key::6], key=str(key).encode())
    eventually(lambda: topics.committed() == len(messages), 240, "the end of all messages")
    assert len(tracked(installation, *ids(valid))) == len(valid)
    letters = topics.read(topics.dead_letters, lambda found: len({one.value for one in found}) == len(poison))
    assert sorted(letter.value for letter in letters) == sorted(poison), "each of them once, as no consumer died"
    found = topics.verdicts(*ids(valid), within_s=900)
    truth = {table.relation: table.truth().verdict for table in tables}
    assert {one["verdict"] == truth[one["table"]] for one in found.values()} == {True}


TLS = """
set -e
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout broker.key -out broker.csr
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > names
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out broker.pem
openssl pkcs8 -topk8 -nocrypt -in broker.key -out broker.p8
cat broker.p8 broker.pem > keystore.pem
"""


def test_tls_and_sasl_reach_a_broker_that_wants_them(installation: Installation, tmp_path: Path) -> None:
    require()
    subprocess.run(["bash", "-c", TLS], cwd=tmp_path, check=True, capture_output=True)
    tmp_path.chmod(0o755)
    secure, login = free_port(), "org.apache.kafka.common.security.plain.PlainLoginModule required"
    made = Broker()
    listeners = f"PLAINTEXT://127.0.0.1:{made.port},CONTROLLER://127.0.0.1:{made.port + 1},SASL_SSL://127.0.0.1:{secure}"
    made.configure({
        "listeners": listeners,
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{made.port},SASL_SSL://127.0.0.1:{secure}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{login} user_pipeline="right";',
        "listener.name.sasl_ssl.ssl.keystore.type": "PEM",
        "listener.name.sasl_ssl.ssl.keystore.location": str(tmp_path / "keystore.pem"),
    })  # fmt: skip
    password = tmp_path / "password"
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{secure}", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "pipeline", "KAFKA_SASL_PASSWORD_FILE": str(password),
        "KAFKA_SSL_CAFILE": str(tmp_path / "ca.pem"),
    }  # fmt: skip
    topics, process = Topics(made.servers, "stringx.quality-check"), installation.make("trigger-tls", "trigger", **variables)
    try:
        made.start()
        password.write_text("wrong\n")
        process.start()
        eventually(lambda: "Invalid username or password" in process.output(), 120, "the reason")
        assert process.runs, "the broker may be told the password"
        process.end()
        password.write_text("right\n")
        process.start()
        topics.wait()
        sent = events(installation.table(), 1)
        topics.send(*sent)
        assert topics.verdicts(*ids(sent))[sent[0]["event_id"]]["verdict"] == "pass"
        assert "right" not in json.dumps(process.output()), "no password in the log"
        assert process.stop() == 0
    finally:
        process.end()
        process.log.unlink(missing_ok=True)
        topics.close()
        made.end()
