"""Requests that wait for DataOps go together where it takes that, each accepted and refused by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from api.app import create_app
from backend.insights import requests as tracked_requests
from backend.requests import tracking
from backend.requests.dispatch import Dispatcher
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.support.datasets import CATALOGUE, apply, table
from tests.support.deliveries import Backend, served

BATCH = "/api/v1/quality-checks/batch"


@pytest.fixture
def dataops(shop: Database, tmp_path: Path) -> Iterator[Backend]:
    with served(shop.url, tmp_path, create_app, QUEUE_LIMIT="6") as found:
        yield found


@pytest.fixture
def dispatcher(shop: Database, dataops: Backend) -> Dispatcher:
    return Dispatcher(shop, dataops.url, "key", "b")


def waiting(database: Database, *names: str, **asked: Any) -> list[str]:
    """Requests that nobody has sent yet, the first due first."""
    for name in names:
        request = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": name} | asked)
        tracking.accept(database, CATALOGUE, request, "http", "another", f"key of {name}")
    with database.transaction() as cursor:
        cursor.run(
            "update stringx.requests set lease_expires_at = null, next_send_at = clock_timestamp() - interval '1 second'"
            " + make_interval(secs => n * 0.001) from unnest(%(names)s) with ordinality u (id, n) where request_id = u.id",
            {"names": list(names)},
        )
    return list(names)


def send(dispatcher: Dispatcher) -> None:
    while dispatcher.send_next():
        continue


def queued(database: Database) -> dict[str, str]:
    with database.transaction() as cursor:
        return {
            row["request_id"]: row["requested_by"] for row in cursor.all("select request_id, requested_by from dataops.checks")
        }


def unsent(database: Database) -> dict[str, str | None]:
    with database.transaction() as cursor:
        rows = cursor.all("select request_id, send_error from stringx.requests where sent_at is null")
        return {row["request_id"]: row["send_error"] for row in rows}


def test_what_waits_together_goes_together_for_whom_it_was_asked(
    shop: Database, dataops: Backend, dispatcher: Dispatcher
) -> None:
    names = waiting(shop, "r1", "r2", "r3", "r4")
    with shop.transaction() as cursor:
        cursor.run(
            "update stringx.requests set traceparent = %(trace)s where request_id = 'r3'",
            {"trace": f"00-{'a' * 32}-{'b' * 16}-01"},
        )
    send(dispatcher)
    assert dataops.paths == ["/api/v1/quality-checks", BATCH]
    assert queued(shop) == {name: f"key of {name}" for name in names}
    assert unsent(shop) == {}
    with shop.transaction() as cursor:
        rows = cursor.all(
            "select q.request_id, q.check_id = c.check_id as is_same, q.worker, c.traceparent from stringx.requests q"
            " join dataops.checks c using (request_id) order by 1"
        )
    assert all(row["is_same"] and row["worker"] is None for row in rows)
    assert [row["traceparent"] is not None for row in rows] == [False, False, True, False]


def test_each_is_accepted_refused_or_postponed_by_its_own_answer(
    shop: Database, dataops: Backend, dispatcher: Dispatcher
) -> None:
    apply(shop, table("public.gone", "a"))
    waiting(shop, "r1", "used", "r2")
    waiting(shop, "gone", table="public.gone")
    more = waiting(shop, "r3", "r4", "r5", "r6", "r7")
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.tables where table_name = 'public.gone'")
    body = {"target": "shop", "table": "public.b", "request_id": "used"}
    headers = {"Authorization": "Bearer key"}
    assert requests.post(f"{dataops.url}/api/v1/quality-checks", json=body, headers=headers, timeout=30).status_code == 202
    send(dispatcher)
    assert dataops.paths == ["/api/v1/quality-checks"] * 2 + [BATCH]
    for name, reason in {"used": "was used with another body", "gone": "public.gone"}.items():
        found = tracked_requests.find(shop, name)
        assert found.status == "errored"
        assert reason in str(found.reason)
    assert set(queued(shop)) == {"used", "r1", "r2", *more[:3]}, "the queue takes six"
    assert {name: str(error)[:10] for name, error in unsent(shop).items()} == {"r6": "status 429", "r7": "status 429"}


def test_one_that_cannot_be_read_touches_no_other_and_is_sent_again(
    shop: Database, dataops: Backend, dispatcher: Dispatcher
) -> None:
    apply(shop, table("public.odd", "a"))
    waiting(shop, "r1", "r2")
    waiting(shop, "odd", table="public.odd")
    waiting(shop, "r3")
    with shop.transaction() as cursor:  # as another release has stored it
        cursor.run("update stringx.tables set document = document || '{\"new\": true}' where table_name = 'public.odd'")
    send(dispatcher)
    assert dataops.paths == ["/api/v1/quality-checks", BATCH]
    assert set(queued(shop)) == {"r1", "r2", "r3"}
    assert {name: str(error)[:10] for name, error in unsent(shop).items()} == {"odd": "status 500"}


def test_a_dataops_that_does_not_take_a_batch_gets_single_posts(shop: Database, dataops: Backend, dispatcher: Dispatcher) -> None:
    waiting(shop, "r1", "r2", "r3")
    dataops.faults = ["", "404 Not Found"]
    send(dispatcher)
    assert dataops.paths == ["/api/v1/quality-checks", BATCH, *["/api/v1/quality-checks"] * 2]
    assert set(queued(shop)) == {"r1", "r2", "r3"}
    with shop.transaction() as cursor:
        assert cursor.one("select sum(send_attempts) as n from stringx.requests") == {"n": 0}, "none was tried in vain"
    waiting(shop, "r4", "r5")
    dataops.faults = ["503 Service Unavailable"]
    send(dispatcher)
    assert set(unsent(shop)) == {"r4"}
    assert "r5" in queued(shop)


def test_a_batch_whose_answer_is_lost_is_accepted_once(shop: Database, dataops: Backend, dispatcher: Dispatcher) -> None:
    waiting(shop, "r1", "r2", "r3")
    dataops.faults = ["", "lost"]
    send(dispatcher)
    assert sorted(queued(shop)) == ["r1", "r2", "r3"]
    assert unsent(shop) == {}


def test_a_batch_is_a_list_of_checks_with_ids_of_a_key_without_limits(shop: Database, dataops: Backend) -> None:
    def posted(body: Any, key: str = "key") -> requests.Response:
        return requests.post(f"{dataops.url}{BATCH}", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    for wrong in ({}, [], {"checks": []}, {"checks": [1]}, {"checks": [{"request": {"target": "shop", "table": "public.a"}}]}):
        assert posted(wrong).status_code == 422, wrong
    assert posted({"checks": [1]}, "other").status_code == 401
    trial = {
        "target": "shop",
        "request_id": "t",
        "document": {"apiVersion": "stringx/v1", "target": "shop", "table": "public.a", "rules": []},
    }
    elsewhere = {"target": "shop", "table": "public.a", "request_id": "c", "callback_url": "http://elsewhere"}
    answer = posted(
        {"checks": [{"request": trial}, {"request": elsewhere}, {"request": {"target": "x", "request_id": "n"}}]}
    ).json()
    assert [each["status"] for each in answer["answers"]] == [422, 422, 422]
    assert queued(shop) == {}
