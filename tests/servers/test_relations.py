"""The gate on whatever PostgreSQL calls a relation: the numbers are those of plain SQL by the same reader."""

from typing import Any

import psycopg2
import pytest

from tests.servers.clusters import Server, session
from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

ROWS = """
create table base (id integer, day date, status text);
insert into base select i % 9, date '2026-01-01' + i % 60, nullif('s' || i % 4, 's3') from generate_series(1, 100) i;
"""
RULES = [
    rule("filled", "not_null", "status"),
    rule("known", "accepted_values", "status", values=["s0", "s1"]),
    rule("unique", "unique", "id"),
    rule("parent", "relationship", "id", to_table="public.parents", to_column="id"),
    rule("rows", "row_count", fail_above=None, min=1),
]
PARENTS = "create table parents (id integer); insert into parents values (0), (1), (2), (3), (4);"
TRUTH = """
select count(*), count(*) filter (where status is null), count(*) filter (where status not in ('s0', 's1')),
       count(id) - count(distinct id), count(*) filter (where id not in (select id from parents))
from {}
"""

KINDS = {
    "view": ("v", "create view v as select * from base where day < '2026-02-01'"),
    "view of a view": ("w", "create view v as select * from base; create view w as select id, status from v where id > 2"),
    "materialized view": ("m", "create materialized view m as select * from base where id > 1"),
    "view of a materialized view": ("v", "create materialized view m as select * from base; create view v as select * from m where id <> 3"),
    "partitioned table": ("p", """
        create table p (id integer, day date, status text) partition by range (day);
        create table p_one partition of p for values from ('2026-01-01') to ('2026-01-20');
        create table p_two partition of p for values from ('2026-01-20') to ('2026-02-10') partition by list (id);
        create table p_two_a partition of p_two for values in (0, 1, 2, 3);
        create table p_two_b partition of p_two default;
        create table p_rest partition of p default;
        insert into p select * from base"""),
    "single partition": ("p_one", """
        create table p (status text, id integer, day date) partition by range (day);
        create table p_one partition of p for values from ('2026-01-01') to ('2026-01-20');
        create table p_rest partition of p default;
        insert into p (id, day, status) select * from base"""),
    "inheritance parent": ("parent", """
        create table parent (id integer, status text);
        create table child (day date) inherits (parent);
        insert into parent select id, status from base where id < 3; insert into child (id, status) select id, status from base where id > 5"""),
    "inheritance child": ("child", """
        create table parent (id integer, status text);
        create table child (day date) inherits (parent);
        insert into parent select id, status from base; insert into child (id, status) select id, status from base where id > 5"""),
    "unlogged table": ("u", "create unlogged table u as select * from base"),
    "table with dropped columns": ("d", """
        create table d (gone integer, id integer, also_gone text, status text);
        insert into d (id, status) select id, status from base;
        alter table d drop column gone; alter table d drop column also_gone; alter table d add column late integer default 7"""),
    "table with generated columns": ("g", """
        create table g (raw integer, id integer generated always as (raw % 9) stored, status text generated always as (nullif('s' || raw % 4, 's3')) stored);
        insert into g select i from generate_series(1, 100) i"""),
    "table with an identity and a primary key": ("k", """
        create table k (n bigint generated always as identity primary key, id integer, status text);
        insert into k (id, status) select id, status from base"""),
    "typed table": ("t", "create type shape as (id integer, status text); create table t of shape; insert into t select id, status from base"),
}  # fmt: skip


def assert_truth(engine: Engine, target: Target, name: str) -> dict[str, Any]:
    """Every rule gives what plain SQL counts, and plain SQL finds something to count."""
    ((rows, nulls, unknown, repeated, orphans),) = target.query(TRUTH.format(name))
    found = engine.outcome(target, gate(name, *RULES))
    assert found["row_count"] == rows > 0
    assert {one["id"]: one["failures"] for one in found["rules"]} == {
        "filled": nulls, "known": unknown, "unique": repeated, "parent": orphans, "rows": None,
    }  # fmt: skip
    assert min(nulls, unknown, repeated, orphans) > 0, "the rows of this test must violate the rules"
    assert found["verdict"] == "fail"
    assert [one["reason"] for one in found["rules"]] == [None] * len(RULES)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_those_of_plain_sql(engine: Engine, target: Target, kind: str) -> None:
    name, make = KINDS[kind]
    target.execute(ROWS + PARENTS + make)
    assert_truth(engine, target, name)


@only("18")
def test_a_virtual_generated_column_is_a_column(engine: Engine, target: Target) -> None:
    target.execute(
        PARENTS + "create table g (raw integer, id integer generated always as (raw % 9) virtual, status text generated always as"
        " (nullif('s' || raw % 4, 's3')) virtual); insert into g select i from generate_series(1, 100) i"
    )
    assert_truth(engine, target, "g")


def test_a_view_shows_what_its_reader_may_not_read(engine: Engine, target: Target) -> None:
    target.execute(ROWS + PARENTS + f"revoke all on base from {target.user}; create view v as select * from base")
    assert_truth(engine, target, "v")


def test_a_view_that_breaks_is_an_error(engine: Engine, target: Target) -> None:
    target.execute("create table base (id integer); insert into base values (0); create view v as select 1 / id as id from base")
    found = engine.outcome(target, gate("v", rule("filled", "not_null", "id"), rule("all", "row_count", fail_above=None, min=1)))
    assert found["verdict"] == "error"
    assert next(one["reason"] for one in found["rules"] if one["id"] == "filled") == "division by zero (SQLSTATE 22012)"


@pytest.mark.parametrize(
    "make",
    [
        "create table t (id integer)",
        "create unlogged table t (id integer)",
        "create table t (id integer) partition by range (id)",
        "create table t (id integer) partition by range (id); create table t_one partition of t for values from (0) to (9)",
        "create view t as select 1 as id where false",
        "create materialized view t as select 1 as id where false",
    ],
)
def test_nothing_never_passes(engine: Engine, target: Target, make: str) -> None:
    target.execute(make)
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id"), rule("unique", "unique", "id")))
    assert (found["verdict"], found["row_count"]) == ("fail", 0)
    assert found["reason"] == "there is no row to look at (on_empty: fail)"


def test_a_materialized_view_without_data_is_an_error(engine: Engine, target: Target) -> None:
    target.execute("create materialized view m as select 1 as id with no data")
    found = engine.outcome(target, gate("m", rule("filled", "not_null", "id"), rule("unique", "unique", "id")))
    assert found["verdict"] == "error"
    assert {one["reason"] for one in found["rules"]} == {'materialized view "m" has not been populated'}


def test_a_temporary_table_of_another_session_is_an_error(engine: Engine, target: Target) -> None:
    with session(target.loader_url) as cursor:
        cursor.execute("create temporary table t (id integer); insert into t values (1)")
        cursor.execute("select nspname from pg_namespace where oid = pg_my_temp_schema()")
        ((schema,),) = cursor.fetchall()
        found = engine.outcome(target, gate("t", rule("filled", "not_null", "id"), schema=schema))
    assert found["verdict"] == "error"
    assert found["row_count"] is None
    assert found["rules"][0]["reason"]


def test_only_rows_that_row_level_security_shows_are_looked_at(engine: Engine, server: Server, target: Target) -> None:
    target.execute(
        "create table t (id integer, team text); insert into t values (null, 'a'), (1, 'a'), (null, 'b'), (null, 'b'), (2, 'c');"
        f"alter table t enable row level security; create policy mine on t for select to {target.user} using (team <> 'b')"
    )
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id")))
    with session(server.url(target.dbname, target.user, target.password)) as cursor:
        cursor.execute("select count(*), count(*) filter (where id is null) from t")
        ((rows, nulls),) = cursor.fetchall()
    assert (found["row_count"], found["rules"][0]["failures"]) == (rows, nulls) == (3, 1)


def test_row_level_security_that_hides_every_row_never_passes(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer); insert into t values (1); alter table t enable row level security")
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id")))
    assert (found["verdict"], found["row_count"]) == ("fail", 0)


def test_rules_on_columns_that_the_reader_may_not_read_are_errors_and_the_others_are_decided(
    engine: Engine, target: Target
) -> None:
    target.execute(
        "create table t (id integer, secret text, status text); insert into t values (1, 'x', null), (1, null, 'open'), (2, 'z', 'lost');"
        f"revoke all on t from {target.user}; grant select (id, status) on t to {target.user}"
    )
    tests = [
        rule("filled", "not_null", "status"),
        rule("known", "accepted_values", "status", values=["open"]),
        rule("unique", "unique", "id"),
        rule("parent", "relationship", "id", to_table="public.t", to_column="id"),
        rule("rows", "row_count", fail_above=None, min=3, max=3),
        rule("secret_filled", "not_null", "secret"),
        rule("secret_unique", "unique", "secret"),
        rule("secret_parent", "relationship", "status", to_table="public.t", to_column="secret"),
    ]
    found = engine.outcome(target, gate("t", *tests))
    assert {one["id"]: (one["status"], one["failures"]) for one in found["rules"]} == {
        "filled": ("fail", 1), "known": ("fail", 1), "unique": ("fail", 1), "parent": ("pass", 0), "rows": ("pass", None),
        "secret_filled": ("error", None), "secret_unique": ("error", None), "secret_parent": ("error", None),
    }  # fmt: skip
    assert {one["reason"] for one in found["rules"] if one["status"] == "error"} == {"permission denied for table t"}
    assert found["row_count"] == 3


def test_a_rule_reads_no_column_but_its_own(engine: Engine, target: Target) -> None:
    """Each type that names its columns works for a reader who may select these and no other."""
    target.execute(
        "create table t (id integer, secret text, a integer, b integer, day timestamptz); insert into t select i, 'x', i % 7, i, now() from generate_series(1, 50) i;"
        f"revoke all on t from {target.user}; grant select (a, b, day) on t to {target.user}"
    )
    tests = [
        rule("is_null", "is_null", "a"),
        rule("outliers", "outliers", "a", method="iqr", limit=0.1),
        rule("monotonic", "monotonic", "a", direction="increasing", order_by="b"),
        rule("parted", "monotonic", "b", direction="increasing", order_by="b", partition_by="a"),
        rule("distinct", "distinct_values", "a", values=[1], mode="in"),
        rule("gaps", "no_gaps", "day", every="1d"),
        rule("compare", "compare", "a", operator="<", other_column="b"),
        rule("median", "aggregate", "a", fail_above=None, function="median", min=0),
        rule("fresh", "freshness", "day", fail_above=None, max_age="1d"),
        rule("matches", "row_count_matches", fail_above=None, other_table="public.t"),
        rule("self", "relationship", "a", "b", to_table="public.t", to_columns=["a", "b"]),
        rule("both", "unique", "a", "b", nulls="equal"),
    ]
    found = engine.rules(target, gate("t", *tests, key=["b"], sample_rows=3))
    assert {key: one["reason"] for key, one in found.items()} == {one["id"]: None for one in tests}


def test_a_table_that_the_reader_may_not_read_is_an_error(engine: Engine, target: Target) -> None:
    target.execute(f"create table t (id integer); insert into t values (1); revoke all on t from {target.user}")
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id")))
    assert (found["verdict"], found["row_count"], found["rules"][0]["reason"]) == ("error", None, "permission denied for table t")


def test_a_partitioned_table_is_read_where_its_partitions_may_not_be(engine: Engine, target: Target) -> None:
    target.execute(
        ROWS
        + PARENTS
        + "create table p (id integer, day date, status text) partition by range (day); create table p_all partition of p default;"
        f"insert into p select * from base; revoke all on p_all from {target.user}"
    )
    assert_truth(engine, target, "p")
    assert engine.outcome(target, gate("p_all", *RULES))["verdict"] == "error"


def test_the_reader_cannot_write(server: Server, target: Target) -> None:
    """What the other tests rely on: these are the rights of a target as the documentation asks for."""
    target.execute("create table t (id integer)")
    with (
        session(server.url(target.dbname, target.user, target.password)) as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute("insert into t values (1)")
