"""What rules with a baseline measure, and how their bounds decide, against plain SQL and plain comparisons."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

VALUES = """
create table t (i integer, b bigint, n numeric, f double precision, r real, x text, d date, at timestamptz, s interval);
insert into t select k, k * 1000000007::bigint, k + 0.1, k / 3.0, k * 1.5, 'x' || k % 3, '2026-01-01'::date + k, now(), '1 day'
from generate_series(1, 9) k;
insert into t (n) values ('12345678901234567890.5');
"""
BOUNDS = ("low", "high", "warn_low", "warn_high")


def judged(kind: str, of: Any, where: str | None = None, severity: str | None = None, **bounds: Any) -> dict[str, Any]:
    """A rule as it comes with a check."""
    found = rule("r", kind, fail_above=None, where=where, of=of)
    found["columns"] = [of["column"]] if isinstance(of, dict) else []
    if kind == "unusual" and severity != "error":
        found["warn_above"] = {"count": 0}
    if kind == "change":
        found["arguments"]["max_increase" if severity == "error" else "warn"] = 1 if severity == "error" else {"max_increase": 1}
    facts: dict[str, Any] = dict.fromkeys(("center", *BOUNDS)) | {"points": 1, "season": "none", "learning": None} | bounds
    return found | {"baseline": facts}


def of(function: str, column: str, **more: Any) -> dict[str, Any]:
    return {"function": function, "column": column} | more


MEASURES = [
    ("row_count", "count(*)"),
    *((of(function, column), f"{function}({column})") for function in ("min", "max", "sum", "avg") for column in "ibnf"),
    (of("sum", "r"), "sum(r::float8)"),
    (of("stddev", "f"), "stddev_samp(f)"),
    (of("median", "i"), "percentile_cont(0.5) within group (order by i)"),
    (of("percentile", "n", p=0.9), "percentile_cont(0.9) within group (order by n)"),
    (of("distinct_count", "x"), "count(distinct x)"),
    (of("distinct_ratio", "x"), "count(distinct x)::numeric / count(x)"),
    (of("null_ratio", "d"), "(count(*) - count(d))::numeric / count(*)"),
]


@pytest.mark.parametrize("kind", ["change", "unusual"])
def test_a_measure_and_its_bounds_are_what_plain_sql_says(engine: Engine, target: Target, kind: str) -> None:
    """Of each measure one rule whose bounds it just meets, and one each that it just misses."""
    target.execute(VALUES)
    rules, wanted = [], {}
    for number, (measure, sql) in enumerate(MEASURES):
        ((text,),) = target.query(f"select ({sql})::text from t")
        exact = Decimal(text)
        step = abs(exact) * Decimal("1e-9") + Decimal("1e-9")
        for name, low, high, status in (
            ("meets", exact, exact, "pass"),
            ("below", exact + step, None, "fail"),
            ("above", None, exact - step, "fail"),
        ):
            bounds = {"low": None if low is None else f"{low:f}", "high": None if high is None else f"{high:f}"}
            rules.append(judged(kind, measure, severity="error", **bounds) | {"id": f"r{number}_{name}"})
            wanted[f"r{number}_{name}"] = (status, exact)
    found = engine.rules(target, gate("t", *rules))
    assert {rule_id: (rule["status"], Decimal(str(rule["measured"]))) for rule_id, rule in found.items()} == wanted


@pytest.mark.parametrize("kind", ["change", "unusual"])
@pytest.mark.parametrize("severity", ["warn", "error"])
def test_no_value_and_values_that_are_no_numbers_are_beyond_all_bounds(
    engine: Engine, target: Target, kind: str, severity: str
) -> None:
    bad = "fail" if severity == "error" else "warn"
    target.execute("create table t (f double precision, n numeric); insert into t values (null, null)")
    learning = [judged(kind, of("max", column), severity=severity) for column in ("f", "n")]
    low = {"low" if severity == "error" else "warn_low": "1"}
    bounded = [judged(kind, of("max", column), severity=severity, **low) for column in ("f", "n")]
    rules = [one | {"id": f"r{number}"} for number, one in enumerate((*learning, *bounded))]
    for values in ("null, null", "'NaN', 'NaN'", "'Infinity', 'Infinity'", "'-Infinity', '-Infinity'"):
        target.execute(f"truncate t; insert into t values ({values})")
        found = engine.rules(target, gate("t", *rules))
        assert {rule["status"] for rule in found.values()} == {bad}, values
    target.execute("truncate t; insert into t values (1e200, 1e200)")
    found = engine.rules(target, gate("t", *rules))
    assert [found[name]["status"] for name in ("r0", "r1")] == ["pass", bad], "too many digits to be read in full"
    filtered = [one | {"where": "f is null", "id": f"w{number}"} for number, one in enumerate(rules)]
    found = engine.rules(target, gate("t", *filtered))
    assert {rule["status"] for rule in found.values()} == {"pass"}, "no row under its where"
    counted = judged(kind, "row_count", where="f is null", severity=severity, **low)
    assert engine.rules(target, gate("t", counted))["r"]["status"] == bad, "zero rows under its where are the value 0"


def test_what_is_no_number_is_an_error_and_names_the_type(engine: Engine, target: Target) -> None:
    target.execute(VALUES)
    rules = [judged("change", of("max", column)) | {"id": column} for column in ("x", "d", "at", "s")]
    rules.append(judged("change", of("age", "i")) | {"id": "age"})
    rules.append(judged("change", of("max", "gone")) | {"id": "gone"})
    found = engine.rules(target, gate("t", *rules))
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(found, "error")
    assert found["d"]["reason"] == "change compares numbers, and the max of a column of type date is none: d"
    assert found["gone"]["reason"] == 'column "gone" does not exist'
    target.execute("insert into t (f) values (1e308), (1e308)")
    over = judged("change", of("sum", "f"), low="1"), judged("change", "row_count", low="1") | {"id": "rows"}
    found = engine.rules(target, gate("t", *over))
    assert {name: (one["status"], one["reason"]) for name, one in found.items()} == {
        "r": ("error", "numeric value out of range (SQLSTATE 22003)"), "rows": ("pass", None),
    }  # fmt: skip


def test_an_age_is_that_of_the_latest_moment_that_is_not_ahead(engine: Engine, target: Target) -> None:
    target.execute("create table t (at timestamptz, d date); insert into t values (now() - interval '1 hour', current_date - 1)")
    target.execute("insert into t values (now() + interval '9 days', null), ('infinity', 'infinity')")
    rules = [judged("change", of("age", "at")), judged("change", of("age", "d")) | {"id": "d"}]
    found = engine.rules(target, gate("t", *rules))
    assert 3600 <= found["r"]["measured"] < 7200
    assert 24 * 3600 <= found["d"]["measured"] < 49 * 3600


@pytest.mark.parametrize("kind", ["change", "unusual"])
def test_without_bounds_from_earlier_checks_it_is_not_decided(engine: Engine, target: Target, kind: str) -> None:
    """As a release that keeps no points would run it."""
    target.execute(VALUES)
    for severity, verdict in (("error", "error"), ("warn", "warn")):
        told = judged(kind, "row_count", severity=severity)
        bare = {name: value for name, value in told.items() if name != "baseline"}
        for one, reason in (
            (bare, "its bounds come from earlier checks, and none came with the rule"),
            (told | {"baseline": told["baseline"] | {"fault": "no such window"}}, "no such window"),
        ):
            outcome = engine.outcome(target, gate("t", one, rule("ok", "not_null", "i", fail_above=5)))
            assert (outcome["rules"][0]["status"], outcome["rules"][0]["reason"]) == ("error", reason)
            assert outcome["verdict"] == verdict
