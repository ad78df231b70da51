"""The rule type schema_change: columns that are not as they were at the check before."""

from pathlib import Path
from typing import Any

import pytest

from database.pool import Database
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.memory import Checks


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    target.execute("create table t (n integer, amount numeric(10, 2), name text); insert into t values (1, 1, 'a')")
    return Checks(database, engine, target, tmp_path)


def schema_change(**arguments: Any) -> dict[str, Any]:
    return {"id": "r", "type": "schema_change", "arguments": arguments}


def test_columns_are_compared_with_those_of_the_check_before(checks: Checks) -> None:
    checks.configure(schema_change())
    first = checks.rule()
    assert (first.status, first.failures) == ("pass", 0)
    assert first.message == "0 columns added, removed or of another type; there is no earlier check to compare with"
    assert checks.rule().status == "pass"
    checks.target.execute(
        "alter table t drop column n, add column more date, alter column amount type numeric(12, 2), add constraint c check (true)"
    )
    changed = checks.rule()
    assert (changed.status, changed.failures, changed.total) == ("fail", 3, None)
    assert "; added: more; removed: n; another type: amount from numeric(10,2) to numeric(12,2)" in changed.message
    assert checks.rule().status == "pass", "the check before is what it is compared with"


def test_what_is_allowed_is_no_failure(checks: Checks) -> None:
    checks.configure(schema_change(allow=["added", "retyped"]))
    checks.check()
    checks.target.execute("alter table t add column more date, alter column n type bigint")
    assert checks.rule().status == "pass"
    checks.target.execute("alter table t drop column more")
    removed = checks.rule()
    assert (removed.status, removed.failures) == ("fail", 1)


def test_a_column_that_is_there_again_or_is_renamed(checks: Checks) -> None:
    checks.configure(schema_change())
    checks.check()
    checks.target.execute("alter table t drop column n; alter table t add column n integer")
    assert checks.rule().status == "pass", "the same name and type, in another place"
    checks.target.execute("alter table t rename column n to \"N 'x'\"")
    renamed = checks.rule()
    assert renamed.failures == 2
    assert "; added: N 'x'; removed: n" in renamed.message
    assert checks.rule().status == "pass"


def test_types_of_ones_own_views_and_partitions(checks: Checks) -> None:
    checks.target.execute(
        """create type mood as enum ('a'); create schema other; create type other.mood as enum ('a');
        create table parted (m mood, ms mood[], n integer) partition by range (n);
        create table part partition of parted for values from (0) to (10); create view v as select m, ms from parted;
        grant usage on schema other to public; grant select on parted, part, v to public"""
    )
    for table in ("parted", "part", "v"):
        checks.configure(schema_change(), table=f"public.{table}")
        assert checks.rule(table=f"public.{table}").status == "pass"
    checks.target.execute("drop view v; alter table parted alter column m type other.mood using null")
    checks.target.execute("create view v as select m, ms from parted; grant select on v to public")
    for table in ("parted", "part", "v"):
        retyped = checks.rule(table=f"public.{table}")
        assert retyped.failures == 1
        assert "another type: m from public.mood to other.mood" in retyped.message


def test_trials_compare_and_leave_nothing(checks: Checks) -> None:
    document = checks.configure(schema_change())
    checks.check()
    checks.target.execute("alter table t add column more date")
    assert checks.check(trial_of=document).rules[0].status == "fail"
    assert checks.rule(rule_ids=["r"]).status == "fail"
    assert checks.rule().status == "fail"
