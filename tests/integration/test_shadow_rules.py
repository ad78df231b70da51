"""Shadow rules run and are reported, and count in nothing, whatever becomes of them."""

import json
from typing import Any

import pytest

from api.checks.lookup import find_subject
from api.engine.run_result import DbtRunResult
from api.engine.shadow_rules import run_despite_shadows
from api.worker import results
from api.worker.results import Run
from backend.gates.gate import of_dataset
from backend.insights.history import RuleName
from database.pool import Database
from stringx_dataops.contract.problems import Invalid
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE, apply, ask, check_now, claimed, dataset, decided, faults, gate, table
from tests.support.engine import Engine, rule
from tests.support.engine import gate as specification
from tests.support.history import points, states


def shadow(*arguments: Any, **options: Any) -> dict[str, Any]:
    return rule(*arguments, **options) | {"shadow": True}


def test_a_shadow_rule_is_decided_beside_the_others_and_changes_no_verdict(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (id integer, a integer, b text); insert into t values (1, 1, 'x'), (2, null, '7'), (3, 3, null)"
    )
    active = [rule("id", "not_null", "id"), rule("few", "row_count", fail_above=None, max=3)]
    broken = [
        shadow("fails", "not_null", "a"),
        shadow("divides", "expression", sql="1 / (a - 1) > 0"),
        shadow("absent", "not_null", "gone"),
        shadow("slow", "sql", query="select 1 from t where pg_sleep(60) is null"),
        shadow("many", "row_count", fail_above=None, min=100),
        shadow("mean", "aggregate", "a", fail_above=None, function="avg", min=10),
        shadow("keys", "unique", "b"),
    ]
    spec = specification("t", broken[0], *active, *broken[1:], key=["id"], sample_rows=5, statement_timeout_ms=8_000)
    outcome = engine.outcome(target, spec)
    assert (outcome["verdict"], outcome["reason"], outcome["row_count"]) == ("pass", None, 3)
    assert {found["id"]: found["status"] for found in outcome["rules"]} == {
        "id": "pass", "few": "pass", "fails": "fail", "divides": "error", "absent": "error", "slow": "error", "many": "fail",
        "mean": "fail", "keys": "pass",
    }  # fmt: skip
    by_id = {found["id"]: found for found in outcome["rules"]}
    assert (by_id["fails"]["failures"], by_id["fails"]["total"], by_id["fails"]["sample"]["rows"]) == (1, 3, [[2]])
    assert float(by_id["mean"]["measured"]) == 2
    assert dict(zip([found["id"] for found in outcome["rules"]], outcome["marks"], strict=True)) == {
        name: "pass" if name in ("id", "few") else None for name in by_id
    }


def test_in_an_empty_table_a_shadow_rule_replaces_nothing(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer)")
    rules = [rule("a", "not_null", "a"), shadow("empty", "row_count", fail_above=None, max=0)]
    outcome = engine.outcome(target, specification("t", *rules))
    assert (outcome["verdict"], outcome["empty"], outcome["marks"]) == ("fail", "fail", [None, None])
    alone = engine.outcome(target, specification("t", *rules[1:], on_empty="pass"))
    assert (alone["verdict"], alone["reason"]) == ("error", "no rule was run that is not a shadow")


def test_a_run_that_shadow_rules_end_is_repeated_without_them() -> None:
    seen = []

    def run(spec: Any) -> DbtRunResult:
        rules = spec["tables"][0]["rules"]
        seen.append([bool(rule.get("fault")) for rule in rules])
        failed = not all(rule.get("fault") for rule in rules if rule.get("shadow"))
        return DbtRunResult("id", "1", "Database Error", None if failed else "{}")

    spec: Any = specification("t", rule("a", "not_null", "a"), shadow("b", "not_null", "a"))
    assert run_despite_shadows(run, spec).outcome == "{}"
    assert seen == [[False, False], [False, True]]
    assert run_despite_shadows(run, spec, lambda: False).outcome is None, "somebody has canceled the check"
    assert len(seen) == 3


def with_shadow(*rules: str, **changes: Any) -> dict[str, Any]:
    document = table("public.a", *rules)
    return document | {
        "rules": [*document["rules"], {"id": "dark", "type": "not_null", "column": "d", "active": "shadow"} | changes]
    }


def test_it_is_in_the_result_and_its_history_and_nowhere_else(shop: Database) -> None:
    plain = check_now(shop, table="public.a")
    apply(shop, with_shadow("a"))
    assert gate(shop, "public.a").gate == "open", "to add one closes no gate"
    found = check_now(shop, {"dark": 9}, dataset="sales")
    part = found.tables[0]
    assert [(each.id, each.status, each.shadow) for each in part.rules] == [("a", "pass", False), ("dark", "fail", True)]
    assert (part.verdict, part.scores["overall"], part.rules_hash) == ("pass", 1, plain.rules_hash)
    assert part.counts == {"pass": 1, "warn": 0, "fail": 0, "error": 0, "shadow": 1}
    assert (found.verdict, found.counts["fail"], found.scores["overall"]) == ("pass", 0, 1)
    assert (gate(shop, "public.a").gate, of_dataset(shop, "sales").gate) == ("open", "open")
    failed = check_now(shop, {"a": 1, "dark": 9}, table="public.a")
    assert failed.verdict == "fail"
    assert not any("dark" in reason for reason in gate(shop, "public.a").reasons)
    (first, second) = points(shop, RuleName("shop", "public.a", "dark"))
    assert [(point["status"], point["failures"], point["shadow"]) for point in (first, second)] == [("fail", 9, True)] * 2
    check_now(shop, table="public.a")
    apply(shop, with_shadow("a", where="id > 0"), dataset(tables=["public.a", "public.b", "public.c"]))
    apply(shop, table("public.a", "a"))
    assert gate(shop, "public.a").gate == "open", "neither does a change of one, or its end"
    apply(shop, with_shadow("a", active=True))
    assert gate(shop, "public.a").gate == "closed", "it counts from now on"


def test_shadow_rules_alone_are_not_enough(shop: Database) -> None:
    apply(shop, with_shadow("a"))
    check_now(shop, table="public.a")
    apply(shop, with_shadow())
    assert gate(shop, "public.a").reasons[0] == "no active rule: nothing says that the table may be used"
    assert states(shop)["public.a"]["gate"] == "closed"
    with pytest.raises(Invalid, match="has no active rule; add one"):
        ask(shop, table="public.a")
    found = check_now(shop, dataset="sales")
    assert (found.skipped, [part.table for part in found.tables]) == (["public.a", "public.c"], ["public.b"])
    apply(shop, with_shadow("a"))
    assert faults(lambda: ask(shop, table="public.a", rule_ids=["dark"])) == [
        ("/rule_ids", "public.a has no active rule of these rule_ids")
    ]
    both = check_now(shop, table="public.a", rule_ids=["a", "dark"])
    assert [rule.id for rule in both.rules] == ["a", "dark"]


def test_macros_that_know_no_shadow_rules_decide_no_table_that_has_some(shop: Database) -> None:
    apply(shop, with_shadow("a"))
    check = ask(shop, table="public.a") and claimed(shop)
    found = decided(shop, check, a=0)
    assert found.marks
    subject = find_subject(shop, CATALOGUE, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    assert found.result.finished_at is not None
    run = Run(check, subject, tables, found.result.queued_at, found.result.finished_at, "dbt test")
    rules = [{"id": name, "status": "pass", "failures": 0, "total": 1, "measured": None, "verified_by": "scan", "reason": None, "sample": None} for name in ("a", "dark")]  # fmt: skip
    part = {
        "schema": "public",
        "name": "a",
        "row_count": 1,
        "window_nulls": None,
        "verdict": "pass",
        "reason": None,
        "rules": rules,
    }
    outcome = {"format": "stringx-gate/1", "snapshot_at": found.result.finished_at.isoformat(), "tables": [part]}
    old = results.decided(run, DbtRunResult("id", "1", None, json.dumps(outcome)), CATALOGUE)
    assert (old.result.verdict, old.marks) == ("error", {})
    assert "release without shadow rules" in (old.result.reason or "")
