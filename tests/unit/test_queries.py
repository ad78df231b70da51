"""What a query of a `sql` rule reads."""

import time

import pytest

from stringx_dataops.contract.custom_sql.postgres.comparisons import bare_names
from stringx_dataops.contract.custom_sql.postgres.qualified import names_of_condition
from stringx_dataops.contract.custom_sql.postgres.queries import relations_of_query, renames_columns


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("with t as (select * from t where n > 0) select * from t", [["t"]]),
        ("with recursive t as (select 1 as n union all select n + 1 from t where n < 9) select * from t", []),
        ("with a as (select * from b), b as (select 1 as n) select * from a, b", [["b"]]),
        ("with a as (select 1 as n) select * from (select * from a) as x where exists (select from a)", []),
        ("select * from (with a as (select 1 as n) select * from a) as x, a", [["a"]]),
        ('select * from "A" union select * from s.A', [["A"], ["s", "a"]]),
    ],
)
def test_a_name_is_a_table_where_no_common_table_expression_of_it_is_known(sql: str, found: list[list[str]]) -> None:
    assert sorted(relations_of_query(sql)) == sorted(found)


@pytest.mark.parametrize(
    ("sql", "renames"),
    [
        ("select * from public.t as x where n = 1", False),
        ("select x.*, count(*) from public.t as x group by 1", False),
        ("select * from public.t as x (k, m) where k = 'y'", True),
        ("with x (k) as (select * from public.t) select * from x where k = 'y'", True),
        ("select 1 from public.t x join public.t y on row(x.*) = row(y.*)", True),
        ("select n from public.t where k in (select * from public.s)", True),
        ("select n from public.t where k = any (select * from public.s)", True),
        ("select n from public.t where (select * from public.s) = k", True),
        ("select n from public.t where k in (select s.* from public.s union (select 'x'))", True),
        ("select nullif((select * from public.s), k) from public.t", True),
        ("select n from public.t where exists (select * from public.s where n = 1)", False),
        ("select n from (select * from public.t union all select * from public.s) as x where n = 1", False),
        ("(select * from public.t) except (select * from public.s)", False),
        ("select n from public.t cross join lateral (select * from public.s) as x", False),
        ("select n from public.t where n = (select count(*) from public.s)", False),
    ],
)
def test_columns_may_have_other_names_than_in_the_table(sql: str, renames: bool) -> None:
    assert renames_columns(sql) is renames


def test_long_chains_of_names_are_read_at_once() -> None:
    begin = time.process_time()
    found = names_of_condition("(a)" + ".b" * 15_000 + " = 1 and t.c.d = 1")
    assert found == [("field", ["own"], "a", "b"), ("call", [], None, "b"), ("column", ["own"], None, "d")]
    assert time.process_time() - begin < 5, "of this process, however busy the machine is"


def test_reserved_words_are_no_names() -> None:
    assert bare_names('"null" > 1 and user is not null or order_id in (select_it, "order")') == [
        "null",
        "order",
        "order_id",
        "select_it",
    ]
