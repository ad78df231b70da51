"""Writes documents of tables as tests of sources, for a dbt project that has `stringx` as a package."""

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.dbt.tests import is_rendered
from stringx_dataops.exchange.model import Loss, Written
from stringx_dataops.exchange.sql import quoted

FILE = "stringx_sources.yml"
_TEST, _QUERY = "stringx.stringx_rule", "stringx.stringx_query"
_NOT_DBTS = ("key", "sample_columns", "window_column", "gate", "expected_by")


def write(documents: Sequence[TableDocument], catalogue: Catalogue) -> Written:
    """One file of sources, a source per schema. What dbt cannot say is lost."""
    losses: list[Loss] = []
    names: set[str] = set()
    sources: dict[str, list[JsonObject]] = {}
    for document in sorted(documents, key=lambda each: each.table):
        table = TableName.parse(document.table)
        tests = list(_tests(document, catalogue, losses))
        for test in tests:
            _name_apart(test, names)
        for name in _NOT_DBTS:
            if name in document.model_fields_set:
                losses.append(Loss(document.table, f"{name} has no counterpart in dbt"))
        if document.timezone != "UTC":
            losses.append(Loss(document.table, f"timezone {document.timezone}: dbt's tests run in the time zone of its session"))
        described = _described(document.description, document.table, losses)
        sources.setdefault(table.schema, []).append({"name": table.name, **described, "data_tests": tests})
    listed = [{"name": schema, "schema": schema, "tables": tables} for schema, tables in sorted(sources.items())]
    text = yaml.safe_dump({"version": 2, "sources": listed}, sort_keys=False, allow_unicode=True, width=140)
    return Written({FILE: text} if listed else {}, losses)


def _tests(document: TableDocument, catalogue: Catalogue, losses: list[Loss]) -> Iterable[JsonObject]:
    counts_rows = False
    for rule in document.rules:
        place = f"{document.table}: {rule.id}"
        rule_type = catalogue.get(rule.type)
        if rule_type is None:
            losses.append(Loss(place, f"{rule.type} is no type of this release"))
            continue
        if rule.verify == "constraint":
            losses.append(Loss(place, "verify: constraint; dbt reads the rows"))
        counts_rows |= rule.type == "row_count" and rule.active is True
        if (test := _test(document, rule, rule_type, place, losses)) is not None:
            yield test
    if document.on_empty != "pass" and document.rules and not counts_rows:
        bounds: JsonObject = {"min": 1} if document.on_empty == "fail" else {"warn": {"min": 1}}
        yield {_TEST: {"name": _name(document, "on_empty"), "arguments": {"type": "row_count", "settings": bounds}}}


def _test(document: TableDocument, rule: Rule, rule_type: RuleType, place: str, losses: list[Loss]) -> JsonObject | None:
    common: JsonObject = {"name": _name(document, rule.id), **_described(rule.description, place, losses)}
    if rule.is_shadow:
        losses.append(Loss(place, "active: shadow; dbt knows no such test, so it is exported as one that is not enabled"))
    config: JsonObject = {} if rule.active is True else {"enabled": False}
    if patterns := rule.column_globs:
        losses.append(Loss(place, f"column {patterns[0]}: dbt takes no patterns; name the columns"))
        return None
    if rule_type.baseline or rule_type.leaves_state(rule.arguments):
        losses.append(Loss(place, f"{rule.type} compares with earlier checks, which dbt does not keep"))
        return None
    if rule.group_columns:
        losses.append(Loss(place, f"per {', '.join(rule.group_columns)}: dbt's tests decide all rows together"))
        return None
    if rule.type in ("dbt", "sql") and is_rendered([rule.arguments, rule.where]):
        losses.append(Loss(place, "holds Jinja, which dbt would render"))
        return None
    if rule.type == "dbt":
        return _own_test(rule, common, config, place, losses)
    if rule_type.name == "sql":
        return {_QUERY: {**common, "arguments": rule.arguments, **_config(config | _of_counts(rule))}}
    warn, fail = (None, None) if rule_type.measured else rule.thresholds
    given = {
        "type": rule.type,
        "columns": rule.named_columns,
        "settings": rule.arguments,
        "only_where": rule.where,  # dbt would take `where` for config
        "warn_above": warn,
        "fail_above": None if (warn, fail) == (None, 0) else fail,
        "on_empty": document.on_empty if rule_type.measured and document.on_empty != "fail" else None,
    }
    if is_rendered(given):
        losses.append(Loss(place, "holds Jinja, which dbt would render"))
        return None
    arguments = {name: value for name, value in given.items() if value is not None and value not in ([], {})}
    return {_TEST: {**common, "arguments": arguments, **_config(config)}}


def _own_test(rule: Rule, common: JsonObject, config: JsonObject, place: str, losses: list[Loss]) -> JsonObject | None:
    """A rule of type `dbt` is the test that it runs."""
    arguments = rule.arguments.get("arguments", {})
    if _relations(arguments):
        losses.append(Loss(place, "names relations, which dbt takes as ref or source; write the test by hand"))
        return None
    config = config | rule.arguments.get("config", {}) | _of_counts(rule)
    config |= {"where": rule.where} if rule.where else {}
    column = {"column_name": quoted(rule.named_columns[0])} if rule.all_columns else {}
    given = {"arguments": column | arguments} if column or arguments else {}
    return {rule.arguments["test"]: {**common, **given, **_config(config)}}


def _of_counts(rule: Rule) -> JsonObject:
    """Thresholds that are counts as dbt's config; none where the rule says nothing, which is dbt's default, too."""
    if rule.severity is None and rule.warn_above is None and rule.fail_above is None:
        return {}
    if rule.severity == "error":
        return {"severity": "error"}
    warn, fail = rule.thresholds
    named = {"warn_if": warn if warn is not None else fail, "error_if": fail}
    config = {name: f"> {number}" for name, number in named.items() if number is not None}
    return {"severity": "warn" if fail is None else "error", **config}


def _described(text: str, place: str, losses: list[Loss]) -> JsonObject:
    """The field `description`, which dbt renders."""
    if is_rendered(text):
        losses.append(Loss(place, "its description holds Jinja, which dbt would render"))
        return {}
    return {"description": text} if text else {}


def _config(config: JsonObject) -> JsonObject:
    return {"config": config} if config else {}


def _name_apart(test: JsonObject, names: set[str]) -> None:
    """dbt's names of tests are unique in a project: another one of the same name gets a number."""
    (given,) = test.values()
    name, number = given["name"], 1
    while given["name"] in names:
        number += 1
        given["name"] = f"{name}_{number}"
    names.add(given["name"])


def _name(document: TableDocument, rule_id: str) -> str:
    words = f"{document.table.replace('.', '_')}_{rule_id}"
    return "".join(char if char.isalnum() or char == "_" else "_" for char in words)


def _relations(value: Any) -> bool:
    if isinstance(value, dict):
        return list(value) in (["relation"], ["ref"]) or any(map(_relations, value.values()))
    return isinstance(value, list) and any(map(_relations, value))
