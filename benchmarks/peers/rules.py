"""The rules that every way checks, said once; each way has them in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("id", "status", "amount", "price", "sold_at", "sold_on", "code", "paid")
STATUSES = ("new", "paid", "packed", "shipped", "delivered", "returned")


@dataclass(frozen=True)
class Rule:
    """`violates`: the condition of a violating row in SQL; None for `unique`, which is about several rows."""

    type: str
    column: str
    violates: str | None
    arguments: dict[str, Any] = field(default_factory=dict)
    where: str | None = None
    suffix: str = ""

    @property
    def id(self) -> str:
        return f"{self.column}_{self.type}{self.suffix}"


def not_null(column: str) -> Rule:
    return Rule("not_null", column, f"{column} is null")


def accepted_values(column: str, values: Sequence[str], suffix: str = "") -> Rule:
    listed = ", ".join(f"'{value}'" for value in values)
    return Rule("accepted_values", column, f"{column} not in ({listed})", {"values": list(values)}, suffix=suffix)


ACCEPTED = accepted_values("status", STATUSES)
UNIQUE = Rule("unique", "id", None)
TEN = (*map(not_null, COLUMNS), ACCEPTED, UNIQUE)


def _more(number: int) -> Rule:
    """Five types of row rules in turn, no two with the same bounds."""
    suffix, low, high = f"_{number}", -1 - number, 10_000_000 + number
    match number % 5:
        case 0:
            return Rule("between", "price", f"price < {low} or price > {high}", {"min": low, "max": high}, suffix=suffix)
        case 1:
            return Rule("between", "id", f"id < {low} or id > {high}", {"min": low, "max": high}, suffix=suffix)
        case 2:
            return accepted_values("status", [*STATUSES, f"other_{number}"], suffix)
        case 3:
            condition = f"price >= {low} and id >= {low}"
            return Rule("expression", "price", f"({condition}) is false", {"sql": condition}, suffix=suffix)
        case _:
            column, where = COLUMNS[number % len(COLUMNS)], f"id > {number}"
            return Rule("not_null", column, f"{where} and {column} is null", where=where, suffix=suffix)


FIFTY = (*TEN, *map(_more, range(40)))


def document(rule: Rule, *, constraint: bool = False) -> dict[str, Any]:
    """As a rule of ours."""
    found: dict[str, Any] = {"id": rule.id, "type": rule.type, "arguments": rule.arguments}
    if rule.type != "expression":
        found["column"] = rule.column
    if rule.where:
        found["where"] = rule.where
    if constraint and rule.type in ("not_null", "unique"):
        found["verify"] = "constraint"
    return found


def dbt_columns(rules: Sequence[Rule], table: str) -> list[dict[str, Any]]:
    """As dbt's own generic tests, for the `columns` of a source; a test's name says its table and rule."""
    columns: dict[str, list[Any]] = {}
    for rule in rules:
        test: dict[str, Any] = {"name": f"{table}__{rule.id}"}
        if rule.arguments:
            test["arguments"] = rule.arguments
        columns.setdefault(rule.column, []).append({rule.type: test})
    return [{"name": column, "data_tests": tests} for column, tests in columns.items()]


_SODA = {"not_null": "missing", "accepted_values": "invalid", "unique": "duplicate"}


def soda_columns(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """As checks of a Soda contract; a check's name is the rule's id."""
    columns: dict[str, list[Any]] = {}
    for rule in rules:
        check: dict[str, Any] = {"name": rule.id}
        if rule.type == "accepted_values":
            check["valid_values"] = rule.arguments["values"]
        columns.setdefault(rule.column, []).append({_SODA[rule.type]: check})
    return [{"name": column, "checks": checks} for column, checks in columns.items()]
