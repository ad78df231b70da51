"""The rule type `distribution` against numbers that others have computed: figures of Great Expectations' public tests
(tests/test_definitions/column_distributional_expectations), and of scipy 1.17 for these and further data."""

import math
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

X = [-1.95, 1.03, 1.00, 0.81, -2.27, 0.52, 2.45, -1.19, -0.17, -1.54, 2.20, -2.66, 1.71, 1.59, 2.19]
X2 = [-1.5, -1.5, -1.35, -1.2, -1.19, -1.12, -1.04, -1, 0, 0, 0, 0.25, 0.34, 1, 1.1, 1.13, 1.22, 1.34, 1.4, 1.46, 1.5, 1.5, 1.5]
Y = [-0.5, 0.5, 1.5, 2.5, 3.5]
Z = [-0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5, 2.5, 2.5, 3.5]
COLUMNS: dict[str, list[Any]] = {
    "x": X, "x2": X2, "y": Y, "ys": Y[:-1], "z": Z, "abc": ["A"] * 540 + ["B"] * 320 + ["C"] * 140, "aabc": ["a", "a", "b", "c"],
    "abcd": [letter for letter in "ABCD" for _ in range(25)], "ab": ["A"] * 61 + ["B"] * 39,
}  # fmt: skip
THIRDS = {"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}
ABC = {"A": 0.54, "B": 0.32, "C": 0.14}
SIX = [0.3, 0.15, 0.05, 0.05, 0.2, 0.25]
# a column, the arguments, the status, and what is measured
KNOWN: list[tuple[str, dict[str, Any], str, Any]] = [
    ("abc", {"test": "kl", "weights": ABC, "max": 0.1}, "pass", 0),
    ("abc", {"test": "kl", "weights": {"A": 54, "B": 32, "C": 14}, "max": 0}, "pass", 0),
    ("abc", {"test": "kl", "weights": THIRDS, "max": 0.1}, "fail", 0.12599700286677529),
    ("abc", {"test": "kl", "weights": THIRDS, "max": 0.2, "warn": {"max": 0.1}}, "warn", 0.12599700286677529),
    ("aabc", {"test": "kl", "weights": {"a": 0.6, "b": 0.4}, "max": 0.1, "tail_weight_holdout": 0.1}, "pass", 0.099431384003497381),
    ("aabc", {"test": "kl", "weights": {"a": 0.6, "b": 0.4}, "max": 0.1, "tail_weight_holdout": 0.05}, "fail", 0.23216776319077681),
    ("aabc", {"test": "kl", "weights": {"a": 0.6, "b": 0.4}, "max": 0.1}, "fail", "Infinity"),
    ("aabc", {"test": "kl", "weights": {"a": 0.6, "b": 0.4, "c": 0}, "max": 0.1}, "fail", "Infinity"),
    ("abc", {"test": "chi_square", "weights": ABC, "min_p": 0.05}, "pass", 1),
    ("abc", {"test": "chi_square", "weights": THIRDS, "min_p": 0.05}, "fail", 5.1397782097623862e-53),
    ("abc", {"test": "chi_square", "weights": THIRDS, "max": 240}, "fail", 240.8),
    ("abcd", {"test": "chi_square", "weights": THIRDS, "min_p": 0.05}, "fail", 0),
    ("abcd", {"test": "chi_square", "weights": THIRDS, "min_p": 0.05, "tail_weight_holdout": 0.25}, "pass", 1),
    ("ab", {"test": "chi_square", "weights": ABC, "min_p": 0.05}, "fail", 0.0002693958486545776),
    ("ys", {"test": "kl", "bins": [0, 1, 2, 3], "weights": [0.25, 0.25, 0.25], "tail_weights": [0.25, 0], "max": 0}, "pass", 0),
    ("y", {"test": "kl", "bins": [0, 1, 2, 3], "weights": [0.25, 0.25, 0.25], "tail_weights": [0, 0.25], "max": 0.5}, "fail", "Infinity"),
    ("z", {"test": "kl", "bins": [0, 1, 2, 3], "weights": [2, 4, 2], "tail_weights": [1, 1], "max": 0}, "pass", 0),
    ("x2", {"test": "kl", "bins": [-2, -1.5, -1, 0, 1, 1.5, 2], "weights": [0.1, 0.4, 0, 0, 0.4, 0.1], "max": 0.05}, "fail", "Infinity"),
    ("x2", {"test": "kl", "bins": [-2, -1.5, -1, 0, 1, 1.5, 2], "weights": [0.1, 0.4, 0, 0, 0.4, 0.1], "internal_weight_holdout": 0.1, "max": 0.05}, "fail", 0.2595978035350467),
    ("x2", {"test": "kl", "bins": [-1, 0, 1, 1.5, 2], "weights": [1, 1, 1, 1], "max": 0.05}, "fail", "Infinity"),
    ("x", {"test": "kl", "bins": [-2, -1, 0, 1, 2], "weights": [0.15, 0.05, 0.05, 0.2], "tail_weights": [0.3, 0.25], "max": 0.05}, "fail", 0.1314549332841609),
    ("x", {"test": "kl", "bins": [-3, -2, -1, 0, 1, 2, 3], "weights": SIX, "max": 0.05}, "fail", 0.1314549332841609),
    ("x", {"test": "kl", "bins": [-3, -2, -1, 0, 1, 2], "weights": [0.294, 0.147, 0.049, 0.049, 0.196], "tail_weights": [0.02, 0.245], "max": 1}, "pass", 0.15165764060168035),
    ("x", {"test": "kl", "bins": [-3, -2, -1, 0, 1, 2], "weights": [0.3, 0.15, 0, 0.1, 0.45], "tail_weight_holdout": 0.05, "internal_weight_holdout": 0.05, "max": "0.36"}, "fail", 0.36056864829969554),
    ("x", {"test": "chi_square", "bins": [-3, -2, -1, 0, 1, 2, 3], "weights": SIX, "min_p": 0.05}, "pass", 0.5086158458925183),
    ("x2", {"test": "chi_square", "bins": [-2, -1, 0, 1, 2], "weights": [5, 3, 6, 9], "max": 2.4}, "fail", 2.411111111111111),
    ("x", {"test": "ks", "expected": {"normal": {"mean": 0, "stddev": 1}}, "min_p": 0.05}, "pass", 0.0662979045892258),
    ("x", {"test": "ks", "expected": {"normal": {"mean": 1, "stddev": 2}}, "max": 0.2}, "fail", 0.23422601521269493),
    ("x", {"test": "ks", "expected": {"normal": {"mean": 1, "stddev": 2}}, "min_p": 0.2}, "pass", 0.3297159237673457),
    ("x", {"test": "ks", "expected": {"uniform": {"min": -3, "max": 3}}, "min_p": 0.05}, "pass", 0.6078401088809818),
    ("z", {"test": "ks", "expected": {"exponential": {"mean": 2, "from": -1}}, "min_p": 0.05}, "fail", 0.035518800397537964),
    ("z", {"test": "ks", "expected": {"exponential": {"mean": 10}}, "min_p": 0.05}, "fail", 1.6308452510621554e-05),
    ("x", {"test": "ks", "bins": [-3, -2, -1, 0, 1, 2, 3], "weights": SIX, "min_p": 0.05}, "pass", 0.6905142623743747),
    ("x2", {"test": "ks", "bins": [-2, -1, 0, 1, 2], "weights": [5, 3, 6, 9], "min_p": 0.05}, "pass", 0.30123165256079754),
    ("x2", {"test": "ks", "bins": [-1, 0, 1], "weights": [1, 1], "min_p": 0.05}, "fail", 0.0001800836719339181),
    ("x2", {"test": "ks", "bins": [-1, 0, 1], "weights": [1, 1], "max": 0.5}, "pass", 0.4347826086956522),
    ("grid", {"test": "ks", "expected": {"uniform": {"min": 0, "max": 1}}, "min_p": 0.05}, "pass", 0.5757398139840524),
    ("falling", {"test": "ks", "expected": {"exponential": {"mean": 3}}, "min_p": 0.05}, "pass", 0.5878014886452845),
    ("falling", {"test": "ks", "expected": {"normal": {"mean": 3, "stddev": 3}}, "min_p": 0.05}, "fail", 1.7873799165868787e-88),
]  # fmt: skip


def made(target: Target) -> None:
    """Each column's values on rows of their own, so that the others are NULL there."""
    types = {name: "text" if isinstance(values[0], str) else "double precision" for name, values in COLUMNS.items()}
    columns = [f"{name} {type}" for name, type in types.items()] + ["grid double precision", "falling double precision"]
    target.execute(f"create table t ({', '.join(columns)})")
    for name, values in COLUMNS.items():
        target.execute(f"insert into t ({name}) select unnest(%s::{types[name]}[])", [values])
    target.execute("insert into t (grid) select (k * k %% 977) / 977.0::float8 from generate_series(1, 599) k where %s", [True])
    target.execute("insert into t (falling) select -ln(1 - ((k * 7919) %% 4001 + 0.5::float8) / 4001) * 3.1 from generate_series(0, 4000) k where %s", [True])  # fmt: skip


def is_same(found: Any, value: Any) -> bool:
    if found is None or isinstance(value, str):
        return bool(found == value)
    return math.isclose(float(found), value, rel_tol=1e-9, abs_tol=0 if value else 1e-15)


def test_what_is_measured_is_what_others_measure(engine: Engine, target: Target) -> None:
    made(target)
    rules = [
        rule(f"r{number}", "distribution", column, fail_above=None, **given) for number, (column, given, *_) in enumerate(KNOWN)
    ]
    found = engine.rules(target, gate("t", *rules))
    wrong = []
    for number, (column, given, status, value) in enumerate(KNOWN):
        outcome = found[f"r{number}"]
        if (outcome["status"], is_same(outcome["measured"], value)) != (status, True):
            wrong.append((column, given, status, value, outcome))
    assert not wrong, wrong


def answers(engine: Engine, target: Target, *asked: tuple[str, dict[str, Any]]) -> list[tuple[str, Any]]:
    """Status and what is measured (or the reason) of each."""
    rules = [rule(f"r{number}", "distribution", column, fail_above=None, **given) for number, (column, given) in enumerate(asked)]
    found = engine.rules(target, gate("t", *rules)).values()
    return [(one["status"], one["reason"] or one["measured"]) for one in found]


def test_what_is_no_number_is_never_expected(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (x float8, d numeric, up float8, none float8); insert into t values ('NaN', 'NaN', 'Infinity'), (0.5, 0.5, 0.5)"
    )
    tails = {"bins": [0, 1], "weights": [1], "tail_weights": [1, 1]}
    shares = {"bins": [0, 1], "weights": [1]}
    normal = {"expected": {"normal": {"mean": 0, "stddev": 1}}}
    assert answers(
        engine,
        target,
        ("x", {"test": "kl", "max": 9, **tails}),
        ("d", {"test": "chi_square", "max": 99, **tails}),
        ("d", {"test": "chi_square", "min_p": 0.01, **tails}),
        ("x", {"test": "ks", "max": 1, **shares}),
        ("x", {"test": "ks", "min_p": 0.001, **normal}),
        ("up", {"test": "kl", "max": 9, **tails}),
        ("up", {"test": "ks", "max": 0.4, **normal}),
        ("none", {"test": "kl", "max": 9, **tails}),
        ("none", {"test": "chi_square", "min_p": 1e-300, **tails}),
        ("none", {"test": "ks", "min_p": 1e-300, **normal}),
        ("none", {"test": "ks", "max": 1, **normal}),
        ("x", {"test": "kl", "max": 1, "weights": {"NaN": 1, "0.50": 1}}),
    ) == [
        ("fail", "Infinity"), ("fail", "Infinity"), ("fail", 0), ("fail", "NaN"), ("fail", 0), ("pass", pytest.approx(math.log(1.5))), ("fail", pytest.approx(0.6914624612740131)),
        ("fail", None), ("fail", None), ("fail", None), ("fail", None), ("pass", 0),
    ]  # fmt: skip


def test_values_and_edges_are_read_as_the_columns_type(engine: Engine, target: Target) -> None:
    target.execute(
        "create type mood as enum ('sad', 'ok'); create table t (n integer, m mood, day date, at timestamptz, t time, b boolean, j json);"
        "insert into t values (1, 'sad', '2026-01-01', '2026-01-01 00:00Z', '00:30', true, '1'), (2, 'ok', '2026-01-02', '2026-01-02 00:00Z', '12:00', false, '1')"
    )
    assert answers(
        engine,
        target,
        ("n", {"test": "kl", "max": 0, "weights": {"1": 1, "+2": 1}}),
        ("n", {"test": "kl", "max": 0, "weights": {"1": 1, "01": 1, "2": 2}}),
        ("m", {"test": "kl", "max": 0, "weights": {"sad": 1, "ok": 1}}),
        ("m", {"test": "kl", "max": 0, "weights": {"angry": 1}}),
        ("b", {"test": "kl", "max": 0, "weights": {"true": 1, "f": 1}}),
        ("n", {"test": "kl", "max": 0, "bins": [0, "1.5", 2], "weights": [1, 1]}),
        ("day", {"test": "kl", "max": 0, "bins": ["2026-01-01", "2026-01-01 12:00", "2026-01-03"], "weights": [1, 1]}),
        ("at", {"test": "ks", "max": 0.5, "bins": ["2026-01-01T00:00Z", "2026-01-02 00:00Z"], "weights": [1]}),
        ("t", {"test": "chi_square", "max": 0, "bins": ["00:00", "12:00", "24:00"], "weights": [1, 1]}),
        ("n", {"test": "kl", "max": 0, "bins": [0, "x"], "weights": [1]}),
        ("day", {"test": "kl", "max": 0, "bins": ["2 January 2026", "1 January 2026"], "weights": [1]}),
        ("m", {"test": "kl", "max": 0, "bins": ["sad", "ok"], "weights": [1]}),
        ("day", {"test": "ks", "max": 0, "expected": {"normal": {"mean": 0, "stddev": 1}}}),
        ("t", {"test": "ks", "max": 0, "bins": ["00:00", "12:00"], "weights": [1]}),
        ("n", {"test": "ks", "max": 0, "expected": {"uniform": {"min": 1, "max": 1}}}),
    ) == [
        ("pass", 0), ("pass", 0), ("pass", 0), ("error", "argument weights: invalid text representation (SQLSTATE 22P02)"), ("pass", 0), ("pass", 0), ("pass", 0), ("pass", 0.5), ("pass", 0),
        ("error", "argument bins: invalid text representation (SQLSTATE 22P02)"), ("error", "bins: list them in ascending order"),
        ("error", "bins mean nothing for a column of type public.mood: m"), ("error", "a formula means nothing for a column of type date: day"),
        ("error", "bins mean nothing for a column of type time without time zone: t"), ("error", "expected: max of the uniform distribution must be above min"),
    ]  # fmt: skip


def test_a_column_of_too_many_different_values_is_not_decided(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n, n % 10000 as few from generate_series(1, 10001) n union all select null, null")
    weights = {"test": "kl", "max": 1, "weights": {"1": 1}, "tail_weight_holdout": 0.5}
    (many, few) = answers(engine, target, ("n", weights), ("few", weights))
    assert many == ("error", "the column has more than 10,000 different values; give bins, or look at fewer rows by `where`")
    assert few == ("pass", pytest.approx(0.68, abs=0.05))


def test_a_distribution_that_is_not_decided_is_not_remembered(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n from generate_series(1, 1501) n")
    found = engine.rules(target, gate("t", rule("r", "distribution", "n", fail_above=None, test="kl", against="previous", max=1)))
    assert found["r"]["status"] == "error"
    assert "more than 1,500 different values" in found["r"]["reason"]
    assert not found["r"].get("remember"), "it would be what the next check is compared with"


def twice(engine: Engine, target: Target, rules: dict[str, dict[str, Any]], change: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outcomes of rules on the table, and again after a change, when each knows what it has left."""
    first = engine.rules(target, gate("t", *rules.values()))
    target.execute(change)
    states = {
        name: {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": one["remember"]}
        for name, one in first.items()
        if one.get("remember")
    }
    again = [one | ({"before": states[name]} if name in states else {}) for name, one in rules.items()]
    return first, engine.rules(target, gate("t", *again))


def test_the_check_before_is_what_is_expected(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (c text, x numeric, none text, odd point); insert into t (c, x) select 'a', n from generate_series(1, 60) n"
    )
    target.execute("insert into t (c, x) select 'secret', n from generate_series(61, 90) n; insert into t values (null, null)")

    def made(name: str, column: str, **given: Any) -> dict[str, Any]:
        return rule(name, "distribution", column, fail_above=None, against="previous", **given)

    rules = [
        made("kl", "c", test="kl", max=0.01), made("p", "c", test="chi_square", min_p=0.05), made("held", "c", test="kl", max=1, tail_weight_holdout=0.1),
        made("bins", "x", test="kl", max=0.01, bins=[0, "50.5", 1000]), made("edges", "x", test="chi_square", min_p=0.5, bins=[0, 50, 80]),
        made("none", "none", test="kl", max=1), made("odd", "odd", test="kl", max=1), made("numbers", "x", test="kl", max=5),
    ]  # fmt: skip
    more = "insert into t (c, x) select 'secret', n from generate_series(1, 30) n; insert into t (c, x) select 'new', 51 from generate_series(1, 10)"
    first, second = twice(engine, target, {one["id"]: one for one in rules}, more)
    assert {name: (one["status"], one["measured"]) for name, one in first.items()} == {
        "kl": ("pass", None), "p": ("pass", None), "held": ("pass", None), "bins": ("pass", None), "edges": ("pass", None), "none": ("fail", None), "odd": ("error", None), "numbers": ("pass", None),
    }  # fmt: skip
    assert sorted(first["kl"]["remember"]["cells"].values()) == [30, 60]
    assert first["bins"]["remember"] == {"cells": {"1": 50, "2": 40}}
    assert first["edges"]["remember"] == {"cells": {"1": 49, "2": 31, "3": 10}}
    assert "secret" not in str(first)
    assert first["odd"]["reason"] == "against: previous needs bins for a column of type point: odd"
    # scipy 1.17: entropy([60, 60, 10], [0.9 * 60 / 90, 0.9 * 30 / 90, 0.1]); chi2_contingency([[60, 60, 10], [60, 30, 0]], correction=False)
    assert second["kl"]["measured"] == "Infinity"
    assert second["held"]["measured"] == pytest.approx(0.05754981886786821, rel=1e-9)
    assert second["p"]["measured"] == pytest.approx(0.0013861896136357261, rel=1e-9)
    assert second["edges"]["measured"] == pytest.approx(0.5524901455480901, rel=1e-9)
    assert second["bins"]["measured"] == pytest.approx(
        80 / 130 * math.log(80 / 130 * 90 / 50) + 50 / 130 * math.log(50 / 130 * 90 / 40), rel=1e-9
    )
    assert {name: one["status"] for name, one in second.items()} == {
        "kl": "fail", "p": "fail", "held": "pass", "bins": "pass", "edges": "pass", "none": "fail", "odd": "error", "numbers": "pass",
    }  # fmt: skip
    assert second["kl"]["found"]["since"] == "2026-01-01T00:00:00Z"
    assert sorted(second["kl"]["remember"]["cells"].values()) == [10, 60, 60]
