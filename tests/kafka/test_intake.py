"""Messages become requests: each valid event exactly one, everything else a dead letter that says why."""

import json
import random
import signal
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from stringx_dataops.contract.ids import new_id
from tests.kafka.conftest import Trigger
from tests.support.broker import Topics, header
from tests.support.installation import Installation
from tests.support.processes import eventually


def tracked(installation: Installation, *ids: str) -> list[dict[str, Any]]:
    return installation.rows("select * from stringx.requests where request_id = any(%s) order by request_id", [list(ids)])


def test_an_event_becomes_a_request_and_its_result_a_message(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    trigger()
    clean, dirty = installation.table("clean"), installation.table("dirty")
    first, second = new_id(), new_id()
    topics.send({"event_id": first, "target": "shop", "table": clean.relation}, key=clean.relation.encode())
    topics.send({"event_id": second, "target": "shop", "table": dirty.relation, "mode": "sync"})
    found = topics.verdicts(first, second)
    assert [found[one]["verdict"] for one in (first, second)] == ["pass", "fail"]
    truth = dirty.truth()
    counted = {rule["id"]: rule["failures"] for rule in found[second]["rules"] if rule["id"] in truth.failures}
    assert counted == truth.failures
    assert {rule["sample"] for rule in found[second]["rules"]} == {None}, "no row of the table leaves over Kafka"
    assert [found[one]["key"] for one in (first, second)] == [clean.relation, dirty.relation]
    rows = tracked(installation, first, second)
    assert {row["source"] for row in rows} == {"kafka"}
    stored = installation.result(second)
    assert {name: value for name, value in found[second].items() if name not in ("rules", "key")} == {
        name: value for name, value in stored.items() if name != "rules"
    }


def test_an_event_without_an_id_is_known_by_its_place(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    table = installation.table()
    [(partition, offset)] = topics.send({"target": "shop", "table": table.relation})
    request_id = f"{topics.requests}-{partition}-{offset}"
    assert topics.verdicts(request_id)[request_id]["verdict"] == "pass"


def test_the_same_event_a_hundred_times_is_one_request(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    table, event_id = installation.table("dirty"), new_id()
    body = {"event_id": event_id, "target": "shop", "table": table.relation}
    for number in range(50):
        topics.send(body, key=str(number).encode())  # over all partitions
    assert topics.verdicts(event_id)[event_id]["verdict"] == "fail"
    for number in range(50):
        topics.send(body, key=str(number).encode())
    eventually(lambda: topics.committed() == 100, 60, "the offset of the last one")
    assert len(tracked(installation, event_id)) == 1
    assert len(installation.rows("select 1 from dataops.checks where request_id = %s", [event_id])) == 1


def test_an_event_sent_again_replays_its_verdict(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    table, event_id = installation.table("dirty"), new_id()
    body = {"event_id": event_id, "target": "shop", "table": table.relation}
    topics.send(body)
    before = topics.verdicts(event_id)[event_id]
    installation.load(f"delete from {table.base}; insert into {table.base} select n, n from generate_series(1, 50) n")
    topics.send(body)

    def twice(records: list[Any]) -> bool:
        return sum(json.loads(record.value)["request_id"] == event_id for record in records) == 2

    *_, again = (json.loads(record.value) for record in topics.read(topics.results, twice))
    assert (again["check_id"], again["verdict"]) == (before["check_id"], "fail"), "of then, though the table is clean by now"


POISON: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{not json", "is not JSON"),
    "not UTF-8": (b'{"target": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"target": "shop"}'.encode("utf-16"), "byte order mark of UTF-16"),
    "a byte order mark": (b'\xef\xbb\xbf{"target": "shop"}', "/table: is missing"),
    "nothing": (None, "no value"),
    "an empty text": (b"", "is not JSON"),
    "a list": ([1, 2], "must be an object"),
    "a text": ("shop", "must be an object"),
    "no table": ({"target": "shop"}, "/table: is missing"),
    "no target": ({"table": "public.t"}, "/target: is missing"),
    "an unknown field": ({"target": "shop", "table": "public.t", "tabel": 1}, "/tabel: unknown field"),
    "an unknown table": ({"target": "shop", "table": "public.nowhere"}, "no configuration for table public.nowhere"),
    "an unknown target": ({"target": "nowhere", "table": "public.t"}, "there is no target nowhere"),
    "an unknown dataset": ({"target": "shop", "dataset": "nowhere"}, "there is no dataset nowhere"),
    "a NUL": (b'{"target": "shop", "table": "public.t\\u0000"}', "NUL"),
    "a field twice": (b'{"target": "shop", "target": "shop"}', "stands twice"),
    "NaN": (b'{"target": "shop", "table": "public.t", "timeout_s": NaN}', "NaN is no JSON"),
    "an id that is a number": ({"event_id": 7, "target": "shop", "table": "public.t"}, "/event_id: must be a text"),
    "an id that is empty": ({"event_id": "", "target": "shop", "table": "public.t"}, "/event_id: must be 1 to 200"),
    "two ids": ({"event_id": "a", "request_id": "b", "target": "shop", "table": "public.t"}, "differs from event_id"),
    "a callback": ({"target": "shop", "table": "public.t", "callback_url": "http://x/"}, "/callback_url"),
    "deep": (b"[" * 5000 + b"]" * 5000, "nested"),
    "a megabyte": (b'{"target": "' + b"x" * 1_000_000 + b'"}', "is no name of a target"),
    "more than a megabyte": (b"x" * 1_048_000, "is not JSON"),
}


def test_poison_of_every_kind_is_a_dead_letter_and_the_consumer_goes_on(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    process = trigger()
    table, event_id = installation.table(), new_id()
    places = {}
    for name, (value, _) in POISON.items():
        [places[name]] = topics.send(value, key=name.encode(), headers=[("origin", b"elsewhere")])
    [no_key] = topics.send(b"{", key=None)
    topics.send({"event_id": event_id, "target": "shop", "table": table.relation})
    assert topics.verdicts(event_id)[event_id]["verdict"] == "pass"
    letters = topics.refused(len(POISON) + 1)
    assert len(letters) == len(POISON) + 1
    by_place = {(int(header(letter, "partition")), int(header(letter, "offset"))): letter for letter in letters}
    for name, (value, words) in POISON.items():
        letter = by_place[places[name]]
        assert words in header(letter, "error"), name
        assert header(letter, "topic") == topics.requests
        assert header(letter, "origin") == "elsewhere"
        sent = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
        assert (letter.key.decode(), letter.value) == (name, sent)
    assert by_place[no_key].key is None
    eventually(lambda: topics.committed() == len(POISON) + 2, 30, "offsets after all of them")
    assert process.runs
    assert process.stop() == 0


def test_one_id_with_two_bodies_is_a_dead_letter(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    table, event_id = installation.table(), new_id()
    topics.send(
        {"event_id": event_id, "target": "shop", "table": table.relation},
        {"event_id": event_id, "target": "shop", "table": table.relation, "timeout_s": 9},
    )
    [letter] = topics.refused(1)
    assert "was used with another body" in header(letter, "error")
    assert topics.verdicts(event_id)[event_id]["verdict"] == "pass"


def test_a_dataset_is_checked_and_its_name_is_the_key(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    tables, event_id = [installation.table(), installation.table("dirty")], new_id()
    document = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "sales", "target": "shop"}
    installation.put("datasets/sales", document | {"tables": [table.relation for table in tables]})
    topics.send({"event_id": event_id, "target": "shop", "dataset": "sales"})
    found = topics.verdicts(event_id)[event_id]
    assert (found["verdict"], found["key"]) == ("fail", "sales")
    assert {rule["sample"] for table in found["tables"] for rule in table["rules"]} == {None}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_messages_are_read(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str, codec: str
) -> None:
    trigger()
    table, event_id = installation.table(), new_id()
    with KafkaProducer(bootstrap_servers=servers, compression_type=codec) as producer:
        body = json.dumps({"event_id": event_id, "target": "shop", "table": table.relation}).encode()
        producer.send(topics.requests, key=b"t", value=body).get(timeout=30)
    assert topics.verdicts(event_id)[event_id]["verdict"] == "pass"


def test_a_trigger_that_is_asked_to_end_commits_and_leaves(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    process = trigger()
    table = installation.table()
    ids = [new_id() for _ in range(300)]
    topics.send(*({"event_id": one, "target": "shop", "table": table.relation} for one in ids))
    eventually(lambda: tracked(installation, *ids), 60, "the first of them")
    process.send(signal.SIGTERM)
    assert process.wait(30) == 0
    assert topics.committed() == len(tracked(installation, *ids))


def test_a_request_that_ended_before_the_broker_was_there_is_published(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    """What ended while no trigger ran, however it was asked for."""
    first = trigger()
    assert first.stop() == 0
    table = installation.table("dirty")
    request = installation.ask(table, mode="sync")
    trigger()
    assert topics.verdicts(request)[request]["verdict"] == "fail"


def test_a_message_too_large_for_the_dead_letters_leaves_its_beginning(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    sizes = {"max.message.bytes": "6000000"}
    admin.create_topics({topics.requests: {"num_partitions": 1, "replication_factor": 1, "configs": sizes}})
    admin.close()
    trigger()
    table, event_id = installation.table(), new_id()
    large = random.Random(1).randbytes(3_000_000)
    topics.send(large)
    topics.send({"event_id": event_id, "target": "shop", "table": table.relation})
    assert topics.verdicts(event_id)[event_id]["verdict"] == "pass"
    [letter] = topics.refused(1)
    assert (header(letter, "cut"), header(letter, "offset")) == ("3000000", "0")
    assert "3000000 bytes; 1048576 are the most" in header(letter, "error")
    assert large.startswith(letter.value)
    assert letter.value


def test_a_result_too_large_for_its_topic_comes_without_its_rules(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    sizes = {"max.message.bytes": "2500"}  # of what is sent, which is compressed
    admin.create_topics({topics.results: {"num_partitions": 1, "replication_factor": 1, "configs": sizes}})
    admin.close()
    trigger()
    rules = [{"id": f"rule_{new_id().replace('-', '')}", "type": "not_null", "column": "value"} for _ in range(80)]
    table, event_id = installation.table("dirty", rules=rules), new_id()
    topics.send({"event_id": event_id, "target": "shop", "table": table.relation})
    found = topics.verdicts(event_id)[event_id]
    assert (found["verdict"], found["rules"], found["counts"]["fail"]) == ("fail", [], 80)
    assert f"GET /api/v1/requests/{event_id} has the rules" in found["notes"][-1]
