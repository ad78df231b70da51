"""Datasets in the internal database: their configuration, the claims of their checks, their results and decision."""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.checks import claims, lifecycle
from api.checks.claims import MAX_CRASHES
from api.checks.lifecycle import Check
from api.checks.lookup import find_subject
from api.delivery import outbox
from api.engine import outcome as engine_outcome
from api.engine.command import Answer, Executable
from api.worker.attempt import Attempt
from api.worker.execution import Executor
from api.worker.worker import Worker
from backend.configuration import datasets, store
from backend.gates import decision
from backend.requests import tracking
from database.keys import Caller
from database.migrate import migrate
from database.notifications import Listener
from database.pool import Database, json_value
from portal import state
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.pages import FIRST
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.problems import Conflict, Invalid, NotFound, PreconditionFailed
from stringx_dataops.contract.settings import ROOT, read_settings
from tests.support.databases import Admin, migrate_before

CATALOGUE = Catalogue.load(ROOT / "stringx")
ME = Caller("me", frozenset(SCOPES))
TABLES = ["public.a", "public.b", "public.c"]
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}


def table(name: str, *rules: str, **changes: Any) -> dict[str, Any]:
    written = [{"id": rule, "type": "not_null", "column": rule} for rule in rules]
    return {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": written} | changes


def dataset(name: str = "sales", tables: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    named = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": name, "target": "shop"}
    return named | {"tables": TABLES if tables is None else tables} | changes


def apply(database: Database, *documents: dict[str, Any], dry_run: bool = False) -> dict[str, Any]:
    return store.apply(database, CATALOGUE, ME, documents, dry_run)


@pytest.fixture
def shop(database: Database) -> Database:
    """Tables a and b with a rule each, c without one, and the dataset of all three."""
    apply(database, dataset(), TARGET, table("public.a", "a"), table("public.b", "b"), table("public.c"))
    return database


def faults(call: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        call()
    return [(error.pointer, error.message) for error in raised.value.errors]


# -- configuration


def test_a_stream_may_bring_a_dataset_before_its_tables_and_is_applied_as_a_whole(database: Database) -> None:
    stream = [dataset(), TARGET, *(table(name) for name in TABLES)]
    changes = apply(database, *stream, dry_run=True)["changes"]
    assert changes[-1] == {"kind": "Dataset", "name": "sales", "change": "created"}
    with pytest.raises(NotFound):
        datasets.find(database, "sales")
    apply(database, *stream)
    assert datasets.find(database, "sales").document["tables"] == TABLES
    assert {change["change"] for change in apply(database, *stream)["changes"]} == {"unchanged"}
    assert apply(database, dataset(owner="me"))["changes"] == [{"kind": "Dataset", "name": "sales", "change": "updated"}]
    assert [document.get("kind", "Table") for document in store.export(database)["items"]] == [
        "Target",
        "Table",
        "Table",
        "Table",
        "Dataset",
    ]
    assert faults(lambda: apply(database, table("public.new"), dataset("other", ["public.nowhere"]))) == [
        ("/1/tables/0", "public.nowhere is not configured on target shop; send its document first")
    ]
    with pytest.raises(NotFound):
        store.find_table(database, "shop", "public.new")
    assert faults(lambda: apply(database, dataset(), dataset())) == [("/1/name", "dataset sales stands twice in the stream")]
    assert [pointer for pointer, _ in faults(lambda: apply(database, {"kind": "Group"}, dataset("x", [])))] == [
        "/0/kind",
        "/1/tables",
    ]


def test_a_dataset_is_put_read_and_deleted_with_its_versions(shop: Database) -> None:
    def put(if_match: str | None = None, **changes: Any) -> Any:
        return datasets.put(shop, ME, "sales", {"target": "shop", "tables": TABLES} | changes, if_match)

    assert (put().version, put().created) == (1, False), "as it was"
    assert put('"1"', mode="sync").etag == '"2"'
    with pytest.raises(PreconditionFailed):
        put('"1"', mode="async")
    assert faults(lambda: put(name="other")) == [("/name", "is 'other', and the path says 'sales'")]
    assert faults(lambda: put(tables=["public.a", "public.x"])) == [
        ("/tables/1", "public.x is not configured on target shop; send its document first")
    ]
    assert faults(lambda: put(target="nowhere")) == [("/target", "there is no target nowhere; send it and its tables first")]
    datasets.delete(shop, ME, "sales", '"2"')
    with pytest.raises(NotFound, match="there is no dataset sales; send one: PUT /api/v1/datasets/sales"):
        datasets.find(shop, "sales")
    with pytest.raises(NotFound):
        datasets.delete(shop, ME, "sales", None)
    assert put().version == 4, "versions go on counting"
    found = datasets.versions(shop, "sales")
    assert [(item["version"], item["document"] is None) for item in found["items"]] == [
        (4, False),
        (3, True),
        (2, False),
        (1, False),
    ]
    with pytest.raises(NotFound):
        datasets.versions(shop, "never")


def test_what_a_dataset_names_cannot_be_deleted(shop: Database) -> None:
    with pytest.raises(Conflict, match=r"^table public\.a is part of dataset sales; take it out there first$"):
        store.delete_table(shop, ME, "shop", "public.a", None)
    with pytest.raises(Conflict):
        store.delete_target(shop, "shop", None)
    datasets.put(shop, ME, "sales", {"target": "shop", "tables": ["public.b"]}, None)
    store.delete_table(shop, ME, "shop", "public.a", None)
    datasets.delete(shop, ME, "sales", None)
    for name in ("public.b", "public.c"):
        store.delete_table(shop, ME, "shop", name, None)
    store.delete_target(shop, "shop", None)


# -- checks


def ask(database: Database, **asked: Any) -> Check:
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    return lifecycle.accept(database, CATALOGUE, request, 100).check


def claim(database: Database) -> Check | None:
    return claims.claim(database, "w")


def claimed(database: Database) -> Check:
    found = claim(database)
    assert found is not None
    return found


def now(database: Database) -> datetime:
    with database.transaction() as cursor:
        return lifecycle.now(cursor)


def lose(database: Database) -> None:
    """As if the workers of all running checks had died, and somebody had noticed."""
    with database.transaction() as cursor:
        cursor.run("update dataops.checks set lease_expires_at = now() - interval '1 second' where status = 'running'")
    claims.rescue(database, lease_s=0)


def result(database: Database, check: Check, **failures: int) -> CheckResult:
    """As if dbt had found so many failures in the tables' rules (0 where nothing is said), a snapshot a check."""
    subject = find_subject(database, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    moment = now(database)
    run = engine_outcome.Run(check, subject, tables, check.started_at or moment, moment, "dbt test")
    found = []
    for each in tables:
        rules = [rule_outcome(rule.id, failures.get(rule.id, 0)) for rule in each.rules]
        verdict = "fail" if any(rule["failures"] for rule in rules) else "pass"
        name = each.configured.document.table.removeprefix("public.")
        found.append(
            {
                "schema": "public",
                "name": name,
                "row_count": 10,
                "window_nulls": None,
                "verdict": verdict,
                "reason": None,
                "rules": rules,
            }
        )
    outcome = {"format": engine_outcome.FORMAT, "snapshot_at": moment.isoformat(), "tables": found}
    return engine_outcome.from_answer(run, Answer("id", "1", None, json.dumps(outcome)), CATALOGUE)


def rule_outcome(name: str, failures: int) -> dict[str, Any]:
    said = {"id": name, "status": "fail" if failures else "pass", "failures": failures, "total": 10, "measured": None}
    return said | {"verified_by": "scan", "reason": None, "sample": None}


def end(database: Database, check: Check, **failures: int) -> CheckResult:
    """Finish a claimed check on both sides: the queue, and the Backend that its result is posted to."""
    found = result(database, check, **failures)
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, check.request_id, CheckResult.model_validate(found.as_json()))
    return found


def test_a_dataset_is_accepted_with_its_own_settings(shop: Database) -> None:
    datasets.put(shop, ME, "sales", dataset(mode="sync", timeout="30s"), None)
    check = ask(shop, dataset="sales", request_id="r")
    assert (check.mode, check.timeout_s) == ("sync", 30)
    said = check.as_json()
    assert (said["dataset"], said["tables"], said["status"]) == ("sales", [], "queued")
    assert ask(shop, dataset="sales", request_id="r").check_id == check.check_id
    with pytest.raises(Conflict):
        ask(shop, table="public.a", request_id="r")
    with pytest.raises(NotFound, match="there is no dataset nowhere"):
        ask(shop, dataset="nowhere")
    assert faults(lambda: ask(shop, dataset="sales", target="other")) == [
        ("/target", "is 'other', and dataset sales is of target shop")
    ]
    assert [pointer for pointer, _ in faults(lambda: ask(shop, dataset="sales", rule_ids=["a", "nope"]))] == ["/rule_ids/1"]


def test_the_backend_refuses_the_same(shop: Database) -> None:
    def accept(**asked: Any) -> tracking.Tracked:
        return tracking.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop"} | asked), "http", "s")

    found = accept(dataset="sales", request_id="r")
    assert (found.view.as_json()["dataset"], found.body["dataset"], "table" in found.body) == ("sales", "sales", False)
    with pytest.raises(NotFound, match="there is no dataset nowhere; send one: PUT /api/v1/datasets/nowhere"):
        accept(dataset="nowhere")
    assert [pointer for pointer, _ in faults(lambda: accept(dataset="sales", target="other"))] == ["/target"]
    assert [pointer for pointer, _ in faults(lambda: accept(dataset="sales", rule_ids=["nope"]))] == ["/rule_ids/0"]
    assert [
        item["request_id"]
        for item in tracking.page(shop, dict.fromkeys(("table", "verdict", "status")) | {"dataset": "sales"}, FIRST)["items"]
    ] == ["r"]


def test_a_request_without_a_result_has_no_check_in_a_list(shop: Database) -> None:
    tracking.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), "http", "s")
    no_filter: dict[str, str | None] = dict.fromkeys(("table", "dataset", "verdict", "status"))
    for rules in (False, True):
        (item,) = tracking.page(shop, no_filter, FIRST, rules=rules)["items"]
        assert (item["status"], item["checks"]) == ("queued", [])


def test_a_dataset_runs_beside_no_check_of_one_of_its_tables(shop: Database) -> None:
    apply(shop, table("public.free", "a"), dataset("pair", ["public.b", "public.c"]), dataset("single", ["public.free"]))
    ask(shop, table="public.b")
    running = claimed(shop)
    for asked in ({"dataset": "sales"}, {"dataset": "pair"}):
        ask(shop, **asked)
    assert claim(shop) is None, "both hold public.b"
    ask(shop, table="public.free")
    assert claimed(shop).tables == ["public.free"]
    ask(shop, dataset="single")
    end(shop, running)
    held = claimed(shop)
    assert (held.request.dataset, held.tables) == ("sales", TABLES)
    assert claim(shop) is None, "the pair waits for the dataset that runs, the single one for its table"
    end(shop, held)
    assert claimed(shop).request.dataset == "pair"


def test_a_waiting_dataset_is_not_overtaken_for_ever(shop: Database) -> None:
    ask(shop, table="public.a")
    first = claimed(shop)
    ask(shop, dataset="sales")
    ask(shop, table="public.b")
    assert claim(shop) is None, "public.b is free, and the dataset has waited longer for it"
    ask(shop, table="public.b", mode="sync")
    urgent = claimed(shop)
    assert (urgent.mode, urgent.tables) == ("sync", ["public.b"]), "sync checks go first, also before a dataset"
    end(shop, first)
    assert claim(shop) is None
    end(shop, urgent)
    held = claimed(shop)
    assert held.request.dataset == "sales"
    end(shop, held)
    assert claimed(shop).tables == ["public.b"]


@pytest.mark.parametrize("held", [{"table": "public.b"}, {"dataset": "sales"}])
@pytest.mark.parametrize("urgent", [{"table": "public.b"}, {"dataset": "sales"}])
def test_a_check_whose_worker_died_is_claimed_again_before_what_came_later(
    shop: Database, held: dict[str, str], urgent: dict[str, str]
) -> None:
    ask(shop, **held)
    lost = claimed(shop)
    ask(shop, **urgent, mode="sync")
    assert claim(shop) is None
    lose(shop)
    again = claimed(shop)
    assert (again.check_id, again.attempt) == (lost.check_id, 2)
    assert claim(shop) is None
    end(shop, again)
    assert claimed(shop).mode == "sync"


def test_many_workers_never_share_a_table(shop: Database) -> None:
    apply(shop, TARGET | {"max_concurrent_checks": 50}, *(table(f"public.t{n}", "a") for n in range(6)))
    for n in range(6):
        apply(shop, dataset(f"d{n}", [f"public.t{n}", f"public.t{(n + 1) % 6}"]))
    for n in range(6):
        ask(shop, dataset=f"d{n}")
        ask(shop, table=f"public.t{n}")
    found: list[Check | None] = []
    threads = [threading.Thread(target=lambda: found.append(claim(shop))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [name for check in found if check is not None for name in check.tables]
    assert held
    assert len(held) == len(set(held))


def test_tables_that_have_changed_since_are_waited_for_in_their_own_lines(shop: Database, tmp_path: Path) -> None:
    ask(shop, dataset="sales")
    apply(shop, table("public.c", "c"), dataset("sales", ["public.b", "public.c"]))
    check = claimed(shop)
    assert check.tables == TABLES
    ask(shop, table="public.a")
    assert claim(shop) is None, "the dataset holds public.a as long as it has not looked"
    assert run_by_worker(shop, tmp_path, check) is None
    assert claimed(shop).tables == ["public.b", "public.c"], "it goes before what came after it"
    assert claimed(shop).tables == ["public.a"], "which is free again"


def test_a_dataset_that_was_deleted_is_still_claimed_and_has_nothing_to_run(shop: Database) -> None:
    ask(shop, dataset="sales")
    datasets.delete(shop, ME, "sales", None)
    check = claimed(shop)
    with pytest.raises(NotFound):
        find_subject(shop, check.request, check.tables)


# -- results


def test_a_result_tells_every_table_and_names_what_it_skipped(shop: Database) -> None:
    ask(shop, dataset="sales")
    found = end(shop, claimed(shop), b=4).as_json()
    assert [(each["table"], each["verdict"], each["row_count"]) for each in found["tables"]] == [
        ("public.a", "pass", 10),
        ("public.b", "fail", 10),
    ]
    assert (found["verdict"], found["row_count"], found["skipped"]) == ("fail", 20, ["public.c"])
    assert found["counts"] == {"pass": 1, "warn": 0, "fail": 1, "error": 0}
    assert found["scores"] == {"overall": 0.8, "completeness": 0.8}
    assert found["tables"][1]["scores"]["overall"] == 0.6
    assert found["tables"][1]["rules"][0]["message"] == "4 of 10 rows (40.00%) have no b; fails above 0"
    assert found["tables"][0]["rules_hash"] != found["tables"][1]["rules_hash"] != found["rules_hash"]


def test_only_the_tables_in_scope_are_run(shop: Database) -> None:
    ask(shop, dataset="sales", rule_ids=["b"])
    found = end(shop, claimed(shop))
    assert ([each.table for each in found.tables], found.skipped) == (["public.b"], ["public.a", "public.c"])
    assert gate(shop, "public.b").reasons == ["never checked: ask for a check first"], "a narrowed check decides no gate"


def test_a_run_without_an_answer_is_undecided_for_each_table(shop: Database) -> None:
    ask(shop, dataset="sales")
    check = claimed(shop)
    subject = find_subject(shop, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    moment = now(shop)
    run = engine_outcome.Run(check, subject, tables, moment, moment, "")
    for answer in (Answer(None, "", "boom", None), Answer(None, "", None, None, timed_out=True)):
        found = engine_outcome.from_answer(run, answer, CATALOGUE)
        assert found.verdict == "error"
        assert [(each.table, each.verdict, each.reason) for each in found.tables] == [
            ("public.a", "error", found.reason),
            ("public.b", "error", found.reason),
        ]
    assert claims.finish(shop, check, found, "http://backend")
    tracking.store(shop, check.request_id, found)
    for name in ("public.a", "public.b"):
        assert (gate(shop, name).verdict, gate(shop, name).reasons) == ("error", ["verdict error", found.reason])


def test_a_table_that_dbt_left_out_is_never_a_pass(shop: Database) -> None:
    ask(shop, dataset="sales")
    check = claimed(shop)
    subject = find_subject(shop, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    moment = now(shop)
    one = {
        "schema": "public",
        "name": "a",
        "row_count": 1,
        "window_nulls": None,
        "verdict": "pass",
        "reason": None,
        "rules": [rule_outcome("a", 0)],
    }
    outcome = {"format": engine_outcome.FORMAT, "snapshot_at": moment.isoformat(), "tables": [one]}
    answer = Answer("id", "1", None, json.dumps(outcome))
    found = engine_outcome.from_answer(engine_outcome.Run(check, subject, tables, moment, moment, ""), answer, CATALOGUE)
    assert (found.verdict, [each.verdict for each in found.tables], found.row_count) == ("error", ["pass", "error"], None)


# -- gates


def gate(database: Database, name: str, **asked: Any) -> GateView:
    return decision.decide(database, "shop", name, **asked)


def check_now(database: Database, failures: dict[str, int] | None = None, **asked: Any) -> CheckResult:
    """A request through both services, to its end."""
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    accepted = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100)
    return end(database, claimed(database), **(failures or {}))


def test_a_gate_is_decided_by_the_newest_snapshot_of_the_table_or_of_a_dataset_that_holds_it(shop: Database) -> None:
    assert decision.decide_dataset(shop, "sales").reasons == ["never checked: ask for a check first"]
    alone = check_now(shop, {"a": 1}, table="public.a")
    assert (gate(shop, "public.a").gate, gate(shop, "public.a").check_id) == ("closed", alone.check_id)
    together = check_now(shop, {"b": 2}, dataset="sales")
    a, b = gate(shop, "public.a"), gate(shop, "public.b")
    assert (a.gate, a.verdict, a.check_id, a.reasons) == ("open", "pass", together.check_id, [])
    assert (b.gate, b.reasons) == ("closed", ["verdict fail", "b: 2 of 10 rows (20.00%) have no b; fails above 0"])
    whole = decision.decide_dataset(shop, "sales")
    assert (whole.gate, whole.verdict, whole.rules_hash) == ("closed", "fail", together.rules_hash)
    assert whole.reasons == ["verdict fail", "public.b: b: 2 of 10 rows (20.00%) have no b; fails above 0"]
    assert {"dataset": "sales"}.items() <= whole.as_json().items()
    later = check_now(shop, {"a": 3}, table="public.a")
    assert gate(shop, "public.a").check_id == later.check_id
    assert decision.decide_dataset(shop, "sales").check_id == together.check_id, "a table alone decides no dataset"
    check_now(shop, dataset="sales")
    assert [gate(shop, name).gate for name in ("public.a", "public.b")] == ["open", "open"]
    assert decision.decide_dataset(shop, "sales").gate == "open"
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
    assert decision.decide_dataset(shop, "sales").reasons == pending
    narrowed = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "part", "rule_ids": ["a"]})
    end(shop, lifecycle.accept(shop, CATALOGUE, asked, 100) and claimed(shop))
    tracking.accept(shop, CATALOGUE, narrowed, "http", "s")
    assert gate(shop, "public.a").gate == "open"
    alone = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "alone"})
    tracking.accept(shop, CATALOGUE, alone, "http", "s")
    assert gate(shop, "public.a").gate == "closed"
    assert decision.decide_dataset(shop, "sales").gate == "open"


def test_changed_rules_or_tables_close_the_gate_of_the_dataset(shop: Database) -> None:
    changed = ["the rules have changed since the last check: ask for a new one"]
    check_now(shop, dataset="sales")
    apply(shop, table("public.a", "a", description="words"), dataset(description="words"))
    assert decision.decide_dataset(shop, "sales").gate == "open", "words are no change"
    apply(shop, table("public.a", "a", "b"))
    assert decision.decide_dataset(shop, "sales").reasons == changed
    assert (gate(shop, "public.a").reasons, gate(shop, "public.b").reasons) == (changed, [])
    check_now(shop, dataset="sales")
    assert decision.decide_dataset(shop, "sales").gate == "open"
    apply(shop, dataset(tables=["public.a", "public.b"]))
    assert decision.decide_dataset(shop, "sales").reasons == changed
    check_now(shop, dataset="sales")
    apply(shop, dataset(tables=["public.a", "public.b"], gate={"max_age": "1ms"}))
    assert decision.decide_dataset(shop, "sales").reasons == ["the last check is older than max_age (1ms): ask for a new one"]
    assert gate(shop, "public.a").gate == "open", "a table keeps its own settings"
    apply(shop, table("public.a"), table("public.b"))
    assert "no active rule: nothing says that the dataset may be used" in decision.decide_dataset(shop, "sales").reasons


def test_the_gate_for_the_very_load_of_a_request(shop: Database) -> None:
    check_now(shop, {"b": 1}, dataset="sales", request_id="load", window={"column": "d", "from": "2026-01-01"})
    assert gate(shop, "public.a", request_id="load").gate == "open"
    assert gate(shop, "public.b", request_id="load").reasons[0] == "verdict fail"
    assert gate(shop, "public.c", request_id="load").reasons == ["request load left public.c out: none of its rules was in scope"]
    assert decision.decide_dataset(shop, "sales", request_id="load").verdict == "fail"
    check_now(shop, table="public.a", request_id="alone")
    with pytest.raises(NotFound, match="there is no request alone of dataset sales"):
        decision.decide_dataset(shop, "sales", request_id="alone")
    apply(shop, table("public.other", "a"))
    with pytest.raises(NotFound, match=r"there is no request load of table public\.other"):
        gate(shop, "public.other", request_id="load")
    waiting = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "next"})
    tracking.accept(shop, CATALOGUE, waiting, "http", "s")
    for view in (gate(shop, "public.a", request_id="next"), decision.decide_dataset(shop, "sales", request_id="next")):
        assert (view.gate, view.reasons) == ("closed", ["request next is queued"])
    with pytest.raises(NotFound, match="there is no dataset nowhere"):
        decision.decide_dataset(shop, "nowhere")


# -- the docs portal


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


# -- a worker, and the migration


def run_by_worker(database: Database, home: Path, check: Check) -> dict[str, Any] | None:
    """What a worker makes of a claimed check that needs no dbt; None where it hands it back."""
    settings = read_settings({"STRINGX_HOME": str(home)})
    worker = Worker(
        settings, database, CATALOGUE, Listener(database, lifecycle.CHANNEL), "w", outbox.Credentials("w", "key", ["secret"])
    )
    runner = Executable(worker.project)
    executor = Executor(settings, database, CATALOGUE, worker.project, runner, home)
    attempt = worker.attempts[check.check_id] = Attempt(check)
    worker._serve(executor, attempt)
    return lifecycle.find(database, check.check_id).result


def test_where_nothing_is_left_to_run_the_check_is_errored(shop: Database, tmp_path: Path) -> None:
    ask(shop, dataset="sales")
    apply(shop, table("public.a"), table("public.b"))
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"], found["tables"], found["skipped"]) == ("errored", "error", [], TABLES)
    assert found["reason"] == "no_rules: no active rule was left in scope when the check started"


def change_stored(database: Database, name: str, **changes: Any) -> None:
    """As another release has stored it."""
    with database.transaction() as cursor:
        changed = {"name": name, "changes": json_value(changes)}
        assert (
            cursor.run("update stringx.tables set document = document || %(changes)s where table_name = %(name)s", changed) == 1
        )


def test_what_an_earlier_release_has_stored_beyond_a_bound_is_read_accepted_and_judged(shop: Database) -> None:
    where = "a > 0" + " or a > 0" * 8000
    names = [f"c{n}" for n in range(2000)]
    rules = [{"id": "a", "type": "not_null", "column": "a", "where": where}]
    change_stored(shop, "public.a", rules=rules, key=names, sample_columns=names)
    with shop.transaction() as cursor:
        functions = {"functions": json_value({"allow_functions": ["a.b"] * 1001})}
        cursor.run("update stringx.targets set document = document || %(functions)s", functions)
    assert gate(shop, "public.a").gate == "closed"
    assert check_now(shop, {"a": 0}, table="public.a").verdict == "pass"
    assert gate(shop, "public.a").gate == "open"
    assert check_now(shop, {"a": 0, "b": 0}, dataset="sales").verdict == "pass"
    configured = find_subject(shop, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), ["public.a"]).tables[0]
    assert configured.document.rules[0].where == where
    again = [TARGET | {"allow_functions": ["a.b"] * 1001}], [table("public.a") | {"rules": rules, "key": names}]
    found = [pointer for documents in again for pointer, _ in faults(lambda documents=documents: apply(shop, *documents))]
    assert found == ["/0/allow_functions", "/0/key", "/0/rules/0/where"]


def test_a_check_whose_document_cannot_be_read_ends_after_a_few_attempts(shop: Database, tmp_path: Path) -> None:
    ask(shop, table="public.a")
    change_stored(shop, "public.a", of_another_release=True)
    for _ in range(MAX_CRASHES):
        assert run_by_worker(shop, tmp_path, claimed(shop)) is None
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"]) == ("errored", "error")
    assert found["reason"] == "ended 3 workers; see the worker's log"


def test_a_window_without_a_column_needs_the_window_column_of_each_table(shop: Database, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"dataset": "sales", "window": {"from": 1}}
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    for accept in (lambda: ask(shop, **asked), lambda: tracking.accept(shop, CATALOGUE, request, "http", "s")):
        assert [pointer for pointer, _ in faults(accept)] == ["/window/column"]
    apply(shop, *(table(f"public.{name}", name, window_column=f"{name}_at") for name in "ab"))
    ask(shop, **asked)
    apply(shop, table("public.a", "a"))
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"]) == ("errored", "error")
    assert found["reason"] == "no_window: public.a has no window_column any more, and the request names no column"
    assert found["scope"]["window"] == {"column": None, "from": 1, "to": None}


@pytest.mark.parametrize("moved", [False, True])
def test_a_dataset_that_is_gone_from_its_target_is_errored(shop: Database, tmp_path: Path, moved: bool) -> None:
    ask(shop, dataset="sales")
    if moved:
        other = table("public.a", "a", target="other")
        apply(shop, TARGET | {"name": "other"}, other, dataset(tables=["public.a"], target="other"))
    else:
        datasets.delete(shop, ME, "sales", None)
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"], found["dataset"], found["tables"]) == ("errored", "error", "sales", [])
    assert found["reason"] == "no_rules: the dataset's configuration was deleted after the check was accepted"


def test_the_migration_leaves_what_is_there_as_it_was(admin: Admin) -> None:
    """Also for a service of the release before, which goes on writing the columns that it knows."""
    admin.run("create database before_datasets")
    database = Database(admin.url("before_datasets"), size=1)
    write = """
        insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status)
        values (%(id)s, 'http', 'shop', 'public.a', 'async', '{}', '', true, 'succeeded');
        insert into stringx.results (check_id, request_id, target, table_name, is_full, status, verdict, finished_at, result)
        values (%(check)s, %(id)s, 'shop', 'public.a', true, 'succeeded', 'pass', now(), '{}');
        insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, timeout_s, is_full, status)
        values (%(check)s, %(id)s, '{}', '', 'shop', 'public.a', 'async', 60, true, 'running')"""
    try:
        migrate_before(database, "0003_datasets.sql")
        with database.transaction() as cursor:
            cursor.run(write, {"id": "old", "check": str(uuid4())})
        migrate_before(database, "0004_queue.sql")
        with database.transaction() as cursor:
            cursor.run(write, {"id": "new", "check": str(uuid4())})
            document = json_value(TARGET)
            cursor.run("insert into stringx.targets (name, document, version) values ('shop', %(d)s, 1)", {"d": document})
        migrate(database)
        for each in (table("public.a", "a"), dataset(tables=["public.a"])):
            apply(database, each)
        assert gate(database, "public.a").verdict == "pass"
        ask(database, dataset="sales")
        assert claim(database) is None, "a check that was claimed before the migration still holds its table"
    finally:
        database.close()
        admin.run("drop database before_datasets with (force)")
