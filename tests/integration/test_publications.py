"""Results on their way to Kafka: kept once a trigger has run, sent until they are confirmed, by one publisher at a time."""

import json
import threading

import pytest

from backend import intake, publications
from backend.intake import Event
from backend.publications import Message
from contract.catalogue import Catalogue
from contract.checks import CheckRequest
from contract.environment import ROOT
from contract.problems import Unavailable
from database.pool import Database

ASK = """
insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status)
values (%(id)s, 'http', 'shop', 'public.a', 'async', '{}', '', true, 'queued')
"""
END = "update stringx.requests set status = 'errored', verdict = 'error', reason = 'refused', finished_at = now() where request_id = %(id)s"


def run(database: Database, statement: str, **parameters: object) -> int:
    with database.transaction() as cursor:
        return cursor.run(statement, parameters)


def ended(database: Database, *ids: str) -> None:
    for one in ids:
        run(database, ASK, id=one)
        run(database, END, id=one)


def test_nothing_is_kept_before_the_first_trigger(database: Database) -> None:
    ended(database, "before")
    publications.begin(database)
    publications.begin(database)
    ended(database, "after")
    sent: list[Message] = []
    assert publications.publish(database, sent.extend) == 1
    assert [json.loads(message.value)["request_id"] for message in sent] == ["after"]
    assert publications.publish(database, sent.extend) == 0


def test_a_result_that_is_not_confirmed_is_sent_again(database: Database) -> None:
    publications.begin(database)
    ended(database, "a", "b")

    def fail(messages: list[Message]) -> None:
        raise Unavailable(f"{len(messages)} not confirmed")

    with pytest.raises(Unavailable, match="2 not confirmed"):
        publications.publish(database, fail)
    sent: list[Message] = []
    assert publications.publish(database, sent.extend) == 2
    found = json.loads(sent[0].value)
    assert (found["verdict"], found["status"], found["reason"], found["check_id"]) == ("error", "errored", "refused", None)
    assert (found["table"], sent[0].key) == ("public.a", b"public.a")


def test_two_publishers_share_what_waits(database: Database) -> None:
    publications.begin(database)
    ended(database, "a", "b")
    taken: list[Message] = []

    def slow(messages: list[Message]) -> None:
        taken.extend(messages)
        assert publications.publish(database, taken.extend) == 0, "the other one has them"

    assert publications.publish(database, slow) == 2
    assert len(taken) == 2


def test_an_event_that_comes_again_while_its_result_is_sent_is_answered_after_it(database: Database) -> None:
    catalogue = Catalogue.load(ROOT / "stringx")
    publications.begin(database)
    ended(database, "a")
    body = json.dumps({"event_id": "a", "target": "shop", "table": "public.a"}).encode()
    run(database, "update stringx.requests set body_hash = %(hash)s where request_id = 'a'", hash=digest(body))
    again = threading.Thread(target=lambda: intake.take(database, catalogue, [Event(body, "p")]))

    def meanwhile(messages: list[Message]) -> None:
        again.start()
        again.join(0.5)
        assert again.is_alive(), "it waits for the one that is under way"

    assert publications.publish(database, meanwhile) == 1
    again.join(10)
    assert publications.publish(database, lambda messages: None) == 1


def digest(body: bytes) -> bytes:
    return CheckRequest.model_validate({name: value for name, value in json.loads(body).items() if name != "event_id"}).digest()
