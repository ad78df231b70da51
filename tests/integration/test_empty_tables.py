"""What is decided of a table, or a window, that holds no row."""

import pytest

from tests.support.databases import Target
from tests.support.engine import SHOP, Engine, gate, rule


@pytest.mark.parametrize("on_empty", ["fail", "warn", "pass"])
def test_on_empty_decides_about_an_empty_table(engine: Engine, target: Target, on_empty: str) -> None:
    target.execute("create table t (a integer)")
    assert engine.outcome(target, gate("t", rule("a", "not_null", "a"), on_empty=on_empty))["verdict"] == on_empty
    counted = gate("t", rule("a", "not_null", "a"), rule("c", "row_count", fail_above=None, max=5), on_empty=on_empty)
    assert engine.outcome(target, counted)["verdict"] == "pass", "a row_count rule decides in its place"
    broken = gate("t", rule("a", "not_null", "a"), rule("b", "not_null", "nope"), on_empty=on_empty)
    assert engine.outcome(target, broken)["verdict"] == ("fail" if on_empty == "fail" else "error")


NOT_ABOUT_ROWS = [
    rule("r", "columns", names=["a", "gone"], mode="contains"),
    rule("r", "column_type", "a", types=["bigint"]),
    rule("r", "column_count", fail_above=None, min=5),
    rule("r", "row_count_matches", fail_above=None, other_table="public.other"),
    rule("r", "aggregate_matches", "a", fail_above=None, function="sum", other_table="public.other"),
    rule("r", "sql", query="select * from public.other"),
]
ABOUT_ROWS = [
    rule("r", "aggregate", "a", fail_above=None, function="max", max=5),
    rule("r", "freshness", "at", fail_above=None, max_age="1h"),
    rule("r", "most_common_value", "a", values=[1]),
    rule("r", "distinct_values", "a", values=[1], mode="contain"),
    rule("r", "unique", "a"),
    rule("r", "aggregate_matches", "a", fail_above=None, function="sum", other_table="public.t"),
]


@pytest.mark.parametrize("tested", NOT_ABOUT_ROWS, ids=lambda one: one["type"])
@pytest.mark.parametrize("more", [[], [rule("rows", "row_count", fail_above=None, min=0)]], ids=["on_empty", "row_count"])
def test_what_was_decided_without_the_rows_of_an_empty_table_still_counts(
    engine: Engine, target: Target, tested: dict, more: list[dict]
) -> None:
    target.execute("create table t (a integer, at timestamptz); create table other as select 1 as a")
    spec = gate("t", tested, rule("filled", "not_null", "a"), *more, on_empty="pass")
    assert engine.outcome(target, spec)["verdict"] == "fail"
    target.execute("truncate other; alter table t alter a type bigint, add gone integer, add c integer, add d integer")
    assert engine.outcome(target, spec)["verdict"] == "pass"


@pytest.mark.parametrize("tested", ABOUT_ROWS, ids=lambda one: one["type"])
def test_what_rules_about_rows_say_of_an_empty_table_is_replaced(engine: Engine, target: Target, tested: dict) -> None:
    target.execute("create table t (a integer, at timestamptz)")
    for on_empty in ("pass", "warn", "fail"):
        assert engine.outcome(target, gate("t", tested, on_empty=on_empty))["verdict"] == on_empty
    counted = gate("t", tested, rule("rows", "row_count", fail_above=None, min=1), on_empty="pass")
    assert engine.outcome(target, counted)["verdict"] == "fail"


def test_a_warning_by_the_other_tables_value_counts_beside_an_empty_table(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer); create table other as select 1 as a")
    tested = rule(
        "r", "aggregate_matches", "a", fail_above=None, function="sum", other_table="public.other", warn={"tolerance": 1}
    )
    assert engine.outcome(target, gate("t", tested, on_empty="pass"))["verdict"] == "warn"
    target.execute("truncate other")
    assert engine.outcome(target, gate("t", tested, on_empty="pass"))["verdict"] == "pass"


def test_in_an_empty_window_a_rule_that_looked_at_the_whole_table_counts(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer, at timestamptz); insert into t values (1, now() - interval '2 days')")
    window = {"column": "a", "from": 5, "to": None}
    spec = gate("t", rule("r", "freshness", "at", fail_above=None, max_age="1h"), window=window, on_empty="pass")
    assert engine.outcome(target, spec)["verdict"] == "fail"
    target.execute("update t set at = now()")
    assert engine.outcome(target, spec)["verdict"] == "pass"


def test_a_where_that_finds_no_row_passes(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    found = engine.rules(target, gate("orders", rule("a", "not_null", "order_id", where="region = 'west'")))["a"]
    assert (found["status"], found["total"]) == ("pass", 0)
