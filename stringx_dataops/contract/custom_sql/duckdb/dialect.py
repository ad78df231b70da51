"""DuckDB's dialect of custom SQL behind the interface of all of them."""

from collections.abc import Collection

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.custom_sql import catalogs, common_patterns
from stringx_dataops.contract.custom_sql.dialect import Name
from stringx_dataops.contract.custom_sql.duckdb import judging

_OWN_SCHEMA = "stringx$"
_OF_THE_SERVICE = "is a table of the service's own; name one of the target"


class DuckdbDialect:
    """See `Dialect` for what each method returns."""

    adapter: Adapter = "duckdb"
    are_too_many = staticmethod(judging.are_too_many)
    relations_of_query = staticmethod(judging.relations_of_query)
    bare_names = staticmethod(judging.bare_names)

    def fault_of_table(self, text: str) -> str | None:
        """Whether it is of the schema in which the service lists what it cannot read. Whether there is one of this spelling is
        looked up when it is checked."""
        return _OF_THE_SERVICE if folded(text).removeprefix('"').startswith(_OWN_SCHEMA) else None

    def parts_of_relation(self, text: str) -> list[str]:
        """A table may be of a database that the target attaches."""
        parts = catalogs.parts_of_relation(text, "database")
        if folded(parts[-2]).startswith(_OWN_SCHEMA):
            raise ValueError(_OF_THE_SERVICE)
        return parts

    def fault_of_condition(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """By its tokens and its tree; no further functions can be allowed."""
        return judging.fault_of_condition(sql)

    def fault_of_query(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """The same."""
        return judging.fault_of_query(sql)

    def fault_of_type_name(self, text: str) -> str | None:
        """None: only the database knows."""
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
        """None: a file brings no types of its own."""
        return []

    def fault_of_pattern(self, pattern: str) -> str | None:
        return common_patterns.fault_of_pattern(pattern, "DuckDB")

    def patterns_of(self, sql: str) -> list[str]:
        """None: DuckDB's expressions take a time that grows with the text alone."""
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
