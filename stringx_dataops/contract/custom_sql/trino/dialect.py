"""Trino's dialect of custom SQL behind the interface of all of them."""

from collections.abc import Collection

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql import catalogs, common_patterns
from stringx_dataops.contract.custom_sql.dialect import Name
from stringx_dataops.contract.custom_sql.trino import judging, relations


class TrinoDialect:
    """See `Dialect` for what each method returns."""

    adapter: Adapter = "trino"
    fault_of_table = staticmethod(relations.fault_of_table)
    are_too_many = staticmethod(judging.are_too_many)
    relations_of_query = staticmethod(judging.relations_of_query)
    bare_names = staticmethod(judging.bare_names)

    def parts_of_relation(self, text: str) -> list[str]:
        """A table may be of another catalog of the cluster."""
        return catalogs.parts_of_relation(text, "catalog")

    def fault_of_condition(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """By its tokens and its tree; no further functions can be allowed."""
        return judging.fault_of_condition(sql)

    def fault_of_query(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """The same."""
        return judging.fault_of_query(sql)

    def fault_of_type_name(self, text: str) -> str | None:
        """None: only the server knows."""
        return None

    def is_fragment_of_setting(self, name: str, text: str, allow_functions: Collection[str] = ()) -> bool:
        """Never: dbt tests are not run."""
        return False

    def renames_columns(self, sql: str) -> bool:
        """Never: it matters for types whose operators are the server's own."""
        return False

    def comparisons(self, sql: str) -> list[list[object]]:
        """None, for the same reason."""
        return []

    def types_of_casts(self, sql: str) -> list[list[str | None]]:
        """None: Trino has no types but its own."""
        return []

    def fault_of_pattern(self, pattern: str) -> str | None:
        return common_patterns.fault_of_pattern(pattern, "Trino")

    def patterns_of(self, sql: str) -> list[str]:
        """None: Trino says of each whether it can be read when the rule is planned."""
        return []

    def names_of_condition(self, sql: str) -> list[Name]:
        """None: a name after a dot calls nothing."""
        return []

    def names_of_query(self, sql: str) -> list[Name]:
        """None, as above."""
        return []

    def names_of_fragment(self, sql: str) -> list[Name]:
        """None, as above."""
        return []
