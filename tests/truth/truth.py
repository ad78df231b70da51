"""What a rule's answer has to be: the outcome of the oracles, statuses by thresholds and bounds, the table's verdict."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from stringx_dataops.contract.documents.globs import literal_column
from tests.truth.conditions import Condition
from tests.truth.kinds import NAN
from tests.truth.tables import Draft, Row, Table

# What CONTRACT's table says: a request's window narrows these.
WINDOWED = {
    "not_null", "not_blank", "is_null", "accepted_values", "rejected_values", "between", "length", "regex", "like", "format", "castable",
    "not_in_future", "compare", "max_lag", "expression", "unique", "relationship", "outliers", "monotonic", "distinct_values", "most_common_value",
    "no_gaps", "row_count", "aggregate", "quantiles", "correlation", "distribution", "json_schema",
}  # fmt: skip
A_COUNT_IS_A_VALUE = {"row_count", "row_count_matches", "compare_rows"}
TAKES_NO_WHERE = {"column_count", "columns", "column_type", "sql"}
MEASURED = {
    "row_count",
    "aggregate",
    "freshness",
    "row_count_matches",
    "aggregate_matches",
    "column_count",
    "quantiles",
    "distribution",
    "correlation",
}
HOLDS = {"most_common_value", "column_type"}
WITHOUT_TOTAL = {"distinct_values", "columns", "sql", "dbt"}
# These are decided without the table's rows, so that they count where it has none.
ELSEWHERE = {"columns", "column_count", "column_type", "row_count_matches", "aggregate_matches", "compare_rows", "sql", "dbt"}
# The families of types that these have a meaning for; the others take a column of any type.
MEANT = {
    "length": {"text", "bytes", "array", "bit"},
    "regex": {"text", "integer", "decimal", "float", "money", "boolean", "date", "timestamp", "time", "interval", "uuid", "network", "bit", "enum"},
    "format": {"text", "integer", "date", "timestamp", "uuid", "network", "enum"},
    "castable": {"text", "integer", "decimal", "float", "boolean", "date", "timestamp", "uuid", "enum"},
    "not_in_future": {"date", "timestamp"},
    "outliers": {"integer", "decimal", "float"},
    "quantiles": {"integer", "decimal", "float", "interval", "date", "timestamp", "time", "money"},
    "correlation": {"integer", "decimal", "float", "date", "timestamp"},
    "json_schema": {"json"},
}  # fmt: skip
MEANT |= {"like": MEANT["regex"]} | dict.fromkeys(("max_lag", "no_gaps", "freshness"), MEANT["not_in_future"])
# These compare the column's values with each other or with a list, which types without equality do not allow.
COMPARING = {
    "accepted_values", "rejected_values", "between", "compare", "unique", "relationship", "monotonic", "distinct_values", "most_common_value",
}  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """What a rule looks at: `rows` after window and where, `whole` after where alone."""

    table: Table
    rows: list[Row]
    whole: list[Row]
    filtered: bool
    timezone: str
    clock: datetime

    def cells(self, column: str) -> list[Any]:
        """The values that are there."""
        return [row[column] for row in self.rows if row[column] is not None]

    def keys(self, column: str) -> list[Any]:
        """The same, as keys that are equal and in order as PostgreSQL has it."""
        key = self.table.kind_of(column).key
        return [key(value) for value in self.cells(column)]


@dataclass(frozen=True)
class Counted:
    failures: int
    total: int | None
    measured: Any = None


@dataclass(frozen=True)
class Measured:
    """`fails` and `warns`: whether the value is out of the bounds; both false where there is none. `compared`: whether there is a value at
    all, be it the other table's. `ahead`: how many moments are later than now."""

    value: Any
    total: int | None
    fails: bool
    warns: bool
    may_fail: bool
    compared: bool = True
    ahead: int | None = None


@dataclass(frozen=True)
class Held:
    holds: bool
    total: int | None


@dataclass(frozen=True)
class Undecided:
    """The rule cannot be decided: an argument is no value of the column's type."""


Truth = Counted | Measured | Held | Undecided


@dataclass
class Tested:
    """A rule and how its truth is computed."""

    type: str
    columns: list[str]
    arguments: dict[str, Any]
    truth: Callable[[Scope], Truth]
    where: Condition | None = None
    warn_above: int | str | None = None
    fail_above: int | str | None = None
    severity: str | None = None
    wish: str = "free"

    def document(self, rule_id: str) -> dict[str, Any]:
        """The rule as a table's document has it."""
        names = [literal_column(column) for column in self.columns]
        columns = {"column": names[0]} if len(names) == 1 else {"columns": names} if names else {}
        settings = {
            name: value for name in ("warn_above", "fail_above", "severity") if (value := getattr(self, name)) is not None
        }
        where = {"where": self.where.sql} if self.where else {}
        return {"id": rule_id, "type": self.type, **columns, "arguments": self.arguments, **settings, **where}

    @property
    def only_warns(self) -> bool:
        if self.type == "quantiles":
            return not any({"min", "max"} & set(entry) for entry in self.arguments["bounds"])
        if self.type in MEASURED:
            bounds = {
                "distribution": {"max", "min_p"},
                "freshness": {"max_age"},
                "row_count_matches": {"tolerance"},
                "aggregate_matches": {"tolerance"},
            }
            return not (bounds.get(self.type, {"min", "max"}) & set(self.arguments)) and "warn" in self.arguments
        return self.severity == "warn" or (self.warn_above is not None and self.fail_above is None)


Maker = Callable[[Draft, str], Tested]
MAKERS: dict[str, Maker] = {}


def rule_type(name: str) -> Callable[[Maker], Maker]:
    """Registers what makes rules of a type."""

    def register(make: Maker) -> Maker:
        MAKERS[name] = make
        return make

    return register


def row_rule(type: str, columns: list[str], arguments: dict[str, Any], violates: Callable[[Row], bool]) -> Tested:
    """A rule that each row meets or violates by itself."""
    return Tested(type, columns, arguments, lambda scope: Counted(sum(map(violates, scope.rows)), len(scope.rows)))


def undecided(type: str, columns: list[str], arguments: dict[str, Any]) -> Tested:
    return Tested(type, columns, arguments, lambda _: Undecided(), wish="error")


@dataclass(frozen=True)
class Answer:
    """What the engine has to say of a rule; `stands`: whether it counts where the table has no row (in the window)."""

    status: str
    failures: int | None = None
    total: int | None = None
    measured: Any = None
    ahead: int | None = None
    stands: bool = True


def answer_of(tested: Tested, scope: Scope) -> Answer:
    """The oracle's answer: CONTRACT's thresholds, bounds, and rules whose `where` finds no row."""
    truth = tested.truth(scope)
    nothing = scope.filtered and not scope.rows and tested.type not in A_COUNT_IS_A_VALUE
    mildly = "warn" if tested.only_warns else "fail"
    found_rows = tested.type not in WINDOWED and bool(scope.rows)
    stands = tested.type in ELSEWHERE or found_rows
    match truth:
        case Undecided():
            return Answer("error")
        case Held(holds, total):
            return Answer("pass" if holds or nothing else mildly, None, total, stands=stands)
        case Measured(value, total, fails, warns, may_fail, compared, ahead):
            if nothing:
                status = "pass"
            elif value is None:
                status = "fail" if may_fail else "warn"
            else:
                status = "fail" if fails else "warn" if warns else "pass"
            return Answer(status, None, total, value, ahead, (stands and compared) or found_rows)
        case Counted(failures, total, measured):
            failures = 0 if nothing else failures
            return Answer(_by_thresholds(tested, failures, total), failures, total, measured, stands=stands)


def _by_thresholds(tested: Tested, failures: int, total: int | None) -> str:
    warn_above, fail_above = tested.warn_above, tested.fail_above
    if tested.severity == "warn":
        warn_above, fail_above = 0, None
    elif warn_above is None and fail_above is None:
        fail_above = 0
    if _above(failures, total, fail_above):
        return "fail"
    return "warn" if _above(failures, total, warn_above) else "pass"


def _above(failures: int, total: int | None, threshold: int | str | None) -> bool:
    if threshold is None:
        return False
    if isinstance(threshold, int):
        return failures > threshold
    assert total is not None
    return failures > Fraction(threshold.removesuffix("%")) / 100 * total


def verdict_of(rules: list[tuple[Tested, Answer]], row_count: int, on_empty: str) -> str:
    """CONTRACT's verdict of a table from its rules' answers. Without a row, row_count rules or else on_empty stand in place of those about
    rows; an undecided rule is never replaced."""
    marks = ["warn" if answer.status == "error" and tested.only_warns else answer.status for tested, answer in rules]
    if not row_count:
        undecided = [mark for mark, (_, answer) in zip(marks, rules, strict=True) if answer.status == "error"]
        counts = [answer.status for tested, answer in rules if tested.type == "row_count" and answer.status != "error"]
        others = [
            answer.status for tested, answer in rules if answer.stands and tested.type != "row_count" and answer.status != "error"
        ]
        marks = undecided + others + (counts or [on_empty])
    return next((mark for mark in ("fail", "error", "warn") if mark in marks), "pass")


def outside(key: Any, low: Any, high: Any, bounds: dict[str, Any]) -> bool:
    """Whether a value is out of bounds, all three given as keys; None is no bound. NaN lies within none."""
    if key == NAN:
        return low is not None or high is not None
    below = low is not None and (key <= low if bounds.get("exclusive_min") else key < low)
    above = high is not None and (key >= high if bounds.get("exclusive_max") else key > high)
    return bool(below or above)


def same_measure(expected: Any, found: Any) -> bool:
    """Whole numbers and decimals exactly, what PostgreSQL rounds within nine digits."""
    if expected is None or found is None:
        return expected is found
    if isinstance(expected, int):
        return bool(found == expected) if abs(expected) < 10**15 else str(found) == str(expected)
    if isinstance(expected, Decimal):
        return (expected.is_nan() and found == "NaN") or Decimal(str(found)) == expected
    if isinstance(expected, (float, Fraction)):
        wanted, had = float(expected), float(found)
        return math.isclose(wanted, had, rel_tol=1e-9, abs_tol=1e-9) or (wanted != wanted and had != had)
    if isinstance(expected, datetime):
        return datetime.fromisoformat(str(found)) == expected
    return str(found) == str(expected)
