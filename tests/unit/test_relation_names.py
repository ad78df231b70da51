"""Names of other tables in rules, which may be of another catalog of Trino, or of a database that a target of DuckDB attaches."""

import pytest

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents.names import TableName


@pytest.mark.parametrize("adapter", ["trino", "duckdb"])
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("shop.orders", ["shop", "orders"]),
        ("lake.shop.orders", ["lake", "shop", "orders"]),
        ('"a.b"."c"', ["a.b", "c"]),
        ('"a"."b.c"', ["a", "b.c"]),
        ('"a"."b""x"."c"', ["a", 'b"x', "c"]),
    ],
)
def test_a_catalog_may_stand_before_schema_and_table(adapter: Adapter, text: str, parts: list[str]) -> None:
    assert dialect_of(adapter).parts_of_relation(text) == parts


@pytest.mark.parametrize(("adapter", "outermost"), [("trino", "catalog"), ("duckdb", "database")])
@pytest.mark.parametrize("text", ["orders", "a.b.c.d", "a..b", ".a", "a.", '"a"."b"."c"."d"'])
def test_what_is_no_name_is_refused_with_the_fix(adapter: Adapter, outermost: str, text: str) -> None:
    with pytest.raises(ValueError, match=rf"write schema\.table, or {outermost}\.schema\.table for one of another {outermost}"):
        dialect_of(adapter).parts_of_relation(text)


@pytest.mark.parametrize("adapter", ["trino", "duckdb"])
@pytest.mark.parametrize(
    "text", ['ref."sales".customers', 'ref.sales.cust"omers', " ref.sales.customers", "sales.customers ", '"a.b".c']
)
def test_names_in_quotes_are_all_in_quotes(adapter: Adapter, text: str) -> None:
    with pytest.raises(ValueError, match="write all names in quotes, or none"):
        dialect_of(adapter).parts_of_relation(text)


def test_the_service_s_own_schema_is_no_table_of_a_target_of_duckdb() -> None:
    duckdb = dialect_of("duckdb")
    for text in ("stringx$.unreadable", "STRINGX$.unreadable", '"stringx$"."unreadable"', "memory.stringx$.unreadable"):
        with pytest.raises(ValueError, match="is a table of the service's own"):
            duckdb.parts_of_relation(text)
    assert duckdb.fault_of_table("Stringx$.unreadable") == "is a table of the service's own; name one of the target"
    assert duckdb.fault_of_table("sales.orders") is None


def test_on_postgresql_the_first_dot_ends_the_schema() -> None:
    assert dialect_of("postgres").parts_of_relation("shop.a.b") == ["shop", "a.b"]


@pytest.mark.parametrize("adapter", ["trino", "duckdb", "postgres"])
@pytest.mark.parametrize("parts", [["shop", "orders"], ["shop", "a.b"], ["a.b", "c"], ['a"b', "c.d"], ["a.b", 'c."d']])
def test_a_suggested_name_is_read_as_that_table_on_every_engine(adapter: Adapter, parts: list[str]) -> None:
    assert dialect_of(adapter).parts_of_relation(TableName(*parts).as_other) == parts
