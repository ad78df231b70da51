"""A read replica as a target: it takes locks of readers only, and its tables change by what the primary sends."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from api.targets.registry import engine_of
from stringx_dataops.contract.documents.targets import parse_target
from tests.servers.clusters import Server, Servers, session
from tests.servers.conftest import only
from tests.servers.loaders import Loop
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

pytestmark = only("debian")


@pytest.fixture
def follower(servers: Servers, server: Server) -> Server:
    return servers.standby(server.name)


def caught_up(server: Server, follower: Server) -> None:
    """Returns when the standby shows all that the primary has committed."""
    sent = server.value("select pg_current_wal_lsn()::text")
    wait_until(lambda: follower.value(f"select pg_last_wal_replay_lsn() >= '{sent}'"))


def test_a_standby_gives_the_numbers_of_its_primary(engine: Engine, server: Server, follower: Server, target: Target) -> None:
    target.execute(
        "create table t (a integer, b text); insert into t values (1, 'x'), (null, 'y'), (1, null);"
        "create view v as select * from t; create materialized view m as select * from t"
    )
    caught_up(server, follower)
    assert follower.value("select pg_is_in_recovery()") is True
    tests = [
        rule("filled", "not_null", "a"),
        rule("known", "accepted_values", "b", values=["x"]),
        rule("unique", "unique", "a"),
        rule("parent", "relationship", "b", to_table="public.m", to_column="b", to_where="b = 'x'"),
        rule("broken", "expression", sql="1 / (a - a) = 1"),
        rule("rows", "row_count", fail_above=None, min=3, max=3),
    ]
    for name in ("t", "v", "m"):
        found = engine.outcome(replace(target, port=follower.port), gate(name, *tests, key=["b"], sample_rows=2))
        assert {one["id"]: (one["status"], one["failures"]) for one in found["rules"]} == {
            "filled": ("fail", 1), "known": ("fail", 1), "unique": ("fail", 1), "parent": ("fail", 1), "broken": ("error", None), "rows": ("pass", None),
        }  # fmt: skip
        assert found["row_count"] == 3


def test_a_table_truncated_and_filled_on_the_primary_is_seen_whole(
    engine: Engine, server: Server, follower: Server, target: Target
) -> None:
    """The standby applies a truncation only when no check holds the table: at once, or after max_standby_streaming_delay."""
    target.execute("create table t as select g as id from generate_series(1, 100) g")
    caught_up(server, follower)

    def step(cursor: Any) -> None:
        cursor.execute("begin; truncate t; insert into t select g from generate_series(1, 100) g; commit")
        time.sleep(0.02)

    tests = [
        rule("unique", "unique", "id"),
        rule("filled", "not_null", "id"),
        rule("broken", "expression", sql="1 / (id - id) = 1"),
    ]
    with Loop(target.loader_url, step) as loop:
        for _ in range(20):
            found = engine.outcome(replace(target, port=follower.port), gate("t", *tests))
            assert found["row_count"] == 100, found
            assert [one["status"] for one in found["rules"]] == ["pass", "pass", "error"], found
        assert loop.done > 5
    with session(follower.url(target.dbname)) as cursor:
        cursor.execute("select count(*) from t")
        assert cursor.fetchone() == (100,)


def test_a_snapshot_on_a_standby_says_until_when_it_shows_what_was_committed(
    engine: Engine, server: Server, follower: Server, target: Target
) -> None:
    """The time is that of a commit on the primary. Without one the standby gets no newer, however long it is connected."""
    before = moment(target, "select clock_timestamp()")
    target.execute("create table t as select 1 as id")  # a commit that has written something is on the disk when it is answered
    caught_up(server, follower)
    spec = gate("t", rule("filled", "not_null", "id")) | {"replay_timeout_ms": 60_000}
    found = outcome_of(engine, replace(target, port=follower.port), spec)
    first = shown(found)
    assert before <= first <= datetime.fromisoformat(found["snapshot_at"])
    assert (found["verdict"], found["tables"][0]["row_count"]) == ("pass", 1)
    assert shown(outcome_of(engine, replace(target, port=follower.port), spec)) >= first
    assert "standby" not in outcome_of(engine, target, spec)


def test_a_check_waits_for_what_a_standby_has_received(engine: Engine, server: Server, follower: Server, target: Target) -> None:
    target.execute("create table t (id integer)")
    caught_up(server, follower)
    on_standby = replace(target, port=follower.port)
    spec = gate("t", rule("filled", "not_null", "id", where="id is null or id > 0"))
    with paused(follower):
        target.execute("insert into t values (null)")
        loaded = moment(target, "select clock_timestamp() from pg_current_xact_id()")
        received(server, follower)
        hurried = outcome_of(engine, on_standby, spec | {"replay_timeout_ms": 50})
        assert hurried["verdict"] == "error"
        reason = hurried["tables"][0]["reason"]
        assert reason.startswith(
            "the target is a standby that has not replayed within replay_timeout what it had received: it shows"
        ), reason
        assert hurried["tables"][0]["rules"][0]["reason"] == reason
        regardless = outcome_of(
            engine, on_standby, spec | {"replay_timeout_ms": None, "tables": [dict(spec["tables"][0], on_empty="pass")]}
        )
        assert (regardless["verdict"], regardless["tables"][0]["row_count"]) == ("pass", 0)
        assert shown(regardless) < loaded
        with ThreadPoolExecutor() as pool:
            patient = pool.submit(outcome_of, engine, on_standby, spec | {"replay_timeout_ms": 60_000})
            follower.run("select pg_sleep(0.5)")
            assert not patient.done()
            follower.run("select pg_wal_replay_resume()")
            found = patient.result(timeout=60)
    assert (found["verdict"], found["tables"][0]["row_count"]) == ("fail", 1)


def test_a_standby_that_has_lost_its_primary_decides_nothing(
    engine: Engine, server: Server, follower: Server, target: Target
) -> None:
    target.execute("create table t as select 1 as id")
    caught_up(server, follower)
    spec = gate("t", rule("filled", "not_null", "id")) | {"replay_timeout_ms": 100}
    connected = follower.value("select setting from pg_settings where name = 'primary_conninfo'")
    follower.run("alter system set primary_conninfo = ''")
    try:
        follower.run("select pg_reload_conf()")
        wait_until(lambda: follower.value("select count(*) from pg_stat_wal_receiver") == 0)
        found = outcome_of(engine, replace(target, port=follower.port), spec)
    finally:
        follower.run(f"alter system set primary_conninfo = $${connected}$$")
        follower.run("select pg_reload_conf()")
    assert found["verdict"] == "error"
    assert "that is not connected to its primary: it shows what was committed until" in found["tables"][0]["reason"]
    caught_up(server, follower)
    assert outcome_of(engine, replace(target, port=follower.port), spec | {"replay_timeout_ms": 60_000})["verdict"] == "pass"


def test_a_check_that_is_in_the_way_of_the_recovery_is_run_again_and_never_passes(
    engine: Engine, server: Server, follower: Server, target: Target
) -> None:
    """The locks of a check hold up a truncation that the primary has sent. The standby ends the check's session, not a rule alone;
    libpq does not pass on the reason."""
    target.execute("create table t as select 1 as id")
    caught_up(server, follower)
    follower.run("alter system set max_standby_streaming_delay = 0")
    follower.run("select pg_reload_conf()")
    spec = gate("t", rule("filled", "not_null", "id"), rule("slow", "expression", sql="pg_sleep(30)::text = ''"))
    try:
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(engine.answer, replace(target, port=follower.port), spec)
            wait_until(lambda: follower.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1)
            target.execute("truncate t")
            ended = answer.result(timeout=25)
    finally:
        follower.run("alter system reset max_standby_streaming_delay")
        follower.run("select pg_reload_conf()")
    document = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}
    of_target = engine_of(parse_target(document))
    assert (ended.outcome, ended.timed_out) == (None, False)
    assert of_target.may_pass(ended.message or "")
    assert "standby" in (of_target.explain(ended.message or "") or ""), ended.message


def outcome_of(engine: Engine, target: Target, spec: dict[str, Any]) -> Any:
    answer = engine.answer(target, spec)
    assert answer.outcome is not None, answer
    return json.loads(answer.outcome)


def shown(outcome: Any) -> datetime:
    return datetime.fromisoformat(outcome["standby"]["replayed_at"])


def moment(target: Target, query: str) -> datetime:
    with session(target.loader_url) as cursor:
        cursor.execute(query)
        found: datetime = cursor.fetchone()[0]
        return found


@contextmanager
def paused(follower: Server) -> Iterator[None]:
    follower.run("select pg_wal_replay_pause()")
    try:
        wait_until(lambda: follower.value("select pg_get_wal_replay_pause_state()") == "paused")
        yield
    finally:
        follower.run("select pg_wal_replay_resume()")


def received(server: Server, follower: Server) -> None:
    sent = server.value("select pg_current_wal_flush_lsn()::text")
    wait_until(lambda: follower.value(f"select pg_last_wal_receive_lsn() >= '{sent}'"))


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
