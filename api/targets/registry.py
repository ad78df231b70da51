"""From a target's document to its engine. The only module that knows the engines."""

from api.targets.duckdb.engine import DuckdbEngine
from api.targets.engine import Engine
from api.targets.postgres.engine import PostgresEngine
from api.targets.trino.engine import TrinoEngine
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from stringx_dataops.contract.documents.engines.trino import TrinoTarget


def engine_of(target: TargetDocument) -> Engine:
    """The engine of the target, bound to it."""
    match target:
        case PostgresTarget():
            return PostgresEngine(target)
        case DuckdbTarget():
            return DuckdbEngine(target)
        case TrinoTarget():
            return TrinoEngine(target)
        case _:
            raise TypeError(f"no engine for targets of the type {type(target).__name__}: add it to {__name__}")
