"""Trials: checks of documents that are not stored. They decide, count and publish nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api import metrics as api_metrics
from api import retention as dataops_retention
from api.checks import claims, lifecycle
from api.checks.lookup import find_subject
from backend import metrics as backend_metrics
from backend import retention as backend_retention
from backend.insights import history, requests
from backend.insights.requests import Shown
from backend.kafka import results_out
from backend.requests import tracking
from database.pool import Database
from portal import state as portal
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.pages import FIRST
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import CATALOGUE, apply, ask, check_now, claim, claimed, end, gate, run_by_worker, table
from tests.support.datasets import result as result_of
from tests.support.history import refreshed, states, taken_up
from tests.support.trials import accepted, tracked, try_now

TRIED = table("public.a", "a", "another")
NAMES = ["public.a", "public.b", "public.c"]


def moved(database: Database) -> dict[str, Any]:
    """All that trials must leave as it is."""
    refreshed(database)
    taken_up(database)
    families = [*api_metrics.metrics(database), *backend_metrics.metrics(database)]
    with database.transaction() as cursor:
        counts = cursor.one(
            "select (select count(*) from stringx.results) as results, (select count(*) from stringx.check_points) as checks,"
            " (select count(*) from stringx.rule_points) as points, (select count(*) from stringx.publications) as publications,"
            " (select count(*) from stringx.subject_rules) as rules, (select count(*) from stringx.table_versions) as versions,"
            " (select count(*) from dataops.dataset_results) as verdicts"
        )
    gates = [gate(database, name).model_copy(update={"age_s": None}) for name in NAMES]
    about_verdicts = ("stringx_checks", "stringx_requests", "stringx_check_run_seconds", "stringx_check_wait_seconds")
    return {
        "counts": counts,
        "gates": gates,
        "states": states(database),
        "metrics": {family.name: family.samples for family in families if family.name in about_verdicts},
        "history": history.checks_of_table(database, "shop", "public.a")["items"],
        "portal": (portal.fingerprint(database, "shop", NAMES), portal.read(database, "shop", NAMES)),
    }


@pytest.mark.parametrize("before", [None, {}, {"a": 3}], ids=["never_checked", "open", "closed"])
@pytest.mark.parametrize("failures", [{}, {"a": 1}], ids=["passes", "fails"])
def test_a_trial_moves_nothing_before_while_and_after_it_runs(
    shop: Database, before: dict[str, int] | None, failures: dict[str, int]
) -> None:
    results_out.begin(shop)
    if before is not None:
        check_now(shop, before, table="public.a")
    expected = moved(shop)
    trial = tracked(shop, TRIED)
    assert moved(shop) == expected, "tracked"
    accepted(shop, trial.body)
    assert moved(shop) == expected, "waiting"
    check = claimed(shop)
    assert moved(shop) == expected, "running"
    result = end(shop, check, **failures)
    assert moved(shop) == expected, "ended"
    assert (result.trial, result.verdict) == (True, "fail" if failures else "pass")
    assert {rule.id for rule in result.rules} == {"a", "another"}


@pytest.mark.parametrize("decided_by", ["check", "window"])
def test_an_open_gate_stays_open_while_a_trial_waits_and_runs(shop: Database, decided_by: str) -> None:
    gates = {"decided_by": decided_by} if decided_by == "window" else {}
    apply(shop, table("public.a", "a", gate=gates))
    check_now(shop, table="public.a")
    assert moved(shop)["gates"][0].gate == "open"
    expected = moved(shop)
    accepted(shop, tracked(shop, table("public.a", "a", gate=gates)).body)
    assert moved(shop) == expected
    end(shop, claimed(shop), a=1)
    assert moved(shop) == expected


def test_its_result_is_that_of_its_request_alone(shop: Database) -> None:
    tried = try_now(shop, TRIED, {"another": 2}, request_id="t")
    found = requests.find(shop, "t")
    (check,) = found.checks
    assert (found.trial, found.status, found.verdict, check.trial) == (True, "succeeded", "fail", True)
    assert check.as_json() == tried.as_json()
    assert (check.config_version, check.asked) == (
        None,
        {"target": "shop", "table": "public.a", "mode": "sync", "trial": True},
    )
    (item,) = requests.page(shop, {"trial": True}, FIRST)["items"]
    assert (item["trial"], item["checks"][0]["counts"]["fail"]) == (True, 1)
    (whole,) = requests.page(shop, {}, FIRST, Shown(rules=True))["items"]
    assert [rule["id"] for rule in whole["checks"][0]["rules"]] == ["a", "another"]
    with pytest.raises(Invalid, match="is of a trial"):
        gate(shop, "public.a", request_id="t")


def test_a_trial_asked_of_dataops_under_the_id_of_a_request_answers_for_no_gate(shop: Database) -> None:
    check = try_now(shop, table("public.a", "a"), request_id="elsewhere")
    accepted_request = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "x"})
    tracking.accept(shop, CATALOGUE, accepted_request, "http", "s")
    with pytest.raises(Invalid, match="is of a trial, and request x is none"):
        tracking.store(shop, "x", check.model_copy(update={"request_id": "x", "check_id": new_id()}))
    assert requests.find(shop, "x").status == "queued"
    assert gate(shop, "public.a", request_id="x").gate == "closed"


def test_a_check_asked_of_dataops_under_the_id_of_a_trial_counts(shop: Database) -> None:
    check_now(shop, table="public.a")
    tracked(shop, TRIED, request_id="t")
    ask(shop, table="public.a", request_id="t")
    failed = end(shop, claimed(shop), a=1)
    assert (gate(shop, "public.a").check_id, gate(shop, "public.a").gate) == (failed.check_id, "closed")
    found = requests.find(shop, "t")
    assert (found.trial, found.verdict) == (False, "fail")


def test_a_table_that_is_not_configured_is_tried_on_its_target(shop: Database) -> None:
    found = try_now(shop, table("public.new", "x"), {"x": 1})
    assert (found.table, found.verdict, found.rules_hash is not None) == ("public.new", "fail", True)
    assert "public.new" not in states(shop)


def test_some_rules_alone(shop: Database) -> None:
    found = try_now(shop, TRIED, rule_ids=["another"])
    assert ([rule.id for rule in found.rules], found.scope.rule_ids) == (["another"], ["another"])


def test_trials_share_runs_with_trials_of_the_same_document_alone(shop: Database) -> None:
    stored = table("public.a", "a")
    plain = ask(shop, table="public.a", mode="sync")
    same = [accepted(shop, tracked(shop, stored).body) for _ in range(2)]
    other = accepted(shop, tracked(shop, TRIED).body)
    assert [check.joined for check in (plain, *same, other)] == [None, None, same[0].check_id, None]
    first = claimed(shop)
    assert (first.check_id, first.is_trial, claim(shop)) == (plain.check_id, False, None), "one check of a table at a time"
    end(shop, first)
    leader = claimed(shop)
    end(shop, leader, a=1)
    assert (leader.check_id, leader.is_trial) == (same[0].check_id, True)
    assert [requests.find(shop, check.request_id).verdict for check in (plain, *same)] == ["pass", "fail", None]
    joined = CheckResult.model_validate(lifecycle.find(shop, same[1].check_id).result)
    tracking.store(shop, joined.request_id, joined)
    assert (requests.find(shop, joined.request_id).verdict, joined.trial) == ("fail", True)
    assert gate(shop, "public.a").verdict == "pass", "by the check of the stored rules"


def test_a_check_waits_for_a_running_trial_of_its_table_and_the_gate_names_the_check_alone(shop: Database) -> None:
    accepted(shop, tracked(shop, TRIED).body)
    trial = claimed(shop)
    plain = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "plain"})
    tracking.accept(shop, CATALOGUE, plain, "http", "s")
    lifecycle.accept(shop, CATALOGUE, plain, 100)
    assert claim(shop) is None
    end(shop, trial)
    assert gate(shop, "public.a").reasons == ["a newer request is not finished: plain"]
    end(shop, claimed(shop))
    assert gate(shop, "public.a").gate == "open"


@pytest.mark.parametrize("is_running", [False, True])
def test_a_trial_is_canceled_like_a_check(shop: Database, tmp_path: Path, is_running: bool) -> None:
    results_out.begin(shop)
    before = moved(shop)
    trial = accepted(shop, tracked(shop, TRIED, request_id="t").body)
    running = claimed(shop) if is_running else None
    tracking.cancel(shop, "t")
    found = lifecycle.cancel(shop, trial.check_id, "http://backend")
    if running is not None:
        run_by_worker(shop, tmp_path, replace(running, cancel_requested=True))
        found = lifecycle.find(shop, trial.check_id)
    result = CheckResult.model_validate(found.result)
    assert (result.status, result.trial) == ("canceled", True)
    tracking.store(shop, "t", result)
    assert requests.find(shop, "t").status == "canceled"
    assert moved(shop) == before


def test_a_trial_whose_target_is_gone_ends_as_errored(shop: Database, tmp_path: Path) -> None:
    accepted(shop, tracked(shop, table("public.new", "x")).body)
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.datasets; delete from stringx.tables; delete from stringx.targets")
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["trial"], found["reason"].split(";")[0]) == ("errored", True, "there is no target shop")


# What a release without trials writes and reads beside this one


def test_a_worker_without_trials_checks_nothing_in_place_of_the_document(shop: Database) -> None:
    accepted(shop, tracked(shop, table("public.a", "a")).body)
    with shop.transaction() as cursor:
        row = cursor.one("select body, is_full from dataops.checks")
    assert row is not None
    old = CheckRequest.model_validate(row["body"])
    subject = find_subject(shop, CATALOGUE, old, ["public.a"])
    assert (subject.in_scope(old, CATALOGUE.default_dimensions), old.full, row["is_full"]) == ([], False, False)


def test_a_result_of_a_worker_without_trials_stays_apart(shop: Database) -> None:
    check_now(shop, {"a": 1}, table="public.a")
    before = moved(shop)
    trial = accepted(shop, tracked(shop, TRIED, request_id="t").body)
    as_stored = check_now(shop, table="public.b", request_id="other").as_json()
    before |= {"states": states(shop), "gates": [before["gates"][0], gate(shop, "public.b")]}
    told = as_stored | {"check_id": trial.check_id, "request_id": "t", "table": "public.a", "trial": False, "asked": None}
    result = CheckResult.model_validate(told)
    assert result.full
    assert not tracking.store(shop, "t", result), "it is no result of the table"
    assert requests.find(shop, "t").checks[0].check_id == trial.check_id
    assert gate(shop, "public.a").model_copy(update={"age_s": None}) == before["gates"][0]
    assert states(shop)["public.a"] == before["states"]["public.a"]


@pytest.mark.parametrize("is_known", [True, False], ids=["tracked", "asked_of_dataops"])
def test_a_backend_without_trials_takes_a_result_and_nothing_moves(shop: Database, is_known: bool) -> None:
    """Its statements know neither the column nor the table; they are those of today."""
    results_out.begin(shop)
    before = moved(shop)
    body = {"target": "shop", "table": "public.a", "document": TRIED, "request_id": "t"}
    accepted(shop, tracked(shop, TRIED, request_id="t").body if is_known else body)
    check = claimed(shop)
    found = result_of(shop, check)
    assert claims.finish(shop, check, found, "http://backend")
    told = {name: value for name, value in found.as_json().items() if name != "trial"}
    result = CheckResult.model_validate(told)
    assert result.full, "as such a Backend reads it"
    tracking.store(shop, "t", result)
    assert requests.find(shop, "t").trial
    assert requests.find(shop, "t").verdict == "pass"
    with shop.transaction() as cursor:
        assert cursor.one("select is_full from stringx.requests where request_id = 't'") == {"is_full": False}
    assert moved(shop) == before


def test_a_trial_is_forgotten_after_a_day(shop: Database, tmp_path: Path) -> None:
    names = ("RETENTION_RESULTS_DAYS", "RETENTION_SAMPLES_DAYS", "RETENTION_DELIVERED_DAYS")
    settings = read_settings({"STRINGX_HOME": str(tmp_path)} | dict.fromkeys(names, "0"))
    old, undelivered, young = (try_now(shop, TRIED, request_id=name) for name in ("old", "undelivered", "young"))
    plain = check_now(shop, table="public.a", request_id="plain")
    waiting = tracked(shop, TRIED, request_id="waiting").view.request_id
    with shop.transaction() as cursor:
        cursor.run("update dataops.checks set finished_at = finished_at - interval '25 hours' where request_id <> 'young'")
        cursor.run("update stringx.requests set finished_at = finished_at - interval '25 hours', created_at = created_at - interval '25 hours' where request_id <> 'young'")  # fmt: skip
        cursor.run("update dataops.outbox set delivered_at = now() where check_id <> %(id)s", {"id": undelivered.check_id})
    dataops_retention.clean(shop, settings)
    backend_retention.clean(shop, settings)
    with shop.transaction() as cursor:
        checks = {str(row["check_id"]) for row in cursor.all("select check_id from dataops.checks")}
        kept = {row["request_id"] for row in cursor.all("select request_id from stringx.requests")}
        results = {row["request_id"] for row in cursor.all("select request_id from stringx.trials")}
    assert checks == {undelivered.check_id, young.check_id, plain.check_id}
    assert kept == {"young", "plain", waiting}
    assert results == {"young"}
    assert old.check_id not in checks
