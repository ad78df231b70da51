"""Expectations about what is measured of a column, and about its different values."""

from collections.abc import Callable

from stringx_dataops.exchange.gx.conditions import NoRule
from stringx_dataops.exchange.gx.expectation import ROWS, Expectation
from stringx_dataops.exchange.making import both
from stringx_dataops.exchange.sql import quoted


def aggregate(function: str, measure: str) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", "min_value", "max_value", "strict_min", "strict_max", *ROWS)
        column, where = one.text("column"), one.where()
        check = one.named(f"{column}_{function}", where)
        one.maker.aggregate(check, column, function, measure.format(quoted(column)), one.failing(), None)
        one.maker.needs_a_value(check, None)

    return add


def extreme(function: str) -> Callable[[Expectation], None]:
    """min and max, whose bounds may be dates."""

    def add(one: Expectation) -> None:
        bounds = [one.kwargs.get(name) for name in ("min_value", "max_value")]
        if not any(isinstance(bound, str) for bound in bounds):
            aggregate(function, f"{function}({{}})")(one)
            return
        one.known("column", "min_value", "max_value", "strict_min", "strict_max", *ROWS)
        column, where = one.text("column"), one.where()
        check = one.named(f"{column}_{function}", where)
        arguments = {"function": function} | {
            side: bound for side, bound in zip(("min", "max"), bounds, strict=True) if bound is not None
        }
        arguments |= {f"exclusive_{side}": True for side in ("min", "max") if side in arguments and one.flag(f"strict_{side}")}
        one.maker.plain(check, type="aggregate", column=column, where=where, arguments=arguments)
        one.maker.needs_a_value(check, None)

    return add


def distinct_count(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *ROWS)
    column, failing, where = one.text("column"), one.failing(), one.where()
    check = one.named(f"{column}_distinct_count", where)
    one.maker.aggregate(check, column, "distinct_count", f"count(distinct {quoted(column)})", failing, None)
    if failing.holds(0):
        one.maker.needs_a_value(check, None)


def distinct_ratio(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *ROWS)
    column, failing = one.text("column"), one.failing()
    check, name = one.named(f"{column}_distinct_ratio", one.where()), quoted(column)
    if failing.holds(0):
        one.maker.aggregate(check, column, "distinct_ratio", "", failing, None)
        one.maker.needs_a_value(check, None)
    else:  # without values, the ratio is 0
        one.maker.queried(check, f"coalesce(1.0 * count(distinct {name}) / nullif(count({name}), 0), 0)", failing, None)


def nonnull_ratio(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *ROWS)
    column = one.text("column")
    measure = f"coalesce(1.0 * count({quoted(column)}) / nullif(count(*), 0), 0)"
    one.maker.queried(one.named(f"{column}_nonnull_ratio", one.where()), measure, one.failing(), None)


def distinct_values(mode: str) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", "value_set", *ROWS)
        column, values, where = one.text("column"), one.values("value_set"), one.where()
        if any(isinstance(value, float) and not value.is_integer() for value in values):
            raise NoRule("a fraction among its values is not compared in SQL, but in Python")
        check = one.named(f"{column}_distinct", where)
        one.maker.plain(check, type="distinct_values", column=column, where=where, arguments={"values": values, "mode": mode})
        if mode != "in" and values:
            one.maker.needs_a_value(check, None)

    return add


def most_common(one: Expectation) -> None:
    one.known("column", "value_set", "ties_okay", *ROWS)
    column, values, where = one.text("column"), one.values("value_set"), one.where()
    if any(isinstance(value, float) and not value.is_integer() for value in values):
        raise NoRule("a fraction among its values is not compared in SQL, but in Python")
    check = one.named(f"{column}_most_common", where)
    ties = one.flag("ties_okay")
    arguments = {"values": values, "ties": "pass" if ties else "fail"}
    one.maker.plain(check, type="most_common_value", column=column, where=where, arguments=arguments)
    one.maker.needs_a_value(check, None)
    if not ties:  # one value alone may be the most common
        name = quoted(column)
        counts = f"select count(*) as times from {check.relation} where {both(where, f'{name} is not null')} group by {name}"
        most = f"(select max(times) from ({counts}) as all_counts)"
        query = f"select count(*) as measured from ({counts}) as counts where times = {most} having count(*) > 1"
        one.maker.query(one.named(f"{column}_most_common_alone", where), query)
