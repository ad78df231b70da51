"""Names of other tables in rules on Trino, which may be of another catalog."""

import pytest

from stringx_dataops.contract.custom_sql.dialects import dialect_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("shop.orders", ["shop", "orders"]),
        ("lake.shop.orders", ["lake", "shop", "orders"]),
        ('"a.b"."c"', ["a.b", "c"]),
        ('"a"."b""x"."c"', ["a", 'b"x', "c"]),
    ],
)
def test_a_catalog_may_stand_before_schema_and_table(text: str, parts: list[str]) -> None:
    assert dialect_of("trino").parts_of_relation(text) == parts


@pytest.mark.parametrize("text", ["orders", "a.b.c.d", "a..b", ".a", "a.", '"a"."b"."c"."d"'])
def test_what_is_no_name_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(ValueError, match=r"write schema\.table, or catalog\.schema\.table"):
        dialect_of("trino").parts_of_relation(text)


def test_elsewhere_the_first_dot_ends_the_schema() -> None:
    assert (
        dialect_of("postgres").parts_of_relation("shop.a.b")
        == dialect_of("duckdb").parts_of_relation("shop.a.b")
        == ["shop", "a.b"]
    )
