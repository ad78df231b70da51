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
