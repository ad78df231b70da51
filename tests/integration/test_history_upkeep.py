"""What keeps the history true later: results of earlier releases, daily sums, partitions, retention."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from api.checks import claims
from backend.configuration import tables
from backend.history import recording, upkeep
from backend.insights import history
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import CATALOGUE, apply, ask, check_now, claimed, now, result, table
from tests.support.history import ALL, RULE, move, points, refreshed, states, taken_up
from tests.support.processes import eventually


def test_results_of_earlier_releases_are_taken_up(shop: Database) -> None:
    first, second = check_now(shop, {"a": 1}, table="public.a"), check_now(shop, dataset="sales")
    refreshed(shop)
    before = (points(shop), states(shop), history.checks_of_dataset(shop, "sales"))
    with shop.transaction() as cursor:
        for each in ("check_points", "rule_points", "subject_rules"):
            cursor.run(f"delete from stringx.{each}")
        cursor.run(
            "update stringx.states set gate = null, since = null, check_id = null, decided_at = null, recent = '{}', refresh_at = now()"
        )
        cursor.run("update stringx.results set has_points = false")
    taken_up(shop)
    refreshed(shop)
    after = (points(shop), states(shop), history.checks_of_dataset(shop, "sales"))
    assert after == before
    assert {point["check_id"] for point in after[0]} == {first.check_id, second.check_id}
    taken_up(shop)
    assert points(shop) == before[0], "once is enough"


def test_since_is_told_by_points_that_are_taken_up_later(shop: Database) -> None:
    """After an upgrade states are looked at before old results have points."""
    checks = [check_now(shop, {"a": failures}, table="public.a") for failures in (0, 1, 1)]
    with shop.transaction() as cursor:
        for each in ("check_points", "rule_points"):
            cursor.run(f"delete from stringx.{each}")
        cursor.run("update stringx.states set gate = null, since = null, check_id = null, decided_at = null, refresh_at = now()")
        cursor.run("update stringx.results set has_points = false")
    refreshed(shop)
    assert states(shop)["public.a"]["since"] == checks[2].as_json()["snapshot_at"], "as far as it is known"
    taken_up(shop)
    refreshed(shop)
    assert states(shop)["public.a"]["since"] == checks[1].as_json()["snapshot_at"]


def test_a_result_of_the_release_before_beside_this_one_is_taken_up(shop: Database) -> None:
    check_now(shop, table="public.a")
    ask(shop, table="public.a")
    check = claimed(shop)
    found = result(shop, check, a=1)
    assert claims.finish(shop, check, found, "http://backend")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "record", lambda *_, **__: None)
        tracking.store(shop, found.request_id, found)
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set has_points = false where check_id = %(id)s", {"id": found.check_id})
    assert states(shop)["public.a"]["state"] == "open"
    taken_up(shop)
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == "closed"


def test_a_late_result_of_a_day_whose_points_are_gone_changes_no_sum(shop: Database) -> None:
    check = check_now(shop, {"a": 4}, table="public.a")
    move(shop, check.check_id, days=90)
    with shop.transaction() as cursor:
        cursor.run("select stringx.make_partitions((now() - interval '90 days')::date)")
    upkeep.sum_days(shop)
    upkeep.keep_partitions(shop, 30)
    (day,) = history.days(shop, CATALOGUE, RULE, ALL)["items"]
    ask(shop, table="public.b")
    late = result(shop, claimed(shop)).as_json() | {"snapshot_at": (now(shop) - timedelta(days=90)).isoformat()}
    tracking.store(shop, late["request_id"], CheckResult.model_validate(late))
    upkeep.sum_days(shop)
    assert history.days(shop, CATALOGUE, RULE, ALL)["items"] == [day]


def test_days_are_summed_and_outlive_their_points(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "SUMMED_RULES", 1)
    check_now(shop, table="public.b")  # its rule has the first number
    checks = [check_now(shop, {"a": failures}, table="public.a") for failures in (1, 4, 2)]
    for check in checks[:2]:
        move(shop, check.check_id, days=3)

    def days() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = history.days(shop, CATALOGUE, RULE, ALL)["items"]
        return found

    unsummed = days()
    assert [(day["last"], day["min"], day["max"], day["counts"]["fail"]) for day in unsummed] == [
        (0.2, 0.2, 0.2, 1),
        (0.4, 0.1, 0.4, 2),
    ]
    upkeep.sum_days(shop)
    assert days() == unsummed, "the sums say the same as the points"
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.rule_points where at < now() - interval '1 day'")
    assert days() == unsummed
    cursor_of_days = history.days(shop, CATALOGUE, RULE, ALL, Page(1))["next_cursor"]
    with pytest.raises(Invalid):
        history.points(shop, CATALOGUE, RULE, ALL, Page(1, history.RULES.position(cursor_of_days)))


def test_a_day_with_a_late_result_is_summed_again(shop: Database) -> None:
    ask(shop, table="public.a")
    late = result(shop, claimed(shop), a=5)
    upkeep.sum_days(shop)
    moment = now(shop) - timedelta(days=3)
    body = late.as_json() | {"snapshot_at": moment.isoformat()}
    tracking.store(shop, late.request_id, CheckResult.model_validate(body))
    for _ in ("from its point", "summed"):
        (day,) = history.days(shop, CATALOGUE, RULE, ALL)["items"]
        assert (day["day"], day["last"]) == (moment.date().isoformat(), 0.5)
        upkeep.sum_days(shop)


def test_partitions_are_made_ahead_and_deleted_when_all_in_them_is_old(shop: Database) -> None:
    check = check_now(shop, table="public.a")
    move(shop, check.check_id, days=800)
    with shop.transaction() as cursor:
        cursor.run("select stringx.make_partitions((now() - interval '800 days')::date)")
    assert len(points(shop)) == 1, "it was moved out of the default partition"

    def partitions() -> set[str]:
        with shop.transaction() as cursor:
            return {row["name"] for row in cursor.all(upkeep.SQL["partitions"])}

    upkeep.keep_partitions(shop, 0)
    assert len(points(shop)) == 1, "0 keeps for ever"
    assert len(partitions()) == 2 + 2 * 3, "the rest, the old month, this one and the next"
    upkeep.keep_partitions(shop, 400)
    assert len(partitions()) == 2 + 2 * 2
    assert points(shop) == []


def is_waiting(shop: Database) -> bool:
    waiting = "select 1 from pg_catalog.pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with shop.transaction() as cursor:
        return cursor.one(waiting) is not None


def test_documents_and_results_wait_for_each_other_in_one_order_only(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of documents is written in parts, in its own order; a dataset's result locks all states of its tables."""
    monkeypatch.setattr(tables, "_AT_ONCE", 1)
    documents = [table("public.b", "b", owner="x"), table("public.a", "a", owner="x")]
    with ThreadPoolExecutor() as other, shop.transaction() as cursor:
        lock = "select name from stringx.states where name = %(name)s for update"
        cursor.run(lock, {"name": "public.a"})
        applied = other.submit(apply, shop, *documents)
        eventually(lambda: is_waiting(shop), within_s=30)
        for name in ("public.b", "sales"):
            cursor.run(lock, {"name": name})
        cursor.run("commit")
        assert {change["change"] for change in applied.result()["changes"]} == {"updated"}
    assert {item["owner"] for item in states(shop).values()} == {"x", ""}
