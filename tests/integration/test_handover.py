"""Messages on the short way, from the thread that has stored a result to one that posts it: none is lost, none goes twice."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.checks import claims, lifecycle
from api.delivery import handover as handing
from api.delivery import outbox as stored_messages
from api.delivery.batches import ResultDeliverer
from api.delivery.handover import Handover
from api.delivery.sender import Credentials
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.support.datasets import CATALOGUE, claimed, decided
from tests.support.deliveries import CREDENTIALS, SECRET, Backend, deliver, ended, outbox, served

OTHER = Credentials("another", "key", [SECRET])


@pytest.fixture
def backend(shop: Database, tmp_path: Path) -> Iterator[Backend]:
    with served(shop.url, tmp_path) as found:
        yield found


@pytest.fixture
def handover() -> Handover:
    return Handover(lambda: None)


@pytest.fixture
def deliverer(shop: Database, handover: Handover) -> ResultDeliverer:
    return ResultDeliverer(shop, CREDENTIALS, handover)


@pytest.fixture
def another(shop: Database) -> ResultDeliverer:
    return ResultDeliverer(shop, OTHER, Handover(lambda: None))


def results(database: Database) -> int:
    with database.transaction() as cursor:
        return cursor.run("select from stringx.results")


def test_what_is_handed_over_is_nobody_elses_and_is_posted_once(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover
) -> None:
    ended(shop, backend.url, handover=handover, table="public.a")
    (message,) = outbox(shop)
    assert (message["worker"], message["attempts"]) == (CREDENTIALS.worker, 1)
    assert deliver(another) == []
    assert deliver(deliverer) == [1]
    assert deliver(deliverer) == deliver(another) == []
    (message,) = outbox(shop)
    assert (message["delivered"], message["worker"], message["attempts"]) == (True, None, 1)
    assert results(shop) == len(backend.paths) == 1


def test_several_go_in_one_post_once_the_receiver_says_that_it_takes_it(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, handover: Handover
) -> None:
    for number in range(5):
        ended(shop, backend.url, handover=handover, table=f"public.{'ab'[number % 2]}")
    assert deliver(deliverer) == [1, 4]
    assert backend.paths[1:] == ["/api/v1/results"]
    assert results(shop) == 5


def test_what_is_due_and_what_is_handed_over_go_in_turn(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, handover: Handover
) -> None:
    due = [ended(shop, backend.url, table="public.a").request_id for _ in range(2)]
    handed = [ended(shop, backend.url, handover=handover, table="public.a").request_id for _ in range(2)]
    deliverer._takers.note = lambda *_: None  # type: ignore[method-assign]  # one by one
    assert deliver(deliverer) == [1] * 4
    assert [path.split("/")[-2] for path in backend.paths] == [handed[0], due[0], handed[1], due[1]]


def test_a_message_that_is_not_taken_waits_in_the_outbox_as_any_other(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover
) -> None:
    backend.faults.append("503 Service Unavailable")
    ended(shop, backend.url, handover=handover, table="public.a")
    assert deliver(deliverer) == [1]
    (message,) = outbox(shop)
    assert (message["waits"], message["worker"], message["attempts"]) == (True, None, 1)
    with shop.transaction() as cursor:
        cursor.run("update dataops.outbox set next_attempt_at = clock_timestamp()")
    assert deliver(another) == [1]
    assert outbox(shop)[0]["attempts"] == 2
    assert results(shop) == 1


def test_of_a_process_that_has_ended_another_one_posts_it_when_the_lease_is_over(
    shop: Database, backend: Backend, another: ResultDeliverer, handover: Handover
) -> None:
    ended(shop, backend.url, handover=handover, table="public.a")
    with shop.transaction() as cursor:
        cursor.run(
            "update dataops.outbox set lease_expires_at = lease_expires_at - make_interval(secs => %(s)s)", {"s": handing.LEASE_S}
        )
    assert deliver(another) == [1]
    assert results(shop) == 1


def test_a_process_that_stops_hands_nothing_over_and_releases_the_rest(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover
) -> None:
    ended(shop, backend.url, handover=handover, table="public.a")
    handover.close()
    ended(shop, backend.url, handover=handover, table="public.b")
    assert [message["worker"] for message in outbox(shop)] == [CREDENTIALS.worker, None]
    stored_messages.release(shop, handover.rest(), CREDENTIALS.worker)
    assert [(message["worker"], message["attempts"]) for message in outbox(shop)] == [(None, 0)] * 2
    deliver(another)
    assert results(shop) == 2
    assert deliver(deliverer) == []


def test_threads_that_are_late_leave_messages_to_all(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(handing, "_PATIENCE_S", 0.0)
    ended(shop, backend.url, handover=handover, table="public.a")
    ended(shop, backend.url, handover=handover, table="public.a")
    assert [message["worker"] for message in outbox(shop)] == [CREDENTIALS.worker, None], "no more while one waits for long"
    monkeypatch.setattr(handing, "_OVERDUE_S", 0.0)
    time.sleep(0.001)
    assert deliverer.claim() is not None
    assert handover.take({}, 1) == []
    assert sorted(str(message["worker"]) for message in outbox(shop)) == ["None", CREDENTIALS.worker]


def test_no_more_than_so_many_are_on_their_way(shop: Database, handover: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "_MOST", 2)
    for _ in range(3):
        ended(shop, handover=handover, table="public.a")
    assert [message["worker"] for message in outbox(shop)] == [CREDENTIALS.worker] * 2 + [None]


def test_checks_that_share_a_run_are_all_told(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover
) -> None:
    asked = CheckRequest.model_validate({"target": "shop", "table": "public.a"})
    for _ in range(2):
        lifecycle.accept(shop, CATALOGUE, asked, 1000)
    check = claimed(shop)
    assert claims.finish(shop, check, decided(shop, check, a=0, b=0), backend.url, handover)
    assert [message["worker"] for message in outbox(shop)].count(CREDENTIALS.worker) == 1
    assert deliver(another) == [1]
    assert deliver(deliverer) == [1]
    assert results(shop) == 2


def test_a_lost_claim_hands_nothing_over(shop: Database, handover: Handover) -> None:
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), 1000)
    check = claimed(shop)
    assert claims.hand_back(shop, check, why="it was tried")
    end = decided(shop, check, a=0, b=0)
    assert not claims.finish(shop, check, end, "http://backend", handover)
    assert claims.finish_several(shop, [(check, end)], "http://backend", handover) == set()
    assert not handover.waits
    assert outbox(shop) == []


def test_two_threads_never_take_the_same(shop: Database, backend: Backend, handover: Handover) -> None:
    for number in range(30):
        ended(shop, backend.url, handover=handover, table=f"public.{'ab'[number % 2]}")
    deliverers = [ResultDeliverer(Database(shop.url, size=2), CREDENTIALS, handover) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        sizes = [size for found in pool.map(deliver, deliverers) for size in found]
    for each in deliverers:
        each._database.close()
    assert sum(sizes) == 30
    assert all(message["delivered"] and message["attempts"] == 1 for message in outbox(shop))
    assert results(shop) == 30
