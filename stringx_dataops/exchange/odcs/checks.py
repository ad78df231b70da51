"""The entries under `quality` as rules."""

import re
from typing import Any

import yaml

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.foreign import Mapping
from stringx_dataops.exchange.odcs.operators import Lost, comparison_of, thresholds, warns
from stringx_dataops.exchange.odcs.properties import pattern
from stringx_dataops.exchange.sql import literal, quoted

ENGINE = "stringx"
DIMENSIONS = {  # of ODCS, and ours
    "accuracy": "accuracy",
    "completeness": "completeness",
    "conformity": "validity",
    "consistency": "consistency",
    "timeliness": "timeliness",
    "uniqueness": "uniqueness",
}
_PLACEHOLDER = re.compile(r"\$?\{\s*(table|model|object|schema|column|field|property)\s*\}")


def rule_of_check(check: Mapping, table: TableName, column: str | None) -> JsonObject:
    """The rule of one entry, with its own id only if `engine: stringx` says it. Raises Lost."""
    kind = check.get("type") or "library"
    if kind == "custom":
        return _custom(check)
    common = {"description": check.get("description"), "dimension": _dimension(check)}
    if kind == "sql":
        return _of_query(check, table, column) | common
    if kind != "library":
        raise Lost(f"type {kind} is no check that a machine decides")
    return _of_metric(check, column) | common


def _custom(check: Mapping) -> JsonObject:
    """A rule as it stands in a table's document."""
    if check.get("engine") != ENGINE:
        raise Lost(f"engine {check.get('engine')} runs its own checks")
    rule = check.get("implementation")
    if isinstance(rule, str):
        try:
            rule = yaml.safe_load(rule)
        except yaml.YAMLError as error:
            raise Lost("implementation is no YAML") from error
    if not isinstance(rule, dict):
        raise Lost("implementation is no rule")
    return dict(rule)


def _dimension(check: Mapping) -> str | None:
    return DIMENSIONS.get(str(check.get("dimension")))


def _of_metric(check: Mapping, column: str | None) -> JsonObject:
    metric = check.get("metric") or check.get("rule")
    arguments = check.get("arguments")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise Lost("arguments are no mapping")
    known = {"duplicateValues": "properties", "missingValues": "missingValues"}.get(str(metric))
    if metric != "invalidValues" and (unknown := next((key for key in arguments if key != known), None)):
        raise Lost(f"{metric} does not take the argument {unknown}")
    if metric == "rowCount":
        if column is not None:
            raise Lost("rowCount is about a table, not a column")
        if check.get("unit") not in (None, "rows"):
            raise Lost(f"rowCount has the unit {check['unit']}")
        bounds = comparison_of(check).bounds()
        return {"type": "row_count", "arguments": {"warn": bounds} if warns(check) else bounds}
    if metric == "duplicateValues":
        return _of_duplicates(check, arguments, column)
    if column is None:
        raise Lost(f"{metric} is about a column; put it under a property")
    decided = thresholds(check)
    match metric:
        case "nullValues":
            return {"type": "not_null", "column": column, **decided}
        case "missingValues":
            return _of_missing(column, arguments.get("missingValues")) | decided
        case "invalidValues":
            return _of_invalid(column, arguments) | decided
    raise Lost(f"{metric} is no metric of ODCS")


def _of_duplicates(check: Mapping, arguments: JsonObject, column: str | None) -> JsonObject:
    """Tools count keys that repeat, a rule rows beyond the first: only no duplicate at all means the same."""
    columns = arguments.get("properties") or ([column] if column is not None else None)
    if not isinstance(columns, list) or not columns:
        raise Lost("duplicateValues needs a property, or arguments.properties")
    decided = thresholds(check)
    if set(decided.values()) - {"warn"}:
        raise Lost("duplicateValues: how many duplicates there are is counted in different ways; only 0 means the same")
    return {"type": "unique", **({"column": columns[0]} if len(columns) == 1 else {"columns": columns}), **decided}


def _of_missing(column: str, values: Any) -> JsonObject:
    """Which values count as missing; null is one of them if it stands in the list, or if there is no list."""
    if values is not None and not isinstance(values, list):
        raise Lost("missingValues is no list of values")
    listed = values if values is not None else [None]
    texts = [each for each in listed if each is not None]
    if not texts:
        return {"type": "not_null", "column": column}
    if None not in listed:
        return {"type": "rejected_values", "column": column, "arguments": {"values": texts}}
    condition = f"{quoted(column)} not in ({', '.join(map(literal, texts))})"
    return {"type": "expression", "arguments": {"sql": condition, "null_passes": False}}


def _of_invalid(column: str, arguments: JsonObject) -> JsonObject:
    values, text = arguments.get("validValues"), arguments.get("pattern")
    unknown = set(arguments) - {"validValues", "pattern"}
    if unknown or (values is None) == (text is None):
        raise Lost("invalidValues takes validValues or pattern, one of the two")
    if text is not None:
        rule = pattern(column, text)
        if isinstance(rule, Lost):
            raise rule
        return rule
    if not isinstance(values, list) or None in values:
        raise Lost("validValues is no list of values")
    return {"type": "accepted_values", "column": column, "arguments": {"values": values}}


def _of_query(check: Mapping, table: TableName, column: str | None) -> JsonObject:
    """A query whose one value is compared: the rule's query returns a row where the comparison does not hold."""
    query = check.get("query")
    if not isinstance(query, str) or not query.strip():
        raise Lost("type sql has no query")
    if check.get("unit") not in (None, "rows"):
        raise Lost(f"a query has the unit {check['unit']}")
    name = f"{quoted(table.schema)}.{quoted(table.name)}"
    known = {"table": name, "model": name, "object": name, "schema": quoted(table.schema)}
    if column is not None:
        known |= dict.fromkeys(("column", "field", "property"), quoted(column))

    def filled(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise Lost(f"the query holds {match[0]}, and stands under no property")
        return known[match[1]]

    text = _PLACEHOLDER.sub(filled, query.strip().rstrip(";"))
    comparison = comparison_of(check)
    severity = {"severity": "warn"} if warns(check) else {}
    wrapped = f"select found from (select ({text}) as found) as measured where (found {comparison.sql}) is not true"
    return {"type": "sql", "arguments": {"query": wrapped}, **severity}
