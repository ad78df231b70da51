"""Checks while a loader works: one consistent answer, as it was before or as it is after, and never a pass on nothing."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.servers.clusters import Server, session
from tests.servers.conftest import only
from tests.servers.loaders import BATCH, CHECKS, GATE_LOCK, WAITS, Loop, held_back, reloading
from tests.support.databases import Target
from tests.support.engine import Engine, Project, gate, rule


def test_rules_agree_although_a_row_comes_between_the_scan_and_the_fall_back(
    engine: Engine, server: Server, target: Target
) -> None:
    """The scan waits, then breaks; every rule is then read by itself, still in the snapshot from before the insert."""
    target.execute(WAITS + "create table t (a integer, b integer); insert into t values (1, 0), (1, 0), (null, 0)")
    tests = [
        rule("filled", "not_null", "a"),
        rule("broken", "expression", sql="public.wait_for_loader() and 1 / b = 1"),
        rule("unique", "unique", "a"),
        rule("known", "accepted_values", "a", values=[7]),
        rule("parent", "relationship", "a", to_table="public.t", to_column="b"),
        rule("rows", "row_count", fail_above=None, min=3, max=3),
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("t", *tests))) as running:
        target.execute("insert into t values (1, 0), (null, 0), (2, 0)")
    found = running.result()
    assert target.query("select count(*) from t") == [(6,)]
    assert found["row_count"] == 3
    assert {one["id"]: (one["status"], one["failures"], one["total"]) for one in found["rules"]} == {
        "filled": ("fail", 1, 3), "broken": ("error", None, None), "unique": ("fail", 1, 3), "known": ("fail", 2, 3),
        "parent": ("fail", 2, 3), "rows": ("pass", None, 3),
    }  # fmt: skip


def test_two_tables_loaded_in_one_transaction_agree(engine: Engine, server: Server, target: Target) -> None:
    target.execute(
        WAITS
        + "create table orders (id integer); create table items (order_id integer); insert into orders values (1); insert into items values (1)"
    )
    tests = [
        rule("waits", "expression", sql="public.wait_for_loader()"),
        rule("parent", "relationship", "order_id", to_table="public.orders", to_column="id"),
        rule("matches", "row_count_matches", fail_above=None, other_table="public.orders"),
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("items", *tests))) as running:
        target.execute(
            "begin; delete from orders; insert into orders values (2), (3); delete from items; insert into items values (2), (3); commit"
        )
    found = running.result()
    assert (found["verdict"], found["row_count"]) == ("pass", 1)


def test_two_tables_loaded_again_and_again_agree(engine: Engine, target: Target) -> None:
    """Each item's order is there, and there are as many, whenever the check looks."""
    target.execute(
        "create table orders (id bigint); create table items (order_id bigint); insert into orders values (0); insert into items values (0)"
    )
    tests = [
        rule("parent", "relationship", "order_id", to_table="public.orders", to_column="id"),
        rule("matches", "row_count_matches", fail_above=None, other_table="public.orders"),
        rule("unique", "unique", "order_id"),
    ]

    def load(cursor: Any) -> None:
        cursor.execute(
            "begin; insert into orders select coalesce(max(id), 0) + g from orders, generate_series(1, 20) g group by g;"
            " insert into items select coalesce(max(order_id), 0) + g from items, generate_series(1, 20) g group by g; commit"
        )

    counts = []
    with Loop(target.loader_url, load) as loop:
        for _ in range(CHECKS):
            found = engine.outcome(target, gate("items", *tests))
            assert found["verdict"] == "pass", found
            counts.append(found["row_count"])
        loaded = loop.done
    assert loaded > 5
    assert len(set(counts)) > 5, "the loader must have loaded between the checks"
    assert all(count % 20 == 1 for count in counts)


# what a loader does in one transaction, and may be seen of it: 100 rows of one batch
RELOADS = {
    "truncate and insert": "begin; truncate t; insert into t select g, {batch} from generate_series(1, 100) g; commit",
    "delete and insert": "begin; delete from t; insert into t select g, {batch} from generate_series(1, 100) g; commit",
    "drop and create": "begin; drop table t; create table t as select g as id, {batch} as batch from generate_series(1, 100) g; commit",
    "rename": """begin; truncate spare; insert into spare select g, {batch} from generate_series(1, 100) g;
                 alter table t rename to swapped; alter table spare rename to t; alter table swapped rename to spare; commit""",
    "truncate both names, rename back": """begin; create table fresh as select g as id, {batch} as batch from generate_series(1, 100) g;
                 alter table t rename to old; alter table fresh rename to t; drop table old; commit""",
    "rewrite": "begin; update t set batch = {batch}; alter table t alter column batch type bigint using batch::bigint; alter table t alter column batch type integer; commit",
}  # fmt: skip


@pytest.mark.parametrize("how", RELOADS)
def test_a_table_loaded_anew_in_one_transaction_is_seen_whole(engine: Engine, target: Target, how: str) -> None:
    target.execute(
        "create table t as select g as id, 0 as batch from generate_series(1, 100) g; create table spare (id integer, batch integer)"
    )
    broken = rule("broken", "expression", sql="1 / (batch - batch) = 1")
    with Loop(target.loader_url, reloading(RELOADS[how])) as loop:
        for number in range(CHECKS):
            tests = [*BATCH, broken] if number % 2 else BATCH
            found = engine.outcome(target, gate("t", *tests))
            assert found["row_count"] == 100, found
            assert {one["id"] for one in found["rules"] if one["status"] != "pass"} == ({"broken"} if number % 2 else set()), (
                found
            )
        loaded = loop.done
    assert loaded > 5


@pytest.mark.parametrize("how", ["truncate", "delete"])
def test_a_table_loaded_in_two_transactions_never_passes_while_it_is_empty(engine: Engine, target: Target, how: str) -> None:
    statement = {"truncate": "truncate t", "delete": "delete from t"}[how]
    target.execute("create table t as select g as id, 0 as batch from generate_series(1, 100) g")

    def step(cursor: Any) -> None:
        cursor.execute(statement)
        time.sleep(0.01)
        cursor.execute("insert into t select g, 1 from generate_series(1, 100) g")
        time.sleep(0.01)

    seen = set()
    with Loop(target.loader_url, step) as loop:
        for _ in range(2 * CHECKS):
            found = engine.outcome(target, gate("t", *BATCH[:2], BATCH[4], BATCH[5]))
            seen.add((found["verdict"], found["row_count"]))
        assert loop.done > 5
    assert seen <= {("pass", 100), ("fail", 0)}
    assert ("fail", 0) in seen, "no check met the empty table: this run showed nothing"


@only("18")
def test_a_column_whose_type_changes_after_it_was_asked_for_is_judged_by_the_new_one(
    project: Project, server: Server, target: Target, tmp_path: Path
) -> None:
    """A rule type of the project's own waits where the SQL of the others is written: the probe's locks are given back by then."""
    target.execute("create table t (n integer); insert into t values (1)")
    lock = f"select pg_advisory_lock({GATE_LOCK}), pg_advisory_unlock({GATE_LOCK})"
    project.says(f"adapter.add_query('{lock}', auto_begin=false)[1] and 'false'")
    tests = [rule("least", "between", "n", min=0), rule("waits", "always") | {"typed": True}]
    with project.child_factory.slot(max_checks=9) as child:
        engine = Engine(child, tmp_path)
        with held_back(server, target, lambda: engine.rules(target, gate("t", *tests))) as running:
            target.execute("alter table t alter n type real using 'NaN'")
        found = running.result()
    assert {key: (one["status"], one["failures"]) for key, one in found.items()} == {"least": ("fail", 1), "waits": ("pass", 0)}


def test_a_table_of_which_some_columns_are_granted_is_seen_whole(engine: Engine, server: Server, target: Target) -> None:
    """It cannot be locked; without more care a truncation after the snapshot would show it empty."""
    target.execute(
        WAITS + "create table t (id integer); insert into t values (1), (null);"
        f"create table p (id integer, secret text); insert into p values (1, 'x'); revoke all on p from {target.user}; grant select (id) on p to {target.user}"
    )
    tests = [
        rule("waits", "expression", sql="public.wait_for_loader()"),
        rule("parent", "relationship", "id", to_table="public.p", to_column="id"),
    ]
    with held_back(server, target, lambda: engine.outcome(target, gate("t", *tests))) as running:
        target.execute("begin; truncate p; insert into p values (1, 'y'), (2, 'z'); commit")
    assert (running.result()["verdict"], running.result()["row_count"]) == ("pass", 2)


def test_what_waits_longer_than_lock_timeout_is_an_error_and_the_others_are_decided(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer); insert into t values (1), (null); create table p (id integer)")
    tests = [rule("filled", "not_null", "id"), rule("parent", "relationship", "id", to_table="public.p", to_column="id")]
    with session(target.loader_url, autocommit=False) as cursor:
        cursor.execute("lock table p in access exclusive mode")
        found = engine.rules(target, gate("t", *tests, lock_timeout_ms=200))
    assert (found["filled"]["status"], found["filled"]["failures"]) == ("fail", 1)
    assert (found["parent"]["status"], found["parent"]["reason"]) == (
        "error",
        "another session holds a lock on it longer than lock_timeout",
    )


def test_nothing_stays_open_after_a_check(engine: Engine, server: Server, target: Target) -> None:
    """A lock that outlives its check would keep loaders waiting."""
    target.execute("create table t (id integer); insert into t values (1)")
    answer = engine.answer(
        target, gate("t", rule("filled", "not_null", "id"), rule("broken", "expression", sql="1 / (id - id) = 1"))
    )
    assert json.loads(answer.outcome or "{}")["verdict"] == "error"
    assert (
        server.value(
            f"select count(*) from pg_locks join pg_stat_activity using (pid) where usename = '{target.user}' and locktype = 'relation'"
        )
        == 0
    )
    target.execute("set lock_timeout = '1s'; truncate t")
