"""From a check's rules, as they are configured, to the specification that the gate test reads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from api.checks.lookup import InScope
from stringx_dataops.contract.catalogue.arguments import (
    columns_of_arguments,
    custom_sql_of_arguments,
    expressions_of_arguments,
    relations_of_arguments,
    texts_of_test,
)
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.custom_sql.dialect import Dialect, Name
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.specification import (
    USUAL,
    RuleSpecification,
    Specification,
    TableSpecification,
    Threshold,
    Window,
)
from stringx_dataops.contract.messages.checks import CheckRequest


@dataclass(frozen=True)
class _Allowed:
    """What custom SQL on the target may be: its dialect, and the functions that it may call in addition to the built-in ones."""

    dialect: Dialect
    functions: Collection[str] = ()


def build(
    request: CheckRequest, target: TargetDocument, tables: Sequence[InScope], catalogue: Catalogue, timeout_s: float
) -> Specification:
    """The specification of a check of one table, or of several on one snapshot."""
    limits = target.session_limits
    allowed = _Allowed(dialect_of(target.adapter), target.allow_functions)
    return {
        "statement_timeout_ms": int(timeout_s * 1000),
        "lock_timeout_ms": limits["lock_timeout_ms"],
        "work_mem": limits["work_mem"],
        "max_parallel_workers_per_gather": limits["max_parallel_workers_per_gather"],
        "allow_arguments": target.allow_arguments,
        "tables": [_table(request, table, catalogue, allowed) for table in tables],
    }


def without_window(request: CheckRequest, tables: Sequence[InScope]) -> str | None:
    """A table that the request's window cannot narrow, as nothing says by which column."""
    documents = [table.configured.document for table in tables] if request.window else []
    return next((each.table for each in documents if request.window and request.window.column_of(each) is None), None)


def _table(request: CheckRequest, table: InScope, catalogue: Catalogue, allowed: _Allowed) -> TableSpecification:
    document = table.configured.document
    name = TableName.parse(document.table)
    return {
        "schema": name.schema,
        "name": name.name,
        "timezone": document.timezone,
        "on_empty": document.on_empty,
        "window": _window(request, document),
        "key": document.key,
        "sample_rows": document.sample_rows,
        "sample_columns": document.sample_columns,
        "rules": [_of_table(_rule(rule, catalogue, allowed), name.name) for rule in table.rules],
    }


def _window(request: CheckRequest, document: TableDocument) -> Window | None:
    if request.window is None:
        return None
    return cast(Window, request.window.as_json() | {"column": request.window.column_of(document)})


def _rule(rule: Rule, catalogue: Catalogue, allowed: _Allowed) -> dict[str, Any]:
    rule_type = catalogue.get(rule.type)
    bounded = rule_type is not None and rule_type.decides == "bounds"
    warn_above, fail_above = (None, None) if bounded else rule.thresholds
    return {
        "id": rule.id,
        "type": rule.type,
        "columns": rule.all_columns,
        "arguments": rule.arguments,
        "where": rule.where,
        "verify": rule.verify,
        **(of_type(rule_type, rule.arguments, rule.where, allowed.dialect) if rule_type else {}),
        "warn_above": _threshold(warn_above),
        "fail_above": _threshold(fail_above),
    } | _of_test(rule, rule_type, allowed)


def _of_table(rule: dict[str, Any], table: str) -> RuleSpecification:
    """Of the names in the rule's conditions only those that could be a whole row: the table's own, and other tables'."""
    tables = {table, *(parts[-1] for parts in rule.get("relations", ()))}
    named = {
        name: found for name, names in rule.pop("named", {}).items() if (found := [each for each in names if each in tables])
    }
    return cast(RuleSpecification, rule | {"named": named} if named else rule)


def _of_test(rule: Rule, rule_type: RuleType | None, allowed: _Allowed) -> dict[str, Any]:
    """What a type that takes a test's arguments must know: which of them are SQL that may be run, and what the rule itself says
    about thresholds, where the test would decide by its own."""
    if rule_type is None or not rule_type.takes_test_arguments:
        return {}
    return {
        "expressions": expressions_of_arguments(rule_type, rule.arguments, allowed.dialect, allowed.functions),
        "severity": rule.severity,
        "own_thresholds": rule.warn_above is not None or rule.fail_above is not None,
    }


def of_type(rule_type: RuleType, arguments: dict[str, Any], where: str | None, dialect: Dialect) -> dict[str, Any]:
    """What the engine must know of a rule beside its macro: whether a window narrows it, whether it is about the table's rows,
    which other tables and columns it names, what its conditions name and compare, which names its SQL has after a dot; and of
    one whose macro is told the types of columns (`typed`), which families of types it accepts, which of its arguments are SQL of
    the user's, and whether that may look at columns which it does not name (`renames`)."""
    conditions = _conditions(rule_type, arguments, where)
    custom = custom_sql_of_arguments(rule_type, arguments) if rule_type.types is not None else []
    known = {
        "windowed": rule_type.window,
        "about_rows": rule_type.about_rows,
        "relations": relations_of_arguments(rule_type, arguments, dialect),
        "typed": rule_type.types is not None,
        "compared": {name: found for name, text in conditions.items() if (found := dialect.comparisons(text))},
        "named": {name: dialect.bare_names(text) for name, text in conditions.items()},
        "qualified": _qualified(rule_type, arguments, conditions, dialect),
        "accepts": rule_type.accepts,
        "other_columns": columns_of_arguments(rule_type, arguments) if rule_type.types is not None else [],
        "custom": custom,
        "renames": any(dialect.renames_columns(arguments[name]) for name in custom),
        "patterns": _patterns(rule_type, arguments, conditions, custom, dialect),
        "casts": [found for text in (where, *map(arguments.get, custom)) for found in dialect.types_of_casts(text or "")],
    }
    return {name: value for name, value in known.items() if value != USUAL[name]}


def _patterns(
    rule_type: RuleType, arguments: dict[str, Any], conditions: dict[str, str], custom: Collection[str], dialect: Dialect
) -> dict[str, list[str]]:
    """Regular expressions by the argument that holds them, `where` for the condition."""
    properties = rule_type.arguments.get("properties", {})
    found = {
        name: [arguments[name]]
        for name, schema in properties.items()
        if schema.get("format") == "pattern" and arguments.get(name)
    }
    texts = conditions | {name: arguments[name] for name in custom if name not in conditions}
    return found | {name: patterns for name, text in texts.items() if (patterns := dialect.patterns_of(text))}


def _qualified(
    rule_type: RuleType, arguments: dict[str, Any], conditions: dict[str, str], dialect: Dialect
) -> dict[str, list[Name]]:
    """Names after a dot in each text that is SQL, or may become a part of it."""
    found = {name: dialect.names_of_condition(text) for name, text in conditions.items()}
    for name in custom_sql_of_arguments(rule_type, arguments):
        if name not in conditions:
            found[name] = dialect.names_of_query(arguments[name])
    if rule_type.takes_test_arguments:
        found["arguments"] = [name for text in texts_of_test(rule_type, arguments) for name in dialect.names_of_fragment(text)]
    return {name: names for name, names in found.items() if names}


def _conditions(rule_type: RuleType, arguments: dict[str, Any], where: str | None) -> dict[str, str]:
    """A rule's conditions by the argument's name, its `where` as `where`."""
    properties = rule_type.arguments.get("properties", {})
    texts = {name: arguments.get(name) for name, schema in properties.items() if schema.get("format") == "sql-condition"}
    return {name: text for name, text in ({"where": where} | texts).items() if isinstance(text, str)}


def _threshold(value: int | str | None) -> Threshold | None:
    """A share as the text of an exact decimal: no binary number decides whether a threshold is met."""
    if value is None:
        return None
    if isinstance(value, int):
        return {"count": value}
    return {"share": f"{Decimal(value.removesuffix('%')).scaleb(-2):f}"}
