"""Every rule type against plain SQL, and what the engine promises whatever the rules say."""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from api.engine import command, lock_retry
from api.engine.command import Answer
from api.engine.outcome import outcome_of
from database.embedded import Cluster
from tests.support.databases import Target
from tests.support.engine import PROJECT, Engine, gate, rule

SHOP = """
create table customers (customer_id integer, region text);
insert into customers values (1, 'north'), (2, 'south'), (null, 'east');
create table orders (order_id integer, customer_id integer, region text, status text, price numeric, ordered_at timestamptz);
insert into orders values
  (1, 1,    'north', 'open',   10.5, '2026-01-01 00:00+00'),
  (2, 2,    'south', 'Open',   null, '2026-01-02 00:00+00'),
  (2, 3,    'south', 'closed', -1,   '2026-01-03 00:00+00'),
  (2, null, null,    null,     99,   '2026-01-04 00:00+00'),
  (null, 1, 'north', 'lost',   100,  null),
  (null, 1, 'north', 'lost',   0,    '2026-01-05 00:00+00');
"""

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
    assert reasons["division"].startswith("division by zero")
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


def test_a_lock_that_is_not_given_is_an_error(engine: Engine, target: Target) -> None:

    target.execute(SHOP)
    loader = psycopg2.connect(target.loader_url)
    loader.cursor().execute("lock table orders in access exclusive mode")
    outcome = engine.outcome(target, gate("orders", rule("a", "not_null", "price"), lock_timeout_ms=300))
    loader.close()
    assert outcome["verdict"] == "error"
    assert "lock" in outcome["reason"]


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


def test_a_where_that_finds_no_row_passes(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    found = engine.rules(target, gate("orders", rule("a", "not_null", "order_id", where="region = 'west'")))["a"]
    assert (found["status"], found["total"]) == ("pass", 0)


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


def test_one_scan_serves_all_row_rules_and_measures(engine: Engine, target: Target) -> None:
    target.execute("create table t as select n as a, n::text as b from generate_series(1, 1000) n; analyze t")
    rules = [rule(f"r{n}", "between", "a", min=n) for n in range(40)] + [rule("c", "row_count", fail_above=None, min=1)]
    before = target.query("select seq_scan from pg_stat_user_tables where relname = 't'")[0][0]
    engine.outcome(target, gate("t", *rules))
    after = before
    for _ in range(100):  # the server's statistics arrive when the session ends
        after = target.query("select pg_stat_clear_snapshot(), seq_scan from pg_stat_user_tables where relname = 't'")[0][1]
        if after > before:
            break
    assert after - before == 1


def test_the_rules_agree_on_one_snapshot_while_the_table_is_reloaded(engine: Engine, target: Target) -> None:
    import threading

    target.execute("create table t (a integer); insert into t select generate_series(1, 1000)")
    stop = threading.Event()
    reloads = []

    def reload() -> None:
        while not stop.is_set():
            target.execute("begin; truncate t; insert into t select generate_series(1, 1000); commit")
            reloads.append(1)

    thread = threading.Thread(target=reload)
    thread.start()
    try:
        for _ in range(15):
            outcome = engine.outcome(target, gate("t", rule("n", "not_null", "a"), rule("u", "unique", "a"), on_empty="pass"))
            assert outcome["row_count"] == 1000, outcome
    finally:
        stop.set()
        thread.join()
    assert len(reloads) > 5


def test_the_same_check_by_hand_has_the_same_outcome(engine: Engine, target: Target, tmp_path: Path) -> None:
    import subprocess

    target.execute(SHOP)
    spec = gate("orders", rule("a", "not_null", "price"), rule("q", "accepted_values", "status", values=["it's", '{{ 1 }}"']))
    line = command.by_hand(PROJECT, spec, tmp_path / "hand", target.environment())
    assert target.password not in line
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"DBT_ENV_SECRET_TARGET_PASSWORD={target.password}", "/bin/bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr  # the verdict is fail
    by_hand = json.loads((tmp_path / "hand" / "run_results.json").read_text())["results"][0]["adapter_response"]["_message"]
    assert json.loads(by_hand)["tables"] == [engine.outcome(target, spec)]


def test_vars_that_are_too_long_for_a_shell_are_carried_by_a_project(engine: Engine, target: Target, tmp_path: Path) -> None:
    target.execute(SHOP)
    values = [f"value {number:06}" for number in range(10_000)]
    spec = gate("orders", rule("a", "accepted_values", "status", values=values))
    answer = command.Executable(PROJECT).run(spec, tmp_path / "run", target.environment(), 90)
    assert answer.outcome is not None, answer.message
    assert json.loads(answer.outcome)["tables"] == [engine.outcome(target, spec)]


def test_a_project_without_the_materialization_never_passes(target: Target, tmp_path: Path) -> None:
    import shutil

    target.execute("create table t (a integer); insert into t values (1)")
    shutil.copytree(PROJECT.project_dir, tmp_path / "project")
    (tmp_path / "project" / "macros" / "gate" / "materialization.sql").unlink()
    project = command.DbtProject(tmp_path / "project", tmp_path / "project")
    answer = command.Executable(project).run(gate("t", rule("a", "not_null", "a")), tmp_path / "run", target.environment(), 90)
    assert outcome_of(answer) is None
    assert answer.message == "Got 1 result, configured to fail if != 0", "the test fails by itself, too"


def test_a_check_and_a_loader_are_never_in_a_deadlock(engine: Engine, target: Target) -> None:
    """The loader locks the tables in the other order; a deadlock would end one of the two, and it might be the loader."""
    import threading

    target.execute(
        "create table good (id integer); insert into good values (1); create table bad (id integer); insert into bad values (null)"
    )
    stop = threading.Event()
    loads, deadlocks = [], []

    def load() -> None:
        while not stop.is_set():
            try:
                target.execute(
                    "begin; lock table bad in access exclusive mode; select pg_sleep(0.05); lock table good in access exclusive mode; commit"
                )
                loads.append(1)
            except psycopg2.errors.DeadlockDetected:
                deadlocks.append(1)

    thread = threading.Thread(target=load)
    thread.start()
    spec = gate("good", rule("n", "not_null", "id"), lock_timeout_ms=10_000)
    spec["tables"] += gate("bad", rule("n", "not_null", "id"))["tables"]
    verdicts = []
    try:
        for _ in range(15):
            answer = engine.answer(target, spec)
            assert answer.outcome is not None, answer.message
            verdicts.append([table["verdict"] for table in json.loads(answer.outcome)["tables"]])
    finally:
        stop.set()
        thread.join()
    assert verdicts == [["pass", "fail"]] * 15
    assert loads
    assert not deadlocks


def refusal(target: Target, relation: str) -> str:
    """What the server says to a session that cannot have the lock at once."""
    with closing(psycopg2.connect(target.loader_url)) as one, closing(psycopg2.connect(target.loader_url)) as other:
        one.cursor().execute(f"lock table {relation} in access exclusive mode")
        with pytest.raises(psycopg2.errors.LockNotAvailable) as refused:
            other.cursor().execute(f"lock table {relation} in access share mode nowait")
        return str(refused.value)


def test_tables_that_are_never_to_be_had_leave_the_others_their_verdicts(engine: Engine, target: Target) -> None:
    """Between the probe, which gets the locks, and the snapshot, which does not, others take them each time. The server tells the
    one of which it could not have the lock, with its schema or without."""
    target.execute(
        """create table good (id integer); insert into good values (1); create table bad (id integer); insert into bad values (null);
        create table "wo.r""se" (id integer); insert into "wo.r""se" values (null)"""
    )
    names = ["good", "bad", 'wo.r"se']
    spec = gate("good", rule("n", "not_null", "id"), lock_timeout_ms=0)
    spec["tables"] = [table for name in names for table in gate(name, rule("n", "not_null", "id"))["tables"]]
    told = iter([refusal(target, "public.bad"), refusal(target, '"wo.r""se"')])

    def run(asked: dict[str, Any]) -> Answer:
        if (message := next(told, None)) is None:
            return engine.answer(target, asked | {"lock_timeout_ms": 10_000})
        return Answer(invocation_id=None, dbt_version="", message=message, outcome=None)

    answer = lock_retry.answer_of(run, spec)
    assert answer.outcome is not None, answer.message
    found = json.loads(answer.outcome)["tables"]
    assert [one["verdict"] for one in found] == ["pass", "error", "error"]
    assert {"lock" in one["rules"][0]["reason"] for one in found[1:]} == {True}


def test_a_check_leaves_no_warning_in_the_log_of_its_target(engine: Engine, target: Target, cluster: Cluster) -> None:
    target.execute("create table orders as select n as id from generate_series(1, 5) n")
    log = cluster.home / "postgres.log"
    before = len(log.read_bytes())
    for bound in (5, 3):
        engine.outcome(target, gate("orders", rule("small", "between", "id", max=bound)))
    assert b"WARNING" not in log.read_bytes()[before:]
