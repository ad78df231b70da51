"""Checks while materialized views, which cannot be locked, are refreshed: they are read again, or are an error."""

from typing import Any

import pytest

from tests.servers.clusters import Server
from tests.servers.loaders import BATCH, CHECKS, WAITS, Loop, held_back, reloading
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

# Materialized views cannot be locked.
VIEW = "create table batches (batch integer); insert into batches values (0); create materialized view t as select g as id, batch from batches, generate_series(1, 100) g; create unique index on t (id);"
REFRESHES = {
    "refresh": "begin; update batches set batch = {batch}; refresh materialized view t; commit",
    "refresh concurrently": "begin; update batches set batch = {batch}; refresh materialized view concurrently t; commit",
    "drop and create": "begin; update batches set batch = {batch}; drop materialized view t; create materialized view t as select g as id, batch from batches, generate_series(1, 100) g; commit",
}  # fmt: skip


@pytest.mark.parametrize("how", REFRESHES)
def test_a_materialized_view_refreshed_meanwhile_is_seen_whole(engine: Engine, target: Target, how: str) -> None:
    """It passes as one batch, or is an error; never a mixture and never a pass on nothing."""
    target.execute(VIEW)
    tests = [*BATCH, rule("current", "relationship", "batch", to_table="public.batches", to_column="batch")]
    statuses = []
    with Loop(target.loader_url, reloading(REFRESHES[how], pause_s=0.25)) as loop:
        for _ in range(2 * CHECKS):
            found = engine.outcome(target, gate("t", *tests))
            assert {one["status"] for one in found["rules"]} <= {"pass", "error"}, found
            assert found["row_count"] in ((100,) if found["verdict"] == "pass" else (100, None)), found
            statuses.append(found["verdict"])
        assert loop.done > 5
    assert "pass" in statuses


def test_a_materialized_view_refreshed_after_the_snapshot_is_read_again(engine: Engine, server: Server, target: Target) -> None:
    """The table's scan waits in the snapshot; the refreshed view would then be newer than the table."""
    target.execute(
        WAITS + "create table t (id integer); insert into t values (1), (2); create materialized view m as select id from t"
    )
    tests = [
        rule("waits", "expression", sql="public.wait_for_loader()"),
        rule("parent", "relationship", "id", to_table="public.m", to_column="id"),
        rule("matches", "row_count_matches", fail_above=None, other_table="public.m"),
        rule("unqualified", "sql", query="select * from t where id > 5"),
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("t", *tests))) as running:
        target.execute("begin; delete from t; insert into t values (3), (4), (5); refresh materialized view m; commit")
    found = running.result()
    assert (found["verdict"], found["row_count"]) == ("pass", 3), found


def test_a_materialized_view_behind_a_view_is_watched_too(engine: Engine, server: Server, target: Target) -> None:
    target.execute(
        WAITS
        + "create table t (id integer); insert into t values (1), (2); create materialized view m as select id from t; create view v as select id from m; create view w as select * from v"
    )
    tests = [
        rule("waits", "expression", sql="public.wait_for_loader()"),
        rule("parent", "relationship", "id", to_table="public.w", to_column="id"),
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("t", *tests))) as running:
        target.execute("begin; delete from t; insert into t values (3), (4), (5); refresh materialized view m; commit")
    assert (running.result()["verdict"], running.result()["row_count"]) == ("pass", 3)


def test_proofs_are_found_again_where_all_is_read_again(engine: Engine, server: Server, target: Target) -> None:
    target.execute(
        WAITS
        + "create table t (id integer primary key); insert into t values (1), (2); create materialized view m as select id from t"
    )
    tests = [
        rule("waits", "expression", sql="public.wait_for_loader()"),
        rule("parent", "relationship", "id", to_table="public.m", to_column="id"),
        rule("unique", "unique", "id") | {"verify": "constraint"},
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("t", *tests))) as running:
        target.execute("begin; delete from t; insert into t values (3), (4), (5); refresh materialized view m; commit")
    found = running.result()
    assert (found["verdict"], found["row_count"]) == ("pass", 3)
    assert [one["verified_by"] for one in found["rules"]] == ["scan", "scan", "constraint"]


def test_a_view_that_is_refreshed_during_each_reading_is_an_error_of_its_rules_alone(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer); insert into t values (1), (null); create materialized view m as select 1 as id")

    def refresh(cursor: Any) -> None:
        cursor.execute("refresh materialized view m")

    slow = rule("slow", "expression", sql="(select pg_sleep(0.3)) is not null")
    tests = [slow, rule("filled", "not_null", "id"), rule("parent", "relationship", "id", to_table="public.m", to_column="id")]
    with Loop(target.loader_url, refresh):
        found = engine.rules(target, gate("t", *tests))
    assert {key: (one["status"], one["failures"]) for key, one in found.items()} == {
        "slow": ("pass", 0),
        "filled": ("fail", 1),
        "parent": ("error", None),
    }
    assert found["parent"]["reason"] == "it was refreshed, altered or replaced each of three times that it was read"


def test_one_that_is_refreshed_only_while_the_others_are_given_up_is_an_error_too(
    engine: Engine, server: Server, target: Target
) -> None:
    target.execute(
        "create table t (id integer); insert into t values (1);"
        "create materialized view m as select 1 as id; create materialized view n as select 1 as id"
    )
    sleeping = f"select xact_start from pg_stat_activity where wait_event = 'PgSleep' and usename = '{target.user}'"
    readings = set()

    def refresh(cursor: Any) -> None:
        cursor.execute(sleeping)
        readings.update(cursor.fetchall())
        cursor.execute(f"refresh materialized view {'m' if len(readings) < 4 else 'n'}")

    tests = [
        rule("slow", "expression", sql="(select pg_sleep(0.6)) is not null"),
        rule("first", "relationship", "id", to_table="public.m", to_column="id"),
        rule("second", "relationship", "id", to_table="public.n", to_column="id"),
    ]
    with Loop(server.url(target.dbname), refresh):
        found = engine.rules(target, gate("t", *tests))
    assert {key: one["status"] for key, one in found.items()} == {"slow": "pass", "first": "error", "second": "error"}
    assert len(readings) >= 5  # a refresh may come too late for the reading that it was meant for
