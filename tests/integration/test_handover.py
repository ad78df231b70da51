"""Messages on the short way, from the thread that has stored a result to one that posts it: none is lost, none goes twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.checks import claims, lifecycle
from api.delivery import handover as handing
from api.delivery import outbox as stored_messages
from api.delivery.batches import ResultDeliverer
from api.delivery.handover import CLOSED, Handover
from api.delivery.sender import Credentials
from api.notifications import CHANNEL
from api.worker.worker import Worker
from database.loops import Loop
from database.notifications import Listener
from database.pool import Cursor, Database
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import StringXError, Unavailable
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import CATALOGUE, claimed, decided
from tests.support.deliveries import CREDENTIALS, SECRET, Backend, deliver, ended, outbox, served
from tests.support.processes import eventually

OTHER = Credentials("another", "key", [SECRET])


@pytest.fixture
def backend(shop: Database, tmp_path: Path) -> Iterator[Backend]:
    with served(shop.url, tmp_path) as found:
        yield found


@pytest.fixture
def handover(monkeypatch: pytest.MonkeyPatch) -> Handover:
    """One whose messages wait for as long as a slow machine takes."""
    for name in ("_PATIENCE_S", "_OVERDUE_S"):
        monkeypatch.setattr(handing, name, 600.0)
    return Handover(lambda: None)


@pytest.fixture
def deliverer(shop: Database, handover: Handover) -> ResultDeliverer:
    return ResultDeliverer(shop, CREDENTIALS, handover)


@pytest.fixture
def another(shop: Database) -> ResultDeliverer:
    return ResultDeliverer(shop, OTHER, CLOSED)


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


def test_a_worker_posts_what_it_hands_over_and_releases_the_rest_when_it_ends(
    shop: Database, backend: Backend, another: ResultDeliverer, tmp_path: Path
) -> None:
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": shop.url, "BACKEND_URL": backend.url})
    listener = Listener(shop, CHANNEL)
    worker = Worker(settings, shop, CATALOGUE, listener, CREDENTIALS.worker, CREDENTIALS)
    deliver_loop = Loop("deliver", worker.deliver(), stop=worker.stop)
    deliver_loop.start()
    ended(shop, backend.url, handover=worker.handover, table="public.a")
    eventually(lambda: results(shop) == 1, 120, "the post")
    worker.begin_to_stop()
    deliver_loop.join(120)
    worker.handover._is_open = True
    ended(shop, backend.url, handover=worker.handover, table="public.b")
    worker.begin_to_stop()
    worker.end()
    assert [message["worker"] for message in outbox(shop)] == [None, None]
    ended(shop, backend.url, handover=worker.handover, table="public.a")
    assert not worker.handover.waits
    deliver(another)
    assert results(shop) == 3


def test_messages_for_which_no_thread_has_time_are_left_to_all(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, another: ResultDeliverer, handover: Handover,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(handing, "_PATIENCE_S", 0.0)
    ended(shop, backend.url, handover=handover, table="public.a")
    ended(shop, backend.url, handover=handover, table="public.b")
    assert [message["worker"] for message in outbox(shop)] == [CREDENTIALS.worker, None], "no more while one waits for long"
    assert handover.overdue() == []
    monkeypatch.setattr(handing, "_OVERDUE_S", -600.0)
    assert handover.take({}, 1) == []
    stored_messages.release(shop, handover.overdue(), CREDENTIALS.worker)
    assert not handover.waits
    assert [(message["worker"], message["attempts"]) for message in outbox(shop)] == [(None, 0)] * 2
    deliver(another)
    assert results(shop) == 2


def test_a_message_that_another_thread_has_claimed_meanwhile_is_not_released(
    shop: Database, backend: Backend, deliverer: ResultDeliverer, handover: Handover
) -> None:
    ended(shop, backend.url, handover=handover, table="public.a")
    with shop.transaction() as cursor:
        cursor.run("update dataops.outbox set lease_expires_at = clock_timestamp()")
    (claimed_again,) = ResultDeliverer(shop, CREDENTIALS, CLOSED).claim() or []
    assert claimed_again.attempts == 2
    stored_messages.release(shop, handover.rest(), CREDENTIALS.worker)
    (message,) = outbox(shop)
    assert (message["worker"], message["attempts"]) == (CREDENTIALS.worker, 2)


class LosesAnswers(Database):
    """Commits, and never says so."""

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        with super().transaction() as cursor:
            yield cursor
        raise Unavailable("the connection was cut")


@pytest.mark.parametrize("number", [1, 2])
def test_a_commit_of_which_nobody_knows_delays_no_message(
    shop: Database, backend: Backend, another: ResultDeliverer, handover: Handover, number: int
) -> None:
    for place in range(number):
        lifecycle.accept(
            shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": f"public.{'abc'[place]}"}), 1000
        )
    ends = [(check, decided(shop, check, a=0, b=0)) for check in (claimed(shop) for _ in range(number))]
    losing = LosesAnswers(shop.url, size=1)
    if number == 1:
        with pytest.raises(Unavailable):
            claims.finish(losing, *ends[0], backend.url, handover)
    else:
        with pytest.raises(Unavailable):
            claims.finish_several(losing, ends, backend.url, handover)
    losing.close()
    assert claims.finish_several(shop, ends, backend.url, handover) == set(), "it was stored"
    assert not handover.waits
    assert [message["worker"] for message in outbox(shop)] == [CREDENTIALS.worker] * number
    stored_messages.release(shop, handover.overdue(), CREDENTIALS.worker)
    assert sum(deliver(another)) == number
    assert results(shop) == number


def test_a_failed_transaction_stores_no_message(shop: Database, handover: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), 1000)
    check = claimed(shop)
    end = decided(shop, check, a=0, b=0)
    with shop.transaction() as cursor:
        cursor.run("alter table dataops.outbox add constraint none check (attempts = 0)")
    with pytest.raises(StringXError):
        claims.finish(shop, check, end, "http://backend", handover)
    assert not handover.waits
    stored_messages.release(shop, handover.overdue(), CREDENTIALS.worker)
    assert outbox(shop) == []


def test_others_of_one_address_go_along_as_many_as_fit(shop: Database, handover: Handover) -> None:
    for url in ("http://one", "http://two", "http://one", "http://one"):
        ended(shop, url, handover=handover, table="public.a")
    size = max(len(message.body) for _, message in handover._waiting)
    assert [message.origin for message in handover.take({"http://one": 9}, round(2.5 * size))] == ["http://one"] * 2
    assert [message.origin for message in handover.take({"http://one": 9}, 9 * size)] == ["http://two"]
    assert [message.origin for message in handover.take({"http://one": 9}, 9 * size)] == ["http://one"]


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
    assert all(message["worker"] == CREDENTIALS.worker for message in outbox(shop))
    deliverers = [ResultDeliverer(Database(shop.url, size=2), CREDENTIALS, handover) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        sizes = [size for found in pool.map(deliver, deliverers) for size in found]
    for each in deliverers:
        each._database.close()
    assert sum(sizes) == 30
    assert all(message["delivered"] and message["attempts"] == 1 for message in outbox(shop))
    assert results(shop) == 30
