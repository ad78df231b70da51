"""Expectations about the values of a column, row by row. Shares are of the values that are not NULL."""

import math
from collections.abc import Callable
from decimal import Decimal

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.conditions import NoRule, sql_value
from stringx_dataops.exchange.gx.expectation import ROWS, Expectation
from stringx_dataops.exchange.sql import literal, quoted
from stringx_dataops.exchange.zones import Zone, is_natural, number


def not_null(one: Expectation) -> None:
    one.known("column", "mostly", *ROWS)
    one.column_rule("not_null", {"type": "not_null"}, nulls=True)


def null(one: Expectation) -> None:
    one.known("column", "mostly", *ROWS)
    one.column_rule("is_null", {"type": "is_null"}, nulls=True)


def in_set(one: Expectation) -> None:
    one.known("column", "value_set", "mostly", *ROWS)
    if one.old and None in one.all_values("value_set"):
        one.lose("the null in value_set, with which every value passes in Great Expectations 0.18; here, the others alone pass")
    _listed(one, "accepted_values", "in")


def not_in_set(one: Expectation) -> None:
    one.known("column", "value_set", "mostly", *ROWS)
    _listed(one, "rejected_values", "not in")


def _listed(one: Expectation, kind: str, operator: str) -> None:
    values, name = one.values("value_set"), quoted(one.text("column"))
    if all(isinstance(value, str) or (type(value) is int and is_natural(Decimal(value))) for value in values):
        one.column_rule("values", {"type": kind, "arguments": {"values": values}})
    else:  # a fraction may be another one as the column's type
        one.condition_rule("values", f"{name} {operator} ({', '.join(map(sql_value, values))})")


def between(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", "mostly", *ROWS)
    bounds = {"min": one.kwargs.get("min_value"), "max": one.kwargs.get("max_value")}
    given = {side: value for side, value in bounds.items() if value is not None}
    if not given or any(isinstance(value, bool) or not isinstance(value, (str, int, float)) for value in given.values()):
        raise NoRule("min_value and max_value must be numbers or texts, and one of them must be there")
    if any(isinstance(value, float) and not math.isfinite(value) for value in given.values()):
        raise NoRule("min_value and max_value must be numbers that SQL compares with")
    strict = {side: one.flag(f"strict_{side}") for side in given}
    numbers = {side: Decimal(str(value)) for side, value in given.items() if not isinstance(value, str)}
    if len(numbers) == 2 and numbers["min"] > numbers["max"]:
        raise NoRule("min_value is above max_value, which Great Expectations refuses")
    if all(is_natural(value) for value in numbers.values()) and ("min" not in numbers or "max" in given):
        arguments = {side: number(numbers[side]) if side in numbers else value for side, value in given.items()}
        arguments |= {f"exclusive_{side}": True for side, is_strict in strict.items() if is_strict}
        one.column_rule("between", {"type": "between", "arguments": arguments})
        return
    signs = {("min", False): ">=", ("min", True): ">", ("max", False): "<=", ("max", True): "<"}
    name = quoted(one.text("column"))
    one.condition_rule(
        "between", " and ".join(f"{name} {signs[side, strict[side]]} {sql_value(value)}" for side, value in given.items())
    )


def lengths(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", "mostly", *ROWS)
    _length(one, one.failing())


def length_equals(one: Expectation) -> None:
    one.known("column", "value", "mostly", *ROWS)
    value = one.bound("value")
    if value is None:
        raise NoRule("value must be a number")
    _length(one, Zone(value, value, outside=True))


def _length(one: Expectation, failing: Zone) -> None:
    whole = all(bound is None or (bound == bound.to_integral_value() and bound >= 0) for bound in (failing.low, failing.high))
    if not whole:
        one.condition_rule("length", failing.inverse().sql(f"length({quoted(one.text('column'))})"))
        return
    arguments: JsonObject = {}
    if failing.low is not None:
        arguments |= {"min": int(failing.low)} | ({"exclusive_min": True} if failing.low_open else {})
    if failing.high is not None:
        arguments |= {"max": int(failing.high)} | ({"exclusive_max": True} if failing.high_open else {})
    one.column_rule("length", {"type": "length", "arguments": arguments})


def matched(kind: str, field: str, negate: bool) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", field, "mostly", *ROWS)
        arguments = {"pattern": one.text(field)} | ({"negate": True} if negate else {})
        one.column_rule(kind, {"type": kind, "arguments": arguments})

    return add


def matched_list(operator: str, field: str, negate: bool) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", field, "match_on", "mostly", *ROWS)
        match_on = "any" if one.kwargs.get("match_on") is None else one.kwargs["match_on"]
        if match_on not in ("any", "all"):
            raise NoRule("match_on must be any or all")
        name = quoted(one.text("column"))
        parts = [f"{name} {operator} {literal(pattern)}" for pattern in one.texts(field)]
        joined = (
            " and ".join(f"not ({part})" for part in parts) if negate else (" or " if match_on == "any" else " and ").join(parts)
        )
        one.condition_rule("matches", joined)

    return add
