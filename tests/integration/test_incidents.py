"""Incidents and events of gates, as the internal database writes them: each flip once, whatever made it."""

from typing import Any

from database.pool import Database
from tests.support.datasets import check_now
from tests.support.incidents import events, incidents, reported

FAILED, PASSED = {"a": 3}, {"a": 0}


def checked(shop: Database, failures: dict[str, int], **asked: Any) -> str:
    return check_now(shop, failures, **({"table": "public.a"} | asked)).check_id


def test_a_flip_opens_an_incident_the_next_closes_it_and_nothing_between_tells_of_it_again(shop: Database) -> None:
    checked(shop, PASSED)
    assert events(shop) == [], "a first check that opens a gate is nothing to tell of"
    first = checked(shop, FAILED)
    checked(shop, FAILED)
    (opened,) = incidents(shop)
    assert (opened["kind"], opened["opened_by_check"], opened["closed_at"], opened["verdict"]) == ("closed", first, None, "fail")
    assert opened["rules"] == [
        {"id": "a", "table": "public.a", "status": "fail", "failures": 3, "total": 10, "measured": None}
    ]  # fmt: skip
    last = checked(shop, PASSED)
    checked(shop, PASSED)
    (closed,) = incidents(shop)
    assert (closed["closed_by_check"], closed["closed_because"]) == (last, "check")
    assert closed["closed_at"] > closed["opened_at"]
    told = [(event["kinds"], event["gate_before"], event["gate"], event["check_id"]) for event in events(shop)]
    assert told == [(["closed"], "open", "closed", first), (["opened"], "closed", "open", last)]
    assert {event["incident_id"] for event in events(shop)} == {closed["incident_id"]}


def test_a_first_check_that_closes_is_a_flip_and_one_that_warns_is_told_of_without_one(shop: Database) -> None:
    checked(shop, FAILED)
    (event,) = events(shop)
    assert (event["kinds"], event["gate_before"]) == (["closed"], None)
    reported(shop, "warn", table="public.b")
    reported(shop, "warn", table="public.b")
    (warned,) = [event for event in events(shop) if event["name"] == "public.b"]
    assert (warned["kinds"], warned["gate"], warned["incident_id"]) == (["warn"], "open", None)
