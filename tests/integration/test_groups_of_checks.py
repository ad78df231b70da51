"""Groups from one check to the next, through both services: what is remembered, waived, shown and counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from api import retention
from backend.insights.history import RuleName
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from tests.support.databases import Target
from tests.support.datasets import apply, ask, claimed, gate, result, table
from tests.support.engine import Engine
from tests.support.history import points
from tests.support.memory import Checks
from tests.support.waivers import waive


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    """Of a table t with rows of two shops."""
    target.execute(
        "create table t (shop text, n integer, at timestamptz); insert into t values ('a', 1, now()), ('a', 2, now()), ('b', 3, now())"
    )
    return Checks(database, engine, target, tmp_path)


def grouped(rule_id: str = "r", **fields: Any) -> dict[str, Any]:
    return {"id": rule_id, "type": "not_null", "column": "n", "per": "shop"} | fields


def changes(rule: Any) -> list[tuple[Any, str, str | None]]:
    return sorted((str(group.key and group.key["shop"]), group.status, group.change) for group in rule.groups if group.change)


def test_groups_are_compared_with_the_check_before(checks: Checks) -> None:
    checks.configure(grouped(new_groups="warn", missing_groups="fail"), sample_columns=["shop"])
    first = checks.rule()
    assert (first.status, first.group_count, first.groups_failing) == ("pass", 2, 0)
    assert first.message == "all 2 groups pass; no check before to compare the groups with; in all 0 of 3 rows have no n"
    checks.target.execute("update t set shop = 'c' where shop = 'b'")
    second = checks.rule()
    assert (second.status, second.failures, second.total, second.group_count, second.groups_failing) == ("fail", 0, 3, 3, 2)
    assert changes(second) == [("b", "fail", "missing"), ("c", "warn", "new")]
    assert gate(checks.database, "public.t").gate == "closed"
    third = checks.rule()
    assert (third.status, third.message) == ("pass", "all 2 groups pass; in all 0 of 3 rows have no n"), (
        "the check before has them"
    )
    assert gate(checks.database, "public.t").gate == "open"
    last = points(checks.database, RuleName("shop", "public.t", "r"))[0]
    assert (last["failures"], last["total"], last["status"]) == (0, 3, "pass")


def test_a_check_that_decides_nothing_leaves_nothing(checks: Checks) -> None:
    document = checks.configure(grouped(new_groups="fail"), grouped("s", missing_groups="fail"))
    checks.check()
    checks.target.execute("insert into t values ('c', 1, now())")
    for _ in range(2):
        assert checks.rule(rule_ids=["r"]).status == "fail"
        assert checks.check(trial_of=document).rules[0].status == "fail"
    assert checks.rule().status == "fail"
    assert checks.rule().status == "pass"


def test_many_groups_with_names_beyond_ascii_are_remembered(checks: Checks) -> None:
    checks.target.execute("truncate t; insert into t (shop, n) select repeat('Ж', 30) || g, 1 from generate_series(1, 900) g")
    checks.configure(grouped(new_groups="fail", missing_groups="fail"), sample_columns=["shop"])
    checks.check()
    checks.target.execute("delete from t where shop like '%Ж7'; insert into t values ('x', 1, now())")
    found = checks.rule()
    assert (found.status, changes(found)) == ("fail", [("None", "fail", "missing"), ("x", "fail", "new")]), "not all names fit"


def test_a_window_is_compared_with_the_window_before(checks: Checks) -> None:
    checks.target.execute(
        "truncate t; insert into t values ('a', 1, '2026-01-01 10:00+00'), ('b', 1, '2026-01-01 11:00+00'), ('a', 1, '2026-01-02 10:00+00'),"
        " ('a', 1, '2026-01-03 10:00+00')"
    )
    checks.configure(grouped(missing_groups="fail"), gate={"decided_by": "window"})

    def day(number: int) -> Any:
        return checks.rule(
            window={"column": "at", "from": f"2026-01-0{number}T00:00:00Z", "to": f"2026-01-0{number + 1}T00:00:00Z"}
        )

    assert day(1).status == "pass"
    assert day(2).status == "fail"
    assert checks.rule().status == "pass", "the whole table is another thing"
    assert day(2).status == "fail", "of the same window again: still compared with the one before"
    assert day(3).status == "pass"
    assert "no check before" in day(1).message, "what windows long ago had is forgotten"
    assert day(3).status == "pass"


def test_another_column_is_not_compared(checks: Checks) -> None:
    checks.configure(grouped(new_groups="fail", missing_groups="fail"))
    checks.check()
    checks.configure(grouped(per=["n"], new_groups="fail", missing_groups="fail"))
    assert "no check before" in checks.rule().message


def test_keys_are_in_no_result_database_or_command_unless_they_may_be_shown(checks: Checks) -> None:
    checks.target.execute("update t set shop = 's3cret ' || shop")
    checks.configure(grouped(new_groups="fail", missing_groups="fail"), grouped("s", type="unique", new_groups="warn"))
    checks.check()
    checks.target.execute("update t set shop = shop || '!', n = null where n = 3")
    found = checks.check()
    assert [rule.status for rule in found.rules] == ["fail", "warn"]
    assert "s3cret" not in json.dumps(found.model_dump(mode="json"))
    with checks.database.statements() as cursor:
        tables = cursor.all(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname in ('stringx', 'dataops')"
        )
        assert len(tables) > 10
        for each in tables:
            (row,) = cursor.all(f"select coalesce(string_agg(t::text, ''), '') as all_rows from {each['name']} as t")
            assert "s3cret" not in row["all_rows"], each["name"]


def test_keys_that_no_check_renews_go_when_samples_go_and_groups_are_compared_all_the_same(
    checks: Checks, tmp_path: Path
) -> None:
    checks.configure(grouped(missing_groups="fail"), grouped("removed", new_groups="fail"), sample_columns=["shop"])
    checks.check()
    checks.configure(grouped(missing_groups="fail"), sample_columns=["shop"])
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "RETENTION_SAMPLES_DAYS": "7"})

    def remembered() -> str:
        retention.clean(checks.database, settings)
        with checks.database.statements() as cursor:
            (row,) = cursor.all("select string_agg(m::text, '') as all_rows from dataops.rule_memories m")
        return str(row["all_rows"])

    with checks.database.transaction() as cursor:
        cursor.run(
            "update dataops.rule_memories set state = jsonb_set(state, '{keys}', '{\"1\": {\"shop\": \"s3cret\"}}') where rule_id = 'removed';"
            " update dataops.rule_memories set earlier = jsonb_build_object('at', at, 'state', state)"
        )
    assert "s3cret" in remembered()
    with checks.database.transaction() as cursor:
        cursor.run("update dataops.rule_memories set snapshot_at = snapshot_at - interval '8 days', at = at - interval '8 days'")
    assert "s3cret" not in remembered()
    assert '"keys"' not in remembered()
    checks.target.execute("delete from t where shop = 'b'")
    assert changes(checks.rule()) == [("None", "fail", "missing")]


@pytest.mark.parametrize(("at_most", "status"), [(5, "fail"), (None, "warn")])
def test_a_waiver_of_so_many_failures_covers_no_group_that_is_gone(at_most: int | None, status: str, checks: Checks) -> None:
    checks.configure(grouped(missing_groups="fail"))
    checks.check()
    checks.target.execute("update t set n = null where shop = 'a'")
    waive(checks.database, table="public.t", rule="r", **({} if at_most is None else {"at_most": at_most}))
    found = checks.rule()
    assert (found.status, found.failures, found.waived is None) == ("warn", 2, False)
    checks.target.execute("delete from t where shop = 'b'")
    assert checks.rule().status == status


def test_a_project_of_an_older_release_is_no_pass(database: Database) -> None:
    """It ignores `per`, and decides all rows together."""
    apply(database, {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"})
    apply(database, table("public.a", "x") | {"rules": [grouped(), {"id": "x", "type": "not_null", "column": "x"}]})
    ask(database, table="public.a")
    check = claimed(database)
    passed = result(database, check)
    assert (passed.verdict, [rule.status for rule in passed.rules]) == ("error", ["error", "pass"])
    assert passed.rules[0].message == (
        "could not be decided: the dbt project in DBT_PROJECT_DIR is of a release without `per`: take its macros over from stringx/"
    )
    assert result(database, check, r=1).verdict == "error", "what it says of all rows together is nothing"
    assert result(database, check, x=1).verdict == "fail"
