"""Tests of dbt_utils and dbt_expectations that a native type says exactly. All others run as rules of type `dbt`."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.dbt.tests import DbtTest
from stringx_dataops.exchange.dbt.thresholds import Inexact, Thresholds
from stringx_dataops.exchange.dbt.values import both, column_of, condition_of, values_of

_DECIMALS = 6  # of a share that is compared exactly, however dbt's own division is rounded


def _arguments(test: DbtTest, *known: str) -> None:
    """Raises Inexact for arguments that this mapping does not know; another release of the package may have them."""
    if unknown := set(test.arguments) - set(known):
        raise Inexact(f"it has arguments of another release: {', '.join(sorted(unknown))}")


def _column(test: DbtTest, text: Any = None) -> str:
    name, is_name = column_of(text or test.column)
    if not is_name:
        raise Inexact("its column is an expression")
    return name


def _text(test: DbtTest, name: str) -> str:
    value = test.argument(name)
    if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not str(value).strip():
        raise Inexact(f"its {name} is no text")
    return str(value)


def _rows(test: DbtTest, thresholds: Thresholds, condition: str, *, more: str | None = None) -> JsonObject:
    """A rule whose failures are the rows that make a condition false."""
    where = both(condition_of(test.config.get("where")), more)
    return {"type": "expression", "arguments": {"sql": condition}, "where": where, **thresholds.of_counts()}


def _expression_is_true(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "expression")
    expression = _text(test, "expression")
    return _rows(test, thresholds, expression if test.column is None else f"{test.column} {expression}")


def _accepted_range(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    """A condition rather than `between`, which reads bounds as the column's type and takes NaN for out of bounds."""
    _arguments(test, "min_value", "max_value", "inclusive")
    equal = "=" if test.argument("inclusive", True) else ""
    return _rows(test, thresholds, _bounds(test, str(test.column), equal))


def _bounds(test: DbtTest, expression: str, equal: str) -> str:
    names = [(name, sign) for name, sign in (("min_value", ">"), ("max_value", "<")) if test.argument(name) is not None]
    if not names:
        raise Inexact("it has no bound")
    return " and ".join(f"{expression} {sign}{equal} {_text(test, name)}" for name, sign in names)


def _unique_combination(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "combination_of_columns", "quote_columns")
    columns = test.argument("combination_of_columns")
    if not thresholds.are_of_zero or not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise Inexact("it counts combinations that repeat")
    names = [each if test.argument("quote_columns", False) else _column(test, each) for each in columns]
    return {
        "type": "unique",
        "columns": names,
        "arguments": {"nulls": "equal"},
        "where": test.config.get("where"),
        **thresholds.of_counts(),
    }


def _not_accepted_values(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "values", "quote")
    values = values_of(test)
    if not thresholds.are_of_zero:
        raise Inexact("it counts different values")
    return {
        "type": "rejected_values",
        "column": _column(test),
        "arguments": {"values": values},
        "where": test.config.get("where"),
        **thresholds.of_counts(),
    }


def _relationships_where(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "to", "field", "from_condition", "to_condition")
    to = test.argument("to")
    if not isinstance(to, TableName):
        raise Inexact("its `to` is no relation")
    from_condition, to_condition = (test.argument(name) for name in ("from_condition", "to_condition"))
    to_column, to_where = _column(test, test.argument("field")), condition_of(to_condition)
    arguments = {"to_table": to.as_other, "to_column": to_column, "to_where": to_where}
    return {
        "type": "relationship",
        "column": _column(test),
        "arguments": {name: value for name, value in arguments.items() if value is not None},
        "where": both(condition_of(test.config.get("where")), condition_of(from_condition)),
        **thresholds.of_counts(),
    }


def _not_null_proportion(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    """A share of NULLs; without a row dbt finds nothing, and neither does `not_null`."""
    _arguments(test, "at_least", "at_most", "group_by_columns")
    least, most = (_share(test.argument(name)) for name in ("at_least", "at_most"))
    if least is None or (most is not None and most < 1):
        raise Inexact("it has another bound than at_least")
    if test.argument("group_by_columns") or not thresholds.are_of_zero:
        raise Inexact("it is counted per group")
    share = f"{((1 - least) * 100).normalize():f}%"
    decides = "fail_above" if thresholds.fail is not None else "warn_above"
    return {"type": "not_null", "column": _column(test), "where": test.config.get("where"), decides: share}


def _share(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        share = Decimal(str(value))
    except InvalidOperation as error:
        raise Inexact("its share is no number") from error
    if not 0 <= share <= 1 or round(share, _DECIMALS) != share:
        raise Inexact("its share has many decimals")
    return share


def _measured(
    kind: str, test: DbtTest, thresholds: Thresholds, bounds: JsonObject, arguments: JsonObject, **more: Any
) -> JsonObject:
    """A measured rule; one failure of the test is a value out of bounds."""
    decided = bounds if thresholds.fail is not None else {"warn": bounds}
    return {"type": kind, **more, "arguments": {**arguments, **decided}, "where": test.config.get("where")}


def _expect_not_null(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "row_condition")
    where = both(condition_of(test.config.get("where")), condition_of(test.argument("row_condition")))
    return {"type": "not_null", "column": _column(test), "where": where, **thresholds.of_counts()}


def _expect_null(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    return _expect_not_null(test, thresholds) | {"type": "is_null"}


def _expect_between(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "min_value", "max_value", "row_condition", "strictly")
    condition = _bounds(test, str(test.column), "" if test.argument("strictly", False) else "=")
    return _rows(test, thresholds, condition, more=condition_of(test.argument("row_condition")))


def _expect_row_count(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    _arguments(test, "min_value", "max_value", "value", "row_condition")
    if not thresholds.are_of_zero:
        raise Inexact("it finds one failure at most")
    value = test.argument("value")
    given = {"min": value, "max": value} if value is not None else {
        "min": test.argument("min_value"), "max": test.argument("max_value")
    }  # fmt: skip
    bounds = {name: number for name, number in given.items() if number is not None}
    if not bounds or not all(isinstance(number, int) and not isinstance(number, bool) for number in bounds.values()):
        raise Inexact("its bounds are no whole numbers")
    rule = _measured("row_count", test, thresholds, bounds, {})
    return rule | {"where": both(condition_of(test.config.get("where")), condition_of(test.argument("row_condition")))}


PACKAGE_TESTS: dict[str, Callable[[DbtTest, Thresholds], JsonObject]] = {
    "dbt_utils.expression_is_true": _expression_is_true,
    "dbt_utils.accepted_range": _accepted_range,
    "dbt_utils.unique_combination_of_columns": _unique_combination,
    "dbt_utils.not_accepted_values": _not_accepted_values,
    "dbt_utils.relationships_where": _relationships_where,
    "dbt_utils.not_null_proportion": _not_null_proportion,
    "dbt_expectations.expect_column_values_to_not_be_null": _expect_not_null,
    "dbt_expectations.expect_column_values_to_be_null": _expect_null,
    "dbt_expectations.expect_column_values_to_be_between": _expect_between,
    "dbt_expectations.expect_table_row_count_to_be_between": _expect_row_count,
    "dbt_expectations.expect_table_row_count_to_equal": _expect_row_count,
}
