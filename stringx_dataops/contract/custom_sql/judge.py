"""Judging the custom SQL of one document."""

from collections.abc import Collection

from stringx_dataops.contract.custom_sql.dialect import Dialect


class Judge:
    """Judges the custom SQL of one document in its target's dialect. A text that many rules repeat is judged once."""

    def __init__(self, dialect: Dialect, allow_functions: Collection[str] = ()) -> None:
        self.dialect = dialect
        self._allowed = allow_functions
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
            self._queries[sql] = self.dialect.fault_of_query(sql, self._allowed)
        return self._queries[sql]
