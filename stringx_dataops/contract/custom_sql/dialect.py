"""What the rest of the project asks about custom SQL. Each engine has its own answers, in a folder of its own."""

from collections.abc import Collection
from typing import Protocol

from stringx_dataops.contract.adapters import Adapter

_NOT_ALLOWED = "calls {}, which is not allowed; an admin may add it to the target's allow_functions as schema.name"
Table = str | list[str]
# A name after a dot, as [kind, tables, column, name]: `postgres/qualified.py` says what the kinds are.
Name = tuple[str, list[Table], str | None, str]


def not_allowed(function: str) -> str:
    """The fault of a text that calls a function which is neither built in nor in `allow_functions`."""
    return _NOT_ALLOWED.format(function)


def function_of(fault: str) -> str | None:
    """The function that a fault of `not_allowed` names, if a target may allow it; None for every other fault."""
    head, tail = _NOT_ALLOWED.split("{}")
    name = fault.removeprefix(head).removesuffix(tail)
    return name if fault == not_allowed(name) and "." in name else None


def is_of_call(fault: str) -> bool:
    """Whether the fault is one of `not_allowed`."""
    head, tail = _NOT_ALLOWED.split("{}")
    return fault.startswith(head) and fault.endswith(tail)


class Dialect(Protocol):
    """How one engine reads custom SQL. A `fault_of_…` is one sentence; it is None if the text may be run. `allow_functions` are
    functions, as schema.name, that the text may call in addition to the built-in ones."""

    adapter: Adapter

    def fault_of_condition(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """What is wrong with the text as one condition about a row."""

    def fault_of_query(self, sql: str, allow_functions: Collection[str] = ()) -> str | None:
        """What is wrong with the text as one SELECT."""

    def fault_of_pattern(self, pattern: str) -> str | None:
        """What is wrong with the text as a regular expression of this engine."""

    def fault_of_table(self, text: str) -> str | None:
        """What is wrong with the text as the table of a document; it is `schema.table` for every engine."""

    def parts_of_relation(self, text: str) -> list[str]:
        """The schema and the name of another table, as a rule's argument has them; a catalog before them where an engine has
        several. Raises ValueError for a text that is no such name."""

    def fault_of_type_name(self, text: str) -> str | None:
        """What is wrong with the text as the name of a type; None also for types that only the database can know."""

    def is_fragment_of_setting(self, name: str, text: str, allow_functions: Collection[str] = ()) -> bool:
        """Whether an argument or a setting of a dbt test may be run as it is, wherever the test puts it into its SQL."""

    def are_too_many(self, texts: Collection[str]) -> bool:
        """Whether the texts together hold more than `limits.MAX_TOKENS` words and signs."""

    def relations_of_query(self, sql: str) -> list[list[str]]:
        """The tables that a query reads, as [schema, name] or [name]; none if it is no query."""

    def renames_columns(self, sql: str) -> bool:
        """Whether the query may compare a column that it does not name."""

    def comparisons(self, sql: str) -> list[list[object]]:
        """[start, end, column, operator, values as they are quoted] of each comparison of a column with values."""

    def bare_names(self, sql: str) -> list[str]:
        """The words of a condition that may be names of columns: neither qualified nor called."""

    def types_of_casts(self, sql: str) -> list[list[str | None]]:
        """[schema or None, name] of each type that the text casts to, except the engine's own types."""

    def patterns_of(self, sql: str) -> list[str]:
        """The regular expressions that the text writes out."""

    def names_of_condition(self, sql: str) -> list[Name]:
        """The names after a dot in a condition."""

    def names_of_query(self, sql: str) -> list[Name]:
        """The names after a dot in a query that only the target knows."""

    def names_of_fragment(self, sql: str) -> list[Name]:
        """The names after a dot in an argument of a dbt test, which may be SQL or a value."""
