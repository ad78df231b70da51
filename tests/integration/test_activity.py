"""The rule type activity: when a table last changed, by the server's counters."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from database.pool import Database
from tests.servers.clusters import session
from tests.support.databases import Admin, Target
from tests.support.engine import Engine
from tests.support.memory import Checks

FIRST = "there is no earlier check to compare with: the next one can tell whether the table has changed"


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    target.execute("create table t (n integer); insert into t select generate_series(1, 100); grant truncate on t to public")
    return Checks(database, engine, target, tmp_path)


def activity(max_age: str = "1h", **arguments: Any) -> dict[str, Any]:
    return {"id": "r", "type": "activity", "arguments": {"max_age": max_age} | arguments}


def change(checks: Checks, statement: str) -> None:
    """Done, and counted before this returns; a session that ends would report a little later."""
    with session(checks.target.loader_url) as cursor:
        cursor.execute(statement)
        cursor.execute("select pg_stat_force_next_flush()")


def reset(checks: Checks, admin: Admin, call: str = "pg_stat_reset()") -> None:
    admin.run(f"select {call}", checks.target.dbname)


def age(checks: Checks, by: timedelta) -> None:
    """As if the check before had been so long ago."""
    with checks.database.transaction() as cursor:
        cursor.run(
            """update dataops.rule_memories set state = jsonb_set(state, '{at}', to_jsonb((state->>'at')::timestamptz - %(by)s))
            || jsonb_build_object('since', (state->>'since')::timestamptz - %(by)s)""",
            {"by": by},
        )


def test_the_first_check_is_an_error_and_the_next_one_can_tell(checks: Checks) -> None:
    checks.configure(activity())
    first = checks.rule()
    assert first.status == "error"
    assert FIRST in first.message
    still = checks.rule()
    assert still.status == "error", "nothing was seen to change"
    change(checks, "insert into t values (1)")
    changed = checks.rule()
    assert changed.status == "pass"
    assert 0 <= float(changed.measured) < 300
    assert changed.message.startswith("the last change of the table is at most ")


def test_a_change_ages(checks: Checks) -> None:
    checks.configure(activity("1h", warn={"max_age": "30m"}))
    checks.check()
    change(checks, "update t set n = n")
    assert checks.rule().status == "pass"
    age(checks, timedelta(minutes=40))
    assert checks.rule().status == "warn"
    age(checks, timedelta(minutes=40))
    old = checks.rule()
    assert old.status == "fail"
    assert float(old.measured) >= 80 * 60
    change(checks, "delete from t where n = 1")
    assert checks.rule().status == "pass"


def test_a_change_somewhere_in_a_longer_time_proves_nothing(checks: Checks) -> None:
    checks.configure(activity())
    checks.check()
    age(checks, timedelta(hours=2))
    change(checks, "insert into t values (1)")
    unclear = checks.rule()
    assert unclear.status == "error"
    assert "check it more often" in unclear.message


@pytest.mark.parametrize(
    "statement",
    [
        "vacuum full t",
        "analyze t",
        "begin; insert into t values (1); rollback",
        "alter table t add column more text",
    ],
)
def test_what_is_no_change_of_rows(checks: Checks, statement: str) -> None:
    checks.configure(activity())
    checks.check()
    change(checks, statement)
    assert checks.rule().status == "error"
    assert checks.rule().status == "error"


@pytest.mark.parametrize("call", ["pg_stat_reset()", "pg_stat_reset_single_table_counters('public.t'::regclass)"])
def test_rows_after_a_reset_count_from_then_on(checks: Checks, admin: Admin, call: str) -> None:
    checks.configure(activity())
    checks.check()
    reset(checks, admin, call)
    assert checks.rule().status == "error"
    change(checks, "insert into t select generate_series(1, 5)")
    assert checks.rule().status == "pass"
    age(checks, timedelta(hours=2))
    reset(checks, admin, call)
    change(checks, "insert into t values (1)")
    assert checks.rule().status == "fail", "fewer than before: a reset, whatever happened since"


def test_a_clock_that_went_back_and_another_database_prove_nothing(checks: Checks) -> None:
    checks.configure(activity())
    checks.check()
    change(checks, "insert into t values (1)")
    age(checks, -timedelta(hours=2))
    ahead = checks.rule()
    assert ahead.status == "error"
    assert "the check before is ahead of the clock of the server, which has gone back" in ahead.message
    age(checks, timedelta(hours=2))
    with checks.database.transaction() as cursor:
        cursor.run('update dataops.rule_memories set state = state || \'{"database": "1/1", "relations": {}}\'')
    moved = checks.rule()
    assert moved.status == "error", "its rows may have been there for long"
    assert "the target is another database than at the check before" in moved.message
    change(checks, "insert into t values (1)")
    assert checks.rule().status == "pass"


def test_truncate_and_a_table_that_is_made_anew_are_changes(checks: Checks) -> None:
    checks.configure(activity())
    checks.check()
    change(checks, "truncate t")
    assert checks.rule().status == "pass"
    age(checks, timedelta(hours=2))
    assert checks.rule().status == "fail"
    change(checks, "drop table t; create table t (n integer); insert into t values (1); grant select on t to public")
    assert checks.rule().status == "pass"


def test_partitions_count_and_views_do_not(checks: Checks) -> None:
    checks.target.execute(
        """create table p (n integer) partition by range (n); create table p1 partition of p for values from (0) to (10);
        create table p2 partition of p for values from (10) to (20); insert into p values (1), (11); create view v as select * from p;
        create materialized view m as select * from p; grant select on p, p1, p2, v, m to public"""
    )
    for table in ("p", "v", "m"):
        checks.configure(activity(), table=f"public.{table}")
        checks.check(table=f"public.{table}")
    change(checks, "insert into p2 values (12); refresh materialized view m")
    assert checks.rule(table="public.p").status == "pass"
    assert checks.rule(table="public.m").status == "pass"
    view = checks.rule(table="public.v")
    assert view.status == "error"
    assert "no statistics of changes of a view" in view.message
