"""Which dialect custom SQL is written in: that of the target's engine."""

from typing_extensions import assert_never

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.dialect import Dialect
from stringx_dataops.contract.custom_sql.duckdb.dialect import DuckdbDialect
from stringx_dataops.contract.custom_sql.postgres.dialect import PostgresDialect

_POSTGRES: Dialect = PostgresDialect()
_DUCKDB: Dialect = DuckdbDialect()


def dialect_of(adapter: Adapter) -> Dialect:
    """The dialect of the targets with this adapter."""
    match adapter:
        case "postgres":
            return _POSTGRES
        case "duckdb":
            return _DUCKDB
        case _:
            assert_never(adapter)
