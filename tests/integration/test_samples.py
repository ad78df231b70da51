"""Failing rows: the key and the allowed columns only, in the order of the key, in values that JSON keeps."""

import json
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

ORDERS = """
create table customers (customer_id integer);
insert into customers values (1);
create table orders (id integer, line integer, customer_id integer, region text, secret text, price numeric);
insert into orders values
  (10, 1, 7, 'north', 'secret-a', null), (2, 1, null, 'south', 'secret-b', null), (2, 2, 7, null, 'secret-c', null),
  (1, 1, 1, 'north', 'secret-d', 1000), (3, 1, 1, 'east', 'secret-e', 2), (3, 1, 1, 'east', 'secret-f', 2), (4, 9, 8, 'x', 'secret-g', 3);
"""
SHOWN: dict[str, Any] = {"key": ["id", "line"], "sample_rows": 2, "sample_columns": ["region"]}

CASES = [
    (rule("r", "not_null", "price"), [[2, 1, "south"], [2, 2, None]]),
    (rule("r", "expression", sql="secret < 'secret-e'"), [[3, 1, "east"], [3, 1, "east"]]),
    (rule("r", "relationship", "customer_id", to_table="public.customers", to_column="customer_id"), [[2, 2, None], [4, 9, "x"]]),
    (rule("r", "outliers", "price", method="zscore", limit=1), [[1, 1, "north"]]),
    (rule("r", "monotonic", "line", order_by=["id", "secret"]), [[3, 1, "east"], [10, 1, "north"]]),
    (rule("r", "sql", query="select o.*, 1 as extra from public.orders o where price is null"), [[2, 1, "south"], [2, 2, None]]),
    (rule("r", "sql", query="select region, count(*) from public.orders group by 1 having count(*) > 1"), [["east"], ["north"]]),
    (rule("r", "dbt", "price", test="not_null"), None),
    (rule("r", "unique", "id", "line"), [[3, 1, 2]]),
    (rule("r", "unique", "region"), [["east", 2], ["north", 2]]),
    (rule("r", "unique", "price"), None),
    (rule("r", "distinct_values", "region", values=["north"]), None),
    (rule("r", "row_count", fail_above=None, min=100), None),
    (rule("r", "not_null", "id"), None),
]  # fmt: skip


@pytest.mark.parametrize(("tested", "rows"), CASES, ids=[f"{t['type']}-{i}" for i, (t, _) in enumerate(CASES)])
def test_failing_rows_by_their_key(engine: Engine, target: Target, tested: dict, rows: list[Any] | None) -> None:
    target.execute(ORDERS)
    answer = engine.answer(target, gate("orders", tested, **SHOWN))
    assert answer.outcome is not None
    assert "secret-" not in answer.outcome, "a column that is not allowed"
    sample = json.loads(answer.outcome)["tables"][0]["rules"][0]["sample"]
    assert (sample["rows"] if sample else None) == rows
    if tested["type"] == "unique" and rows:
        assert sample["columns"] == [*tested["columns"], "count"]
    elif rows and len(rows[0]) == 3:
        assert sample["columns"] == ["id", "line", "region"]


@pytest.mark.parametrize("changes", [{"key": []}, {"sample_rows": 0}])
def test_without_a_key_or_rows_only_counts_are_kept(engine: Engine, target: Target, changes: dict[str, Any]) -> None:
    target.execute(ORDERS)
    found = engine.rules(target, gate("orders", rule("r", "not_null", "price"), **(SHOWN | changes)))["r"]
    assert (found["failures"], found["sample"]) == (3, None)


def test_a_warning_has_a_sample_and_a_pass_below_the_threshold_none(engine: Engine, target: Target) -> None:
    target.execute(ORDERS)
    found = engine.rules(
        target,
        gate(
            "orders",
            rule("warns", "not_null", "price", warn_above=0, fail_above=None),
            rule("passes", "not_null", "price", fail_above=3),
            **SHOWN,
        ),
    )
    assert found["warns"]["sample"]["rows"] == [[2, 1, "south"], [2, 2, None]]
    assert found["passes"]["sample"] is None


def test_a_key_that_is_gone_costs_the_sample_and_not_the_verdict(engine: Engine, target: Target) -> None:
    target.execute(ORDERS)
    found = engine.rules(target, gate("orders", rule("r", "not_null", "price"), **(SHOWN | {"key": ["gone"]})))["r"]
    assert (found["status"], found["failures"], found["sample"]) == ("fail", 3, None)


def test_a_window_and_a_where_narrow_the_sample(engine: Engine, target: Target) -> None:
    target.execute(ORDERS)
    window = {"column": "id", "from": "2", "to": "10"}
    found = engine.rules(target, gate("orders", rule("r", "not_null", "price", where="line > 1"), window=window, **SHOWN))["r"]
    assert (found["failures"], found["sample"]["rows"]) == (1, [[2, 2, None]])


VALUES = [
    ("true", True),
    ("42", 42),
    ("999999999999999::bigint", 999999999999999),
    ("9223372036854775807::bigint", "9223372036854775807"),
    ("0.1::double precision", 0.1),
    ("1.7976931348623157e308::double precision", "1.7976931348623157e+308"),
    ("'NaN'::double precision", "NaN"),
    ("'-infinity'::double precision", "-Infinity"),
    ("12.5::numeric", 12.5),
    ("1234567890.123456789::numeric", "1234567890.123456789"),
    ("'NaN'::numeric", "NaN"),
    ("'2026-01-02 03:04:05.678+02'::timestamptz", "2026-01-02T01:04:05.678+00:00"),
    ("'infinity'::timestamptz", "infinity"),
    ("'2026-01-02'::date", "2026-01-02"),
    ("'2026-01-02 03:04'::timestamp", "2026-01-02T03:04:00"),
    ("interval '1 day 2 hours'", "1 day 02:00:00"),
    (r"'\x00ff'::bytea", r"\x00ff"),
    ("array[1, null, 3]", [1, None, 3]),
    ("array['a', 'b''c']", ["a", "b'c"]),
    ("array[1.5, 'NaN']::numeric[]", [1.5, "NaN"]),
    ("array[12345678901234567890]::numeric[]", "[12345678901234567890]"),
    ("int4range(1, 5)", "[1,5)"),
    ("""'{"a": [1, "x"]}'::jsonb""", {"a": [1, "x"]}),
    ("'00000000-0000-7000-8000-000000000000'::uuid", "00000000-0000-7000-8000-000000000000"),
    ("'<a&b>'::xml", None),
    ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
    ("point(1, 2)", "(1,2)"),
    ("repeat('x', 1000)", "x" * 200 + "..."),
    ("repeat('ü', 200)", "ü" * 200),
    ("e'tab\\t\"quote\" {{ 1 }} % \\\\ 🐘'", 'tab\t"quote" {{ 1 }} % \\ 🐘'),
    ("null::text", None),
]


@pytest.mark.parametrize(("expression", "kept"), [pair for pair in VALUES if "xml" not in pair[0]])
def test_values_survive_json(engine: Engine, target: Target, expression: str, kept: Any) -> None:
    target.execute(f"create table t as select 1 as id, {expression} as shown, null::integer as a")
    spec = gate("t", rule("r", "not_null", "a"), key=["id"], sample_rows=1, sample_columns=["shown"])
    answer = engine.answer(target, spec)
    assert answer.outcome is not None

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    sample = json.loads(answer.outcome, parse_constant=refuse)["tables"][0]["rules"][0]["sample"]
    assert sample == {"columns": ["id", "shown"], "rows": [[1, kept]]}


def test_samples_cost_a_scan_for_failing_rules_only(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n as id, n as a, nullif(n, 7) as b from generate_series(1, 1000) n; analyze t")
    rules = [rule("a", "not_null", "a"), rule("b", "not_null", "b"), rule("c", "between", "a", min=0)]

    def scans(**changes: Any) -> int:
        def counted() -> int:
            return int(target.query("select seq_scan from pg_stat_user_tables where relname = 't'")[0][0])

        before = counted()
        engine.outcome(target, gate("t", *rules, **changes))
        for _ in range(100):  # the server's statistics arrive when the session ends
            if counted() > before:
                break
        return counted() - before

    assert scans() == 1
    assert scans(key=["id"], sample_rows=5) == 2
