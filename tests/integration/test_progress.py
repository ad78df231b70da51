"""How far an unfinished request is: its phase, its place in the queue, and how long it takes."""

from typing import Any

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from backend.insights import requests
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from tests.support.datasets import CATALOGUE, check_now, claimed, result


def track(database: Database, **asked: Any) -> dict[str, Any]:
    """A request that is not sent to DataOps yet: what would be sent."""
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    return tracking.accept(database, CATALOGUE, request, "http", "s").body


def ask(database: Database, **asked: Any) -> Check:
    """A request that DataOps has."""
    return lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(track(database, **asked)), 100).check


def seen(database: Database, request_id: str) -> tuple[str, int | None] | None:
    """Phase and position; None once it has ended."""
    view = requests.with_progress(database, requests.find(database, request_id))
    return (view.progress.phase, view.progress.position) if view.progress is not None else None


def test_a_request_is_queued_then_starts_reads_and_is_delivered(shop: Database) -> None:
    unsent = track(shop, table="public.a")
    assert seen(shop, unsent["request_id"]) == ("queued", None)
    first = lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(unsent), 100).check
    second, urgent = ask(shop, table="public.b"), ask(shop, dataset="sales", mode="sync")
    places = [seen(shop, each.request_id) for each in (urgent, first, second)]
    assert places == [("queued", 1), ("queued", 2), ("queued", 3)]
    lifecycle.cancel(shop, urgent.check_id, "http://backend")
    taken = claimed(shop)
    assert taken.check_id == first.check_id
    assert (seen(shop, first.request_id), seen(shop, second.request_id)) == (("starting", None), ("queued", 1))
    claims.mark_reached(shop, taken)
    assert seen(shop, first.request_id) == ("reading", None)
    found = result(shop, taken)
    assert claims.finish(shop, taken, found, "http://backend")
    assert seen(shop, first.request_id) == ("delivering", None)
    tracking.store(shop, first.request_id, CheckResult.model_validate(found.as_json()))
    assert seen(shop, first.request_id) is None
    assert "progress" not in requests.find(shop, first.request_id).as_json(with_samples=True)


def test_a_check_that_runs_again_is_not_reading_yet(shop: Database) -> None:
    check = ask(shop, table="public.a")
    taken = claimed(shop)
    claims.mark_reached(shop, taken)
    assert claims.hand_back(shop, taken, why="the worker stopped")
    assert seen(shop, check.request_id) == ("queued", 1)
    again = claimed(shop)
    assert seen(shop, check.request_id) == ("starting", None)
    claims.mark_reached(shop, taken)
    assert seen(shop, check.request_id) == ("starting", None), "the attempt before has nothing to say any more"
    claims.mark_reached(shop, again)
    assert seen(shop, check.request_id) == ("reading", None)


def test_a_check_that_shares_a_run_is_as_far_as_that_run(shop: Database) -> None:
    ask(shop, table="public.b")
    leader, follower = ask(shop, table="public.a"), ask(shop, table="public.a")
    assert follower.joined == leader.check_id
    assert seen(shop, follower.request_id) == ("queued", 2)
    claimed(shop)
    taken = claimed(shop)
    claims.mark_reached(shop, taken)
    assert seen(shop, follower.request_id) == ("reading", None)
    assert claims.finish(shop, taken, result(shop, taken), "http://backend")
    assert seen(shop, follower.request_id) == ("delivering", None)


def test_what_is_expected_is_the_median_of_the_last_ten_full_checks(shop: Database) -> None:
    def expected(**asked: Any) -> float | None:
        view = requests.with_progress(shop, requests.find(shop, track(shop, **asked)["request_id"]))
        assert view.progress is not None
        assert view.progress.elapsed_s >= 0
        return view.progress.expected_s

    assert expected(table="public.a") is None
    for _ in range(3):
        check_now(shop, table="public.b")
    check_now(shop, dataset="sales")
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set summary = '{\"duration_ms\": 1000}' where table_name = 'public.b'")
        cursor.run(
            "update stringx.results set summary = '{\"duration_ms\": 9000}' where check_id = (select max(check_id::text)::uuid"
            " from stringx.results where table_name = 'public.b')"
        )
        cursor.run("update stringx.results set summary = '{\"duration_ms\": 4000}' where dataset = 'sales'")
    assert (expected(table="public.b"), expected(dataset="sales"), expected(table="public.a")) == (1.0, 4.0, None)
