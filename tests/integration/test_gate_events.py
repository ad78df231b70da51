"""Events of gates as they are told: their shape, and which of them are kept for Kafka."""

from typing import Any

from backend.kafka import results_out
from database.pool import Database
from stringx_dataops.contract.messages.events import GateChanged, gate_changed
from tests.support.datasets import check_now


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
