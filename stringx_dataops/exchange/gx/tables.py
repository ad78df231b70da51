"""Expectations about a table: its rows, its columns and their types, and queries of one's own."""

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.exchange.gx.conditions import NoRule
from stringx_dataops.exchange.gx.expectation import ROWS, Expectation
from stringx_dataops.exchange.gx.types import SIZED, types_of
from stringx_dataops.exchange.zones import Zone


def row_count(one: Expectation) -> None:
    one.known("min_value", "max_value", "strict_min", "strict_max", *ROWS)
    one.maker.rows(one.named("row_count", one.where()), one.failing(), None)


def row_count_equals(one: Expectation) -> None:
    one.known("value", *ROWS)
    value = one.bound("value")
    if value is None:
        raise NoRule("value must be a number")
    one.maker.rows(one.named("row_count", one.where()), Zone(value, value, outside=True), None)


def row_count_as_other(one: Expectation) -> None:
    one.known("other_table_name")
    name = one.text("other_table_name")
    try:
        other = TableName.parse(name) if "." in name else TableName.parse(str(TableName(one.check.table.schema, name)))
    except ValueError as error:
        raise NoRule(f"the table {name} {error}") from error
    one.maker.plain(one.named(f"rows_as_{other.name}", None), type="row_count_matches", arguments={"other_table": other.as_other})


def column_count(one: Expectation) -> None:
    one.known("min_value", "max_value", "value")
    if "value" in one.kwargs:
        low = high = one.bound("value")
    else:
        low, high = one.bound("min_value"), one.bound("max_value")
    if (low is None and high is None) or any(bound is not None and bound != bound.to_integral_value() for bound in (low, high)):
        raise NoRule("its bounds must be whole numbers")
    arguments = {side: int(bound) for side, bound in (("min", low), ("max", high)) if bound is not None}
    one.maker.plain(one.named("column_count", None), type="column_count", arguments=arguments)


def column_exists(one: Expectation) -> None:
    one.known("column", "column_index")
    if one.kwargs.get("column_index") is not None:
        raise NoRule("the place of a column alone is not looked at; name all columns in order")
    column = one.text("column")
    one.maker.plain(one.named(f"{column}_exists", None), type="columns", arguments={"names": [column], "mode": "contains"})


def columns_ordered(one: Expectation) -> None:
    one.known("column_list")
    names = one.texts("column_list")
    one.maker.plain(one.named("columns", None), type="columns", arguments={"names": names, "mode": "ordered"})


def columns_set(one: Expectation) -> None:
    one.known("column_set", "exact_match")
    exact = one.kwargs.get("exact_match")
    if exact is not None and not isinstance(exact, bool):
        raise NoRule("exact_match must be true or false")
    names = list(dict.fromkeys(one.texts("column_set")))
    one.maker.plain(
        one.named("columns", None), type="columns", arguments={"names": names, "mode": "contains" if exact is False else "exact"}
    )


def column_type(one: Expectation) -> None:
    one.known("column", "type_", "mostly")
    _typed(one, [one.text("type_")])


def column_type_list(one: Expectation) -> None:
    one.known("column", "type_list", "mostly")
    _typed(one, one.texts("type_list"))


def _typed(one: Expectation, wanted: list[str]) -> None:
    column = one.text("column")
    types = types_of(wanted, one.old)
    one.maker.plain(one.named(f"{column}_type", None), type="column_type", column=column, arguments={"types": types})
    if not one.old and (sized := [name for name in wanted if name.upper() in SIZED]):
        one.lose(f"a {' or '.join(sized)} with a length or precision counts too; Great Expectations 1 wants it in the name")


def unexpected_rows(one: Expectation) -> None:
    one.known("unexpected_rows_query")
    query = one.text("unexpected_rows_query").strip().rstrip(";").rstrip()
    filled = query.replace("{batch}", one.check.relation).replace("{active_batch}", one.check.relation)
    if "{" in filled:
        raise NoRule("its query holds a placeholder that is not known")
    one.maker.query(one.named("unexpected_rows", None), filled)
