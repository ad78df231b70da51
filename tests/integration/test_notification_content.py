"""What messages about gates say: read from real events and incidents."""

from typing import Any

from backend.notifications import content
from database.pool import Database
from stringx_dataops.contract.messages.notifications import NotificationContent
from tests.support.datasets import apply, check_now, now, table


def built(shop: Database, **wanted: Any) -> NotificationContent:
    """A message about all events of these kinds."""
    with shop.transaction() as cursor:
        kinds = wanted.pop("kinds", None)
        if kinds is not None:
            sql = "select event_id from stringx.events where kinds && %(kinds)s::text[]"
            wanted["event_ids"] = [row["event_id"] for row in cursor.all(sql, {"kinds": kinds})]
        return content.build(cursor, wanted.pop("kind", "change"), now(shop), **wanted)


def test_a_closed_gate_is_told_with_its_rules_their_numbers_and_who_owns_it(shop: Database) -> None:
    rules = [
        {"id": "a", "type": "not_null", "column": "a", "message": "{failures} of {total} ({ratio}) lack a", "owner": "loaders"}
    ]
    apply(shop, table("public.a", rules=rules, owner="data", tags=["core"], runbook="https://wiki.test/a"))
    check_now(shop, {"a": 0}, table="public.a")
    failed = check_now(shop, {"a": 3}, table="public.a")
    message = built(shop, kinds=["closed"])
    assert (message.kind, message.counts, message.also, message.more) == ("change", {"closed": 1}, [], 0)
    (told,) = message.items
    assert (told.what, told.target, told.table, told.dataset, told.gate, told.gate_before, told.verdict) == (
        "closed", "shop", "public.a", None, "closed", "open", "fail",
    )  # fmt: skip
    assert (told.owner, told.tags, told.runbook, told.check_id) == ("data", ["core"], "https://wiki.test/a", failed.check_id)
    assert told.incident_id is not None
    assert told.opened_at == told.since
    assert told.reasons == ["verdict fail"], "what a rule found stands with the rule"
    (rule,) = told.rules
    assert (rule.id, rule.failures, rule.finding, rule.owner, rule.before) == ("a", 3, "3 of 10 (30.00%) lack a", "loaders", None)


def test_a_rule_is_held_against_the_check_closest_to_a_day_before(shop: Database) -> None:
    for hours, failures in ((200, 7), (30, 1), (23, 2), (10, 4)):
        check_now(shop, {"a": failures}, table="public.a")
        with shop.transaction() as cursor:
            cursor.run("update stringx.rule_points set at = at - make_interval(hours => %(hours)s) where failures = %(failures)s",
                       {"hours": hours, "failures": failures})  # fmt: skip
    check_now(shop, {"a": 3}, table="public.a")
    with shop.transaction() as cursor:
        incident = cursor.one("select incident_id::text from stringx.incidents where closed_at is null")
    assert incident is not None
    message = built(shop, kind="repeat", incident_ids=[incident["incident_id"]])
    (told,) = message.items
    assert (message.kind, told.what, told.kinds, told.gate) == ("repeat", "still_closed", [], "closed")
    (rule,) = told.rules
    assert rule.failures == 3, "as the last check found it, not as it was when the incident began"
    assert rule.before is not None
    assert (rule.before.failures, rule.before.status) == (2, "fail")


def test_incidents_that_are_over_are_not_told_as_lasting(shop: Database) -> None:
    check_now(shop, {"a": 3}, table="public.a")
    with shop.transaction() as cursor:
        ids = [row["incident_id"] for row in cursor.all("select incident_id::text from stringx.incidents")]
    check_now(shop, {"a": 0}, table="public.a")
    message = built(shop, kind="repeat", incident_ids=ids)
    assert (message.items, message.counts) == ([], {})
    message = built(shop, kinds=["opened"])
    (told,) = message.items
    assert (told.what, told.ended_because, told.rules) == ("opened", "check", [])
    assert told.opened_at is not None
    assert told.opened_at < told.since


def test_of_several_events_of_a_table_the_last_is_told(shop: Database) -> None:
    for failures in (3, 0, 4):
        check_now(shop, {"a": failures}, table="public.a")
    message = built(shop, kinds=["closed", "opened"])
    assert [(told.what, told.rules[0].failures) for told in message.items] == [("closed", 4)]


def test_a_dataset_and_its_tables_are_one_message_the_worst_first(shop: Database) -> None:
    check_now(shop, {"a": 3, "b": 2}, dataset="sales")
    message = built(shop, kinds=["closed"], cause="dataset sales")
    assert (message.cause, message.counts) == ("dataset sales", {"closed": 3})
    named = {told.name: told for told in message.items}
    assert {(rule.table, rule.id) for rule in named["sales"].rules} == {("public.a", "a"), ("public.b", "b")}
    assert named["sales"].is_dataset
    assert [rule.id for rule in named["public.b"].rules] == ["b"]


def test_a_message_is_bounded_whatever_has_happened(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run(
            """insert into stringx.events (kinds, subject_kind, target, name, at, gate, gate_before)
            select case when n % 3 = 0 then '{warn}' else '{closed}' end::text[], 'table', 'shop', 'public.t' || n, clock_timestamp(), 'closed', 'open'
            from generate_series(1, 600) n"""
        )
    message = built(shop, kinds=["closed", "warn"])
    assert message.counts == {"closed": 400, "warn": 200}
    assert (len(message.items), len(message.also), message.more) == (10, 200, 390)
    assert {told.what for told in [*message.items, *message.also]} == {"closed"}
