"""Waivers through both services: a known failure warns within limits, and nothing else opens because of one."""

import json
from datetime import timedelta
from typing import Any

import pytest

from api.checks import claims, lifecycle, specification
from api.checks.lookup import find_subject
from api.worker.results import Run
from api.worker.results import decided as decided_by_dbt
from backend.gates.gate import of_dataset
from backend.requests import tracking
from backend.waivers import store
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.waivers import claims_of
from stringx_dataops.contract.problems import Conflict, NotFound
from tests.support.databases import Target
from tests.support.datasets import (
    CATALOGUE,
    ME,
    apply,
    ask,
    check_now,
    claimed,
    dataset,
    decided,
    faults,
    gate,
    now,
    result,
    table,
)
from tests.support.engine import Engine
from tests.support.history import points, refreshed, states
from tests.support.waivers import expire, order, waive

ENDED = {
    "expired": lambda shop, waiver: expire(shop, waiver.id),
    "deleted": lambda shop, waiver: store.delete(shop, ME, waiver.id),
    "changed": lambda shop, waiver: apply(shop, changed_rule()),
    "inactive": lambda shop, waiver: apply(shop, kept("a", active="shadow")),
    "gone": lambda shop, waiver: apply(shop, kept("b")),
}
KEEP = {"on_changed_rules": "keep"}


def kept(rule: str = "a", **changes: Any) -> dict[str, Any]:
    """Table a, whose gate a changed set of rules does not close, with another rule that is always active."""
    rules = [{"id": rule, "type": "not_null", "column": rule} | changes, {"id": "other", "type": "not_null", "column": "o"}]
    return table("public.a", rules=rules, gate=KEEP)


def changed_rule() -> dict[str, Any]:
    return kept(where="id > 0")


def of_rule(found: CheckResult, rule: str = "a") -> Any:
    rules = [*found.rules, *(rule for table in found.tables for rule in table.rules)]
    return next(each for each in rules if each.id == rule)


def test_a_waived_failure_warns_and_result_gate_history_and_board_name_the_waiver(shop: Database) -> None:
    failed = check_now(shop, {"a": 3}, table="public.a")
    waiver = waive(shop, reason="  a known fault \n", at_most="30%")
    assert (waiver.reason, waiver.state, waiver.created_by, waiver.at_most) == ("a known fault", "active", "me", "30%")
    assert "next check" in waiver.note
    assert gate(shop, "public.a").check_id == failed.check_id
    assert gate(shop, "public.a").gate == "closed", "the result that was there stays as it is"
    found = check_now(shop, {"a": 3}, table="public.a")
    rule = of_rule(found)
    assert (found.verdict, rule.status, found.counts, found.scores["overall"]) == (
        "warn", "warn", {"pass": 0, "warn": 1, "fail": 0, "error": 0}, 0.7,
    )  # fmt: skip
    assert rule.message.endswith(f"; waived until {waiver.until:%Y-%m-%d %H:%M} UTC by me")
    assert (rule.waived.id, rule.waived.by, rule.waived.until, rule.waived.reason) == (
        waiver.id, "me", waiver.until, "a known fault",
    )  # fmt: skip
    view = gate(shop, "public.a")
    assert (view.gate, view.verdict, [(each.id, each.table, each.rule, each.by) for each in view.waivers]) == (
        "open", "warn", [(waiver.id, "public.a", "a", "me")],
    )  # fmt: skip
    assert gate(shop, "public.a", request_id=found.request_id).waivers == view.waivers
    assert [(point["status"], point["waived"]) for point in points(shop)] == [("warn", True), ("fail", False)]
    item = states(shop)["public.a"]
    assert (item["state"], item["waivers"]) == ("open", [{"id": waiver.id, "table": "public.a", "rule": "a"}])


@pytest.mark.parametrize(
    ("at_most", "failures", "status"), [(3, 3, "warn"), (3, 4, "fail"), ("30%", 3, "warn"), ("29.9%", 3, "fail")]
)
def test_beyond_its_limit_the_rule_fails_again(shop: Database, at_most: Any, failures: int, status: str) -> None:
    waive(shop, at_most=at_most)
    found = check_now(shop, {"a": failures}, table="public.a")
    assert (of_rule(found).status, found.verdict, of_rule(found).waived is None) == (status, status, status == "fail")


@pytest.mark.parametrize("how", ENDED)
def test_when_it_ends_every_gate_that_leaned_on_it_closes_at_once(shop: Database, how: str) -> None:
    apply(shop, kept(), dataset(gate=KEEP))
    waiver = waive(shop)
    alone = check_now(shop, {"a": 3}, table="public.a")
    window = {"column": "at", "from": "2026-01-01"}
    windowed = check_now(shop, {"a": 3}, table="public.a", window=window)
    together = check_now(shop, {"a": 3}, dataset="sales")
    assert [gate(shop, "public.a", request_id=each.request_id).gate for each in (alone, windowed, together)] == ["open"] * 3
    assert [gate(shop, name).gate for name in ("public.a", "public.b")] == ["open", "open"]
    whole = of_dataset(shop, "sales")
    assert (whole.gate, [each.table for each in whole.waivers]) == ("open", ["public.a"])
    ENDED[how](shop, waiver)
    closed = [gate(shop, "public.a"), of_dataset(shop, "sales")]
    closed += [gate(shop, "public.a", request_id=each.request_id) for each in (alone, windowed, together)]
    closed += [of_dataset(shop, "sales", request_id=together.request_id)]
    assert [(view.gate, view.waivers) for view in closed] == [("closed", [])] * 6
    assert gate(shop, "public.b").gate == "open", "it leaned on nothing"
    words = {"expired": "ended on", "deleted": "deleted by me"}.get(how, "change of the rule")
    assert all(any("a: its waiver" in reason and words in reason for reason in view.reasons) for view in closed)
    store.note_ends(shop)
    assert (store.find(shop, waiver.id).state, store.find(shop, waiver.id).ended_because) == (
        "ended", how if how in ("expired", "deleted") else "changed",
    )  # fmt: skip
    with shop.transaction() as cursor:
        found = cursor.all("select action, actor, subject from stringx.audit where action like 'waiver.%%' order by entry_id", {})
    ended = ("waiver.deleted", "me") if how == "deleted" else ("waiver.ended", "stringx")
    assert [(row["action"], row["actor"]) for row in found] == [("waiver.created", "me"), ended]
    assert {row["subject"] for row in found} == {"waiver:shop/public.a/a"}
    refreshed(shop)
    item = states(shop)["public.a"]
    assert (item["state"], item["gate"], item["waivers"]) == ("closed", "closed", [])
    assert states(shop, "dataset")["sales"]["state"] == "closed"
    apply(shop, kept())
    assert gate(shop, "public.a").gate == "closed", "a waiver that has ended does not come back with its rule"
    again = check_now(shop, {"a": 3}, table="public.a")
    assert again.verdict == "fail"


def test_its_end_is_noticed_when_time_comes_without_anybody_noting_it(shop: Database) -> None:
    waiver = waive(shop)
    refreshed(shop)
    check_now(shop, {"a": 1}, table="public.a")
    with shop.transaction() as cursor:
        row = cursor.one("select refresh_at from stringx.states where kind = 'table' and name = 'public.a'")
    assert row is not None
    assert row["refresh_at"] == waiver.until, "the state is looked at again when the waiver ends"


def test_it_covers_no_other_rule_table_or_error(shop: Database) -> None:
    apply(shop, table("public.a", "a", "b"))
    waive(shop)
    found = check_now(shop, {"a": 1, "b": 1}, dataset="sales")
    assert {(table.table, rule.id): rule.status for table in found.tables for rule in table.rules} == {
        ("public.a", "a"): "warn", ("public.a", "b"): "fail", ("public.b", "b"): "fail",
    }  # fmt: skip
    assert (found.verdict, gate(shop, "public.a").gate, of_dataset(shop, "sales").gate) == ("fail", "closed", "closed")
    passed = check_now(shop, {}, table="public.a")
    assert (passed.verdict, of_rule(passed).waived) == ("pass", None), "a rule that passes is left alone"


def test_a_set_of_rules_that_changed_while_the_check_ran_is_not_waived(shop: Database) -> None:
    ask(shop, table="public.a")
    check = claimed(shop)
    of_old_rules = decided(shop, check, a=1)
    apply(shop, table("public.a", rules=[{"id": "a", "type": "is_null", "column": "a"}]))
    waive(shop)
    assert claims.finish(shop, check, of_old_rules, "http://backend")
    assert lifecycle.find(shop, check.check_id).result["verdict"] == "fail"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["unknown", "of another rule", "ended", "beyond", "no id"])
def test_a_result_that_claims_a_waiver_that_it_has_not_opens_nothing(shop: Database, kind: str) -> None:
    ask(shop, table="public.a")
    found = result(shop, claimed(shop), a=3)
    waiver = waive(shop, table="public.b", rule="b") if kind == "of another rule" else waive(shop, at_most=2)
    if kind == "ended":
        expire(shop, waiver.id)
    waived = {"id": waiver.id, "by": "me", "until": waiver.until, "reason": "so"}
    if kind in ("unknown", "no id"):
        waived["id"] = "0190f000-0000-7000-8000-000000000000" if kind == "unknown" else "'; select 1"
    rule = found.rules[0].model_dump() | {"status": "warn", "waived": waived}
    forged = CheckResult.model_validate(found.as_json() | {"verdict": "warn", "rules": [rule]})
    tracking.store(shop, found.request_id, forged)
    view = gate(shop, "public.a")
    assert (view.verdict, view.gate, len(view.reasons)) == ("warn", "closed", 1)
    assert states(shop)["public.a"]["state"] == "closed"


def test_a_backend_that_drops_what_it_does_not_know_leaves_a_gate_that_still_closes(shop: Database) -> None:
    waiver = waive(shop)
    ask(shop, table="public.a")
    check = claimed(shop)
    assert claims.finish(shop, check, decided(shop, check, a=1), "http://backend")
    body = lifecycle.find(shop, check.check_id).result
    assert body is not None
    assert [claim["id"] for claim in claims_of(body)] == [waiver.id]
    stripped = body | {"rules": [{name: value for name, value in rule.items() if name != "waived"} for rule in body["rules"]]}
    tracking.store(shop, check.request_id, CheckResult.model_validate(stripped))
    assert gate(shop, "public.a").gate == "open"
    store.delete(shop, ME, waiver.id)
    assert gate(shop, "public.a").gate == "closed"


def test_a_gate_that_warnings_close_stays_closed(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate={"on_warn": "closed"}))
    waive(shop)
    assert check_now(shop, {"a": 1}, table="public.a").verdict == "warn"
    assert gate(shop, "public.a").gate == "closed"


def test_what_cannot_be_waived_is_refused(shop: Database) -> None:
    rules = [
        {"id": "many", "type": "row_count", "arguments": {"min": 1}},
        {"id": "values", "type": "distinct_values", "column": "a", "arguments": {"values": [1], "mode": "in"}},
        {"id": "off", "type": "not_null", "column": "a", "active": False},
        {"id": "dark", "type": "not_null", "column": "a", "active": "shadow"},
    ]
    apply(shop, table("public.a", "a", rules=[*table("public.a", "a")["rules"], *rules]))
    ahead = now(shop) + timedelta(days=1)

    def refused(**changes: Any) -> list[tuple[str, str]]:
        return faults(lambda: store.create(shop, CATALOGUE, ME, order(ahead, **changes)))

    assert refused(rule="aa") == [("/rule", "public.a has no rule 'aa'; did you mean a?")]
    assert refused(rule="off") == [("/rule", "is not active; there is nothing to waive")]
    assert refused(rule="dark") == [("/rule", "is a shadow, which counts in nothing; there is nothing to waive")]
    assert refused(rule="many", at_most=3) == [("/at_most", "row_count counts no failures; leave it out")]
    assert refused(rule="values", at_most="3%") == [("/at_most", "distinct_values has no total to take a share of; give a count")]
    (pointer, words), = refused(until=(now(shop) + timedelta(days=90, minutes=1)).isoformat())  # fmt: skip
    assert (pointer, words.startswith("is more than 90 days ahead; give ")) == ("/until", True)
    (pointer, words), = refused(until=(now(shop) - timedelta(seconds=1)).isoformat())  # fmt: skip
    assert (pointer, words.startswith("is over: it is ")) == ("/until", True)
    assert [pointer for pointer, _ in refused(reason=" ", at_most="200%", target="Ä", until="soon")] == [
        "/target", "/reason", "/until", "/at_most",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        waive(shop, table="public.z")
    waiver = waive(shop, rule="many")
    with pytest.raises(Conflict, match=waiver.id):
        waive(shop, rule="many")
    expire(shop, waiver.id)
    second = waive(shop, rule="many")
    store.delete(shop, ME, second.id)
    with pytest.raises(Conflict, match="has ended already"):
        store.delete(shop, ME, second.id)
    page = store.page(shop, {"table": "public.a", "state": "ended"})["items"]
    assert [(item["id"], item["ended_because"]) for item in page] == [(second.id, "deleted"), (waiver.id, "expired")]
    assert store.page(shop, {"state": "active"})["items"] == []
    assert json.dumps(page)


def test_changes_keep_a_gate_only_where_no_change_has_closed_it(shop: Database) -> None:
    def now_is(*rules: str, keep: bool = True) -> tuple[str, list[str], list[str]]:
        apply(shop, table("public.a", *rules, gate=KEEP if keep else {}))
        refreshed(shop)
        view = gate(shop, "public.a")
        assert states(shop)["public.a"]["gate"] == view.gate
        return view.gate, view.reasons, view.notes

    changed = ["the rules have changed since the last check: ask for a new one"]
    said = ["the rules have changed since; kept as configured"]
    check_now(shop, table="public.a")
    assert now_is("a") == ("open", [], [])
    assert now_is("a", "b") == ("open", [], said)
    assert now_is("b") == ("open", [], said)
    assert now_is("b", keep=False) == ("closed", changed, [])
    assert now_is("b") == ("closed", changed, []), "no setting opens what a change has closed"
    check_now(shop, table="public.a")
    assert now_is("a") == ("open", [], said)
    assert now_is()[0] == "closed", "no active rule"
    assert now_is("a", "b") == ("closed", changed, []), "not by new rules either"
    check_now(shop, {"a": 1}, table="public.a")
    assert now_is("b")[0] == "closed", "the verdict closes it, whatever the rules are now"
    ask(shop, table="public.a")
    check = claimed(shop)
    late = decided(shop, check)
    now_is("a")
    assert claims.finish(shop, check, late, "http://backend")
    tracking.store(shop, check.request_id, CheckResult.model_validate(lifecycle.find(shop, check.check_id).result))
    assert (gate(shop, "public.a").gate, states(shop)["public.a"]["state"]) == ("open", "open"), (
        "the result came after the change"
    )


def test_a_dataset_is_kept_if_it_and_the_tables_that_changed_say_so(shop: Database) -> None:
    apply(shop, dataset(gate=KEEP))
    check_now(shop, dataset="sales")
    apply(shop, table("public.a", "a", "b"))
    assert of_dataset(shop, "sales").gate == "closed", "the table does not say so"
    apply(shop, table("public.a", "a", gate=KEEP))
    check_now(shop, dataset="sales")
    apply(shop, table("public.a", "a", "b", gate=KEEP))
    view = of_dataset(shop, "sales")
    assert (view.gate, view.notes) == ("open", ["the rules have changed since; kept as configured"])
    apply(shop, dataset())
    assert of_dataset(shop, "sales").gate == "closed"
    apply(shop, dataset(gate=KEEP))
    assert of_dataset(shop, "sales").gate == "closed", "no setting opens what a change has closed"
    check_now(shop, dataset="sales")
    apply(shop, table("public.c", "c", gate=KEEP))
    assert of_dataset(shop, "sales").gate == "closed", "c was not checked"
    check_now(shop, dataset="sales")
    apply(shop, dataset(tables=["public.a", "public.b"], gate=KEEP))
    assert of_dataset(shop, "sales").gate == "open", "fewer tables, each of them checked"


def checked_by_dbt(engine: Engine, target: Target, shop: Database) -> Any:
    """The stored result of request `real`, of table a with two NULLs in column a."""
    target.execute("create table a (a integer, b integer); insert into a values (1, 1), (null, 2), (null, 3), (4, 4)")
    request = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "real"})
    tracking.accept(shop, CATALOGUE, request, "http", "s")
    check = lifecycle.accept(shop, CATALOGUE, request, 100) and claimed(shop)
    subject = find_subject(shop, CATALOGUE, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    spec: Any = specification.build(check.request, subject.target, tables, CATALOGUE, 60)
    answer = engine.answer(target, spec)
    run = Run(check, subject, tables, check.started_at or now(shop), now(shop) + timedelta(minutes=1), "dbt test")
    assert claims.finish(shop, check, decided_by_dbt(run, answer, CATALOGUE), "http://backend")
    body = lifecycle.find(shop, check.check_id).result
    tracking.store(shop, "real", CheckResult.model_validate(body))
    return body


def test_a_check_by_dbt_is_waived_up_to_its_gate(engine: Engine, target: Target, shop: Database) -> None:
    apply(shop, table("public.a", "a", "b"))
    waiver = waive(shop, at_most="50%")
    body = checked_by_dbt(engine, target, shop)
    found = {rule["id"]: (rule["status"], rule["failures"], rule["total"]) for rule in body["rules"]}
    assert (body["verdict"], found) == ("warn", {"a": ("warn", 2, 4), "b": ("pass", 0, 4)})
    assert [(each.id, each.rule) for each in gate(shop, "public.a", request_id="real").waivers] == [(waiver.id, "a")]
    store.delete(shop, ME, waiver.id)
    assert gate(shop, "public.a").reasons == ["a: its waiver was deleted by me: ask for a new check"]


def test_the_failures_of_a_dbt_test_are_within_a_limit_only_if_all_are_counted(
    engine: Engine, target: Target, shop: Database
) -> None:
    configs: dict[str, tuple[dict[str, Any], str]] = {
        "limited": ({"limit": 1}, "fail"),
        "below": ({"limit": 3}, "warn"),
        "negative": ({"fail_calc": "-2 * count(*)"}, "fail"),
        "unknown": ({"limit": 9, "fail_calc": "count(*)::int"}, "fail"),
    }
    rules = [
        {"id": name, "type": "dbt", "column": "a", "arguments": {"test": "not_null", "config": config}}
        for name, (config, _) in configs.items()
    ]
    apply(shop, table("public.a", rules=rules))
    for name in configs:
        waive(shop, rule=name, at_most=2)
    body = checked_by_dbt(engine, target, shop)
    assert {rule["id"]: rule["status"] for rule in body["rules"]} == {name: status for name, (_, status) in configs.items()}


def test_a_rule_of_a_set_is_waived_until_the_set_changes(shop: Database) -> None:
    rules = [{"id": "n", "type": "not_null", "column": "n"}]
    of_set: dict[str, Any] = {
        "apiVersion": "stringx/v1",
        "kind": "RuleSet",
        "name": "std",
        "target": "shop",
        "tables": ["public.a"],
    }
    apply(shop, of_set | {"rules": rules}, table("public.a", "a", gate=KEEP))
    waiver = waive(shop, rule="std.n")
    assert check_now(shop, {"std.n": 2}, table="public.a").verdict == "warn"
    assert [each.rule for each in gate(shop, "public.a").waivers] == ["std.n"]
    apply(shop, of_set | {"rules": [*rules, {"id": "m", "type": "not_null", "column": "m"}]})
    assert (gate(shop, "public.a").gate, store.find(shop, waiver.id).state) == ("open", "active"), (
        "another rule is no change of it"
    )
    apply(shop, of_set | {"rules": [rules[0] | {"where": "id > 0"}]})
    assert (gate(shop, "public.a").gate, store.find(shop, waiver.id).ended_because) == ("closed", "changed")
