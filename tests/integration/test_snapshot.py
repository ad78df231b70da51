"""One scan, one snapshot, and locks that others hold or want."""

import json
import threading
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from api.engine.run_result import DbtRunResult, without_result
from api.worker import lock_retry
from tests.support.databases import Target
from tests.support.engine import SHOP, Engine, gate, rule


def test_a_lock_that_is_not_given_is_an_error(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    loader = psycopg2.connect(target.loader_url)
    loader.cursor().execute("lock table orders in access exclusive mode")
    outcome = engine.outcome(target, gate("orders", rule("a", "not_null", "price"), lock_timeout_ms=300))
    loader.close()
    assert outcome["verdict"] == "error"
    assert "lock" in outcome["reason"]


def test_one_scan_serves_all_row_rules_and_measures(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n as a, n::text as b from generate_series(1, 1000) n; analyze t")
    rules = [rule(f"r{n}", "between", "a", min=n) for n in range(40)] + [rule("c", "row_count", fail_above=None, min=1)]
    before = target.query("select seq_scan from pg_stat_user_tables where relname = 't'")[0][0]
    engine.outcome(target, gate("t", *rules))
    after = before
    for _ in range(100):  # the server's statistics arrive when the session ends
        after = target.query("select pg_stat_clear_snapshot(), seq_scan from pg_stat_user_tables where relname = 't'")[0][1]
        if after > before:
            break
    assert after - before == 1


def test_the_rules_agree_on_one_snapshot_while_the_table_is_reloaded(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer); insert into t select generate_series(1, 1000)")
    stop = threading.Event()
    reloads = []

    def reload() -> None:
        while not stop.is_set():
            target.execute("begin; truncate t; insert into t select generate_series(1, 1000); commit")
            reloads.append(1)

    thread = threading.Thread(target=reload, daemon=True)
    thread.start()
    try:
        for _ in range(15):
            outcome = engine.outcome(target, gate("t", rule("n", "not_null", "a"), rule("u", "unique", "a"), on_empty="pass"))
            assert outcome["row_count"] == 1000, outcome
    finally:
        stop.set()
        thread.join()
    assert len(reloads) > 5


def test_a_check_and_a_loader_are_never_in_a_deadlock(engine: Engine, target: Target) -> None:
    """The loader locks the tables in the other order; a deadlock would end one of the two, and it might be the loader."""
    target.execute(
        "create table good (id integer); insert into good values (1); create table bad (id integer); insert into bad values (null)"
    )
    stop = threading.Event()
    loads, deadlocks = [], []

    def load() -> None:
        while not stop.is_set():
            try:
                target.execute(
                    "begin; lock table bad in access exclusive mode; select pg_sleep(0.05); lock table good in access exclusive mode; commit"
                )
                loads.append(1)
            except psycopg2.errors.DeadlockDetected:
                deadlocks.append(1)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    spec = gate("good", rule("n", "not_null", "id"), lock_timeout_ms=10_000)
    spec["tables"] += gate("bad", rule("n", "not_null", "id"))["tables"]
    verdicts = []
    try:
        for _ in range(15):
            answer = engine.answer(target, spec)
            assert answer.outcome is not None, answer.message
            verdicts.append([table["verdict"] for table in json.loads(answer.outcome)["tables"]])
    finally:
        stop.set()
        thread.join()
    assert verdicts == [["pass", "fail"]] * 15
    assert loads
    assert not deadlocks


def refusal(target: Target, relation: str) -> str:
    """What the server says to a session that cannot have the lock at once."""
    with closing(psycopg2.connect(target.loader_url)) as one, closing(psycopg2.connect(target.loader_url)) as other:
        one.cursor().execute(f"lock table {relation} in access exclusive mode")
        with pytest.raises(psycopg2.errors.LockNotAvailable) as refused:
            other.cursor().execute(f"lock table {relation} in access share mode nowait")
        return str(refused.value)


def test_tables_that_are_never_to_be_had_leave_the_others_their_verdicts(engine: Engine, target: Target) -> None:
    """Between the probe, which gets the locks, and the snapshot, which does not, others take them each time. The server tells the
    one of which it could not have the lock, with its schema or without."""
    target.execute(
        """create table good (id integer); insert into good values (1); create table bad (id integer); insert into bad values (null);
        create table "wo.r""se" (id integer); insert into "wo.r""se" values (null)"""
    )
    names = ["good", "bad", 'wo.r"se']
    spec = gate("good", rule("n", "not_null", "id"), lock_timeout_ms=0)
    spec["tables"] = [table for name in names for table in gate(name, rule("n", "not_null", "id"))["tables"]]
    told = iter([refusal(target, "public.bad"), refusal(target, '"wo.r""se"')])

    def run(spec: dict[str, Any]) -> DbtRunResult:
        if (message := next(told, None)) is None:
            return engine.answer(target, spec | {"lock_timeout_ms": 10_000})
        return without_result(message)

    answer = lock_retry.run_with_locks(run, spec, target.engine().refused_lock)
    assert answer.outcome is not None, answer.message
    found = json.loads(answer.outcome)["tables"]
    assert [one["verdict"] for one in found] == ["pass", "error", "error"]
    assert {"lock" in one["rules"][0]["reason"] for one in found[1:]} == {True}
