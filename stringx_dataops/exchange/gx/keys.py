"""Expectations about keys, and about several columns of a row."""

from decimal import Decimal

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.conditions import NoRule, sql_value
from stringx_dataops.exchange.gx.expectation import ROWS, Expectation
from stringx_dataops.exchange.making import both
from stringx_dataops.exchange.sql import quoted
from stringx_dataops.exchange.zones import Zone, plain


def unique(one: Expectation) -> None:
    one.known("column", "mostly", *ROWS)
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


def compound_unique(one: Expectation) -> None:
    one.known("column_list", "ignore_row_if", "mostly", *ROWS)
    columns, share = one.texts("column_list"), one.above()
    where = both(one.where(), _ignored(one, columns))
    if share is not None:
        _repeated(one, columns, share, where)
        return
    check = one.named(f"{'_'.join(columns)}_unique", where)
    one.maker.plain(check, type="unique", columns=columns, where=where)


def unique_within(one: Expectation) -> None:
    one.known("column_list", "ignore_row_if", "mostly", *ROWS)
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


def sum_equals(one: Expectation) -> None:
    one.known("column_list", "sum_total", "ignore_row_if", "mostly", *ROWS)
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
    if not isinstance(ignored, str) or ignored not in known:
        raise NoRule(f"ignore_row_if must be one of {', '.join(known)}")
    joined = known[ignored]
    return f"not ({joined.join(nulls)})" if joined is not None else None


def pair_greater(one: Expectation) -> None:
    one.known("column_A", "column_B", "or_equal", "ignore_row_if", "mostly", *ROWS)
    _pair(one, {"operator": ">=" if one.flag("or_equal") else ">"})


def pair_equal(one: Expectation) -> None:
    one.known("column_A", "column_B", "ignore_row_if", "mostly", *ROWS)
    _pair(one, {"operator": "=", "null_passes": False})


def _pair(one: Expectation, arguments: JsonObject) -> None:
    left, right = one.text("column_A"), one.text("column_B")
    where = both(one.where(), _ignored(one, [left, right]))
    check = one.named(f"{left}_{right}_compare", where)
    arguments |= {"other_column": right}
    one.maker.plain(check, type="compare", column=left, where=where, arguments=arguments, fail_above=one.above())


def pair_in_set(one: Expectation) -> None:
    one.known("column_A", "column_B", "value_pairs_set", "ignore_row_if", "mostly", *ROWS)
    left, right, pairs = one.text("column_A"), one.text("column_B"), one.kwargs.get("value_pairs_set")
    if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise NoRule("value_pairs_set must be a list of pairs")
    if any(value is None for pair in pairs for value in pair):
        raise NoRule("value_pairs_set holds a null")
    sql = " or ".join(
        f"({quoted(left)} = {sql_value(first)} and {quoted(right)} = {sql_value(second)})" for first, second in pairs
    )
    _row_rule(one, [left, right], "pairs", sql)
