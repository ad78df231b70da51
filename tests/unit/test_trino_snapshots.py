"""Names of tables in statements for Trino, behind which the snapshot is put."""

import re
from collections import Counter

import pytest
import sqlglot

from api.engine.trino_snapshots import fault_of_reads, name_of, pinned

SNAPSHOTS = {("lake", "shop", "orders"): 7, ("lake", "shop", "odd name"): 8, ("other", "shop", "orders"): 9}
AT = " for version as of 7"


def at(sql: str) -> str:
    return pinned(sql, SNAPSHOTS, "lake", "shop")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('select 1 from "shop"."orders"', f'select 1 from "shop"."orders"{AT}'),
        ("select o.a from shop.orders o, shop.orders as p", f"select o.a from shop.orders{AT} o, shop.orders{AT} as p"),
        ("select 1 from SHOP . ORDERS", f"select 1 from SHOP . ORDERS{AT}"),
        ("select 1 from t cross join unnest(a) with ordinality as u, shop.orders", f"select 1 from t cross join unnest(a) with ordinality as u, shop.orders{AT}"),
        ("select 1 from Shop.Orders", f"select 1 from Shop.Orders{AT}"),
        ("select 1 from orders where a in (select b from orders)", f"select 1 from orders{AT} where a in (select b from orders{AT})"),
        ("select 1 from a join lake.shop.orders on true", f"select 1 from a join lake.shop.orders{AT} on true"),
        ("select 1 from other.shop.orders", "select 1 from other.shop.orders for version as of 9"),
        ('select 1 from "shop"."odd name"', 'select 1 from "shop"."odd name" for version as of 8'),
        ("select x, shop.orders from t", "select x, shop.orders from t"),
        ("select extract(day from shop.orders) from t, shop.orders", f"select extract(day from shop.orders) from t, shop.orders{AT}"),
        ("select a is distinct from orders from t", "select a is distinct from orders from t"),
        ("select 'from shop.orders' from t -- from shop.orders", "select 'from shop.orders' from t -- from shop.orders"),
        ("with orders as (select 1 as a) select a from orders", "with orders as (select 1 as a) select a from orders"),
        ("with orders (a) as (select a from shop.orders) select 1 from orders", f"with orders (a) as (select a from shop.orders{AT}) select 1 from orders"),
        ("select 1 from (select 2 from shop.orders) as x, unnest(array[1]) as y", f"select 1 from (select 2 from shop.orders{AT}) as x, unnest(array[1]) as y"),
        ("select 1 from t group by a, shop.orders", "select 1 from t group by a, shop.orders"),
        ("select 1 from t union select 2 from shop.orders", f"select 1 from t union select 2 from shop.orders{AT}"),
        ("select 1 from (orders)", f"select 1 from (orders{AT})"),
        ("select 1 from t, (shop.orders)", f"select 1 from t, (shop.orders{AT})"),
        ("select 1 from t cross join ((shop.orders))", f"select 1 from t cross join ((shop.orders{AT}))"),
        ("select 1 from (orders join t on true), orders", f"select 1 from (orders{AT} join t on true), orders{AT}"),
        ("select 1 from t join u on (t.a) is not distinct from orders.b, orders", f"select 1 from t join u on (t.a) is not distinct from orders.b, orders{AT}"),
        ("select 1 from t join u on t.a is distinct from (orders.b), orders", f"select 1 from t join u on t.a is distinct from (orders.b), orders{AT}"),
        ("select 1 from t join u on t.limit = u.offset, orders", f"select 1 from t join u on t.limit = u.offset, orders{AT}"),
        ("select 1 from (values (1), (orders)) as t (a), orders", f"select 1 from (values (1), (orders)) as t (a), orders{AT}"),
        ("select 1 from (values orders, 2) as t (a)", "select 1 from (values orders, 2) as t (a)"),
        ("select 1 from (with a as (select 1 from orders) select 1 from a), orders", f"select 1 from (with a as (select 1 from orders{AT}) select 1 from a), orders{AT}"),
        ("select rank() over orders from orders window x as (order by a), orders as (order by b)", f"select rank() over orders from orders{AT} window x as (order by a), orders as (order by b)"),
        ("with a (b) as (select (1)), orders as (select 1) select 1 from orders", "with a (b) as (select (1)), orders as (select 1) select 1 from orders"),
        ("select a from unnest(b) with ordinality as orders (a), shop.orders", f"select a from unnest(b) with ordinality as orders (a), shop.orders{AT}"),
        ("select 1 from /* c */ shop.orders", f"select 1 from /* c */ shop.orders{AT}"),
    ],
)  # fmt: skip
def test_the_snapshot_stands_behind_each_name_of_a_table(sql: str, expected: str) -> None:
    assert at(sql) == expected


QUERIES = [
    "select * from (a)", "select * from a, (b cross join c)", "select * from ((a join b on (a.x) = (b.x)))", "select * from (a) as x (y), b",
    "select * from a join b on a.x is distinct from b.x, c", "select * from a join b on a.x is not distinct from (b.x), (c), a",
    "select a.x from a where a.x in (select x from (b)) and exists (select 1 from c, b)", "with w as (select * from a) select * from w, b, (w), (c)",
    "with v as (with w as (select * from a) select * from w, b) select * from v, c", "select rank() over w from a window w as (order by x), b as (order by x)",
    "select extract(day from (select max(x) from a)), trim(both from x), substring(x from 2) from b, c", "select * from a natural join b cross join (c)",
    "select * from (select * from a union select * from (b)) as x, c", "select * from (values (1), (2)) as v (x), a, (b)", "select * from a left join lateral (select * from b) on true, c",
    "select * from unnest(array(1)) with ordinality as u (x, y), a", "select count(*) filter (where x is not distinct from y), z from a, b group by z, (x) having (x) > 1",
    "select case when x is distinct from (select max(x) from a) then 1 end from b, c", "select * from a full outer join (b) using (x), c", "select * from a join (select * from b) as b on true, c",
    "select * from (a as x cross join b as y) join c on x.limit = y.offset, (b)", "select * from (((a))), (((b) cross join c))", "select * from a where (x, y) in (select x, y from b)",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_every_table_that_a_parser_finds_has_its_snapshot(query: str) -> None:
    tree = sqlglot.parse_one(query, read="trino")
    tables = [table.name for table in tree.find_all(sqlglot.exp.Table) if table.name in ("a", "b", "c")]
    pins = {("lake", "shop", name): place for place, name in enumerate("abc", 1)}
    found = pinned(query, pins, "lake", "shop")
    assert Counter(re.findall(r"(\w) for version as of \d", found)) == Counter(tables)
    assert fault_of_reads(query, [[name] for name in tables], pins, "lake", "shop") is None


@pytest.mark.parametrize(
    ("query", "relation", "fault"),
    [
        ("with orders as (select * from orders) select * from orders", ["orders"], "write the table as shop.orders"),
        ("select * from (with orders as (select 1) select * from orders), orders", ["orders"], "write the table as shop.orders"),
        (
            "select * from (table shop.orders)",
            ["shop", "orders"],
            "the table shop.orders stands where its snapshot cannot be named",
        ),
        ("with orders as (select * from shop.orders) select * from orders", ["shop", "orders"], None),
        ("with orders as (select * from t) select * from orders", ["t"], None),
        ("select * from elsewhere", ["elsewhere"], None),
    ],
)
def test_a_query_that_would_not_be_held_to_a_snapshot_has_a_fault(query: str, relation: list[str], fault: str | None) -> None:
    found = fault_of_reads(query, [relation], SNAPSHOTS, "lake", "shop")
    assert found is None if fault is None else fault in (found or "")


def test_names_are_complete_and_in_lower_case() -> None:
    assert name_of('"Shop"."a""B"', "lake", "x") == ("lake", "shop", 'a"b')
    assert name_of("c.s.t", "lake", "x") == ("c", "s", "t")
    assert name_of("T", "lake", "x") == ("lake", "x", "t")


def test_a_statement_without_snapshots_stays_as_it_is() -> None:
    assert pinned("select 1 from shop.orders", {}, "lake", "shop") == "select 1 from shop.orders"
