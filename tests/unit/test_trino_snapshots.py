"""Names of tables in statements for Trino, behind which the snapshot is put."""

import pytest

from api.engine.trino_snapshots import name_of, pinned

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
        ("select 1 from /* c */ shop.orders", f"select 1 from /* c */ shop.orders{AT}"),
    ],
)  # fmt: skip
def test_the_snapshot_stands_behind_each_name_of_a_table(sql: str, expected: str) -> None:
    assert at(sql) == expected


def test_names_are_complete_and_in_lower_case() -> None:
    assert name_of('"Shop"."a""B"', "lake", "x") == ("lake", "shop", 'a"b')
    assert name_of("c.s.t", "lake", "x") == ("c", "s", "t")
    assert name_of("T", "lake", "x") == ("lake", "x", "t")


def test_a_statement_without_snapshots_stays_as_it_is() -> None:
    assert pinned("select 1 from shop.orders", {}, "lake", "shop") == "select 1 from shop.orders"
