"""As much as PostgreSQL takes: columns, rules, values, tables of a row and of none."""

import pytest

from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

MANY = 1_600  # columns of a table
BUDGET_MS = 120_000


@pytest.mark.timeout(280)
def test_a_rule_on_each_of_1600_columns(engine: Engine, target: Target) -> None:
    """Every seventh column has a NULL in one of the two rows."""
    columns = [f"c{number}" for number in range(MANY)]
    target.execute(f"create table t ({', '.join(f'{column} integer' for column in columns)})")
    target.execute(
        f"insert into t values ({', '.join('1' for _ in columns)}), ({', '.join('null' if n % 7 == 0 else '2' for n in range(MANY))})"
    )
    found = engine.outcome(
        target, gate("t", *[rule(column, "not_null", column) for column in columns], statement_timeout_ms=BUDGET_MS)
    )
    assert {one["id"]: one["failures"] for one in found["rules"]} == {column: int(n % 7 == 0) for n, column in enumerate(columns)}
    assert {one["total"] for one in found["rules"]} == {2}


@pytest.mark.timeout(280)
def test_1000_rules_on_one_table(engine: Engine, target: Target) -> None:
    target.execute("create table t as select g as id, g % 10 as a, 'v' || g % 3 as b from generate_series(1, 1000) g")
    tests = [rule(f"r{n}", "between", "id", max=n, fail_above=500) for n in range(800)]
    tests += [rule(f"r{n}", "accepted_values", "b", values=["v0", f"x{n}"], where=f"a = {n % 10}") for n in range(800, 990)]
    tests += [rule(f"r{n}", "unique", "id", where=f"a < {n}") for n in range(990, 1000)]
    found = engine.rules(target, gate("t", *tests, statement_timeout_ms=BUDGET_MS))
    assert len(found) == 1000
    assert {one["reason"] for one in found.values()} == {None}
    truth = dict(target.query("select a, count(*) filter (where b <> 'v0') from t group by a"))
    for n in range(800):
        assert (found[f"r{n}"]["failures"], found[f"r{n}"]["status"]) == (1000 - n, "fail" if n < 500 else "pass")
    assert all(found[f"r{n}"]["failures"] == truth[n % 10] > 0 for n in range(800, 990))
    assert all(found[f"r{n}"]["failures"] == 0 for n in range(990, 1000))


@pytest.mark.timeout(280)
@only("18")
def test_one_broken_rule_among_1000(engine: Engine, target: Target) -> None:
    """The scan of all is given up; each is then read by itself, within the same budget."""
    target.execute("create table t as select g as id from generate_series(1, 1000) g")
    tests = [rule(f"r{n}", "between", "id", max=n) for n in range(999)] + [rule("broken", "expression", sql="1 / (id - 1) > 0")]
    found = engine.rules(target, gate("t", *tests, statement_timeout_ms=BUDGET_MS))
    assert (found["broken"]["status"], found["broken"]["reason"]) == ("error", "argument sql: division by zero (SQLSTATE 22012)")
    assert all(found[f"r{n}"]["failures"] == 1000 - n for n in range(999))


def test_10000_accepted_values(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t as select g as id, 'value ' || g as a from generate_series(1, 10100) g; insert into t values (null, null)"
    )
    values = list(range(1, 10_001))
    tests = [
        rule("numbers", "accepted_values", "id", values=values),
        rule("texts", "accepted_values", "a", values=[f"value {n}" for n in values]),
        rule("folded", "accepted_values", "a", values=[f"VALUE {n}" for n in values], case_sensitive=False),
        rule("rejected", "rejected_values", "id", values=values),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["failures"], one["total"]) for key, one in found.items()} == {
        "numbers": (100, 10_101), "texts": (100, 10_101), "folded": (100, 10_101), "rejected": (10_000, 10_101),
    }  # fmt: skip


def test_a_table_without_columns_has_rows(engine: Engine, target: Target) -> None:
    target.execute("create table t (); insert into t default values; insert into t default values")
    found = engine.outcome(target, gate("t", rule("rows", "row_count", fail_above=None, min=2, max=2)))
    assert (found["verdict"], found["row_count"]) == ("pass", 2)


def test_long_values_are_compared_whole(engine: Engine, target: Target) -> None:
    """Values that PostgreSQL keeps out of line, and that differ at the end only."""
    target.execute(
        "create table t as select repeat(md5(g::text), 1) || repeat('x', 3000000) || g % 2 as a from generate_series(1, 1) g"
    )
    target.execute("insert into t select left(a, -1) || '0' from t; insert into t select a from t limit 1")
    ((value,),) = target.query("select a from t limit 1")
    tests = [rule("known", "accepted_values", "a", values=[value]), rule("length", "length", "a", max=3_000_033)]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["failures"], one["reason"]) for key, one in found.items()} == {"known": (1, None), "length": (0, None)}


def test_a_partitioned_table_of_300_partitions(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, a integer) partition by hash (id)")
    target.execute(
        ";".join(f"create table t_{n} partition of t for values with (modulus 300, remainder {n})" for n in range(300))
    )
    target.execute("insert into t select g, nullif(g % 10, 0) from generate_series(1, 3000) g")
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "a"), rule("unique", "unique", "id")))
    assert [one["failures"] for one in found["rules"]] == [300, 0]
    assert found["row_count"] == 3000
