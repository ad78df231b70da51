"""Rules that share a statement or a scan are decided as each of them alone."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

VALUES = """
create table t (place integer, number double precision, exact numeric, word text, day date, nothing text);
insert into t values
  (1, 1, 1.0, 'Red', '2024-01-01', null), (2, 1, 1.00, 'red', '2024-01-02', null), (3, 2, 1, 'RED', 'infinity', null),
  (4, 3, 'NaN', 'blue', null, null), (5, 'NaN', 50, null, '2024-01-02', null), (6, 'Infinity', null, 'green', null, null),
  (7, '-Infinity', 2, '', '2024-01-02', null), (8, null, 3, '', null, null), (9, 40, 'Infinity', 'Blue', null, null);
"""


def of_values(column: str, listed: list[Any]) -> list[dict[str, Any]]:
    """Rules about how often each value of a column occurs, with and without a condition."""
    made = []
    for where in (None, "place > 2", "place > 100"):
        for mode in ("in", "contain", "equal"):
            made.append(rule("", "distinct_values", column, values=listed, mode=mode, where=where))
        for ties in ("pass", "fail"):
            made.append(rule("", "most_common_value", column, values=listed, ties=ties, where=where))
    return made


def far(column: str) -> list[dict[str, Any]]:
    return [
        rule("", "outliers", column, method=method, limit=limit, where=where, warn_above=0, fail_above=3)
        for where in (None, "place > 2", "place < 4", "place > 100")
        for method in ("zscore", "iqr")
        for limit in (0.5, 1, 10)
    ]


ASKED: dict[str, list[dict[str, Any]]] = {
    "doubles": [*of_values("number", [1, "NaN"]), *far("number")],
    "decimals": [*of_values("exact", ["1.000", "NaN", "Infinity"]), *far("exact")],
    "texts": of_values("word", ["red", "", "BLUE"]),
    "dates": of_values("day", ["2024-01-02", "infinity"]),
    "only NULLs": of_values("nothing", ["x"]),
}


def named(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"id": f"r{number}"} for number, one in enumerate(rules)]


@pytest.mark.parametrize("rows", ["all", "none"])
def test_rules_that_share_a_statement_are_decided_as_alone(engine: Engine, target: Target, rows: str) -> None:
    target.execute(VALUES)
    if rows == "none":
        target.execute("truncate t")
    asked = named([one for rules in ASKED.values() for one in rules])
    shown = {"key": ["place"], "sample_rows": 20, "sample_columns": ["number", "exact"]}
    together = engine.rules(target, gate("t", *asked, **shown))
    assert "error" not in {found["status"] for found in together.values()}
    apart = gate("t", **shown)
    apart["tables"] = [table for one in asked for table in gate("t", one, **shown)["tables"]]
    alone = engine.answer(target, apart)
    assert alone.outcome is not None
    for one, table in zip(asked, json.loads(alone.outcome)["tables"], strict=True):
        assert table["rules"] == [together[one["id"]]], one


def test_one_that_breaks_a_shared_statement_is_alone_an_error(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n % 3 as a, n as b from generate_series(1, 9) n")
    asked = [
        rule("in", "distinct_values", "a", values=[0, 1, 2]),
        rule("word", "distinct_values", "a", values=["x"]),
        rule("common", "most_common_value", "a", values=[0]),
        rule("shadow", "most_common_value", "a", values=["y"]) | {"shadow": True},
        rule("beside", "distinct_values", "a", values=[0]) | {"shadow": True},
        rule("far", "outliers", "b", method="zscore", limit=3),
        rule("huge", "outliers", "b", method="zscore", limit="1e400", where="b / (b - 1) > 0"),
    ]
    found = engine.rules(target, gate("t", *asked))
    assert {name: one["status"] for name, one in found.items()} == {
        "in": "pass", "word": "error", "common": "pass", "shadow": "error", "beside": "fail", "far": "pass", "huge": "error",
    }  # fmt: skip
    assert found["word"]["reason"] == found["shadow"]["reason"]
    assert (found["in"]["measured"], found["beside"]["failures"], found["beside"]["measured"]) == (3, 2, 3)


def test_more_patterns_than_the_server_keeps_are_read_by_several_scans(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n as id, 'code ' || n as code from generate_series(1, 70) n")
    many = [rule(f"r{n}", "regex", "code", pattern=f"^code {n}$", negate=True) for n in range(1, 71)]
    shadows = [one | {"id": f"s{one['id']}", "shadow": True} for one in many]
    others = [
        rule("rows", "row_count", fail_above=None, min=70, max=70),
        rule("where", "not_null", "code", where="code ~ '^code [1-9]$' or code ~* 'CODE 1.'"),
        rule("broken", "expression", sql="1 / (id - 70) < 0 and code ~ '^code'"),
    ]
    outcome = engine.outcome(
        target, gate("t", *many[:40], others[0], *shadows, *many[40:], *others[1:], key=["id"], sample_rows=2)
    )
    found = {one["id"]: one for one in outcome["rules"]}
    assert outcome["row_count"] == 70
    for one in (*many, *shadows):
        number = int(one["id"].lstrip("rs"))
        answer = found[one["id"]]
        assert (answer["status"], answer["failures"], answer["total"], answer["sample"]["rows"]) == ("fail", 1, 70, [[number]])
    assert (found["rows"]["status"], found["rows"]["measured"]) == ("pass", 70)
    assert (found["where"]["failures"], found["where"]["total"]) == (0, 19)
    assert (found["broken"]["status"], found["broken"]["sqlstate"]) == ("error", "22012")


READINGS: dict[str, tuple[list[dict[str, Any]], int]] = {
    "rules about rows": ([rule("", "not_null", "id"), rule("", "between", "id", min=0)], 1),
    "twenty-eight patterns": ([rule("", "regex", "code", pattern=f"^{n}") for n in range(28)], 1),
    "twenty-nine patterns": ([rule("", "regex", "code", pattern=f"^{n}") for n in range(29)], 2),
    "one pattern in many rules": ([rule("", "regex", "code", pattern="^code", where=f"id > {n}") for n in range(60)], 1),
    "values of a column": (
        [rule("", "distinct_values", "code", values=["x"]), rule("", "most_common_value", "code", values=["x"])],
        2,
    ),
    "values under different conditions": (
        [rule("", "distinct_values", "id", values=[1], where=f"id > {n}") for n in range(2)],
        3,
    ),
    "no value beyond the limits": ([rule("", "outliers", "id", method=name, limit=9) for name in ("zscore", "iqr")], 3),
    "values beyond the limits": ([rule("", "outliers", "id", method="zscore", limit=0.1)], 3),
    "several limits": ([rule("", "outliers", "id", method="zscore", limit=limit) for limit in (7, 8, 9)], 2),
    "hours without a zone, in UTC": ([rule("", "no_gaps", "at", every="hour")], 2),
}


@pytest.mark.parametrize("case", READINGS)
def test_a_table_is_read_no_more_often_than_it_must(engine: Engine, target: Target, case: str) -> None:
    asked, scans = READINGS[case]
    target.execute(
        "create table t as select n as id, 'code ' || n as code, timestamp '2024-01-01' + n * interval '1 hour' as at"
        " from generate_series(1, 50) as n"
    )
    engine.rules(target, gate("t", *named(asked)))
    assert within(10, lambda: scans_of(target), scans) == scans


def scans_of(target: Target) -> int:
    [(number,)] = target.query("select pg_stat_get_numscans('t'::regclass)")
    return int(number)


def within(seconds: float, read: Callable[[], int], wanted: int) -> int:
    """The value, once it is as wanted or the time is over: a session tells the server's counters when it ends."""
    until = time.monotonic() + seconds
    while (found := read()) < wanted and time.monotonic() < until:
        time.sleep(0.05)
    return found
