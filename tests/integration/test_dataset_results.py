"""Results of datasets: each tells of every table, and a table that was not decided is never a pass."""

import json

from api.checks import claims
from api.checks.lookup import find_subject
from api.engine.run_result import DbtRunResult, out_of_time, without_result
from api.worker import results
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.gate_test.outcome import FORMAT
from tests.support.datasets import CATALOGUE, ask, claimed, end, gate, now, rule_outcome


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
    subject = find_subject(shop, CATALOGUE, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    moment = now(shop)
    run = results.Run(check, subject, tables, moment, moment, "")
    for answer in (without_result("boom"), out_of_time()):
        found = results.from_dbt_result(run, answer, CATALOGUE)
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
    subject = find_subject(shop, CATALOGUE, check.request, check.tables)
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
    outcome = {"format": FORMAT, "snapshot_at": moment.isoformat(), "tables": [one]}
    answer = DbtRunResult("id", "1", None, json.dumps(outcome))
    found = results.from_dbt_result(results.Run(check, subject, tables, moment, moment, ""), answer, CATALOGUE)
    assert (found.verdict, [each.verdict for each in found.tables], found.row_count) == ("error", ["pass", "error"], None)
