"""The gates of a dataset and of the tables in it, and what the docs portal shows of them."""

import pytest

from api.checks import claims, lifecycle
from backend.gates.gate import of_dataset as gate_of_dataset
from backend.requests import tracking
from database.pool import Database
from portal import state
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import NotFound
from tests.support.datasets import CATALOGUE, TABLES, apply, ask, check_now, claimed, dataset, end, gate, result, table


def test_a_gate_is_decided_by_the_newest_snapshot_of_the_table_or_of_a_dataset_that_holds_it(shop: Database) -> None:
    assert gate_of_dataset(shop, "sales").reasons == ["never checked: ask for a check first"]
    alone = check_now(shop, {"a": 1}, table="public.a")
    assert (gate(shop, "public.a").gate, gate(shop, "public.a").check_id) == ("closed", alone.check_id)
    together = check_now(shop, {"b": 2}, dataset="sales")
    a, b = gate(shop, "public.a"), gate(shop, "public.b")
    assert (a.gate, a.verdict, a.check_id, a.reasons) == ("open", "pass", together.check_id, [])
    assert (b.gate, b.reasons) == ("closed", ["verdict fail", "b: 2 of 10 rows (20.00%) have no b; fails above 0"])
    whole = gate_of_dataset(shop, "sales")
    assert (whole.gate, whole.verdict, whole.rules_hash) == ("closed", "fail", together.rules_hash)
    assert whole.reasons == ["verdict fail", "public.b: b: 2 of 10 rows (20.00%) have no b; fails above 0"]
    assert {"dataset": "sales"}.items() <= whole.as_json().items()
    later = check_now(shop, {"a": 3}, table="public.a")
    assert gate(shop, "public.a").check_id == later.check_id
    assert gate_of_dataset(shop, "sales").check_id == together.check_id, "a table alone decides no dataset"
    check_now(shop, dataset="sales")
    assert [gate(shop, name).gate for name in ("public.a", "public.b")] == ["open", "open"]
    assert gate_of_dataset(shop, "sales").gate == "open"
    assert gate(shop, "public.c").reasons[0] == "no active rule: nothing says that the table may be used"


def test_an_older_result_that_arrives_later_decides_nothing(shop: Database) -> None:
    ask(shop, dataset="sales", request_id="old")
    check = claimed(shop)
    old = result(shop, check, a=1)
    assert claims.finish(shop, check, old, "http://backend")
    new = check_now(shop, table="public.a")
    tracking.store(shop, "old", old)
    tracking.store(shop, "old", old)
    assert gate(shop, "public.a").check_id == new.check_id
    assert gate(shop, "public.b").check_id == old.check_id


def test_an_unfinished_dataset_closes_the_gates_of_its_tables(shop: Database) -> None:
    check_now(shop, dataset="sales")
    asked = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "next"})
    tracking.accept(shop, CATALOGUE, asked, "http", "s")
    pending = ["a newer request is not finished: next"]
    assert [gate(shop, name).reasons for name in ("public.a", "public.b")] == [pending, pending]
    assert gate_of_dataset(shop, "sales").reasons == pending
    narrowed = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "part", "rule_ids": ["a"]})
    end(shop, lifecycle.accept(shop, CATALOGUE, asked, 100) and claimed(shop))
    tracking.accept(shop, CATALOGUE, narrowed, "http", "s")
    assert gate(shop, "public.a").gate == "open"
    alone = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "alone"})
    tracking.accept(shop, CATALOGUE, alone, "http", "s")
    assert gate(shop, "public.a").gate == "closed"
    assert gate_of_dataset(shop, "sales").gate == "open"


def test_changed_rules_or_tables_close_the_gate_of_the_dataset(shop: Database) -> None:
    changed = ["the rules have changed since the last check: ask for a new one"]
    check_now(shop, dataset="sales")
    apply(shop, table("public.a", "a", description="words"), dataset(description="words"))
    assert gate_of_dataset(shop, "sales").gate == "open", "words are no change"
    apply(shop, table("public.a", "a", "b"))
    assert gate_of_dataset(shop, "sales").reasons == changed
    assert (gate(shop, "public.a").reasons, gate(shop, "public.b").reasons) == (changed, [])
    check_now(shop, dataset="sales")
    assert gate_of_dataset(shop, "sales").gate == "open"
    apply(shop, dataset(tables=["public.a", "public.b"]))
    assert gate_of_dataset(shop, "sales").reasons == changed
    check_now(shop, dataset="sales")
    apply(shop, dataset(tables=["public.a", "public.b"], gate={"max_age": "1ms"}))
    assert gate_of_dataset(shop, "sales").reasons == ["the last check is older than max_age (1ms): ask for a new one"]
    assert gate(shop, "public.a").gate == "open", "a table keeps its own settings"
    apply(shop, table("public.a"), table("public.b"))
    assert "no active rule: nothing says that the dataset may be used" in gate_of_dataset(shop, "sales").reasons


def test_the_gate_for_the_very_load_of_a_request(shop: Database) -> None:
    check_now(shop, {"b": 1}, dataset="sales", request_id="load", window={"column": "d", "from": "2026-01-01"})
    assert gate(shop, "public.a", request_id="load").gate == "open"
    assert gate(shop, "public.b", request_id="load").reasons[0] == "verdict fail"
    assert gate(shop, "public.c", request_id="load").reasons == ["request load left public.c out: none of its rules was in scope"]
    assert gate_of_dataset(shop, "sales", request_id="load").verdict == "fail"
    check_now(shop, table="public.a", request_id="alone")
    with pytest.raises(NotFound, match="there is no request alone of dataset sales"):
        gate_of_dataset(shop, "sales", request_id="alone")
    apply(shop, table("public.other", "a"))
    with pytest.raises(NotFound, match=r"there is no request load of table public\.other"):
        gate(shop, "public.other", request_id="load")
    waiting = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "next"})
    tracking.accept(shop, CATALOGUE, waiting, "http", "s")
    for view in (gate(shop, "public.a", request_id="next"), gate_of_dataset(shop, "sales", request_id="next")):
        assert (view.gate, view.reasons) == ("closed", ["request next is queued"])
    with pytest.raises(NotFound, match="there is no dataset nowhere"):
        gate_of_dataset(shop, "nowhere")


def test_the_portal_shows_the_last_verdict_of_a_table_or_of_a_dataset_that_held_it(shop: Database) -> None:
    def shown() -> dict[str, tuple[str | None, list[str]]]:
        found = state.read(shop, "shop", TABLES)
        assert found is not None
        return {each.document.table: (each.verdict, [rule["status"] for rule in each.findings]) for each in found.tables}

    before = state.fingerprint(shop, "shop", TABLES)
    check_now(shop, {"b": 2}, dataset="sales")
    assert shown() == {"public.a": ("pass", []), "public.b": ("fail", ["fail"]), "public.c": (None, [])}
    after = state.fingerprint(shop, "shop", TABLES)
    assert after != before
    check_now(shop, {"b": 2, "a": 1}, dataset="sales", rule_ids=["a"])
    assert state.fingerprint(shop, "shop", TABLES) == after, "a narrowed check changes nothing"
    check_now(shop, {"a": 1}, table="public.a")
    assert shown()["public.a"] == ("fail", ["fail"])
    check_now(shop, dataset="sales")
    assert shown()["public.a"] == ("pass", [])
