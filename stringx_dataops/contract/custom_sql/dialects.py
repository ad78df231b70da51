"""Which dialect custom SQL is written in: that of the target's engine."""

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
