"""Regular expressions that Trino is asked for."""

from stringx_dataops.contract.custom_sql import common_patterns
from stringx_dataops.contract.custom_sql.common_patterns import COMMON

__all__ = ["COMMON", "fault_of_pattern"]


def fault_of_pattern(pattern: str) -> str | None:
    """Why Trino cannot be asked for a pattern, as the end of a sentence; None if it reads the pattern as PostgreSQL does."""
    return common_patterns.fault_of_pattern(pattern, "Trino")
