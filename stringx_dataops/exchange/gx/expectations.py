"""Expectations as rules. Shares are of the rows that an expectation looks at: for a column, of its values that are not NULL."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.conditions import NoRule, sql_of, sql_value
from stringx_dataops.exchange.gx.types import SIZED, types_of
from stringx_dataops.exchange.making import Check, Maker, both
from stringx_dataops.exchange.sql import literal, quoted
from stringx_dataops.exchange.zones import Zone, is_natural, number, plain, share_above

_SAYS_NOTHING = frozenset(
    (
        "batch_id",
        "table",
        "result_format",
        "include_config",
        "catch_exceptions",
        "meta",
        "notes",
        "description",
        "id",
        "rendered_content",
    )
)
_ROWS = frozenset(("row_condition", "condition_parser"))


@dataclass(frozen=True)
class Expectation:
    """An expectation with what its rule needs. `old` is the format of 0.18."""

    maker: Maker
    check: Check
    kind: str
    kwargs: JsonObject
    old: bool = False

    def add(self) -> None:
        """Its rule. Raises NoRule."""
        handler = _HANDLERS.get(self.kind)
        if handler is None:
            raise NoRule(
                "no rule says it; a custom expectation, or one that Great Expectations itself does not run on a database"
            )
        handler(self)

    # what kwargs hold

    def known(self, *names: str) -> None:
        """Raises NoRule for a field that changes the meaning and is not looked at."""
        for name, value in self.kwargs.items():
            if name not in names and name not in _SAYS_NOTHING and value is not None and value is not False:
                raise NoRule(f"the field {name!r} is not taken up")

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.kwargs.get(name)
        if not isinstance(value, str) or not value:
            raise NoRule(f"{name} must be a text")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts that must be there."""
        value = self.kwargs.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise NoRule(f"{name} must be a list of texts")
        return value

    def values(self, name: str) -> list[Any]:
        """A list of values, without NULL."""
        value = self.kwargs.get(name)
        if not isinstance(value, list) or not all(item is None or isinstance(item, (str, int, float)) for item in value):
            raise NoRule(f"{name} must be a list of values")
        return [item for item in value if item is not None]

    def flag(self, name: str) -> bool:
        """Whether a field is true."""
        value = self.kwargs.get(name)
        if value not in (None, True, False):
            raise NoRule(f"{name} must be true or false")
        return value is True

    def failing(self) -> Zone:
        """Where a measure fails by min_value, max_value, strict_min and strict_max."""
        low, high = self.bound("min_value"), self.bound("max_value")
        if low is None and high is None:
            raise NoRule("has neither min_value nor max_value, so that it always passes")
        return Zone(low, high, self.flag("strict_min"), self.flag("strict_max"), outside=True)

    def bound(self, name: str) -> Decimal | None:
        """A number, or None."""
        value = self.kwargs.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not Decimal(str(value)).is_finite():
            raise NoRule(f"{name} must be a number")
        return Decimal(str(value))

    def where(self) -> str | None:
        """The rows that it looks at."""
        return sql_of(self.kwargs.get("row_condition"), self.kwargs.get("condition_parser"))

    def above(self) -> str | None:
        """The share of unexpected rows above which it fails; None if any is too many."""
        mostly = self.kwargs.get("mostly")
        if mostly is None:
            return None
        if isinstance(mostly, bool) or not isinstance(mostly, (int, float)) or not 0 <= mostly <= 1:
            raise NoRule("mostly must be a share from 0 to 1")
        failing = Zone(low=(1 - Decimal(str(mostly))) * 100, low_open=True)
        share = share_above(failing)
        if share is None:
            raise NoRule(f"the share {mostly} has more than twelve decimals")
        return share if mostly != 1 else None

    # what makes rules

    def named(self, name: str, where: str | None) -> Check:
        """The check, named after what it looks at."""
        check = self.check
        return Check(check.table, check.place, name, check.description, where)

    def column_rule(self, of: str, rule: JsonObject, nulls: bool = False) -> None:
        """A rule about a column's values. A share is of those that are not NULL, unless NULL is looked at."""
        column, share = self.text("column"), self.above()
        where = both(self.where(), f"{quoted(column)} is not null" if share is not None and not nulls else None)
        self.maker.plain(self.named(f"{column}_{of}", where), **rule, column=column, where=where, fail_above=share)

    def condition_rule(self, of: str, sql: str) -> None:
        """A condition on a column's values."""
        self.column_rule(of, {"type": "expression", "arguments": {"sql": sql}})


def _not_null(one: Expectation) -> None:
    one.known("column", "mostly", *_ROWS)
    one.column_rule("not_null", {"type": "not_null"}, nulls=True)


def _null(one: Expectation) -> None:
    one.known("column", "mostly", *_ROWS)
    one.column_rule("is_null", {"type": "is_null"}, nulls=True)


def _in_set(one: Expectation) -> None:
    one.known("column", "value_set", "mostly", *_ROWS)
    _listed(one, "accepted_values", "in")


def _not_in_set(one: Expectation) -> None:
    one.known("column", "value_set", "mostly", *_ROWS)
    _listed(one, "rejected_values", "not in")


def _listed(one: Expectation, kind: str, operator: str) -> None:
    values, name = one.values("value_set"), quoted(one.text("column"))
    if all(isinstance(value, str) or (type(value) is int and is_natural(Decimal(value))) for value in values):
        one.column_rule("values", {"type": kind, "arguments": {"values": values}})
    else:  # a fraction may be another one as the column's type
        one.condition_rule("values", f"{name} {operator} ({', '.join(map(sql_value, values))})")


def _between(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", "mostly", *_ROWS)
    bounds = {"min": one.kwargs.get("min_value"), "max": one.kwargs.get("max_value")}
    given = {side: value for side, value in bounds.items() if value is not None}
    if not given or any(isinstance(value, bool) or not isinstance(value, (str, int, float)) for value in given.values()):
        raise NoRule("min_value and max_value must be numbers or texts, and one of them must be there")
    strict = {side: one.flag(f"strict_{side}") for side in given}
    numbers = {side: Decimal(str(value)) for side, value in given.items() if not isinstance(value, str)}
    if len(numbers) == 2 and numbers["min"] > numbers["max"]:
        raise NoRule("min_value is above max_value, which Great Expectations refuses")
    if all(is_natural(value) for value in numbers.values()):
        arguments = {side: number(numbers[side]) if side in numbers else value for side, value in given.items()}
        arguments |= {f"exclusive_{side}": True for side, is_strict in strict.items() if is_strict}
        one.column_rule("between", {"type": "between", "arguments": arguments})
        return
    signs = {("min", False): ">=", ("min", True): ">", ("max", False): "<=", ("max", True): "<"}
    name = quoted(one.text("column"))
    one.condition_rule(
        "between", " and ".join(f"{name} {signs[side, strict[side]]} {sql_value(value)}" for side, value in given.items())
    )


def _lengths(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", "mostly", *_ROWS)
    _length(one, one.failing())


def _length_equals(one: Expectation) -> None:
    one.known("column", "value", "mostly", *_ROWS)
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


def _matched(kind: str, field: str, negate: bool) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", field, "mostly", *_ROWS)
        arguments = {"pattern": one.text(field)} | ({"negate": True} if negate else {})
        one.column_rule(kind, {"type": kind, "arguments": arguments})

    return add


def _matched_list(operator: str, field: str, negate: bool) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", field, "match_on", "mostly", *_ROWS)
        match_on = one.kwargs.get("match_on") or "any"
        if match_on not in ("any", "all"):
            raise NoRule("match_on must be any or all")
        name = quoted(one.text("column"))
        parts = [f"{name} {operator} {literal(pattern)}" for pattern in one.texts(field)]
        joined = (
            " and ".join(f"not ({part})" for part in parts) if negate else (" or " if match_on == "any" else " and ").join(parts)
        )
        one.condition_rule("matches", joined)

    return add


def _unique(one: Expectation) -> None:
    one.known("column", "mostly", *_ROWS)
    column, share, where = one.text("column"), one.above(), one.where()
    if share is None:
        one.maker.plain(one.named(f"{column}_unique", where), type="unique", column=column, where=where)
    else:
        _repeated(one, [column], share, both(where, f"{quoted(column)} is not null"))


def _repeated(one: Expectation, columns: list[str], share: str, where: str | None) -> None:
    """The share of all rows whose key repeats, the first of each among them."""
    check = one.named(f"{'_'.join(columns)}_unique", where)
    names = list(map(quoted, columns))
    whole = " and ".join(f"{name} is not null" for name in names)  # a key with a NULL equals none
    source = f"{check.relation}{f' where {where}' if where else ''}"
    keys = f"select count(*) as times, {whole} as whole from {source} group by {', '.join(names)}"
    measure = "100.0 * coalesce(sum(times) filter (where times > 1 and whole), 0) / nullif(sum(times), 0)"
    failing = Zone(low=Decimal(share.rstrip("%")), low_open=True)
    one.maker.query(check, f"select {measure} as measured from ({keys}) as keys having {failing.sql(measure)}")


def _compound_unique(one: Expectation) -> None:
    one.known("column_list", "ignore_row_if", "mostly", *_ROWS)
    columns, share = one.texts("column_list"), one.above()
    where = both(one.where(), _ignored(one, columns))
    if share is not None:
        _repeated(one, columns, share, where)
        return
    check = one.named(f"{'_'.join(columns)}_unique", where)
    one.maker.plain(check, type="unique", columns=columns, where=where)


def _unique_within(one: Expectation) -> None:
    one.known("column_list", "ignore_row_if", "mostly", *_ROWS)
    columns = one.texts("column_list")
    if len(columns) < 2:
        raise NoRule("column_list must hold at least two columns")
    names = [quoted(column) for column in columns]
    equal = [
        f"{left} = {right} or ({left} is null and {right} is null)"
        for index, left in enumerate(names)
        for right in names[index + 1 :]
    ]
    _row_rule(one, columns, "differ", f"not ({' or '.join(equal)})")


def _sum_equals(one: Expectation) -> None:
    one.known("column_list", "sum_total", "ignore_row_if", "mostly", *_ROWS)
    columns, total = one.texts("column_list"), one.bound("sum_total")
    if total is None:
        raise NoRule("sum_total must be a number")
    _row_rule(one, columns, "sum", f"{' + '.join(map(quoted, columns))} = {plain(total)}")


def _row_rule(one: Expectation, columns: list[str], of: str, sql: str) -> None:
    where = both(one.where(), _ignored(one, columns))
    check = one.named(f"{'_'.join(columns)}_{of}", where)
    one.maker.plain(check, type="expression", where=where, arguments={"sql": sql}, fail_above=one.above())


def _ignored(one: Expectation, columns: list[str]) -> str | None:
    """The rows that are not ignored, by `ignore_row_if`."""
    nulls = [f"{quoted(column)} is null" for column in columns]
    pairs = {"both_values_are_missing": " and ", "either_value_is_missing": " or ", "neither": None}
    lists = {"all_values_are_missing": " and ", "any_value_is_missing": " or ", "never": None}
    known, default = (pairs, "both_values_are_missing") if "column_A" in one.kwargs else (lists, "all_values_are_missing")
    ignored = one.kwargs.get("ignore_row_if") or default
    if ignored not in known:
        raise NoRule(f"ignore_row_if must be one of {', '.join(known)}")
    joined = known[ignored]
    return f"not ({joined.join(nulls)})" if joined is not None else None


def _pair_greater(one: Expectation) -> None:
    one.known("column_A", "column_B", "or_equal", "ignore_row_if", "mostly", *_ROWS)
    _pair(one, {"operator": ">=" if one.flag("or_equal") else ">"})


def _pair_equal(one: Expectation) -> None:
    one.known("column_A", "column_B", "ignore_row_if", "mostly", *_ROWS)
    _pair(one, {"operator": "=", "null_passes": False})


def _pair(one: Expectation, arguments: JsonObject) -> None:
    left, right = one.text("column_A"), one.text("column_B")
    where = both(one.where(), _ignored(one, [left, right]))
    check = one.named(f"{left}_{right}_compare", where)
    arguments |= {"other_column": right}
    one.maker.plain(check, type="compare", column=left, where=where, arguments=arguments, fail_above=one.above())


def _pair_in_set(one: Expectation) -> None:
    one.known("column_A", "column_B", "value_pairs_set", "ignore_row_if", "mostly", *_ROWS)
    left, right, pairs = one.text("column_A"), one.text("column_B"), one.kwargs.get("value_pairs_set")
    if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise NoRule("value_pairs_set must be a list of pairs")
    if any(value is None for pair in pairs for value in pair):
        raise NoRule("value_pairs_set holds a null")
    sql = " or ".join(
        f"({quoted(left)} = {sql_value(first)} and {quoted(right)} = {sql_value(second)})" for first, second in pairs
    )
    _row_rule(one, [left, right], "pairs", sql)


def _row_count(one: Expectation) -> None:
    one.known("min_value", "max_value", "strict_min", "strict_max", *_ROWS)
    one.maker.rows(one.named("row_count", one.where()), one.failing(), None)


def _row_count_equals(one: Expectation) -> None:
    one.known("value", *_ROWS)
    value = one.bound("value")
    if value is None:
        raise NoRule("value must be a number")
    one.maker.rows(one.named("row_count", one.where()), Zone(value, value, outside=True), None)


def _row_count_as_other(one: Expectation) -> None:
    one.known("other_table_name")
    name = one.text("other_table_name")
    other = TableName.parse(name) if "." in name else TableName(one.check.table.schema, name)
    one.maker.plain(one.named(f"rows_as_{other.name}", None), type="row_count_matches", arguments={"other_table": str(other)})


def _column_count(one: Expectation) -> None:
    one.known("min_value", "max_value", "value")
    if "value" in one.kwargs:
        low = high = one.bound("value")
    else:
        low, high = one.bound("min_value"), one.bound("max_value")
    if (low is None and high is None) or any(bound is not None and bound != bound.to_integral_value() for bound in (low, high)):
        raise NoRule("its bounds must be whole numbers")
    arguments = {side: int(bound) for side, bound in (("min", low), ("max", high)) if bound is not None}
    one.maker.plain(one.named("column_count", None), type="column_count", arguments=arguments)


def _column_exists(one: Expectation) -> None:
    one.known("column", "column_index")
    if one.kwargs.get("column_index"):
        raise NoRule("the place of a column alone is not looked at; name all columns in order")
    column = one.text("column")
    one.maker.plain(one.named(f"{column}_exists", None), type="columns", arguments={"names": [column], "mode": "contains"})


def _columns_ordered(one: Expectation) -> None:
    one.known("column_list")
    names = one.texts("column_list")
    one.maker.plain(one.named("columns", None), type="columns", arguments={"names": names, "mode": "ordered"})


def _columns_set(one: Expectation) -> None:
    one.known("column_set", "exact_match")
    exact = one.kwargs.get("exact_match")
    if exact not in (None, True, False):
        raise NoRule("exact_match must be true or false")
    names = list(dict.fromkeys(one.texts("column_set")))
    one.maker.plain(
        one.named("columns", None), type="columns", arguments={"names": names, "mode": "contains" if exact is False else "exact"}
    )


def _type(one: Expectation) -> None:
    one.known("column", "type_", "mostly")
    _typed(one, [one.text("type_")])


def _type_list(one: Expectation) -> None:
    one.known("column", "type_list", "mostly")
    _typed(one, one.texts("type_list"))


def _typed(one: Expectation, wanted: list[str]) -> None:
    column = one.text("column")
    types = types_of(wanted, one.old)
    one.maker.plain(one.named(f"{column}_type", None), type="column_type", column=column, arguments={"types": types})
    if not one.old and (sized := [name for name in wanted if name.upper() in SIZED]):
        words = (
            f"{one.kind}: a {' or '.join(sized)} with a length or precision counts too; Great Expectations 1 wants it in the name"
        )
        one.maker.collector.lose(one.check.place, words)


def _aggregate(function: str, measure: str) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", "min_value", "max_value", "strict_min", "strict_max", *_ROWS)
        column, where = one.text("column"), one.where()
        check = one.named(f"{column}_{function}", where)
        one.maker.aggregate(check, column, function, measure.format(quoted(column)), one.failing(), None)
        one.maker.needs_a_value(check, None)

    return add


def _extreme(function: str) -> Callable[[Expectation], None]:
    """min and max, whose bounds may be dates."""

    def add(one: Expectation) -> None:
        bounds = [one.kwargs.get(name) for name in ("min_value", "max_value")]
        if not any(isinstance(bound, str) for bound in bounds):
            _aggregate(function, f"{function}({{}})")(one)
            return
        one.known("column", "min_value", "max_value", "strict_min", "strict_max", *_ROWS)
        column, where = one.text("column"), one.where()
        check = one.named(f"{column}_{function}", where)
        arguments = {"function": function} | {
            side: bound for side, bound in zip(("min", "max"), bounds, strict=True) if bound is not None
        }
        arguments |= {f"exclusive_{side}": True for side in ("min", "max") if side in arguments and one.flag(f"strict_{side}")}
        one.maker.plain(check, type="aggregate", column=column, where=where, arguments=arguments)
        one.maker.needs_a_value(check, None)

    return add


def _distinct_count(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *_ROWS)
    column, failing, where = one.text("column"), one.failing(), one.where()
    check = one.named(f"{column}_distinct_count", where)
    one.maker.aggregate(check, column, "distinct_count", f"count(distinct {quoted(column)})", failing, None)
    if failing.holds(0):
        one.maker.needs_a_value(check, None)


def _distinct_ratio(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *_ROWS)
    column, failing = one.text("column"), one.failing()
    check, name = one.named(f"{column}_distinct_ratio", one.where()), quoted(column)
    if failing.holds(0):
        one.maker.aggregate(check, column, "distinct_ratio", "", failing, None)
        one.maker.needs_a_value(check, None)
    else:  # without values, the ratio is 0
        one.maker.queried(check, f"coalesce(1.0 * count(distinct {name}) / nullif(count({name}), 0), 0)", failing, None)


def _nonnull_ratio(one: Expectation) -> None:
    one.known("column", "min_value", "max_value", "strict_min", "strict_max", *_ROWS)
    column = one.text("column")
    measure = f"coalesce(1.0 * count({quoted(column)}) / nullif(count(*), 0), 0)"
    one.maker.queried(one.named(f"{column}_nonnull_ratio", one.where()), measure, one.failing(), None)


def _quantiles(one: Expectation) -> None:
    one.known("column", "quantile_ranges", "allow_relative_error", *_ROWS)
    column, ranges = one.text("column"), one.kwargs.get("quantile_ranges")
    quantiles, values = (ranges.get(name) if isinstance(ranges, dict) else None for name in ("quantiles", "value_ranges"))
    if not isinstance(quantiles, list) or not isinstance(values, list) or len(quantiles) != len(values) or not quantiles:
        raise NoRule("quantile_ranges must hold as many quantiles as value_ranges")
    where = one.where()
    for quantile, pair in zip(quantiles, values, strict=True):
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(bound is None or type(bound) in (int, float) for bound in pair)
        ):
            raise NoRule("a value range must hold two numbers, or null")
        if type(quantile) not in (int, float) or not 0 <= quantile <= 1:
            raise NoRule("a quantile must be a number from 0 to 1")
        low, high = (Decimal(str(bound)) if bound is not None else None for bound in pair)
        # what is as close as 1e-8 and a ten thousandth of a bound counts as the bound
        widened = Zone(low - _slack(low) if low is not None else None, high + _slack(high) if high is not None else None)
        measure = f"percentile_disc({plain(Decimal(str(quantile)))}) within group (order by {quoted(column)})"
        check = one.named(f"{column}_quantile_{quantile}", where)
        source = f"{check.relation}{f' where {where}' if where else ''}"
        query = f"select {measure} as measured from {source} having {measure} is null or not ({widened.sql(measure)})"
        one.maker.query(check, query)


def _slack(bound: Decimal) -> Decimal:
    return Decimal("1e-8") + abs(bound) / 10_000


def _distinct_values(mode: str) -> Callable[[Expectation], None]:
    def add(one: Expectation) -> None:
        one.known("column", "value_set", *_ROWS)
        column, values, where = one.text("column"), one.values("value_set"), one.where()
        if any(isinstance(value, float) and value != int(value) for value in values):
            raise NoRule("a fraction among its values is not compared in SQL, but in Python")
        check = one.named(f"{column}_distinct", where)
        one.maker.plain(check, type="distinct_values", column=column, where=where, arguments={"values": values, "mode": mode})
        if mode != "in" and values:
            one.maker.needs_a_value(check, None)

    return add


def _most_common(one: Expectation) -> None:
    one.known("column", "value_set", "ties_okay", *_ROWS)
    column, values, where = one.text("column"), one.values("value_set"), one.where()
    if any(isinstance(value, float) and value != int(value) for value in values):
        raise NoRule("a fraction among its values is not compared in SQL, but in Python")
    check = one.named(f"{column}_most_common", where)
    ties = one.flag("ties_okay")
    arguments = {"values": values, "ties": "pass" if ties else "fail"}
    one.maker.plain(check, type="most_common_value", column=column, where=where, arguments=arguments)
    one.maker.needs_a_value(check, None)
    if not ties:  # one value alone may be the most common
        name = quoted(column)
        counts = f"select count(*) as times from {check.relation} where {both(where, f'{name} is not null')} group by {name}"
        query = f"select count(*) as measured from ({counts}) as counts where times = (select max(times) from ({counts}) as all_counts) having count(*) > 1"
        one.maker.query(one.named(f"{column}_most_common_alone", where), query)


def _unexpected_rows(one: Expectation) -> None:
    one.known("unexpected_rows_query")
    query = one.text("unexpected_rows_query").strip().rstrip(";").rstrip()
    filled = query.replace("{batch}", one.check.relation).replace("{active_batch}", one.check.relation)
    if "{" in filled:
        raise NoRule("its query holds a placeholder that is not known")
    one.maker.query(one.named("unexpected_rows", None), filled)


_HANDLERS: dict[str, Callable[[Expectation], None]] = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_be_between": _between,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length_equals,
    "expect_column_values_to_match_regex": _matched("regex", "regex", negate=False),
    "expect_column_values_to_not_match_regex": _matched("regex", "regex", negate=True),
    "expect_column_values_to_match_like_pattern": _matched("like", "like_pattern", negate=False),
    "expect_column_values_to_not_match_like_pattern": _matched("like", "like_pattern", negate=True),
    "expect_column_values_to_match_regex_list": _matched_list("~", "regex_list", negate=False),
    "expect_column_values_to_not_match_regex_list": _matched_list("~", "regex_list", negate=True),
    "expect_column_values_to_match_like_pattern_list": _matched_list("like", "like_pattern_list", negate=False),
    "expect_column_values_to_not_match_like_pattern_list": _matched_list("like", "like_pattern_list", negate=True),
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _compound_unique,
    "expect_select_column_values_to_be_unique_within_record": _unique_within,
    "expect_multicolumn_sum_to_equal": _sum_equals,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair_greater,
    "expect_column_pair_values_to_be_equal": _pair_equal,
    "expect_column_pair_values_to_be_in_set": _pair_in_set,
    "expect_table_row_count_to_be_between": _row_count,
    "expect_table_row_count_to_equal": _row_count_equals,
    "expect_table_row_count_to_equal_other_table": _row_count_as_other,
    "expect_table_column_count_to_be_between": _column_count,
    "expect_table_column_count_to_equal": _column_count,
    "expect_column_to_exist": _column_exists,
    "expect_table_columns_to_match_ordered_list": _columns_ordered,
    "expect_table_columns_to_match_set": _columns_set,
    "expect_column_values_to_be_of_type": _type,
    "expect_column_values_to_be_in_type_list": _type_list,
    "expect_column_mean_to_be_between": _aggregate("avg", "avg({})"),
    "expect_column_median_to_be_between": _aggregate("median", "percentile_cont(0.5) within group (order by {})"),
    "expect_column_sum_to_be_between": _aggregate("sum", "sum({})"),
    "expect_column_stdev_to_be_between": _aggregate("stddev", "stddev_samp({})"),
    "expect_column_min_to_be_between": _extreme("min"),
    "expect_column_max_to_be_between": _extreme("max"),
    "expect_column_unique_value_count_to_be_between": _distinct_count,
    "expect_column_proportion_of_unique_values_to_be_between": _distinct_ratio,
    "expect_column_proportion_of_non_null_values_to_be_between": _nonnull_ratio,
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_column_distinct_values_to_be_in_set": _distinct_values("in"),
    "expect_column_distinct_values_to_contain_set": _distinct_values("contain"),
    "expect_column_distinct_values_to_equal_set": _distinct_values("equal"),
    "expect_column_most_common_value_to_be_in_set": _most_common,
    "unexpected_rows_expectation": _unexpected_rows,
}
