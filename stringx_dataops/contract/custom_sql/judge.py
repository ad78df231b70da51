"""Judging the custom SQL of one document."""

from collections.abc import Collection

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.custom_sql.dialect import Dialect


class Judge:
    """Judges the custom SQL of one document in its target's dialect, and the names of other tables. A text that many rules repeat
    is judged once. `databases` are those that the target attaches; None if that is not known, or if the engine has none."""

    def __init__(self, dialect: Dialect, allow_functions: Collection[str] = (), databases: Collection[str] | None = None) -> None:
        self.dialect = dialect
        self._allowed = allow_functions
        self._databases = databases
        self._conditions: dict[str, str | None] = {}
        self._queries: dict[str, str | None] = {}

    def fault_of_condition(self, sql: str) -> str | None:
        """What is wrong with the text as a condition; None if it may be run."""
        if sql not in self._conditions:
            self._conditions[sql] = self.dialect.fault_of_condition(sql, self._allowed)
        return self._conditions[sql]

    def fault_of_query(self, sql: str) -> str | None:
        """What is wrong with the text as a query; None if it may be run."""
        if sql not in self._queries:
            self._queries[sql] = self.dialect.fault_of_query(sql, self._allowed) or self._fault_of_databases(sql)
        return self._queries[sql]

    def fault_of_relation(self, text: str) -> str | None:
        """What is wrong with the text as the name of another table; None if there may be one."""
        try:
            return self._fault_of_database(self.dialect.parts_of_relation(text))
        except ValueError as error:
            return str(error)

    def _fault_of_databases(self, sql: str) -> str | None:
        if self._databases is None:
            return None
        return next(filter(None, map(self._fault_of_database, self.dialect.relations_of_query(sql))), None)

    def _fault_of_database(self, names: list[str]) -> str | None:
        if self._databases is None or len(names) < 3 or folded(names[0]) in self._databases:
            return None
        return (
            f"names {'.'.join(names)}, and the target attaches no database {names[0]}: name it under attach of the target, or"
            ' write schema.table for one of its own tables, with a dot in a name as "a"."b.c"'
        )
