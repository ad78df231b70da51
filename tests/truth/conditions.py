"""SQL conditions with their meaning: the text that PostgreSQL reads, and true, false or None (unknown) for a row."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.truth.kinds import Kind
from tests.truth.tables import Column, Draft, Row, literal, quoted

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    sql: str
    holds: Callable[[Row], bool | None]


def compare(column: Column, op: str, value: Any) -> Condition:
    kind, test = column.kind, OPERATORS[op]
    return Condition(
        f"{quoted(column.name)} {op} {constant(kind, value)}",
        lambda row: None if row[column.name] is None else test(kind.key(row[column.name]), kind.key(value)),
    )


def constant(kind: Kind, value: Any) -> str:
    text = literal(kind.text(value))
    return kind.text(value) if isinstance(value, int) and value >= 0 and not isinstance(value, bool) else text


def missing(column: Column, negated: bool) -> Condition:
    return Condition(
        f"{quoted(column.name)} is {'not ' if negated else ''}null", lambda row: (row[column.name] is None) is not negated
    )


def one_of(column: Column, values: list[Any]) -> Condition:
    keys = [column.kind.key(value) for value in values]
    return Condition(
        f"{quoted(column.name)} in ({', '.join(constant(column.kind, value) for value in values)})",
        lambda row: None if row[column.name] is None else column.kind.key(row[column.name]) in keys,
    )


def both(left: Condition, right: Condition) -> Condition:
    def holds(row: Row) -> bool | None:
        found = (left.holds(row), right.holds(row))
        return False if False in found else None if None in found else True

    return Condition(f"({left.sql}) and ({right.sql})", holds)


def either(left: Condition, right: Condition) -> Condition:
    def holds(row: Row) -> bool | None:
        found = (left.holds(row), right.holds(row))
        return True if True in found else None if None in found else False

    return Condition(f"{left.sql} OR\n{right.sql}", holds)


def negation(inner: Condition) -> Condition:
    def holds(row: Row) -> bool | None:
        found = inner.holds(row)
        return None if found is None else not found

    return Condition(f"not ({inner.sql})", holds)


def draw_condition(draft: Draft, columns: list[Column], depth: int = 2) -> Condition:
    """A condition over some columns."""
    form = draft.choose("compare", "in", "null", "and", "or", "not") if depth else draft.choose("compare", "null")
    if form in ("and", "or"):
        join = both if form == "and" else either
        return join(draw_condition(draft, columns, depth - 1), draw_condition(draft, columns, depth - 1))
    if form == "not":
        return negation(draw_condition(draft, columns, depth - 1))
    column = draft.choose(*columns)
    present = [value for value in column.cells if value is not None]
    values = st.one_of(st.sampled_from(present), column.kind.values) if present else column.kind.values
    if form == "null":
        return missing(column, draft.chance())
    if form == "in":
        return one_of(column, draft.draw(st.lists(values, min_size=1, max_size=3)))
    return compare(column, draft.choose(*OPERATORS), draft.draw(values))
