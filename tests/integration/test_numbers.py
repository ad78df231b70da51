"""Numbers of every type: fractions, NaN and infinity, whole numbers and reals are compared as the column's type."""

from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule


def test_a_fraction_is_read_as_the_columns_type(engine: Engine, target: Target) -> None:
    target.execute("create table t (a real, b text); insert into t values (0.1, '0.1')")
    tested = [rule(column, "between", column, min=0.1, max=0.1) for column in "ab"]
    assert [one["failures"] for one in engine.rules(target, gate("t", *tested)).values()] == [0, 0]


@pytest.mark.parametrize("type_name", ["numeric", "real", "double precision"])
def test_nan_lies_within_no_bounds_and_compares_with_nothing(engine: Engine, target: Target, type_name: str) -> None:
    target.execute(f"create domain odd as {type_name}; create table t (id integer, a {type_name}, b {type_name}, d odd)")
    target.execute(
        "insert into t values (1, 1, 1, 1), (2, 2, 'NaN', 2), (3, 'NaN', 2, 'NaN'), (4, 'NaN', 'NaN', null), (5, 'Infinity', 'Infinity', 'Infinity')"
    )
    compared = {
        name: rule(f"cmp{n}", "compare", "a", operator=name, other_column="b")
        for n, name in enumerate(("<", "<=", "=", "!=", ">=", ">"))
    }
    tested = [
        rule("min", "between", "a", min=0),
        rule("most", "between", "a", max=5),
        rule("both", "between", "a", min=0, max=5),
        rule("above", "between", "a", min=0, exclusive_min=True),
        rule("domain", "between", "d", min=0),
        rule("listed", "accepted_values", "a", values=["NaN", 1, 2, "Infinity"]),
        rule("unique", "unique", "a"),
        *compared.values(),
        *(
            rule(name, "aggregate", "a", fail_above=None, function=name, min=0, where="id < 5")
            for name in ("max", "sum", "avg", "stddev", "median")
        ),
        rule("same", "aggregate_matches", "a", fail_above=None, function="max", other_table="public.t", where="id < 5"),
        rule(
            "nearly",
            "aggregate_matches",
            "a",
            fail_above=None,
            function="max",
            other_table="public.t",
            tolerance="50%",
            where="id < 5",
            other_where="id = 5",
        ),
    ]
    found = engine.rules(target, gate("t", *tested))
    assert {key: found[key]["failures"] for key in ("min", "most", "both", "above", "domain", "listed", "unique")} == {
        "min": 2, "most": 3, "both": 3, "above": 2, "domain": 1, "listed": 0, "unique": 1,
    }  # fmt: skip
    assert {name: found[one["id"]]["failures"] for name, one in compared.items()} == {
        "<": 5,
        "<=": 3,
        "=": 3,
        "!=": 2,
        ">=": 3,
        ">": 5,
    }
    assert {key: found[key]["status"] for key in ("max", "sum", "avg", "stddev")} == dict.fromkeys(
        ("max", "sum", "avg", "stddev"), "fail"
    )
    assert (found["same"]["status"], found["nearly"]["status"]) == ("fail", "fail")


@pytest.mark.parametrize("method", ["zscore", "iqr"])
@pytest.mark.parametrize("type_name", ["numeric", "double precision"])
def test_what_is_no_finite_number_is_an_outlier_and_moves_no_limit(
    engine: Engine, target: Target, type_name: str, method: str
) -> None:
    target.execute(
        f"create table t as select n as id, (n % 5)::{type_name} as a, 7::{type_name} as same from generate_series(1, 100) n"
    )
    odd = "'NaN'", "'Infinity'", "'-Infinity'", "1000"
    target.execute("insert into t values " + ", ".join(f"({200 + n}, {value}, {value})" for n, value in enumerate(odd)))
    spec = gate(
        "t",
        rule("a", "outliers", "a", method=method, limit=5),
        rule("same", "outliers", "same", method=method, limit=5, where="id <> 203"),
        key=["id"],
        sample_rows=9,
    )
    found = engine.rules(target, spec)
    assert found["a"]["sample"]["rows"] == [[200], [201], [202], [203]]
    assert (found["a"]["failures"], found["a"]["total"]) == (4, 104)
    assert found["same"]["sample"]["rows"] == [[200], [201], [202]]


def test_equal_infinities_do_not_differ(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (a float8, b float8, c numeric); insert into t values ('Infinity', '-Infinity', 'Infinity'), (1, 1, 1)"
    )

    def matches(name: str, column: str, function: str, **arguments: Any) -> dict[str, Any]:
        return rule(name, "aggregate_matches", column, fail_above=None, function=function, other_table="public.t", **arguments)

    found = engine.rules(
        target,
        gate(
            "t",
            matches("same", "a", "max"),
            matches("numeric", "c", "max", tolerance="1%"),
            matches("signs", "a", "max", other_column="b", tolerance="500%", where="a > 1", other_where="b < 1"),
            matches("finite", "a", "min", tolerance="10%", other_where="a > 1"),
        ),
    )
    assert {key: (one["status"], float(one["measured"])) for key, one in found.items()} == {
        "same": ("pass", 0.0), "numeric": ("pass", 0.0), "signs": ("fail", float("inf")), "finite": ("fail", float("inf")),
    }  # fmt: skip


@pytest.mark.parametrize("type_name", ["smallint", "integer", "bigint"])
def test_numbers_beside_a_whole_number_are_exact(engine: Engine, target: Target, type_name: str) -> None:
    target.execute(f"create table t as select n::{type_name} as a from generate_series(1, 10) n")
    tested = [
        rule("point", "between", "a", min="1.0", max="1e1"),
        rule("half", "between", "a", min="2.5", max="9.5"),
        rule("listed", "rejected_values", "a", values=["2.0", "3.5", "4e0", 5]),
        rule("sum", "aggregate", "a", fail_above=None, function="sum", max="54.5"),
        rule("distinct", "aggregate", "a", fail_above=None, function="distinct_count", min="1e1"),
        rule("set", "distinct_values", "a", values=["1.0", 2, 3, 4, 5, 6, 7, 8, 9, "1e1"], mode="equal"),
    ]
    found = engine.rules(target, gate("t", *tested))
    assert [found[name]["failures"] for name in ("point", "half", "listed", "set")] == [0, 3, 3, 0]
    assert [found[name]["status"] for name in ("sum", "distinct")] == ["fail", "pass"]


@pytest.mark.parametrize("bound", ["0.1", 0.1])  # documents of earlier releases hold binary numbers
def test_a_bound_beside_a_real_is_a_real(engine: Engine, target: Target, bound: Any) -> None:
    target.execute("create table t (a real, b text); insert into t values (0.1, '0.1'), (0.2, '0.2')")
    tested = [rule("a", "between", "a", max=bound), rule("b", "between", "b", max=bound)]
    assert [one["failures"] for one in engine.rules(target, gate("t", *tested)).values()] == [1, 1]


def test_a_measure_is_a_number_where_json_can_hold_it(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (a numeric, b float8, c text, d numeric); insert into t values (1.5, 0.1, '007', 12345678901234567.89), (1.5, 0.2, '1', 1)"
    )
    measured = {"a": 1.5, "b": 0.2, "c": "1", "d": "12345678901234567.89"}
    tested = [
        rule(column, "aggregate", column, fail_above=None, function="max", max="99999999999999999999") for column in measured
    ]
    found = engine.rules(target, gate("t", *tested, rule("sum", "aggregate", "b", fail_above=None, function="sum", max=1)))
    assert {column: found[column]["measured"] for column in "abd"} == {column: measured[column] for column in "abd"}
    assert found["sum"]["measured"] == 0.1 + 0.2
