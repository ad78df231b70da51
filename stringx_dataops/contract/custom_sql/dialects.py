"""Which dialect custom SQL is written in: that of the target's engine."""

from collections.abc import Collection
from functools import cache

from typing_extensions import assert_never

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.dialect import Dialect


@cache
def dialect_of(adapter: Adapter) -> Dialect:
    """The dialect of the targets with this adapter. It is loaded when it is first asked for: its parser takes a while."""
    match adapter:
        case "postgres":
            from stringx_dataops.contract.custom_sql.postgres.dialect import PostgresDialect

            return PostgresDialect()
        case "duckdb":
            from stringx_dataops.contract.custom_sql.duckdb.dialect import DuckdbDialect

            return DuckdbDialect()
        case "trino":
            from stringx_dataops.contract.custom_sql.trino.dialect import TrinoDialect

            return TrinoDialect()
        case _:
            assert_never(adapter)


def fault_of_calls(sql: str, *, is_query: bool, allow_functions: Collection[str]) -> str | None:
    """Of a text on PostgreSQL: the fault of its first call of a function that is neither built in nor allowed, whatever else is
    wrong with it."""
    from stringx_dataops.contract.custom_sql.postgres import conditions, queries

    return conditions.fault_of_calls(sql, allow_functions, queries.QUERY if is_query else conditions.CONDITION)
