"""Results on their way to Kafka: kept once a trigger has run, sent until they are confirmed, by one publisher at a time."""

import json
import re
from collections.abc import Callable

import pytest

from backend.insights import totals
from backend.kafka import requests_in, results_out
from backend.kafka.messages import KafkaMessage, Receipt
from backend.kafka.publishing import NotConfirmed
from backend.kafka.requests_in import Event
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.settings import ROOT

ASK = """
insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status)
values (%(id)s, 'http', 'shop', %(table)s, 'async', '{}', '', true, 'queued')
"""
END = "update stringx.requests set status = 'errored', verdict = 'error', reason = 'refused', finished_at = now() where request_id = %(id)s"

RESULT = """
insert into stringx.results (check_id, request_id, target, table_name, is_full, status, verdict, finished_at, result)
values (%(check_id)s, %(id)s, 'shop', 'public.a', true, 'succeeded', 'pass', now(), %(result)s)
"""


def run(database: Database, statement: str, **parameters: object) -> int:
    with database.transaction() as cursor:
        return cursor.run(statement, parameters)


def ended(database: Database, *ids: str, table: str = "public.a") -> None:
    for one in ids:
        run(database, ASK, id=one, table=table)
        run(database, END, id=one)


def taking(taken: list[KafkaMessage]) -> Callable[[list[KafkaMessage]], Receipt]:
    """A broker that confirms everything."""

    def send(messages: list[KafkaMessage]) -> Receipt:
        taken.extend(messages)
        return Receipt(frozenset(range(len(messages))))

    return send


def names(messages: list[KafkaMessage]) -> list[str]:
    return [json.loads(message.value)["request_id"] for message in messages]


def test_nothing_is_kept_before_the_first_trigger(database: Database) -> None:
    ended(database, "before")
    results_out.begin(database)
    results_out.begin(database)
    ended(database, "after")
    sent: list[KafkaMessage] = []
    assert results_out.publish(database, "p", taking(sent)) == 1
    assert names(sent) == ["after"]
    assert results_out.publish(database, "p", taking(sent)) == 0


def test_nothing_waits_any_more_where_kafka_was_turned_off_as_the_page_says(database: Database) -> None:
    results_out.begin(database)
    ended(database, "before")
    [statement] = re.findall(r"^truncate .*;$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.MULTILINE)
    run(database, statement)
    ended(database, "after")
    assert totals.read(database).unpublished == totals.Waiting(0, 0.0)
    results_out.begin(database)
    ended(database, "again")
    sent: list[KafkaMessage] = []
    results_out.publish(database, "p", taking(sent))
    assert names(sent) == ["again"]


def test_only_what_is_not_confirmed_is_sent_again(database: Database) -> None:
    results_out.begin(database)
    ended(database, "a", "b", "c", table="public.a")
    ended(database, "d", table="public.d")

    with pytest.raises(NotConfirmed, match="slow"):
        results_out.publish(database, "p", lambda messages: Receipt(frozenset({0, 2, 3}), fault="slow"))
    sent: list[KafkaMessage] = []
    assert results_out.publish(database, "p", taking(sent)) == 2
    assert names(sent) == ["b", "c"], "c again, behind b: the last message of a key is its newest"
    found = json.loads(sent[0].value)
    assert (found["verdict"], found["status"], found["reason"], found["check_id"]) == ("error", "errored", "refused", None)
    assert (found["table"], sent[0].key) == ("public.a", b"public.a")


def test_sending_that_fails_gives_everything_back(database: Database) -> None:
    results_out.begin(database)
    ended(database, "a", "b")

    def fail(messages: list[KafkaMessage]) -> Receipt:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        results_out.publish(database, "p", fail)
    assert results_out.publish(database, "q", taking([])) == 2


def test_a_message_that_the_broker_refuses_holds_up_no_other(database: Database) -> None:
    results_out.begin(database)
    ended(database, "a", "b")
    with pytest.raises(NotConfirmed):
        results_out.publish(database, "p", lambda messages: Receipt(frozenset({1}), (0,), "too large"))
    ended(database, "c")
    sent: list[KafkaMessage] = []
    assert results_out.publish(database, "p", taking(sent)) == 1
    assert names(sent) == ["c"]
    run(database, "update stringx.publications set lease_expires_at = now() - interval '1 s'")
    assert results_out.publish(database, "p", taking(sent)) == 1
    assert names(sent) == ["c", "a"], "later it is tried again"


def test_a_batch_is_bounded_by_bytes_as_well_as_by_number(database: Database) -> None:
    results_out.begin(database)
    many = [f"small-{number:03}" for number in range(250)]
    ended(database, *many, "large-1", "large-2", "large-3", "last")
    for name in ("large-1", "large-2", "large-3"):
        result = json.dumps({"request_id": name, "rules": [], "reason": "x" * 700_000})  # compressed, it is small
        run(database, RESULT, id=name, check_id=new_id(), result=result)
    batches: list[list[str]] = []
    sent: list[KafkaMessage] = []
    while results_out.publish(database, "p", taking(sent)):
        batches.append(names(sent))
        sent.clear()
    assert [len(batch) for batch in batches] == [200, 52, 2]
    assert [name for batch in batches for name in batch] == [*many, "large-1", "large-2", "large-3", "last"]


def test_two_publishers_share_what_waits_and_no_transaction_is_open_meanwhile(database: Database) -> None:
    results_out.begin(database)
    ended(database, "a", "b")
    taken: list[KafkaMessage] = []

    def slow(messages: list[KafkaMessage]) -> Receipt:
        assert results_out.publish(database, "q", taking(taken)) == 0, "the other one has them"
        with database.statements() as cursor:
            [row] = cursor.all("select count(*) as n from pg_stat_activity where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()")  # fmt: skip
        assert row["n"] == 0
        return taking(taken)(messages)

    assert results_out.publish(database, "p", slow) == 2
    assert names(taken) == ["a", "b"]


def test_what_a_publisher_that_died_has_leased_is_sent_by_another(database: Database) -> None:
    results_out.begin(database)
    ended(database, "a")
    lease = {"worker": "dead", "lease_s": 1000, "limit": 10, "bytes": 1000}
    run(database, results_out.SQL["lease"], **lease)
    assert results_out.publish(database, "p", taking([])) == 0
    run(database, "update stringx.publications set lease_expires_at = now() - interval '1 s'")
    assert results_out.publish(database, "p", taking([])) == 1


def test_an_event_that_comes_again_while_its_result_is_sent_is_answered_after_it(database: Database) -> None:
    catalogue = Catalogue.load(ROOT / "stringx")
    results_out.begin(database)
    ended(database, "a")
    body = json.dumps({"event_id": "a", "target": "shop", "table": "public.a"}).encode()
    run(database, "update stringx.requests set body_hash = %(hash)s where request_id = 'a'", hash=digest(body))
    sent: list[KafkaMessage] = []

    def meanwhile(messages: list[KafkaMessage]) -> Receipt:
        assert requests_in.track_events(database, catalogue, [Event(body, "p")]) == [None]
        return taking(sent)(messages)

    assert results_out.publish(database, "p", meanwhile) == 1
    assert results_out.publish(database, "p", taking(sent)) == 1
    assert results_out.publish(database, "p", taking(sent)) == 0
    assert names(sent) == ["a", "a"]


def digest(body: bytes) -> bytes:
    return CheckRequest.model_validate({name: value for name, value in json.loads(body).items() if name != "event_id"}).digest()
