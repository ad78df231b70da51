"""Events of gates as they are told: their shape, their way to Kafka, and the list of them."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest

from backend.events import listing
from backend.kafka import gates_out, results_out
from backend.kafka.messages import KafkaMessage, Receipt
from backend.kafka.publishing import NotConfirmed
from backend.notifications import content
from backend.notifications.senders.cloud_events import event_of
from backend.notifications.senders.orders import Order
from database.keys import Caller, asking
from database.pool import Database
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.events import GateChanged, gate_changed, is_gate_change
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import check_now, now


def events(shop: Database) -> list[dict[str, Any]]:
    with shop.transaction() as cursor:
        return [
            gate_changed(row, "https://dq.example.org")
            for row in cursor.all("select * from stringx.told_events order by event_id")
        ]


def kept(shop: Database) -> list[int]:
    with shop.transaction() as cursor:
        return [row["event_id"] for row in cursor.all("select event_id from stringx.gate_publications order by event_id")]


def test_a_gate_that_closes_is_an_event_with_its_rules_and_one_that_opens_again_is_the_next(shop: Database) -> None:
    failed = check_now(shop, {"a": 3}, table="public.a")
    passed = check_now(shop, {"a": 0}, table="public.a")
    closed, opened = (GateChanged.model_validate(event) for event in events(shop))
    assert (closed.subject, closed.source, closed.type) == ("shop/public.a", "https://dq.example.org", "stringx.gate-changed")
    data = closed.data
    assert (data.table, data.dataset, data.gate, data.gate_before, data.verdict) == ("public.a", None, "closed", None, "fail")
    assert [(rule.id, rule.table, rule.status, rule.failures, rule.total) for rule in data.rules] == [
        ("a", "public.a", "fail", 3, 10)
    ]
    assert (data.check_id, data.request_id, data.snapshot_at) == (failed.check_id, failed.request_id, failed.snapshot_at)
    assert (opened.data.gate, opened.data.gate_before, opened.data.check_id) == ("open", "closed", passed.check_id)
    assert data.incident_id == opened.data.incident_id is not None
    assert closed.id != opened.id
    assert "dataset" not in events(shop)[0]["data"]


def test_events_are_kept_for_kafka_from_the_first_start_of_a_trigger_on_and_only_of_gates_that_changed(shop: Database) -> None:
    check_now(shop, {"a": 3}, table="public.a")
    assert kept(shop) == []
    results_out.begin(shop)
    check_now(shop, {"a": 0}, table="public.a")
    check_now(shop, {"a": 0}, table="public.a")
    assert len(kept(shop)) == 1


FLIP = """
insert into stringx.events (kinds, subject_kind, target, name, at, gate, gate_before, reasons)
values ('{closed}', 'table', 'shop', %(name)s, clock_timestamp(), 'closed', 'open', '{a reason}')
"""


def flip(shop: Database, *tables: str) -> None:
    """Gates that close, in this order, one transaction each."""
    results_out.begin(shop)
    for each in tables:
        with shop.transaction() as cursor:
            cursor.run(FLIP, {"name": each})


def taking(taken: list[KafkaMessage]) -> Callable[[Sequence[KafkaMessage]], Receipt]:
    """A broker that confirms everything."""

    def send(messages: Sequence[KafkaMessage]) -> Receipt:
        taken.extend(messages)
        return Receipt(frozenset(range(len(messages))))

    return send


def keys(messages: Sequence[KafkaMessage]) -> list[str]:
    return [(message.key or b"").decode() for message in messages]


def sent_next(shop: Database) -> list[str]:
    sent: list[KafkaMessage] = []
    gates_out.publish(shop, "p", None, taking(sent))
    return keys(sent)


def test_what_is_not_confirmed_is_sent_again_and_with_it_the_later_events_of_its_gate(shop: Database) -> None:
    flip(shop, "public.a", "public.b", "public.a", "public.b", "public.c")
    with pytest.raises(NotConfirmed, match="slow"):
        gates_out.publish(shop, "p", None, lambda messages: Receipt(frozenset({0, 2, 3, 4}), fault="slow"))
    sent: list[KafkaMessage] = []
    assert gates_out.publish(shop, "p", None, taking(sent)) == 2
    assert keys(sent) == ["shop/public.b"] * 2
    event = json.loads(sent[0].value or b"")
    assert (event["source"], event["data"]["gate"], event["data"]["table"]) == ("/stringx", "closed", "public.b")
    assert sent_next(shop) == []


def test_one_publisher_at_a_time_has_the_events_until_it_gives_them_back_or_its_lease_ends(shop: Database) -> None:
    flip(shop, "public.a")

    def die(messages: Sequence[KafkaMessage]) -> Receipt:
        assert gates_out.publish(shop, "another", None, taking([])) == 0
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gates_out.publish(shop, "p", None, die)
    with shop.transaction() as cursor:  # one that was killed
        cursor.run(
            "update stringx.gate_publisher set worker = 'killed', lease_expires_at = clock_timestamp() + interval '1 hour'"
        )
    assert sent_next(shop) == []
    with shop.transaction() as cursor:
        cursor.run("update stringx.gate_publisher set lease_expires_at = clock_timestamp() - interval '1 s'")
    assert sent_next(shop) == ["shop/public.a"]


def test_an_event_that_the_topic_refuses_delays_only_its_gate(shop: Database) -> None:
    flip(shop, "public.a", "public.b", "public.a")
    with pytest.raises(NotConfirmed):
        gates_out.publish(shop, "p", None, lambda messages: Receipt(frozenset({1, 2}), (0,), "too large"))
    flip(shop, "public.b")
    assert sent_next(shop) == ["shop/public.b"]
    with shop.transaction() as cursor:
        cursor.run("update stringx.gate_publications set postponed_until = clock_timestamp() - interval '1 s'")
    assert sent_next(shop) == ["shop/public.a"] * 2


def test_an_event_that_was_shortened_is_behind_later_ones_which_are_sent_again(shop: Database) -> None:
    flip(shop, "public.a", "public.a", "public.b")
    assert gates_out.publish(shop, "p", None, lambda messages: Receipt(frozenset({0, 1, 2}), shortened=frozenset({0}))) == 3
    assert sent_next(shop) == ["shop/public.a"]


def test_a_shortened_event_counts_the_rules_that_it_lacks() -> None:
    event = {"id": "1", "data": {"gate": "closed", "rules": [{"id": "a"}], "rules_more": 3, "reasons": ["r"], "tags": []}}
    short = gates_out.shortened(KafkaMessage(b"k", json.dumps(event).encode()))
    assert json.loads(short.value or b"")["data"] == {"gate": "closed", "rules": [], "rules_more": 4, "reasons": [], "tags": []}


def listed(shop: Database, after: str | None = None, **filters: Any) -> list[tuple[str, str]]:
    """(subject, gate) of a page."""
    found = listing.page(shop, {"from": None} | filters, after, None)["items"]
    return [(event["subject"], event["data"]["gate"]) for event in found]


def test_a_program_continues_after_the_last_event_that_it_has_seen(shop: Database) -> None:
    flip(shop, "public.a", "public.b", "public.c")
    newest_first = listing.page(shop, {}, None, None, Page(limit=2))
    assert [event["subject"] for event in newest_first["items"]] == ["shop/public.c", "shop/public.b"]
    rest = listing.page(shop, {}, None, None, Page(2, listing.PAGES.position(newest_first["next_cursor"] or "")))
    assert ([event["subject"] for event in rest["items"]], rest["next_cursor"]) == (["shop/public.a"], None)
    first = rest["items"][0]["id"]
    later = listing.page(shop, {}, first, None, Page(limit=1))
    assert [event["subject"] for event in later["items"]] == ["shop/public.b"]
    last = listing.page(shop, {}, first, None, Page(1, listing.PAGES.position(later["next_cursor"] or "")))
    assert ([event["subject"] for event in last["items"]], last["next_cursor"]) == (["shop/public.c"], None)
    assert listed(shop, last["items"][0]["id"]) == []
    with pytest.raises(Invalid) as refused:  # a cursor of the other direction
        listing.page(shop, {}, None, None, Page(1, listing.PAGES.position(later["next_cursor"] or "")))
    assert [each.pointer for each in refused.value.errors] == ["/query/cursor"]
    with pytest.raises(Invalid) as refused:
        listed(shop, new_id())
    assert [each.pointer for each in refused.value.errors] == ["/query/after"]


def test_an_event_is_listed_when_none_before_it_is_left_to_be_committed(shop: Database) -> None:
    """Otherwise a program that has seen the later one would never see the earlier one."""
    with shop.transaction() as slow:
        slow.run(FLIP, {"name": "public.a"})
        flip(shop, "public.b")
        assert listed(shop) == []
        with shop.transaction() as cursor:
            cursor.run("update stringx.events set recorded_at = recorded_at - interval '61 s' where name = 'public.b'")
        assert listed(shop) == [("shop/public.b", "closed")], "a minute later it is, whatever goes on on the same server"
    assert listed(shop) == [("shop/public.b", "closed"), ("shop/public.a", "closed")]


def test_filters_of_events_narrow_them(shop: Database) -> None:
    failed = check_now(shop, {"a": 3}, dataset="sales")
    check_now(shop, {"a": 0}, table="public.a")
    assert listed(shop, dataset="sales") == [("shop/sales", "closed")]
    assert listed(shop, table="public.a") == [("shop/public.a", "open"), ("shop/public.a", "closed")]
    assert listed(shop, table="public.a", gate="open") == [("shop/public.a", "open")]
    assert listed(shop, target="other") == listed(shop, owner="nobody") == []
    assert listed(shop, to=failed.snapshot_at) == []
    [of_dataset] = listing.page(shop, {"dataset": "sales"}, None, None)["items"]
    assert listed(shop, incident=of_dataset["data"]["incident_id"]) == [("shop/sales", "closed")]
    with asking(Caller("limited", frozenset({"read"}), frozenset({"other"}))):
        assert listed(shop) == []
        with pytest.raises(Invalid):
            listed(shop, of_dataset["id"])


def test_a_webhook_tells_of_a_gate_as_kafka_does(shop: Database) -> None:
    """The same event: whoever gets it twice, by both ways, knows by its id."""
    check_now(shop, {"a": 3}, table="public.a")
    check_now(shop, {"a": 0}, table="public.a")
    with shop.transaction() as cursor:
        ids = [row["event_id"] for row in cursor.all("select event_id from stringx.events order by event_id")]
        for event_id, expected in zip(ids, events(shop), strict=True):
            made = content.build(cursor, "change", now(shop), event_ids=[event_id])
            named = {"notification_id": new_id(), "channel": "c", "type": "webhook", "address": ""}
            told = event_of(Order(public_url="https://dq.example.org", content=made, **named))
            for each in (told, expected):
                each["data"].pop("reasons")  # a webhook has those of rules beside the rules, as their findings
            assert GateChanged.model_validate(told) == GateChanged.model_validate(expected)


def test_python_and_the_database_agree_on_what_a_change_of_a_gate_is(database: Database) -> None:
    kinds = [
        ["closed"],
        ["closed", "error"],
        ["opened"],
        ["opened", "warn"],
        ["warn"],
        ["error"],
        ["stale"],
        ["missed"],
        ["removed"],
    ]
    cases = list(product(kinds, (None, "open", "closed"), (None, "open", "closed")))
    statement = "select stringx.is_gate_change(%(kinds)s::text[], %(before)s, %(gate)s) as is_change"
    with database.transaction() as cursor:
        found = [cursor.one(statement, {"kinds": each, "before": before, "gate": gate}) for each, before, gate in cases]
    said = [is_gate_change(each, before, gate) for each, before, gate in cases]
    assert [row and row["is_change"] for row in found] == said
    assert 0 < sum(said) < len(said)
