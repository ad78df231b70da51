"""Results in batches: stored as one by one, answered each by itself, and only for a receiver that takes them."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests

from api.delivery import batches as sending
from api.delivery.batches import ResultDeliverer
from api.delivery.handover import CLOSED
from backend.requests import batches, tracking
from backend.requests.batches import Posted
from database.pool import Database
from stringx_dataops.contract import signatures
from stringx_dataops.contract.messages.batches import HEADER
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.databases import Admin
from tests.support.deliveries import CREDENTIALS, SECRET, Backend, deliver, ended, left, outbox, served
from tests.support.receivers import http_receiver


@pytest.fixture
def backend(shop: Database, tmp_path: Path) -> Iterator[Backend]:
    with served(shop.url, tmp_path) as found:
        yield found


@pytest.fixture
def deliverer(shop: Database) -> ResultDeliverer:
    return ResultDeliverer(shop, CREDENTIALS, CLOSED)


def stored(database: Database) -> list[str]:
    with database.transaction() as cursor:
        return [
            row["id"] for row in cursor.all("select check_id::text as id from stringx.results order by received_at, check_id")
        ]


def take(database: Database, *results: CheckResult) -> list[int]:
    posted = [Posted(result.check_id, json.loads(json.dumps(result.as_json()))) for result in results]
    return [answer.status for answer in batches.take(database, posted)]


def test_together_they_leave_what_they_leave_one_by_one(shop: Database, admin: Admin) -> None:
    with shop.transaction() as cursor:
        cursor.run("insert into stringx.publishing default values")
    found = [
        ended(shop, table="public.a", failures=3),
        ended(shop, table="public.b"),
        ended(shop, table="public.a"),
        ended(shop, dataset="sales", failures=1),
        ended(shop, table="public.b", tracked=False),
        ended(shop, table="public.a", rule_ids=["a"]),
        ended(shop, dataset="sales"),
        ended(shop, table="public.b", failures=2),
    ]
    name = f"{shop.url.rsplit('/', 1)[1].split('?')[0]}_copy"
    shop.close()
    admin.copy(name.removesuffix("_copy"), name)
    together = Database(admin.url(name), size=2)
    try:
        for result in found:
            assert tracking.store(shop, result.request_id, result)
        batches.store_all(together, found)
        one_by_one = left(shop)
        assert left(together) == one_by_one
        assert all(one_by_one[of] for of in one_by_one if of != "trials"), "each table has rows to compare"
    finally:
        together.close()
        admin.run(f"drop database {name} with (force)")


def test_what_is_due_together_goes_together_once_the_receiver_says_that_it_takes_it(
    shop: Database, backend: Backend, deliverer: ResultDeliverer
) -> None:
    found = [ended(shop, backend.url, table=f"public.{'ab'[number % 2]}") for number in range(5)]
    assert deliver(deliverer) == [1, 4]
    assert [path.rsplit("/", 1)[1] for path in backend.paths] == ["results", "results"]
    assert backend.paths[1] == "/api/v1/results"
    assert sorted(stored(shop)) == sorted(result.check_id for result in found)
    assert all(message["delivered"] and message["attempts"] == 1 and message["worker"] is None for message in outbox(shop))
    with shop.transaction() as cursor:
        assert cursor.all("select outcome, deliveries from dataops.delivery_totals") == [
            {"outcome": "delivered", "deliveries": 5}
        ]
    ended(shop, backend.url, table="public.a")
    assert deliver(deliverer) == [1], "alone it goes alone"
    assert backend.paths[2] != "/api/v1/results"


def test_a_bad_result_touches_no_other(shop: Database, backend: Backend, deliverer: ResultDeliverer) -> None:
    first, good, bad, odd, other = (ended(shop, backend.url, table="public.a", failures=number) for number in range(5))
    with shop.transaction() as cursor:
        change = (
            "update dataops.outbox set body = jsonb_set(body::jsonb, %(path)s, %(value)s)::text where check_id = %(check_id)s"
        )
        cursor.run(change, {"path": "{table}", "value": '"public.b"', "check_id": bad.check_id})
        cursor.run(change, {"path": "{rules,0,status}", "value": '"perhaps"', "check_id": odd.check_id})
    assert deliver(deliverer) == [1, 4]
    assert sorted(stored(shop)) == sorted(result.check_id for result in (first, good, other))
    said = {message["check_id"]: message for message in outbox(shop)}
    assert "of another check than request" in said[bad.check_id]["last_error"]
    assert "/rules/0/status" in said[odd.check_id]["last_error"]
    for check in (bad.check_id, odd.check_id):
        assert not said[check]["delivered"]
        assert not said[check]["given_up"]
        assert said[check]["waits"]
        assert said[check]["attempts"] == 1


def test_a_batch_needs_a_signature_and_the_key_of_the_service(shop: Database, backend: Backend) -> None:
    result = ended(shop, table="public.a")
    body = json.dumps({"results": [{"id": "1", "result": result.as_json()}]})

    def posted(body: str = body, key: str = "key", **changes: str) -> int:
        headers = (
            signatures.sign([SECRET], "id", body)
            | {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            | changes
        )
        return requests.post(f"{backend.url}/api/v1/results", data=body.encode(), headers=headers, timeout=60).status_code

    assert posted(**{"webhook-signature": "v1,AAAA"}) == 401
    assert posted(key="other") == 401
    assert [posted(json.dumps(wrong)) for wrong in ({}, {"results": []}, {"results": [1]}, {"results": [{"id": 1}]}, [])] == [
        422
    ] * 5
    assert stored(shop) == []
    assert posted() == 200
    assert stored(shop) == [result.check_id]


def test_a_receiver_that_does_not_say_it_takes_batches_gets_single_posts(shop: Database, deliverer: ResultDeliverer) -> None:
    with http_receiver() as receiver:
        for _ in range(4):
            ended(shop, receiver.url, table="public.a")
        assert deliver(deliverer) == [1, 1, 1, 1]
        assert all(post.path.startswith("/api/v1/requests/") for post in receiver.posts)


def _says(body: bytes, takes: int = 32) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header(HEADER, str(takes))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_receiver_that_does_not_take_a_batch_gets_single_posts_for_a_while(shop: Database) -> None:
    odd = [(404, {}), (500, {}), (413, {}), (204, {}), _says(b"{}"), _says(b'{"answers": []}'), _says(b"no")]
    takes = {HEADER: "32"}
    for answer in odd:
        deliverer = ResultDeliverer(shop, CREDENTIALS, CLOSED)
        with http_receiver((204, takes), answer, *[(204, takes)] * 10) as receiver:
            for _ in range(3):
                ended(shop, receiver.url, table="public.a")
            assert deliver(deliverer) == [1, 2, 1, 1], answer
            assert [post.path == "/api/v1/results" for post in receiver.posts] == [False, True, False, False]
            ids = [post.headers["webhook-id"] for post in receiver.posts]
            assert {ids[0], *ids[2:]} == {message["message_id"] for message in outbox(shop)[-3:]}
    for _ in range(2):
        ended(shop, receiver.url, table="public.a")
    assert len(deliverer.claim() or ()) == 1, "whatever it says"
    assert all(message["delivered"] and message["attempts"] == 1 for message in outbox(shop)[:-2])


def test_while_a_receiver_is_away_each_message_waits_by_itself(shop: Database, deliverer: ResultDeliverer) -> None:
    with http_receiver((204, {HEADER: "32"}), (503, {"Retry-After": "60"})) as receiver:
        for _ in range(3):
            ended(shop, receiver.url, table="public.a")
        assert deliver(deliverer) == [1, 2]
    messages = [message for message in outbox(shop) if not message["delivered"]]
    assert [(message["attempts"], message["last_error"], message["waits"]) for message in messages] == [
        (1, "status 503", True)
    ] * 2


def test_each_of_a_batch_is_delivered_postponed_or_given_up_by_its_own_answer(shop: Database, deliverer: ResultDeliverer) -> None:
    own = [
        {"status": 204},
        {"status": 410},
        {"status": 503, "retry_after_s": 2},
        {"status": 422, "problem": {"detail": "no", "status": 422}},
    ]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        ids = [each["id"] for each in receiver.posts[-1].json["results"]]
        _says(json.dumps({"answers": [{"id": each} | said for each, said in zip(ids, own, strict=True)]}).encode())(handler)

    with http_receiver((204, {HEADER: "32"}), answer) as receiver:
        for _ in range(5):
            ended(shop, receiver.url, table="public.a")
        assert deliver(deliverer) == [1, 4]
        ids = [each["id"] for each in receiver.posts[-1].json["results"]]
    said = {message["message_id"]: message for message in outbox(shop)}
    found = [said[each] for each in ids]
    assert [(message["delivered"], message["given_up"]) for message in found] == [
        (True, False), (False, True), (False, False), (False, False),
    ]  # fmt: skip
    assert found[2]["waits"]
    assert found[3]["last_error"] == "status 422: no"


def test_a_batch_is_bounded_in_number_and_in_bytes(
    shop: Database, deliverer: ResultDeliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What alone is taken is refused in no batch: what is too long goes alone."""
    monkeypatch.setattr(sending, "MOST", 3)
    monkeypatch.setattr(sending, "MOST_BYTES", 30_000)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        post = receiver.posts[-1]
        taken = post.json["results"] if post.path == "/api/v1/results" else []
        _says(json.dumps({"answers": [{"id": each["id"], "status": 204} for each in taken]}).encode(), takes=1000)(handler)

    with http_receiver(*[answer] * 20) as receiver:
        for _ in range(11):
            ended(shop, receiver.url, table="public.a")
        with shop.transaction() as cursor:
            cursor.run(
                "update dataops.outbox o set body = jsonb_set(body::jsonb, '{reason}', to_jsonb(repeat('x', size)))::text from ("
                " select message_id, (array[1, 9000, 9000, 9000, 9000, 40000, 1, 1, 1, 1, 1])"
                "   [row_number() over (order by next_attempt_at)] as size from dataops.outbox) n where n.message_id = o.message_id"
            )
        assert deliver(deliverer) == [1, 2, 2, 1, 3, 2]
        assert max(len(post.body) for post in receiver.posts if post.path == "/api/v1/results") < 31_000


def test_a_batch_whose_answer_is_lost_is_stored_once(shop: Database, backend: Backend, deliverer: ResultDeliverer) -> None:
    found = [ended(shop, backend.url, table="public.a", failures=number) for number in range(4)]
    backend.faults = ["", "lost"]
    assert deliver(deliverer) == [1, 3, 1, 1, 1]
    once = left(shop)
    with shop.transaction() as cursor:  # as if its worker had been killed before it wrote down what was acknowledged
        cursor.run("update dataops.outbox set delivered_at = null, attempts = 0")
    assert deliver(ResultDeliverer(shop, CREDENTIALS, CLOSED)) == [1, 3]
    assert left(shop) == once
    assert len(stored(shop)) == len(found)


def test_batches_that_overlap_wait_for_each_other_and_store_each_once(shop: Database) -> None:
    rounds = [[ended(shop, table=f"public.{'ab'[n % 2]}", failures=n % 3) for n in range(6)] for _ in range(4)]
    rounds += [
        [
            ended(shop, table="public.a", tracked=False),
            ended(shop, dataset="sales", tracked=False, failures=1),
            ended(shop, table="public.b"),
        ]
    ]
    for found in rounds:
        gate = threading.Barrier(4)

        def store(order: list[CheckResult], gate: threading.Barrier = gate) -> list[int]:
            gate.wait()
            return take(shop, *order)

        with ThreadPoolExecutor(4) as pool:
            orders = [found, found[::-1], found[1:] + found[:1], found[:2]]
            assert all(status == 204 for statuses in pool.map(store, orders) for status in statuses)
    assert len(stored(shop)) == sum(len(found) for found in rounds)


def test_a_result_of_long_ago_and_one_that_is_sent_twice_go_apart(shop: Database) -> None:
    old, new = ended(shop, table="public.a"), ended(shop, table="public.b")
    moment = datetime.now(UTC) - timedelta(days=2)
    old = old.model_copy(update={"snapshot_at": moment, "finished_at": moment, "queued_at": moment, "started_at": moment})
    assert take(shop, old, new, new) == [204, 204, 204]
    assert sorted(stored(shop)) == sorted([old.check_id, new.check_id])
