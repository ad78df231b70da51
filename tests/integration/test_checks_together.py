"""Checks that share a run of dbt: each has the result that it has alone, and none is touched by what is wrong with another."""

import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from api.checks import claims
from api.checks.waiving import Decided
from api.worker import together
from api.worker.attempt import Attempt, Batch
from api.worker.execution import AttemptEnd, HandBack
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.databases import Admin, Target
from tests.support.engine import Engine
from tests.support.memory import Checks, change
from tests.support.processes import eventually

RULES: list[dict[str, Any]] = [
    {"id": "n_there", "type": "not_null", "column": "n"},
    {"id": "n_unique", "type": "unique", "column": "n"},
    {"id": "few", "type": "row_count", "arguments": {"max": 20}},
    {"id": "small", "type": "expression", "arguments": {"sql": "n < 9"}, "severity": "warn"},
]


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    for number in range(1, 7):
        target.execute(f"create table t{number} as select n, n % 3 as m from generate_series(1, {number * 4}) n")
    return Checks(database, engine, target, tmp_path)


def configure(checks: Checks, **others: list[dict[str, Any]]) -> None:
    """Tables t1 to t4, and others, with rules of their own."""
    for name, rules in ({f"t{number}": RULES for number in range(1, 5)} | others).items():
        checks.configure(*rules, table=f"public.{name}", key=["n"], sample_rows=3)


def taken(checks: Checks, *tables: str, **asked: Any) -> Batch:
    """A batch of checks of these tables, each known to be short."""
    for table in tables:
        with checks.database.transaction() as cursor:
            cursor.run("select dataops.expect('shop', %(table)s, true, 10)", {"table": f"public.{table}"})
        checks.ask(table=f"public.{table}", **asked)
    found = claims.claim_batch(checks.database, "w", 16).checks
    assert len(found) == len(tables)
    return Batch([Attempt(check) for check in found], 600)


def run(checks: Checks, batch: Batch) -> dict[str, AttemptEnd]:
    """The ends of a batch, by table."""
    ends, left = together.execute(checks.executor(), batch)
    assert not left
    return {attempt.check.tables[0].removeprefix("public."): end for attempt, end in ends}


def decided(ends: dict[str, AttemptEnd]) -> set[str]:
    return {table for table, end in ends.items() if isinstance(end, Decided)}


def handed_back(ends: dict[str, AttemptEnd]) -> dict[str, bool]:
    """The tables whose checks are to run alone, and whether the next ones are, too. None of them has crashed."""
    found = {table: end for table, end in ends.items() if isinstance(end, HandBack)}
    assert not any(end.crashed or end.yielded or end.delay_s for end in found.values())
    return {table: end.apart for table, end in found.items()}


def stored(checks: Checks, batch: Batch, ends: dict[str, AttemptEnd]) -> None:
    """As a worker stores it."""
    of = {attempt.check.tables[0].removeprefix("public."): attempt.check for attempt in batch.attempts}
    results = [(of[table], end) for table, end in ends.items() if isinstance(end, CheckResult | Decided)]
    assert claims.finish_several(checks.database, results, "http://backend") == {check.check_id for check, _ in results}
    for table, end in ends.items():
        if isinstance(end, HandBack):
            assert claims.hand_back(checks.database, of[table], **asdict(end))


def alike(end: AttemptEnd) -> dict[str, Any]:
    """A result without what differs between two runs of the same check."""
    assert isinstance(end, Decided), end
    found = end.result.as_json()
    for name in ("check_id", "request_id", "queued_at", "started_at", "finished_at", "duration_ms", "snapshot_at", "dbt"):
        found.pop(name)
    found["notes"] = [note for note in found["notes"] if not note.startswith("read on one snapshot with")]
    return found


def alone(checks: Checks, table: str, **asked: Any) -> dict[str, Any]:
    checks.ask(table=f"public.{table}", **asked)
    [check] = claims.claim_batch(checks.database, "w", 1).checks
    return alike(checks.executor().execute(Attempt(check)))


def test_each_check_of_a_batch_has_the_result_that_it_has_alone(checks: Checks) -> None:
    configure(checks)
    batch = taken(checks, "t1", "t2", "t3", "t4")
    ends = run(checks, batch)
    assert {table: end.result.verdict for table, end in ends.items() if isinstance(end, Decided)} == {
        "t1": "pass", "t2": "pass", "t3": "warn", "t4": "warn"
    }  # fmt: skip
    stored(checks, batch, ends)
    for table, end in ends.items():
        assert alike(end) == alone(checks, table)
        assert isinstance(end, Decided)
        assert end.result.notes == ["read on one snapshot with 3 other tables"]
        assert end.took_ms is not None
        assert end.took_ms < claims.APART_MS


def test_the_command_of_each_result_checks_its_table_alone(checks: Checks) -> None:
    configure(checks)
    for table, end in run(checks, taken(checks, "t1", "t2")).items():
        assert isinstance(end, Decided)
        assert end.result.dbt is not None
        command = end.result.dbt.command
        assert f'"name": "{table}"' in command
        assert command.count('"schema":') == 1
        assert f"stringx {end.result.check_id} by hand" in command


def test_windows_and_narrowed_checks_share_a_run(checks: Checks) -> None:
    configure(checks)
    batch = taken(checks, "t3", "t4", window={"column": "n", "from": 3, "to": 9}, rule_ids=["n_there", "small"])
    ends = run(checks, batch)
    stored(checks, batch, ends)
    for table, end in ends.items():
        assert alike(end) == alone(checks, table, window={"column": "n", "from": 3, "to": 9}, rule_ids=["n_there", "small"])


def test_rules_that_remember_share_a_run(checks: Checks) -> None:
    configure(checks, t5=[change(max_increase="20%")], t6=[change(max_increase="20%"), *RULES])
    first = taken(checks, "t1", "t5", "t6")
    stored(checks, first, run(checks, first))
    checks.target.execute(
        "insert into t5 select n from generate_series(1, 50) n; insert into t6 select n from generate_series(101, 103) n"
    )
    second = taken(checks, "t1", "t5", "t6")
    ends = run(checks, second)
    verdicts = {table: end.result.verdict for table, end in ends.items() if isinstance(end, Decided)}
    assert verdicts == {"t1": "pass", "t5": "fail", "t6": "fail"}
    stored(checks, second, ends)
    points = checks.database
    with points.transaction() as cursor:
        found = cursor.all("select table_name, count(*) as points from dataops.rule_points group by 1 order by 1")
    assert [(row["table_name"], row["points"]) for row in found] == [("public.t5", 2), ("public.t6", 2)]


BROKEN = {
    "no such table": ("gone", [{"id": "r", "type": "not_null", "column": "n"}]),
    "no such column": ("t5", [{"id": "r", "type": "not_null", "column": "no_such"}]),
    "an error on data": ("t5", [*RULES, {"id": "r", "type": "expression", "arguments": {"sql": "1 / (n - 3) >= 0"}}]),
    "a dbt test": ("t5", [{"id": "r", "type": "dbt", "column": "n", "arguments": {"test": "not_null"}}]),
}


@pytest.mark.parametrize("broken", list(BROKEN), ids=str)
def test_a_broken_member_runs_alone_and_the_others_are_decided(checks: Checks, broken: str) -> None:
    table, rules = BROKEN[broken]
    configure(checks, **{table: rules})
    batch = taken(checks, "t1", table, "t2")
    ends = run(checks, batch)
    assert (decided(ends), handed_back(ends)) == ({"t1", "t2"}, {table: True})
    stored(checks, batch, ends)
    [check] = claims.claim_batch(checks.database, "w", 16).checks
    assert (check.tables, check.attempt, check.crashes) == ([f"public.{table}"], 2, 0)
    checks.finish(check, checks.run(check))
    checks.ask(table=f"public.{table}")
    checks.ask(table="public.t1")
    assert [len(claims.claim_batch(checks.database, "w", 16).checks) for _ in range(2)] == [1, 1], (
        "the next one is not in a batch, either"
    )


def test_a_locked_table_is_checked_alone_and_the_others_without_it(checks: Checks) -> None:
    configure(checks)
    with psycopg2.connect(checks.target.loader_url) as loader, loader.cursor() as cursor:
        cursor.execute("lock table t2 in access exclusive mode")
        ends = run(checks, taken(checks, "t1", "t2", "t3"))
        assert decided(ends) == {"t1", "t3"}
        assert list(handed_back(ends)) == ["t2"]


SLOW = "create view slow as select n, pg_sleep(300)::text as slept from generate_series(1, 1) n"


@pytest.fixture
def slow(checks: Checks) -> Checks:
    """With a table that takes longer than a test."""
    checks.target.execute(SLOW)
    configure(checks, slow=[{"id": "r", "type": "not_null", "column": "slept"}])
    return checks


def test_a_slow_member_ends_the_batch_and_all_run_alone(slow: Checks) -> None:
    batch = taken(slow, "t1", "slow", "t2")
    batch._deadline = time.monotonic() + 1
    assert handed_back(run(slow, batch)) == {"t1": False, "slow": False, "t2": False}


@pytest.mark.parametrize("what", ["session", "child"])
def test_whatever_ends_the_run_hands_all_back_without_a_crash(slow: Checks, admin: Admin, what: str) -> None:
    batch = taken(slow, "t1", "slow", "t2")
    on_target = f"application_name = 'stringx batch {batch.attempts[0].check.check_id} 1' and wait_event = 'PgSleep'"

    def kill() -> None:
        """By the superuser: the loader sees of other roles' sessions only that they are there."""
        with psycopg2.connect(admin.url(slow.target.dbname)) as connection, connection.cursor() as cursor:

            def found(column: str) -> list[tuple[Any, ...]]:
                cursor.execute(f"select {column} from pg_stat_activity where {on_target}")
                connection.commit()  # the next look sees what is there then
                return cursor.fetchall()

            eventually(lambda: found("pid"), 60, "the batch on its target")
            if what == "child":
                slow.engine.child.terminate()
            else:
                assert found("pg_terminate_backend(pid)") == [(True,)]
        connection.close()

    killing = threading.Thread(target=kill, daemon=True)
    killing.start()
    ends = run(slow, batch)
    killing.join()
    assert handed_back(ends) == {"t1": False, "slow": False, "t2": False}


def test_a_canceled_member_leaves_the_others_and_a_batch_that_nobody_needs_ends(slow: Checks) -> None:
    batch = taken(slow, "t1", "t2", "t3")
    batch.attempts[1].stop("canceled")
    ends, left = together.execute(slow.executor(), batch)
    assert {attempt.check.tables[0] for attempt, _ in ends} == {"public.t1", "public.t3"}
    assert left == [batch.attempts[1]], "it ends by itself"
    assert batch.stopped is None
    for attempt in batch.attempts:
        attempt.stop("handed_back")
    assert batch.stopped == "handed_back"


def test_a_check_whose_table_is_not_configured_any_more_ends_by_itself(checks: Checks) -> None:
    configure(checks)
    batch = taken(checks, "t1", "t2", "t3")
    with checks.database.transaction() as cursor:
        cursor.run("delete from stringx.tables where table_name = 'public.t2'")
    ends, left = together.execute(checks.executor(), batch)
    assert [attempt.check.tables for attempt in left] == [["public.t2"]]
    assert len(ends) == 2
    end = checks.executor().execute(left[0])
    assert isinstance(end, CheckResult)
    assert end.reason is not None
    assert end.reason.startswith("no_rules")


# Sets every answer to that of the first table, and whose operators are searched first.
FORGE = """
create function forge(number integer) returns integer language plpgsql immutable as $$
begin
  for slot in 0..9 loop
    perform set_config('stringx.r' || slot, current_setting('stringx.r0', true), true);
  end loop;
  perform set_config('search_path', 'public, pg_catalog', true);
  return number;
end $$;
create function agrees(integer, integer) returns boolean language sql immutable as 'select true';
create operator public.< (leftarg = integer, rightarg = integer, function = agrees);
create view forger as select forge(n) as n from t3;
"""


def test_code_that_a_table_runs_changes_nothing_of_what_was_read_before_it_or_is_read_after_it(checks: Checks) -> None:
    there = [{"id": "r", "type": "not_null", "column": "n"}]
    small = [{"id": "r", "type": "expression", "arguments": {"sql": "n < 4"}}]
    checks.target.execute(f"{FORGE} create table holes as select case when n < 3 then n end as n from generate_series(1, 4) n")
    configure(checks, holes=there, forger=there, t1=there, t2=small)
    ends = run(checks, taken(checks, "t1", "holes", "forger", "t2"))
    assert {table: end.result.verdict for table, end in ends.items() if isinstance(end, Decided)} == {
        "t1": "pass", "holes": "fail", "forger": "pass", "t2": "fail"
    }  # fmt: skip
