"""`t.f`, which PostgreSQL reads as f(t) where t has no column f: refused before it is run, and columns of such names go on working."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.databases import Admin, Target, make_target
from tests.support.engine import Engine, gate, rule

# `wipe` says that it was called. The columns of a type that is not PostgreSQL's make the role's own path be searched.
TABLES = """
revoke create on schema public from public, {loader};
alter schema public owner to postgres;
create type mood as enum ('ok');
create type place as (city text, wipe integer);
create domain home as place;
create type stay as (spot place, since date);
create table orders (id integer, m mood, at place, lives home, note text, many place[], stay stay);
insert into orders values (1, 'ok', ('Ulm', 1), ('Ulm', 1), 'x', array[('Ulm', 1)::place], (('Ulm', 1), '2020-01-01'));
create table items (id integer, m mood, wipe integer);
insert into items values (1, 'ok', 1);
create table nested (id integer, stay stay, wipe integer);
insert into nested values (1, (('Ulm', 1), '2020-01-01'), 1);
create table "Odd" (id integer, m mood, "Wipe" integer);
insert into "Odd" values (1, 'ok', 1);
create function wipe(anyelement) returns boolean language plpgsql as $$ begin raise sqlstate '55000' using message = 'wiped'; end $$;
create function "Wipe"(anyelement) returns boolean language plpgsql as $$ begin raise sqlstate '55000' using message = 'wiped'; end $$;
grant select on all tables in schema public to public;
"""
REASON = '"wipe" stands after a dot and is no column there; PostgreSQL would call a function of that name'
CONDITIONS = [
    "orders.wipe", "public.orders.wipe", "ORDERS . WIPE", '"orders"."wipe"', "(orders).wipe", "(note).wipe", "(orders.note).wipe", "(id + 1).wipe", "('x'::text).wipe",
    "((at).city).wipe", "(array[id])[1].wipe", "many[1].city is null or (orders.id).wipe", "(row(1, 2)).wipe", "not orders.wipe and orders.id = 1",
    "(at).city.wipe", "(stay).spot.city.wipe",
]  # fmt: skip
QUERIES = [
    "select orders.wipe from orders",
    "select 1 from public.orders as o where o.wipe",
    "select 1 from orders o order by o.wipe",
    "select 1 from orders o join items on o.wipe",
    "select 1 from items i where exists (select 1 from orders o where o.wipe and i.wipe = 1)",
    "select 1 from items i where exists (select 1 from orders i where i.wipe)",
    "with x as (select id from items) select 1 from x where x.wipe",
    "with x (a) as (select id from items) select 1 from x where x.wipe",
    "with recursive x as (select 1 as a union all select x.a + 1 from x where x.wipe) select a from x",
    "with items as (select id from orders) select 1 from items where items.wipe",
    "select 1 from (select id from items) as x where x.wipe",
    "select 1 from (select * from orders) as x where x.wipe",
    "select (select o from orders o limit 1).wipe",
    "select (o.at).city from orders o where (o.note).wipe",
    "select 1 from generate_series(1, 2) as g where g.wipe",
    "select 1 from (values (1)) as v (a) where v.wipe",
    "select 1 from (orders a join orders b using (id)) as j where j.wipe",
    "select 1 from orders o, lateral (select o.wipe as a) as l where l.a",
    "select 1 from items a, (select a.wipe from orders as a) as b",
    "select 1 from items as i (id, m, other) where i.wipe",
    "select count(*) filter (where o.wipe) from orders o",
    "select 1 from orders o union all select 1 from orders p where p.wipe",
]


@pytest.fixture(scope="module")
def tables(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    admin.run(TABLES.replace("{loader}", made.user.replace("_reader", "_loader")), made.dbname)
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


def reasons(engine: Engine, target: Target, table: str, tested: list[dict[str, Any]]) -> dict[str, str | None]:
    """{what a rule is called: the reason of its error}; none where it was decided."""
    found = engine.rules(target, gate(table, *tested))
    return {one["id"]: one.get("reason") if found[one["id"]]["status"] == "error" else None for one in found.values()}


def conditions(texts: list[str]) -> list[dict[str, Any]]:
    """Each as an expression, as a `where`, and as a condition on another table."""
    return [
        one
        for n, text in enumerate(texts)
        for one in (
            rule(f"holds{n}", "expression", sql=text),
            rule(f"where{n}", "not_null", "id", where=text),
        )
    ]


def of_others(texts: list[str]) -> list[dict[str, Any]]:
    return [rule(f"to{n}", "relationship", "id", to_table="public.orders", to_column="id", to_where=text) for n, text in enumerate(texts)] + [
        rule(f"other{n}", "row_count_matches", other_table="public.orders", other_where=text) for n, text in enumerate(texts)
    ]  # fmt: skip


def queries(texts: list[str]) -> list[dict[str, Any]]:
    return [rule(f"query{n}", "sql", query=text) for n, text in enumerate(texts)]


def unguarded(tested: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name not in ("qualified", "named")} for one in tested]


def test_a_name_after_a_dot_that_is_no_column_is_an_error_and_no_call(engine: Engine, tables: Target) -> None:
    on_orders = [*conditions(CONDITIONS), *queries(QUERIES)]
    on_items = of_others(CONDITIONS)
    found = reasons(engine, tables, "orders", on_orders) | reasons(engine, tables, "items", on_items)
    assert set(found.values()) == {REASON, 'column "orders" does not exist'}  # the latter of (orders), the whole row
    called = reasons(engine, tables, "orders", unguarded(on_orders)) | reasons(engine, tables, "items", unguarded(on_items))
    assert called == dict.fromkeys(called, "wiped"), "what PostgreSQL does with them"


def test_the_arguments_of_a_dbt_test_call_no_function_by_a_dot(engine: Engine, tables: Target) -> None:
    def values(value: str) -> dict[str, Any]:
        return rule(value, "dbt", "note", test="accepted_values", arguments={"values": [value]})

    tested = [values("orders.wipe"), values("(note).wipe"), values("example.org"), values("x.id"), values("orders.id")]
    found = reasons(engine, tables, "orders", tested)
    assert found == dict.fromkeys(["orders.wipe", "(note).wipe"], REASON) | dict.fromkeys(["example.org", "x.id", "orders.id"])


def test_columns_and_fields_of_such_a_name_go_on_working(engine: Engine, tables: Target) -> None:
    assert "stands after a dot" in str(reasons(engine, tables, "nested", conditions(["(stay).since.wipe"])).values())
    on_items = conditions(["items.wipe = 1", "public.items.wipe is not null", "items.ctid is not null"])
    on_orders = [
        *conditions(["(at).wipe = 1", "(orders.at).wipe = 1", "(lives).wipe = 1", "(public.orders.at).city = 'Ulm'", "(stay).spot.city = 'Ulm'", "orders.id::pg_catalog.int4 = 1"]),
        *queries([
            "select 1 from items i where i.wipe > 1",
            "with x as (select wipe from items) select x.wipe from x where x.wipe > 1",
            "with x as (select id as wipe from orders), y as (select * from x) select 1 from y where y.wipe > 1",
            "select 1 from (select * from items i join orders o on o.id = i.id) as x where x.wipe > 1",
            "select 1 from (select i.* from items i) as x where x.wipe > 1",
            "select 1 from orders o, lateral (select i.wipe from items i where i.id = o.id) as x where x.wipe > 1",
            "select 1 from generate_series(1, 2) as wipe where wipe.wipe > 2",
            "select 1 from (values (1)) as v (wipe) where v.wipe > 1",
            "select 1 from orders o where (o.at).wipe > 1 or (o.lives).wipe > 1 or (lives).city <> 'Ulm'",
            'select 1 from "Odd" as o where o."Wipe" > 1 and (o)."Wipe" > 1',
            "select 1 from items wipe join orders on wipe.wipe > 1 where orders.id = 5",
            "select 1 from (items join orders using (id)) as j where j.wipe > 1",
            "select x.count from (select count(*) from items) as x where x.count > 5",
            "select 1 from items as i (a, b, wipe) where i.wipe > 1",
        ]),
    ]  # fmt: skip
    found = reasons(engine, tables, "items", on_items) | reasons(engine, tables, "orders", on_orders)
    assert found == dict.fromkeys(found)


def test_what_postgresql_brings_is_not_called_by_a_dot_either(engine: Engine, target: Target) -> None:
    target.execute("create table plain (id integer, note text); insert into plain values (0, 'x')")
    tested = [
        *conditions(["plain.row_to_json is not null", "(id).pg_sleep is null", "(note).pg_read_file is null"]),
        *queries(["select 1 from plain p where p.to_json is not null", "select g.pg_sleep from generate_series(0, 0) as g"]),
    ]
    found = reasons(engine, target, "plain", tested)
    assert all(reason is not None and "stands after a dot" in reason for reason in found.values()), found


def test_temporary_files_are_limited_where_the_role_may_and_has_no_limit(admin: Admin, engine: Engine, target: Target) -> None:
    target.execute("create table spilled (id integer, note text)")
    target.execute("insert into spilled select n, repeat(md5(n::text), 4) from generate_series(1, 30000) n")
    limited = gate("spilled", rule("r", "sql", query="select 1 where current_setting('temp_file_limit') <> '10GB'"))
    sorts = gate(
        "spilled",
        rule("r", "sql", query="select 1 from (select note from spilled order by note offset 100000) as x"),
        rule("s", "not_null", "id"),
    )
    assert engine.rules(target, limited)["r"]["status"] == "fail"
    if int(target.query("select current_setting('server_version_num')")[0][0]) >= 150000:
        admin.run(f"grant set on parameter temp_file_limit to {target.user}")
        assert engine.rules(target, limited)["r"]["status"] == "pass"
        admin.run(f"revoke set on parameter temp_file_limit from {target.user}")
    admin.run(f"alter role {target.user} set temp_file_limit = '100kB'; alter role {target.user} set work_mem = '64kB'")
    found = engine.rules(target, sorts)
    assert (found["r"]["status"], found["s"]["status"]) == ("error", "pass")
    assert "temp_file_limit" in found["r"]["reason"]


def test_a_row_is_shown_only_by_its_columns(engine: Engine, target: Target) -> None:
    target.execute("create table shown (id integer, secret text); insert into shown values (null, 'hidden')")
    spec = gate("shown", rule("r", "not_null", "id"), key=["id"], sample_columns=["row_to_json"], sample_rows=5)
    assert engine.rules(target, spec)["r"].get("sample") is None
