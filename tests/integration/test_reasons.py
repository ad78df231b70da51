"""Which of a document's own texts an error is about, and notes about samples that cannot be had."""

from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

TABLE = """
create type mood as enum ('sad', 'ok');
create table t (id integer, day date, code text, mood mood, amount numeric, at timestamp);
insert into t values (1, '2026-01-01', '1', 'ok', 1.5, '2026-01-01'), (2, null, 'x', null, null, null)
"""
AT_FAULT: list[tuple[dict[str, Any], str]] = [
    (rule("r", "rejected_values", "id", values=["", "N/A"]), "argument values: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "accepted_values", "mood", values=["glad"]), "argument values: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "accepted_values", "id", values=[99999999999]), "argument values: numeric value out of range (SQLSTATE 22003)"),
    (rule("r", "distinct_values", "day", values=["2026-02-30"]), "argument values: datetime field overflow (SQLSTATE 22008)"),
    (rule("r", "most_common_value", "day", values=["soon"]), "argument values: invalid datetime format (SQLSTATE 22007)"),
    (rule("r", "between", "day", min="2026-01-01", max="tomorrowish"), "argument max: invalid datetime format (SQLSTATE 22007)"),
    (rule("r", "between", "id", min="one", max=3), "argument min: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "length", "code", max=10**11), "argument max: numeric value out of range (SQLSTATE 22003)"),
    (rule("r", "aggregate", "id", function="max", max="many", fail_above=None), "argument max: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "aggregate", "id", function="max", max=5, warn={"min": "few"}, fail_above=None), "argument warn.min: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "regex", "code", pattern="^(a|b"), "argument pattern: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "regex", "code", pattern="[z-a]", where="id < 5"), "argument pattern: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "like", "code", pattern="%\\"), "argument pattern: invalid escape sequence (SQLSTATE 22025)"),
    (rule("r", "not_null", "id", where="day > 'soon'"), "where: invalid datetime format (SQLSTATE 22007)"),
    (rule("r", "not_null", "id", where="code::integer > 0"), "where: invalid text representation (SQLSTATE 22P02)"),
    (rule("r", "rejected_values", "id", values=[1], where="code::integer > 0"), "where: invalid text representation (SQLSTATE 22P02)"),
]  # fmt: skip


def test_the_text_at_fault_is_named_and_a_rows_value_is_not(engine: Engine, target: Target) -> None:
    target.execute(TABLE)
    rules = [one | {"id": f"r{number}"} for number, (one, _) in enumerate(AT_FAULT)]
    found = engine.rules(target, gate("t", *rules, rule("fine", "not_null", "id")))
    assert [found[one["id"]]["reason"] for one in rules] == [reason for _, reason in AT_FAULT]
    assert {found[one["id"]]["status"] for one in rules} == {"error"}
    assert found["fine"]["status"] == "pass"


def test_texts_that_fail_for_a_row_are_looked_for_within_bounds(engine: Engine, target: Target) -> None:
    """Rules that have one text are told by one scan more, and further texts are not looked for."""
    target.execute(TABLE)
    same = [rule(f"same{n}", "not_null", "id", where="code::integer > 0") for n in range(9)]
    others = [rule(f"other{n}", "not_null", "id", where=f"code::integer > {n + 1}") for n in range(6)]
    found = engine.rules(target, gate("t", *same, *others))
    bare = "invalid text representation (SQLSTATE 22P02)"
    assert [found[one["id"]]["reason"] for one in same] == [f"where: {bare}"] * 9
    assert [found[one["id"]]["reason"] for one in others] == [f"where: {bare}"] * 4 + [bare] * 2


BROKEN: list[tuple[dict[str, Any], str]] = [
    (rule("r", "regex", "code", pattern="("), "argument pattern: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "regex", "code", pattern="[[:foo:]]", negate=True), "argument pattern: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "regex", "code", pattern="a**", where="id > 5"), "argument pattern: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "like", "code", pattern="a\\"), "argument pattern: invalid escape sequence (SQLSTATE 22025)"),
    (rule("r", "expression", sql="code ~ '('"), "argument sql: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "expression", sql="not regexp_like(code, 'x)')"), "argument sql: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "not_null", "id", where="code !~* '['"), "where: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "aggregate", "id", function="sum", max=9, where="code ~ '{1,0}a('", fail_above=None), "where: invalid regular expression (SQLSTATE 2201B)"),
    (rule("r", "sql", query="select id from t where code ~ '*('"), "argument query: invalid regular expression (SQLSTATE 2201B)"),
]  # fmt: skip


@pytest.mark.parametrize("rows", ["(1, null)", "(1, 'ok')", ""])
def test_a_broken_pattern_is_an_error_whether_a_text_is_looked_at_or_not(engine: Engine, target: Target, rows: str) -> None:
    target.execute("create table t (id integer, code text)")
    if rows:
        target.execute(f"insert into t values {rows}")
    rules = [one | {"id": f"r{number}"} for number, (one, _) in enumerate(BROKEN)]
    fine = [rule("fine", "regex", "code", pattern="^o"), rule("sql", "expression", sql="code ~ 'o' or code is null")]
    found = engine.rules(target, gate("t", *rules, *fine, on_empty="pass"))
    assert [found[one["id"]]["reason"] for one in rules] == [reason for _, reason in BROKEN]
    assert {found[one["id"]]["status"] for one in rules} == {"error"}
    assert [found[one["id"]]["status"] for one in fine] == ["pass", "pass"]


def test_a_bound_of_the_window_is_the_windows(engine: Engine, target: Target) -> None:
    target.execute(TABLE)
    window = {"column": "at", "from": "yesterdayish", "to": None}
    found = engine.rules(target, gate("t", rule("r", "not_null", "id"), window=window))["r"]
    assert found["reason"] == "the request's window: invalid datetime format (SQLSTATE 22007)"


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        ({"key": ["ident_no"], "sample_columns": []}, "ident_no"),
        ({"key": ["id"], "sample_columns": ["dya", "code", "moo d"]}, "dya, moo d"),
        ({"key": ["Id"], "sample_columns": ["id"]}, "Id"),
    ],
)
@pytest.mark.parametrize(
    "checked", [rule("r", "between", "id", max=0), rule("r", "unique", "code"), rule("r", "expression", sql="false")]
)
def test_a_misspelt_key_is_noted(
    engine: Engine, target: Target, settings: dict[str, Any], absent: str, checked: dict[str, Any]
) -> None:
    target.execute(TABLE)
    target.execute("insert into t (id, code) values (3, '1')")
    outcome = engine.outcome(target, gate("t", checked, sample_rows=5, **settings))
    assert outcome["verdict"] == "fail"
    assert outcome["notes"] == [f"there are no samples: key or sample_columns name what is no column of the table: {absent}"]


def test_a_right_key_is_not_noted(engine: Engine, target: Target) -> None:
    target.execute(TABLE)
    outcome = engine.outcome(
        target, gate("t", rule("r", "between", "id", max=0), sample_rows=5, key=["id"], sample_columns=["code"])
    )
    assert (outcome["notes"], outcome["rules"][0]["sample"]["rows"]) == ([], [[1, "1"], [2, "x"]])
