"""Writes documents of tables as data contracts, from which an import makes the same documents."""

from collections.abc import Sequence

import yaml

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.globs import is_column_glob
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.model import Written
from stringx_dataops.exchange.names import file_name
from stringx_dataops.exchange.odcs.checks import DIMENSIONS, ENGINE
from stringx_dataops.exchange.odcs.operators import written
from stringx_dataops.exchange.odcs.reading import SETTINGS

API_VERSION = "v3.1.0"
_OF_ODCS = {ours: theirs for theirs, ours in DIMENSIONS.items()}
_SAID = {"id", "type", "column", "columns", "arguments", "warn_above", "fail_above", "severity", "description", "dimension"}
_SHAPE = ("apiVersion", "kind", "target", "table", "rules")


def write(documents: Sequence[TableDocument], catalogue: Catalogue) -> Written:
    """A contract per table; nothing is lost, because what ODCS cannot say is a check of the engine `stringx`."""
    files = {}
    for document in sorted(documents, key=lambda each: each.table):
        text = yaml.safe_dump(_contract(document, catalogue), sort_keys=False, allow_unicode=True, width=140)
        files[f"{file_name(document.table)}.odcs.yaml"] = text
    return Written(files, [])


def _contract(document: TableDocument, catalogue: Catalogue) -> JsonObject:
    table = TableName.parse(document.table)
    columns: dict[str, list[JsonObject]] = {}
    checks: list[JsonObject] = []
    for rule in document.model_dump(mode="json", exclude_unset=True).get("rules", []):
        column, check = _check(rule)
        (checks if column is None else columns.setdefault(column, [])).append(check)
    settings = {name: value for name, value in document.model_dump(mode="json", exclude_unset=True).items() if name not in _SHAPE}
    entry: JsonObject = {"name": table.name, "physicalName": document.table, "physicalType": "table"}
    if document.description:
        entry["description"] = document.description
    entry["customProperties"] = [{"property": SETTINGS, "value": settings}]
    if columns:
        entry["properties"] = [{"name": name, "quality": quality} for name, quality in columns.items()]
    if checks:
        entry["quality"] = checks
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"stringx-{document.target}-{document.table}",
        "name": document.table,
        "version": "1.0.0",
        "status": "active",
        "schema": [entry],
    }


def _check(rule: JsonObject) -> tuple[str | None, JsonObject]:
    """The column under which a rule stands, or None for the table, and its check."""
    columns = rule.get("columns") or [rule.get("column") or ""]
    metric = _metric(rule) if set(rule) <= _SAID and not any(map(is_column_glob, columns)) else None
    if metric is None:
        return None, {"id": rule["id"], "type": "custom", "engine": ENGINE, "implementation": rule}
    column, check = metric
    more = {"description": rule.get("description"), "dimension": _OF_ODCS.get(str(rule.get("dimension")))}
    return column, {"id": rule["id"], **check, **{name: value for name, value in more.items() if value}}


def _metric(rule: JsonObject) -> tuple[str | None, JsonObject] | None:
    """The same as a metric of ODCS's library, from which an import makes this very rule; None if there is none."""
    arguments = rule.get("arguments") or {}
    column, decided = rule.get("column"), written(rule)
    kind = rule["type"]
    if kind == "row_count":
        bounds = {("min",): "mustBeGreaterOrEqualTo", ("max",): "mustBeLessOrEqualTo"}.get(tuple(arguments))
        return (None, {"metric": "rowCount", bounds: arguments[next(iter(arguments))]}) if bounds else None
    if decided is None or rule.get("severity") == "error" or 0 in (rule.get("warn_above"), rule.get("fail_above")):
        return None
    if kind == "unique" and not arguments and decided.get("mustBe") == 0:
        if column is not None:
            return column, {"metric": "duplicateValues", **decided}
        if len(rule["columns"]) > 1:
            return None, {"metric": "duplicateValues", "arguments": {"properties": rule["columns"]}, **decided}
    if column is None:
        return None
    if kind == "not_null":
        return column, {"metric": "nullValues", **decided}
    if kind == "accepted_values" and set(arguments) == {"values"}:
        return column, {"metric": "invalidValues", "arguments": {"validValues": arguments["values"]}, **decided}
    if kind == "rejected_values" and set(arguments) == {"values"} and arguments["values"]:
        return column, {"metric": "missingValues", "arguments": {"missingValues": arguments["values"]}, **decided}
    return None
