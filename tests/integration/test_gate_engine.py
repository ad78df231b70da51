"""Every rule type against plain SQL, and what the engine promises whatever the rules say."""

from decimal import Decimal
from typing import Any

import pytest

from database.embedded import Cluster
from tests.support.databases import Target
from tests.support.engine import SHOP, Engine, gate, rule

# rule, and the plain SQL that counts what violates it
COUNTED = [
    (rule("a", "not_null", "price"), "select count(*) from orders where price is null"),
    (rule("a", "not_null", "price", "region"), "select count(*) from orders where price is null or region is null"),
    (rule("a", "accepted_values", "status", values=["open", "closed"]), "select count(*) from orders where status <> 'open' and status <> 'closed'"),
    (rule("a", "accepted_values", "status", values=["OPEN"], case_sensitive=False), "select count(*) from orders where upper(status) <> 'OPEN'"),
    (rule("a", "accepted_values", "status", values=[]), "select count(status) from orders"),
    (rule("a", "accepted_values", "price", values=[10.5, 99]), "select count(*) from orders where price <> 10.5 and price <> 99"),
    (rule("a", "between", "price", min=0, max=99), "select count(*) from orders where price < 0 or price > 99"),
    (rule("a", "between", "price", min=0, exclusive_min=True), "select count(*) from orders where price <= 0"),
    (rule("a", "between", "ordered_at", max="2026-01-03", exclusive_max=True), "select count(*) from orders where ordered_at >= '2026-01-03'"),
    (rule("a", "expression", sql="price >= 0"), "select count(*) from orders where not price >= 0"),
    (rule("a", "expression", sql="price >= 0", null_passes=False), "select count(*) from orders where price < 0 or price is null"),
    (rule("a", "not_null", "customer_id", where="region = 'south' or region is null"), "select count(*) from orders where (region = 'south' or region is null) and customer_id is null"),
    (rule("a", "unique", "order_id"), "select count(order_id) - count(distinct order_id) from orders"),
    (rule("a", "unique", "order_id", nulls="equal"), "select count(*) - (select count(*) from (select distinct order_id from orders) d) from orders"),
    (rule("a", "unique", "customer_id", "region"), "select 1 + 0 * count(*) + (select count(*) from orders where customer_id = 1) - 2 from orders"),
    (rule("a", "relationship", "customer_id", to_table="public.customers", to_column="customer_id"), "select count(*) from orders where customer_id not in (select customer_id from customers where customer_id is not null)"),
    (rule("a", "relationship", "customer_id", "region", to_table="public.customers", to_columns=["customer_id", "region"]), "select count(*) from orders o left join customers c using (customer_id, region) where c.customer_id is null and o.customer_id is not null and o.region is not null"),
    (rule("a", "relationship", "customer_id", to_table="public.customers", to_column="customer_id", to_where="region = 'north'"), "select count(*) from orders where customer_id <> 1"),
]  # fmt: skip


@pytest.mark.parametrize(("tested", "truth"), COUNTED, ids=[f"{t['type']}-{i}" for i, (t, _) in enumerate(COUNTED)])
def test_failures_are_what_plain_sql_counts(engine: Engine, target: Target, tested: dict, truth: str) -> None:
    target.execute(SHOP)
    ((expected,),) = target.query(truth)
    found = engine.rules(target, gate("orders", tested))["a"]
    assert found["reason"] is None
    assert found["failures"] == expected
    assert found["status"] == ("fail" if expected else "pass")
    assert expected > 0, "the rows of this test must violate the rule"


def test_a_table_without_violations_passes(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer, b text); insert into t values (1, 'x'), (2, 'y')")
    rules = [
        rule("not_null", "not_null", "a", "b"),
        rule("accepted_values", "accepted_values", "b", values=["x", "y"]),
        rule("between", "between", "a", min=1, max=2),
        rule("expression", "expression", sql="a > 0"),
        rule("unique", "unique", "a"),
        rule("relationship", "relationship", "a", to_table="public.t", to_column="a"),
        rule("row_count", "row_count", fail_above=None, min=2, max=2),
    ]
    outcome = engine.outcome(target, gate("t", *rules))
    assert {found["id"]: found["status"] for found in outcome["rules"]} == {r["id"]: "pass" for r in rules}
    assert (outcome["verdict"], outcome["row_count"]) == ("pass", 2)


@pytest.mark.parametrize(
    ("bounds", "status"),
    [({"min": 6}, "pass"), ({"min": 7}, "fail"), ({"max": 5}, "fail"), ({"max": 6, "exclusive_max": True}, "fail"), ({"warn": {"min": 7}}, "warn"), ({"min": 1, "warn": {"max": 5}}, "warn")],
)  # fmt: skip
def test_row_count_is_held_against_its_bounds(engine: Engine, target: Target, bounds: dict, status: str) -> None:
    target.execute(SHOP)
    found = engine.rules(target, gate("orders", rule("a", "row_count", fail_above=None, **bounds)))["a"]
    assert (found["status"], found["measured"], found["failures"], found["total"]) == (status, 6, None, 6)


@pytest.mark.parametrize(
    ("warn", "fail", "status"),
    [(None, 1, "fail"), (None, 2, "pass"), (1, None, "warn"), (2, None, "pass"), (0, 1, "fail"), (1, 2, "warn"), (None, 0.33, "fail"), (None, 1 / 3 + 0.0001, "pass"), (0.1, 0.5, "warn"), (0.1, 1, "fail")],
)  # fmt: skip
def test_thresholds_trip_above_not_at(engine: Engine, target: Target, warn: object, fail: object, status: str) -> None:
    target.execute(SHOP)  # two of six have no order_id
    found = engine.rules(target, gate("orders", rule("a", "not_null", "order_id", warn_above=warn, fail_above=fail)))["a"]
    assert (found["status"], found["failures"], found["total"]) == (status, 2, 6)


def test_a_share_just_below_all_rows_is_not_all_rows(engine: Engine, target: Target) -> None:
    target.execute("create table t as select null::integer as a from generate_series(1, 3)")
    counts = [rule(f"s{n}", "not_null", "a", fail_above=Decimal("0.99999999999999")) for n in range(2)]
    counts[1]["fail_above"] = {"share": "1.00"}
    found = engine.rules(target, gate("t", *counts))
    assert [found[f"s{n}"]["status"] for n in range(2)] == ["fail", "pass"]


def test_a_share_is_compared_exactly(engine: Engine, target: Target) -> None:
    target.execute("create table t as select case when n > 29 then 1 end as a from generate_series(1, 100) n")
    rules = engine.rules(
        target, gate("t", rule("at", "not_null", "a", fail_above=0.29), rule("below", "not_null", "a", fail_above=0.28))
    )
    assert (rules["at"]["status"], rules["below"]["status"]) == ("pass", "fail")


def test_a_broken_rule_never_hides_the_others(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    outcome = engine.outcome(
        target,
        gate(
            "orders",
            rule("gone", "not_null", "no_such_column"),
            rule("cast", "between", "price", min="abc"),
            rule("division", "expression", sql="1 / (price - price) > 0"),
            rule("relation", "relationship", "customer_id", to_table="public.nowhere", to_column="x"),
            rule("key", "unique", "no_such_column"),
            rule("where", "not_null", "price", where="no_such_column > 0"),
            rule("good", "not_null", "price"),
            rule("fine", "unique", "price"),
        ),
    )
    status = {found["id"]: found["status"] for found in outcome["rules"]}
    assert status == dict.fromkeys(("gone", "cast", "division", "relation", "key", "where"), "error") | {
        "good": "fail",
        "fine": "pass",
    }
    reasons = {found["id"]: found["reason"] for found in outcome["rules"]}
    assert reasons["gone"] == 'column "no_such_column" does not exist'
    assert reasons["division"].startswith("argument sql: division by zero")
    assert reasons["relation"] == 'relation "public.nowhere" does not exist'
    assert "abc" not in reasons["cast"], "a reason quotes no value"
    assert outcome["verdict"] == "fail"


def test_an_undecided_rule_never_passes(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    may_fail = gate("orders", rule("gone", "not_null", "nope"), rule("good", "not_null", "status", fail_above=5))
    may_warn = gate(
        "orders",
        rule("gone", "not_null", "nope", warn_above=0, fail_above=None),
        rule("good", "not_null", "status", fail_above=5),
    )
    assert engine.outcome(target, may_fail)["verdict"] == "error"
    assert engine.outcome(target, may_warn)["verdict"] == "warn"


def test_a_missing_or_unreadable_table_is_an_error(engine: Engine, target: Target) -> None:
    assert engine.outcome(target, gate("nowhere", rule("a", "not_null", "a")))["verdict"] == "error"
    target.execute(f"create table secret (a integer); revoke all on secret from {target.user}")
    outcome = engine.outcome(target, gate("secret", rule("a", "not_null", "a")))
    assert (outcome["verdict"], outcome["rules"][0]["reason"]) == ("error", "permission denied for table secret")


def test_a_slow_rule_leaves_time_for_the_others(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    slow = rule("slow", "expression", sql="(pg_sleep(30) is null) is not null")
    found = engine.rules(target, gate("orders", slow, rule("good", "not_null", "price"), statement_timeout_ms=3000))
    assert (found["slow"]["status"], found["good"]["status"]) == ("error", "fail")
    assert "timeout" in found["slow"]["reason"]


@pytest.mark.parametrize("type_name", ["timestamptz", "timestamp", "date"])
def test_what_lies_in_the_future_is_no_proof_of_freshness(engine: Engine, target: Target, type_name: str) -> None:
    target.execute(
        f"create table t (id integer, at {type_name}); insert into t values (1, now() - interval '10 days'), (2, now() + interval '5 years'),"
        " (3, 'infinity'), (4, '-infinity'), (5, now() + interval '3 days'), (6, null)"
    )

    def fresh(name: str, **arguments: Any) -> dict[str, Any]:
        where = arguments.pop("where", None)
        return rule(name, "freshness", "at", fail_above=None, where=where, **arguments)

    found = engine.rules(
        target,
        gate(
            "t",
            fresh("old", max_age="24h"),
            fresh("ten", max_age="12d"),
            fresh("ahead", max_age="24h", tolerance="4d"),
            fresh("only", max_age="24h", where="id in (2, 3)"),
            fresh("never", max_age="24h", where="id in (4, 6)"),
        ),
    )
    assert {key: (one["status"], one["found"]["ahead"]) for key, one in found.items()} == {
        "old": ("fail", 3), "ten": ("pass", 3), "ahead": ("pass", 2), "only": ("fail", 2), "never": ("fail", None),
    }  # fmt: skip
    assert found["old"]["measured"] == pytest.approx(864_000, abs=90_000)
    assert (found["only"]["measured"], found["never"]["measured"]) == (None, None)


def test_a_window_is_half_open_and_reports_its_nulls(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    window = {"column": "ordered_at", "from": "2026-01-02T00:00:00Z", "to": "2026-01-05T00:00:00Z"}
    outcome = engine.outcome(
        target, gate("orders", rule("n", "not_null", "price"), rule("u", "unique", "order_id"), window=window)
    )
    assert (outcome["row_count"], outcome["window_nulls"]) == (3, 1)
    rules = {found["id"]: found for found in outcome["rules"]}
    assert (rules["n"]["failures"], rules["n"]["total"]) == (1, 3)
    assert rules["u"]["failures"] == 2, "three rows of one key that occurs only inside, less one"


def test_a_key_that_occurs_outside_of_the_window_counts_in_full(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (a integer, d date); insert into t values (1, '2026-01-01'), (1, '2026-01-02'), (1, '2026-01-02'), (2, '2026-01-02')"
    )
    window = {"column": "d", "from": "2026-01-02", "to": None}
    found = engine.rules(target, gate("t", rule("u", "unique", "a"), window=window))["u"]
    assert (found["failures"], found["measured"], found["total"]) == (2, 1, 3)


ODD = [
    'qu"ote',
    "a'b",
    "per%cent",
    "%(x)s",
    "{{ env_var('HOME') }}",
    "Mixed Case",
    "select",
    "emoji 🐘",
    "back\\slash",
    "x" * 63,
    "dot.ted",
    "$stringx$",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_and_values_are_taken_literally(engine: Engine, target: Target, name: str) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    value = name.replace("'", "''")
    target.execute(f"create table {quoted(name)} ({quoted(name)} text); insert into {quoted(name)} values ('{value}'), ('other')")
    tested = [
        rule("a", "accepted_values", name, values=[name]),
        rule("u", "unique", name),
        rule("r", "relationship", name, to_table=f"public.{name}", to_column=name),
    ]
    outcome = engine.outcome(target, gate(name, *tested))
    assert [(found["status"], found["failures"], found["reason"]) for found in outcome["rules"]] == [("fail", 1, None), ("pass", 0, None), ("pass", 0, None)]  # fmt: skip


def test_a_check_leaves_no_warning_in_the_log_of_its_target(engine: Engine, target: Target, cluster: Cluster) -> None:
    target.execute("create table orders as select n as id from generate_series(1, 5) n")
    log = cluster.home / "postgres.log"
    before = len(log.read_bytes())
    for bound in (5, 3):
        engine.outcome(target, gate("orders", rule("small", "between", "id", max=bound)))
    assert b"WARNING" not in log.read_bytes()[before:]
