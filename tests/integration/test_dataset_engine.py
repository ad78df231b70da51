"""Several tables in one specification: one dbt test, one snapshot, a verdict each."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule


def together(*specifications: dict[str, Any]) -> dict[str, Any]:
    """One specification of the tables of all."""
    return specifications[0] | {"tables": [table for each in specifications for table in each["tables"]]}


def outcome(engine: Engine, target: Target, *specifications: dict[str, Any]) -> dict[str, Any]:
    answer = engine.answer(target, together(*specifications))
    assert answer.outcome is not None, answer.message
    found: dict[str, Any] = json.loads(answer.outcome)
    return found


@contextmanager
def repeated(target: Target, statement: str) -> Iterator[list[int]]:
    """The statement again and again meanwhile; how often it was committed."""
    stop, done = threading.Event(), [0]

    def run() -> None:
        while not stop.is_set():
            target.execute(statement)
            done[0] += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def test_the_tables_agree_on_one_snapshot_while_a_loader_inserts_into_both(engine: Engine, target: Target) -> None:
    target.execute("create table orders (id integer); create table lines (order_id integer)")
    load = "begin; insert into lines select 1; insert into orders select 1; commit"
    key = rule("known", "relationship", "order_id", to_table="public.orders", to_column="id")
    counts = []
    with repeated(target, load) as loads:
        for _ in range(15):
            found = outcome(
                engine,
                target,
                gate("orders", rule("n", "not_null", "id"), on_empty="pass"),
                gate("lines", rule("n", "not_null", "order_id"), key, on_empty="pass"),
            )
            orders, lines = found["tables"]
            assert orders["row_count"] == lines["row_count"], found
            counts.append(orders["row_count"])
    assert loads[0] > 15
    assert counts == sorted(counts)
    assert counts[-1] > counts[0], "the tables grew meanwhile"


def test_the_tables_are_seen_before_or_after_a_reload_of_both(engine: Engine, target: Target) -> None:
    target.execute("create table a (n integer); create table b (n integer)")
    fill = "insert into a select generate_series(1, 500); insert into b select generate_series(1, 500)"
    target.execute(fill)
    tables = [gate(name, rule("n", "not_null", "n"), lock_timeout_ms=30_000) for name in ("a", "b")]
    with repeated(target, f"begin; truncate a, b; {fill}; commit") as reloads:
        for _ in range(15):
            found = outcome(engine, target, *tables)
            assert [table["row_count"] for table in found["tables"]] == [500, 500], found
    assert reloads[0] > 5


@pytest.fixture
def two(target: Target) -> Target:
    target.execute(
        "create table good (id integer, d date); insert into good values (1, '2026-01-01'), (2, '2026-01-02');"
        "create table bad (id integer); insert into bad values (null), (1)"
    )
    return target


def test_each_table_has_its_verdict_and_the_worst_is_the_whole(engine: Engine, two: Target) -> None:
    found = outcome(engine, two, gate("good", rule("n", "not_null", "id")), gate("bad", rule("n", "not_null", "id")))
    assert [(table["name"], table["verdict"], table["row_count"]) for table in found["tables"]] == [
        ("good", "pass", 2),
        ("bad", "fail", 2),
    ]
    assert (found["verdict"], found["counts"]) == ("fail", {"pass": 1, "warn": 0, "fail": 1, "error": 0})


def test_a_table_that_cannot_be_read_leaves_the_other_its_verdict(engine: Engine, two: Target) -> None:
    two.execute(f"create table secret (id integer); revoke all on secret from {two.user}")
    rules = rule("n", "not_null", "id")
    found = outcome(engine, two, gate("nowhere", rules), gate("good", rules), gate("secret", rules))
    assert [(table["verdict"], table["row_count"]) for table in found["tables"]] == [
        ("error", None),
        ("pass", 2),
        ("error", None),
    ]
    assert found["verdict"] == "error"
    assert found["tables"][2]["rules"][0]["reason"] == "permission denied for table secret"


def test_a_window_whose_column_one_table_lacks_is_an_error_of_that_table(engine: Engine, two: Target) -> None:
    window = {"column": "d", "from": "2026-01-02", "to": None}
    rules = [rule("n", "not_null", "id"), rule("u", "unique", "id")]
    found = outcome(engine, two, gate("good", *rules, window=window), gate("bad", *rules, window=window))
    good, bad = found["tables"]
    assert (good["verdict"], good["row_count"], good["window_nulls"]) == ("pass", 1, 0)
    assert (bad["verdict"], bad["row_count"]) == ("error", None)
    assert [(each["status"], each["reason"]) for each in bad["rules"]] == [("error", 'column "d" does not exist')] * 2


def test_the_same_table_in_two_datasets_of_one_specification_is_no_error(engine: Engine, two: Target) -> None:
    found = outcome(engine, two, gate("good", rule("n", "not_null", "id")), gate("good", rule("n", "not_null", "d")))
    assert [table["verdict"] for table in found["tables"]] == ["pass", "pass"]


def test_each_table_has_its_time_zone(engine: Engine, target: Target) -> None:
    target.execute("create table t (at timestamp, on_day date); insert into t values ('2026-01-01 00:30', '2026-01-01')")
    late = rule("late", "expression", sql="at::timestamptz >= '2026-01-01 00:00+00'")
    zones = ("America/New_York", "UTC", "Asia/Tokyo")
    found = outcome(engine, target, *(gate("t", late, timezone=zone) for zone in zones))
    assert [table["verdict"] for table in found["tables"]] == ["pass", "pass", "fail"]
