"""Checks that are expected by a time of day: what does not come is an incident, until it comes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.checks import claims, lifecycle
from backend.requests import tracking
from backend.schedules import expecting
from database.pool import Database, Row
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.support.datasets import CATALOGUE, apply, check_now, claimed, dataset, decided, gate, now, table
from tests.support.history import refreshed
from tests.support.schedules import rows

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def expect(database: Database, name: str = "public.a", **changes: Any) -> datetime:
    """A check of the table is expected by the time that it was an hour ago; the first deadline is tomorrow."""
    last = (now(database) - timedelta(hours=1)).replace(second=0, microsecond=0)
    expected = {"time": f"{last:%H:%M}"} | changes
    apply(database, table(name, name.removeprefix("public."), expected_by=expected))
    expecting.look(database)
    return last + DAY


def events(database: Database) -> list[tuple[list[str], str | None, str | None]]:
    found = rows(database, "select * from stringx.events order by event_id")
    return [(each["kinds"], each["gate"], each["name"]) for each in found]


def incidents(database: Database) -> list[Row]:
    return rows(database, "select * from stringx.incidents order by opened_at, incident_id")


def test_a_check_that_does_not_come_is_an_incident_once_until_it_comes(shop: Database) -> None:
    check_now(shop, table="public.a")
    deadline = expect(shop) + DAY  # by the one before, the check of today has come
    expecting.look(shop, deadline)
    assert incidents(shop) == [], "a result may be on its way"
    expecting.look(shop, deadline + 2 * MINUTE)
    expecting.look(shop, deadline + DAY + 2 * MINUTE)
    (incident,) = incidents(shop)
    assert (incident["kind"], incident["opened_at"], incident["closed_at"]) == ("missed", deadline, None)
    assert incident["reasons"][0].startswith(f"no check came by {deadline:%Y-%m-%d %H:%M} (UTC); the last one ended ")
    assert gate(shop, "public.a").gate == "open", "it closes no gate"
    assert events(shop) == [(["missed"], "open", "public.a")]
    check_now(shop, table="public.a")
    assert incidents(shop)[0]["closed_because"] == "check"
    assert events(shop)[1:] == [(["opened"], "open", "public.a")]


def test_a_late_check_that_fails_goes_on_with_the_incident(shop: Database) -> None:
    deadline = expect(shop)
    expecting.look(shop, deadline + 2 * MINUTE)
    check_now(shop, {"a": 3}, table="public.a")
    (incident,) = incidents(shop)
    assert (incident["kind"], incident["closed_at"], incident["verdict"]) == ("missed", None, "fail")
    assert events(shop) == [(["missed"], None, "public.a"), (["closed"], "closed", "public.a")]
    assert [each["id"] for each in incident["rules"]] == ["a"]


def test_a_check_that_has_come_is_enough_until_the_deadline_after_the_next(shop: Database) -> None:
    deadline = expect(shop)
    check_now(shop, {"a": 3}, table="public.a")
    expecting.look(shop, deadline + 2 * MINUTE)
    assert [each[0] for each in events(shop)] == [["closed"]]
    expecting.look(shop, deadline + DAY + 2 * MINUTE)
    assert [each[0] for each in events(shop)] == [["closed"], ["missed"]]
    assert len(incidents(shop)) == 1, "the gate was closed already"


def test_a_result_that_waits_to_be_delivered_is_waited_for(shop: Database) -> None:
    deadline = expect(shop)
    request = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "late"})
    tracking.accept(shop, CATALOGUE, request, "http", "s")
    lifecycle.accept(shop, CATALOGUE, request, 100)
    expect(shop, "public.b")
    check = claimed(shop)
    done = decided(shop, check)
    assert claims.finish(shop, check, done, "http://backend")
    expecting.look(shop, deadline + 2 * MINUTE)
    assert incidents(shop) == [], "the Backend was down, and DataOps delivers it within minutes"
    with shop.transaction() as cursor:
        cursor.run("update dataops.outbox set given_up_at = clock_timestamp()")
    expecting.look(shop, deadline + 4 * MINUTE)
    assert {each["name"] for each in incidents(shop)} == {"public.a", "public.b"}
    tracking.store(shop, check.request_id, done.result)
    assert {each["closed_because"] for each in incidents(shop)} == {"check"}


@pytest.mark.parametrize("asked", [{"rule_ids": ["a"]}, {"window": {"column": "a", "from": "1"}}])
def test_a_check_that_decides_nothing_does_not_count(shop: Database, asked: dict[str, Any]) -> None:
    deadline = expect(shop)
    check_now(shop, table="public.a", **asked)
    expecting.look(shop, deadline + 2 * MINUTE)
    assert [each["kind"] for each in incidents(shop)] == ["missed"]


def test_a_deadline_before_the_expectation_is_none_and_changes_of_other_fields_move_nothing(shop: Database) -> None:
    deadline = expect(shop)
    expecting.look(shop, deadline - DAY + 30 * MINUTE)
    assert incidents(shop) == []
    (before,) = rows(shop, "select since, next_deadline_at from stringx.expectations")
    assert before["next_deadline_at"] == deadline
    apply(shop, table("public.a", "a", expected_by={"time": f"{deadline:%H:%M}"}, description="of orders"))
    assert rows(shop, "select since, next_deadline_at from stringx.expectations") == [before]


def test_what_is_no_longer_expected_is_over(shop: Database) -> None:
    deadline = expect(shop)
    expect(shop, "public.b")
    expecting.look(shop, deadline + 2 * MINUTE)
    apply(shop, table("public.a", "a"))
    expecting.look(shop, deadline + 3 * MINUTE)
    assert events(shop)[2:] == [(["removed"], None, "public.a")]
    by_name = {each["name"]: each["closed_because"] for each in incidents(shop)}
    assert by_name == {"public.a": "changed", "public.b": None}
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.datasets; delete from stringx.tables where table_name = 'public.b'")
    assert {each["closed_because"] for each in incidents(shop)} == {"changed", "deleted"}
    assert rows(shop, "select from stringx.expectations") == []


def test_defaults_and_datasets_expect_checks_too(shop: Database) -> None:
    defaults = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "timezone": "Asia/Kolkata"}
    apply(shop, defaults | {"expected_by": {"time": "06:30", "grace": "15m"}}, dataset(expected_by={"time": "07:00"}))
    refreshed(shop)
    day = (now(shop) + 2 * DAY).date()
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(expecting.look, shop, at) for at in (now(shop), noon, noon, noon)]:
            done.result()
    expecting.look(shop, noon)
    found = {each["name"]: f"{each['opened_at']:%H:%M}" for each in incidents(shop)}
    assert found == {"public.a": "01:15", "public.b": "01:15", "public.c": "01:15", "sales": "07:00"}
    assert len(events(shop)) == 4


def test_an_expectation_of_another_release_holds_up_no_other(shop: Database) -> None:
    deadline = expect(shop)
    with shop.transaction() as cursor:
        cursor.run(
            "insert into stringx.expectations (subject_kind, target, name, expected_by)"
            """ values ('table', 'shop', 'public.b', '{"time": "at dawn"}')"""
        )
    expecting.look(shop, deadline + 2 * MINUTE)
    assert [each["name"] for each in incidents(shop)] == ["public.a"]
