"""Trino's dialect of custom SQL behind the interface of all of them. It refuses all custom SQL until it can read it."""

from collections.abc import Collection

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.dialect import Name

_FAULT = "custom SQL is not possible on trino yet"


class TrinoDialect:
    """See `Dialect` for what each method returns."""

    adapter: Adapter = "trino"

    def fault_of_condition(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """Always one."""
        return _FAULT

    def fault_of_query(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """Always one."""
        return _FAULT

    def fault_of_pattern(self, pattern: str) -> str | None:
        """Always one."""
        return "regular expressions are not possible on trino yet"

    def fault_of_type_name(self, text: str) -> str | None:
        """None: only the database knows."""
        return None

    def is_fragment_of_setting(self, name: str, text: str, allow_functions: Collection[str] = ()) -> bool:
        """Never: dbt tests are not run."""
        return False

    def are_too_many(self, texts: Collection[str]) -> bool:
        """Never: none is read."""
        return False

    def relations_of_query(self, sql: str) -> list[list[str]]:
        """None."""
        return []

    def renames_columns(self, sql: str) -> bool:
        """Never."""
        return False

    def comparisons(self, sql: str) -> list[list[object]]:
        """None."""
        return []

    def bare_names(self, sql: str) -> list[str]:
        """None."""
        return []

    def types_of_casts(self, sql: str) -> list[list[str | None]]:
        """None."""
        return []

    def patterns_of(self, sql: str) -> list[str]:
        """None."""
        return []

    def names_of_condition(self, sql: str) -> list[Name]:
        """None."""
        return []

    def names_of_query(self, sql: str) -> list[Name]:
        """None."""
        return []

    def names_of_fragment(self, sql: str) -> list[Name]:
        """None."""
        return []
