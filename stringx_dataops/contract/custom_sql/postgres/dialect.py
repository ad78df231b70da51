"""PostgreSQL's dialect: the functions of this folder behind the interface of all dialects."""

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.postgres import comparisons as compared
from stringx_dataops.contract.custom_sql.postgres import conditions, patterns, qualified, queries, type_names
from stringx_dataops.contract.documents.names import parts_of_table


class PostgresDialect:
    """See `Dialect` for what each of them returns."""

    adapter: Adapter = "postgres"

    parts_of_relation = staticmethod(parts_of_table)
    fault_of_condition = staticmethod(conditions.fault_of_condition)
    fault_of_query = staticmethod(queries.fault_of_query)
    fault_of_pattern = staticmethod(patterns.fault_of_pattern)
    fault_of_type_name = staticmethod(type_names.fault_of_type_name)
    is_fragment_of_setting = staticmethod(conditions.is_fragment_of_setting)
    are_too_many = staticmethod(conditions.are_too_many)
    relations_of_query = staticmethod(queries.relations_of_query)
    renames_columns = staticmethod(queries.renames_columns)
    comparisons = staticmethod(compared.comparisons)
    bare_names = staticmethod(compared.bare_names)
    types_of_casts = staticmethod(compared.types_of_casts)
    patterns_of = staticmethod(compared.patterns_of)
    names_of_condition = staticmethod(qualified.names_of_condition)
    names_of_query = staticmethod(qualified.names_of_query)
    names_of_fragment = staticmethod(qualified.names_of_fragment)

    def fault_of_table(self, text: str) -> str | None:
        """Nothing more: a name counts as it is spelled."""
        return None
