"""Gates that checks of a window decide, too: the gate itself, the states on the board, the history, retention."""

import random
from typing import Any

import pytest

from backend import retention
from backend.gates.gate import of_dataset as gate_of_dataset
from backend.insights import history
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.support.datasets import CATALOGUE, apply, check_now, dataset, gate, table
from tests.support.history import RULE, points, refreshed, states, taken_up

WINDOW = {"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
BY_WINDOW = {"decided_by": "window"}
SCOPES: dict[str, dict[str, Any]] = {
    "full": {}, "window": {"window": WINDOW}, "narrowed": {"rule_ids": ["a"]}, "narrowed window": {"window": WINDOW, "kinds": ["engineering"]},
}  # fmt: skip
SUBJECTS: list[dict[str, str]] = [{"table": "public.a"}, {"dataset": "sales"}]


def accept(shop: Database, **asked: Any) -> None:
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    tracking.accept(shop, CATALOGUE, request, "http", "s")


def test_a_check_of_a_window_decides_only_where_the_document_says_so(shop: Database) -> None:
    first = check_now(shop, {"a": 1}, table="public.a", window=WINDOW)
    assert gate(shop, "public.a").reasons == ["never checked: ask for a check first"]
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    assert (gate(shop, "public.a").check_id, gate(shop, "public.a").gate) == (first.check_id, "closed")
    second = check_now(shop, table="public.a", window=WINDOW)
    assert (gate(shop, "public.a").check_id, gate(shop, "public.a").gate) == (second.check_id, "open")
    for narrowed in ({"kinds": ["engineering"]}, {"dimensions": ["completeness"]}, {"rule_ids": ["a"]}):
        check_now(shop, {"a": 1}, table="public.a", window=WINDOW, **narrowed)
    assert gate(shop, "public.a").check_id == second.check_id
    full = check_now(shop, {"a": 1}, table="public.a")
    assert (gate(shop, "public.a").check_id, states(shop)["public.a"]["check_id"]) == (full.check_id, full.check_id)
    together = check_now(shop, dataset="sales", window=WINDOW)
    assert (gate(shop, "public.a").check_id, gate(shop, "public.a").gate) == (together.check_id, "open")
    assert gate(shop, "public.b").reasons == gate_of_dataset(shop, "sales").reasons == ["never checked: ask for a check first"]
    apply(shop, dataset(gate=BY_WINDOW))
    assert gate_of_dataset(shop, "sales").check_id == together.check_id
    refreshed(shop)
    assert states(shop, "dataset")["sales"]["state"] == "open"
    assert states(shop)["public.b"]["state"] == "never_checked"


def test_a_window_that_is_not_finished_closes_the_gate_that_it_will_decide(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    for name in ("public.a", "public.b"):
        check_now(shop, table=name)
    accept(shop, table="public.a", request_id="part", window=WINDOW, rule_ids=["a"])
    assert gate(shop, "public.a").gate == "open"
    assert not states(shop)["public.a"]["checking"]
    accept(shop, table="public.b", request_id="of b", window=WINDOW)
    accept(shop, dataset="sales", request_id="all", window=WINDOW)
    assert gate(shop, "public.a").reasons == ["a newer request is not finished: all"]
    accept(shop, table="public.a", request_id="next", window=WINDOW)
    assert gate(shop, "public.a").reasons == ["a newer request is not finished: next"]
    assert gate(shop, "public.a").pending
    assert [states(shop)[name]["checking"] for name in ("public.a", "public.b")] == [True, False]
    assert (gate(shop, "public.b").gate, states(shop, "dataset")["sales"]["checking"]) == ("open", False)
    apply(shop, dataset(gate=BY_WINDOW))
    assert states(shop, "dataset")["sales"]["checking"]


def test_a_window_opens_no_gate_while_a_check_of_other_rows_is_still_to_come(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    accept(shop, table="public.a", request_id="before")
    check_now(shop, table="public.a", window=WINDOW)
    assert gate(shop, "public.a").reasons == ["a newer request is not finished: before"]
    check_now(shop, table="public.a")
    assert gate(shop, "public.a").gate == "open", "a full check has looked at all rows that the other will look at"


def test_a_gate_that_windows_decide_no_longer_is_never_shown_as_open(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW), dataset(gate=BY_WINDOW))
    check_now(shop, dataset="sales", window=WINDOW)
    assert (states(shop)["public.a"]["state"], states(shop, "dataset")["sales"]["state"]) == ("open", "open")
    apply(shop, table("public.a", "a"), dataset())
    assert (gate(shop, "public.a").gate, gate_of_dataset(shop, "sales").gate) == ("closed", "closed")
    shown = "before anything has looked at it again"
    assert (states(shop)["public.a"]["state"], states(shop, "dataset")["sales"]["state"]) == ("stale", "stale"), shown
    refreshed(shop)
    assert (states(shop)["public.a"]["state"], states(shop)["public.a"]["recent"]) == ("never_checked", [])
    assert states(shop, "dataset")["sales"]["state"] == "never_checked"


@pytest.mark.parametrize("seed", range(4))
def test_gate_and_board_agree_with_the_rule_in_words(shop: Database, seed: int) -> None:
    """Any checks in any order, between any changes of `decided_by`: the newest that the rule names decides."""
    chance = random.Random(seed)
    by_window, done = False, []
    for _ in range(14):
        if chance.random() < 0.3:
            by_window = not by_window
            apply(shop, table("public.a", "a", gate=BY_WINDOW if by_window else {}))
        else:
            scope, subject, failures = chance.choice(list(SCOPES)), chance.choice(SUBJECTS), chance.choice([0, 1])
            done.append((scope, check_now(shop, {"a": failures}, **subject, **SCOPES[scope]), "fail" if failures else "pass"))
        deciding = [
            (check.check_id, verdict) for scope, check, verdict in done if scope in ("full", "window" if by_window else "full")
        ]
        refreshed(shop)
        found, state = gate(shop, "public.a"), states(shop)["public.a"]
        assert (found.check_id, found.verdict) == (deciding[-1] if deciding else (None, None))
        assert (state["check_id"], state["verdict"]) == (found.check_id, found.verdict)
        assert (state["gate"], state["recent"]) == (found.gate, [verdict for _, verdict in deciding])
        assert (found.gate == "open") == (bool(deciding) and deciding[-1][1] == "pass")


def test_a_table_that_windows_decide_has_points_of_windows(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    alone = check_now(shop, {"a": 1}, table="public.a", window=WINDOW)
    together = check_now(shop, {"b": 1}, dataset="sales", window=WINDOW)
    assert [point["check_id"] for point in points(shop)] == [together.check_id, alone.check_id]
    assert states(shop)["public.a"]["since"] == together.as_json()["snapshot_at"]
    check_now(shop, table="public.a", **SCOPES["narrowed window"])
    deciding = history.checks_of_table(shop, "shop", "public.a", deciding=True)["items"]
    assert [item["check_id"] for item in deciding] == [together.check_id, alone.check_id], "what the plot of trends shows"
    assert history.checks_of_table(shop, "shop", "public.b", deciding=True)["items"] == []
    assert len(points(shop)) == 3, "also of a window that leaves out rules"
    with shop.transaction() as cursor:
        assert cursor.all("select 1 from stringx.subject_rules where rule_id = 'b'") == [], "b is decided by full checks alone"


def test_a_window_that_another_release_stores_decides_at_once(shop: Database) -> None:
    """During an upgrade the release before stores results beside this one; it knows nothing of windows that decide."""
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    check_now(shop, table="public.a", window=WINDOW)
    failed = check_now(shop, {"a": 1}, dataset="sales", window=WINDOW)
    part = check_now(shop, dataset="sales", window=WINDOW, rule_ids=["a"])
    columns = (
        "check_id, request_id, target, dataset, is_full, status, verdict, rules_hash, snapshot_at, finished_at, result, summary"
    )
    of_tables = "check_id, target, table_name, is_full, status, verdict, rules_hash, snapshot_at, finished_at"
    with shop.transaction() as cursor:
        for check in (failed, part):
            cursor.run(f"create temp table r on commit drop as select * from stringx.results where check_id = '{check.check_id}'")
            cursor.run(
                f"create temp table d on commit drop as select * from stringx.dataset_results where check_id = '{check.check_id}'"
            )
            cursor.run(f"delete from stringx.results where check_id = '{check.check_id}'")
            cursor.run(f"insert into stringx.results ({columns}) select {columns} from r")
            cursor.run(f"insert into stringx.dataset_results ({of_tables}) select {of_tables} from d; drop table r, d")
    assert (gate(shop, "public.a").check_id, gate(shop, "public.a").gate) == (failed.check_id, "closed")


def test_windows_of_an_earlier_release_decide_when_they_are_taken_up(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    check = check_now(shop, table="public.a", window=WINDOW)
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set is_window = false, has_points = false")
        cursor.run("delete from stringx.rule_points; delete from stringx.check_points")
    assert gate(shop, "public.a").gate == "closed"
    taken_up(shop)
    assert gate(shop, "public.a").check_id == check.check_id
    assert [point["check_id"] for point in points(shop, RULE)] == [check.check_id]
    assert history.checks_of_table(shop, "shop", "public.a")["items"][0]["window"]["column"] == "at"


def test_retention_keeps_the_window_that_decides(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=BY_WINDOW))
    full = check_now(shop, table="public.a")
    old, last = (check_now(shop, table="public.a", window=WINDOW) for _ in range(2))
    other = check_now(shop, table="public.b", window=WINDOW)
    together = check_now(shop, dataset="sales", window=WINDOW, rule_ids=["a"])
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set finished_at = now() - interval '500 days'")
        cursor.run("update stringx.requests set finished_at = now() - interval '500 days'")
        cursor.run(retention.SQL["delete_results"], {"days": 400, "batch": 100})
        left = {str(row["check_id"]) for row in cursor.all("select check_id from stringx.results")}
    kept = "a window also of a table that full checks alone decide now, because its document may change"
    assert left == {full.check_id, last.check_id, other.check_id}, kept
    assert left.isdisjoint({old.check_id, together.check_id})
    newer = check_now(shop, dataset="sales", window=WINDOW)
    with shop.transaction() as cursor:
        cursor.run("update stringx.requests set finished_at = now() - interval '500 days'")
        cursor.run("update stringx.results set finished_at = now() - interval '500 days'")
        cursor.run(retention.SQL["delete_results"], {"days": 400, "batch": 100})
        left = {str(row["check_id"]) for row in cursor.all("select check_id from stringx.results")}
    assert left == {full.check_id, newer.check_id}, "it decides tables a and b, of the dataset with them"


def test_what_decides_a_gate_is_no_change_of_the_rules() -> None:
    plain, by_window = (TableDocument.model_validate(table("public.a", "a", gate=each)) for each in ({}, BY_WINDOW))
    assert rules_hash(plain, CATALOGUE) == rules_hash(by_window, CATALOGUE)
