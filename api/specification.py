"""The gate specification: what dbt's `gate` test reads from `var('gate')`. Data only; nothing here becomes SQL or Jinja."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from api.rules import InScope
from contract.catalogue import Catalogue, RuleType, expressions_of_arguments, relations_of_arguments
from contract.checks import CheckRequest
from contract.configuration import Rule, TargetDocument
from contract.durations import parse_duration
from contract.names import TableName


def build(
    request: CheckRequest, target: TargetDocument, tables: Sequence[InScope], catalogue: Catalogue, timeout_s: float
) -> dict[str, Any]:
    """The specification of a check of one table, or of several on one snapshot."""
    return {
        "statement_timeout_ms": int(timeout_s * 1000),
        "lock_timeout_ms": int(parse_duration(target.lock_timeout) * 1000),
        "work_mem": target.work_mem,
        "max_parallel_workers_per_gather": target.max_parallel_workers_per_gather,
        "allow_arguments": target.allow_arguments,
        "tables": [_table(request, table, catalogue, target.allow_functions) for table in tables],
    }


def _table(request: CheckRequest, table: InScope, catalogue: Catalogue, allow_functions: Collection[str]) -> dict[str, Any]:
    document = table.configured.document
    name = TableName.parse(document.table)
    return {
        "schema": name.schema,
        "name": name.name,
        "timezone": document.timezone,
        "on_empty": document.on_empty,
        "window": request.window.as_json() if request.window else None,
        "key": document.key,
        "sample_rows": document.sample_rows,
        "sample_columns": document.sample_columns,
        "rules": [_rule(rule, catalogue, allow_functions) for rule in table.rules],
    }


def _rule(rule: Rule, catalogue: Catalogue, allow_functions: Collection[str]) -> dict[str, Any]:
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
        "windowed": rule_type is None or rule_type.window,
        "relations": relations_of_arguments(rule_type, rule.arguments) if rule_type else [],
        "warn_above": _threshold(warn_above),
        "fail_above": _threshold(fail_above),
    } | _of_test(rule, rule_type, allow_functions)


def _of_test(rule: Rule, rule_type: RuleType | None, allow_functions: Collection[str]) -> dict[str, Any]:
    """What a type that takes a test's arguments must know: which of them are SQL that may be run, and what the rule itself says
    about thresholds, where the test would decide by its own."""
    if rule_type is None or not rule_type.takes_test_arguments:
        return {}
    return {
        "expressions": expressions_of_arguments(rule_type, rule.arguments, allow_functions),
        "severity": rule.severity,
        "own_thresholds": rule.warn_above is not None or rule.fail_above is not None,
    }


def _threshold(value: int | str | None) -> dict[str, int | float] | None:
    if value is None:
        return None
    if isinstance(value, int):
        return {"count": value}
    return {"share": float(Decimal(value.removesuffix("%")) / 100)}
