"""Maps a dbt test to a rule: of a native type if the same number means the same, else of type `dbt`, which runs the test."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.dbt.packages import PACKAGE_TESTS
from stringx_dataops.exchange.dbt.tests import BUILT_IN, DECIDING, DbtTest, Lost, advice_about_jinja, is_rendered
from stringx_dataops.exchange.dbt.thresholds import Inexact, Thresholds, thresholds_of
from stringx_dataops.exchange.dbt.values import column_of, condition_of, values_of
from stringx_dataops.exchange.sql import quoted

_COUNTED = re.compile(r"count\s*\(\s*\*\s*\)", re.IGNORECASE)


def rule_of(test: DbtTest) -> JsonObject:
    """The rule without its id. Raises Lost."""
    settings = {name: value for name, value in test.config.items() if name in DECIDING}
    for name, value in (("its column", test.column), ("an argument", test.arguments), ("its config", settings)):
        if is_rendered(value):
            raise Lost(f"{test.name}: {name} {advice_about_jinja(value)}")
    if test.config.get("sql_header"):
        raise Lost(f"{test.name}: its sql_header has no place in a check of several rules; leave it out")
    common = {"description": test.description or None, "active": None if test.active else False}
    try:
        return _native(test) | common
    except Inexact:
        return _of_type_dbt(test) | common


def _native(test: DbtTest) -> JsonObject:
    """The rule of a native type. Raises Inexact, or Lost for what dbt itself would refuse."""
    mapped = _BUILT_IN.get(test.name) or PACKAGE_TESTS.get(test.name)
    if mapped is None:
        raise Inexact("no type says the same")
    if not _COUNTED.fullmatch(str(test.config.get("fail_calc") or "count(*)").strip()):
        raise Inexact("it has a fail_calc of its own")
    if test.config.get("limit") is not None:
        raise Inexact("it has a limit, up to which dbt counts")
    return mapped(test, thresholds_of(test.config))


def _of_type_dbt(test: DbtTest) -> JsonObject:
    config = {name: test.config.get(name) for name in ("fail_calc", "warn_if", "error_if", "limit")}
    arguments = {
        "test": test.name,
        "arguments": _given(test.arguments),
        "config": {name: value if name == "limit" else str(value) for name, value in config.items() if value is not None},
    }
    severity = str(test.config.get("severity") or "error").lower()
    if severity not in ("warn", "error"):
        raise Lost(f"{test.name}: severity {severity!r} is neither warn nor error")
    column, is_name = column_of(test.column) if test.column is not None else (None, True)
    if not is_name:
        raise Lost(f"{test.name}: its column is an expression ({test.column}), which a rule of type dbt does not take")
    return {
        "type": "dbt",
        "column": column,
        "arguments": {name: value for name, value in arguments.items() if value},
        "severity": severity if test.config.get("severity") else None,
        "where": test.config.get("where"),
    }


def _given(value: Any) -> Any:
    """Arguments as a rule of type `dbt` has them: relations as {relation: schema.table}."""
    if isinstance(value, TableName):
        return {"relation": str(value)}
    if isinstance(value, dict):
        return {name: _given(item) for name, item in value.items()}
    return [_given(item) for item in value] if isinstance(value, list) else value


def _not_null(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    test.take_only()
    column, is_name = column_of(test.column)
    counted = {"where": test.config.get("where"), **thresholds.of_counts()}
    if is_name:
        return {"type": "not_null", "column": column, **counted}
    return {"type": "expression", "arguments": {"sql": f"({column}) is not null"}, **counted}


def _unique(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    test.take_only()
    column, is_name = column_of(test.column)
    if not is_name:
        return _query_of_repeated(test, column) | thresholds.of_counts()
    if not thresholds.are_of_zero:
        raise Inexact("dbt counts keys that repeat")
    return {"type": "unique", "column": column, "where": test.config.get("where"), **thresholds.of_counts()}


def _query_of_repeated(test: DbtTest, expression: str) -> JsonObject:
    """Expressions have no `unique`: a query returns a row for each that repeats, as dbt's own test does."""
    condition = condition_of(test.config.get("where"))
    rows = f"{quoted(test.table.schema)}.{quoted(test.table.name)}"
    where = f" where ({condition})" if condition else ""
    query = (
        f"select expression from (select ({expression}) as expression from {rows}{where}) as expressions"
        " where expression is not null group by expression having count(*) > 1"
    )
    return {"type": "sql", "arguments": {"query": query}}


def _accepted_values(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    test.take_only("values", "quote")
    values = values_of(test)
    if not thresholds.are_of_zero:
        raise Inexact("dbt counts different wrong values")
    return {
        "type": "accepted_values",
        "column": _name_of(test.column),
        "arguments": {"values": values},
        "where": test.config.get("where"),
        **thresholds.of_counts(),
    }


def _relationships(test: DbtTest, thresholds: Thresholds) -> JsonObject:
    test.take_only("to", "field")
    to, field = test.argument("to"), test.argument("field")
    if not isinstance(to, TableName) or not isinstance(field, str):
        raise Lost("relationships needs `to`, a ref or a source, and `field`, a column of it")
    return {
        "type": "relationship",
        "column": _name_of(test.column),
        "arguments": {"to_table": to.as_other, "to_column": _name_of(field)},
        "where": test.config.get("where"),
        **thresholds.of_counts(),
    }


def _name_of(column: str | None) -> str:
    name, is_name = column_of(column)
    if not is_name:
        raise Inexact("its column is an expression")
    return name


_BUILT_IN: dict[str, Callable[[DbtTest, Thresholds], JsonObject]] = {
    "not_null": _not_null,
    "unique": _unique,
    "accepted_values": _accepted_values,
    "relationships": _relationships,
}


def package_of(test: DbtTest) -> str | None:
    """Whose test it is if not dbt's own: a package, or an empty text for the project itself."""
    package, dot, _ = test.name.rpartition(".")
    return package if dot and package != "dbt" else None if test.name.removeprefix("dbt.") in BUILT_IN else ""


def remarks_about(tests: Sequence[tuple[DbtTest, JsonObject]]) -> list[str]:
    """What the service's dbt project must have for the rules of type `dbt`."""
    needed = sorted({package_of(test) or f"the test {test.name}" for test, rule in tests
                     if rule["type"] == "dbt" and package_of(test) is not None})  # fmt: skip
    remarks = (
        [f"rules of type dbt need {', '.join(needed)} in the dbt project of the service (DBT_PROJECT_DIR)"] if needed else []
    )
    if any(rule["type"] in ("unique", "accepted_values", "rejected_values") for _, rule in tests):
        remarks.append(
            "unique, accepted_values and rejected_values count rows, and dbt counts keys or different values;"
            " they pass, warn and fail alike, because one failure decides"
        )
    return remarks
