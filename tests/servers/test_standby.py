"""A read replica as a target: it takes locks of readers only, and its tables change by what the primary sends."""

import time
from dataclasses import replace
from typing import Any

import pytest

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
    until = time.monotonic() + 30
    while not follower.value(f"select pg_last_wal_replay_lsn() >= '{sent}'"):
        assert time.monotonic() < until
        time.sleep(0.02)


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
