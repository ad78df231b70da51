"""The gate specification: what dbt's `gate` test reads from `var('gate')`. Data only; nothing here becomes SQL or Jinja."""

from decimal import Decimal
from typing import Any

from api.rules import Configured
from contract.catalogue import Catalogue, relations_of_arguments
from contract.checks import CheckRequest, rules_in_scope
from contract.configuration import Rule
from contract.durations import parse_duration
from contract.names import TableName


def build(request: CheckRequest, configured: Configured, catalogue: Catalogue, timeout_s: float) -> dict[str, Any]:
    """The specification of a check of one table; its `rules` may be empty where the configuration has changed."""
    document, target = configured.document, configured.target
    name = TableName.parse(document.table)
    return {
        "statement_timeout_ms": int(timeout_s * 1000),
        "lock_timeout_ms": int(parse_duration(target.lock_timeout) * 1000),
        "work_mem": target.work_mem,
        "max_parallel_workers_per_gather": target.max_parallel_workers_per_gather,
        "tables": [
            {
                "schema": name.schema,
                "name": name.name,
                "timezone": document.timezone,
                "on_empty": document.on_empty,
                "window": request.window.as_json() if request.window else None,
                "key": document.key,
                "sample_rows": document.sample_rows,
                "sample_columns": document.sample_columns,
                "rules": [_rule(rule, catalogue) for rule in rules_in_scope(request, document, catalogue.default_dimensions)],
            }
        ],
    }


def _rule(rule: Rule, catalogue: Catalogue) -> dict[str, Any]:
    rule_type = catalogue.get(rule.type)
    bounded = rule_type is not None and rule_type.decides == "bounds"
    warn_above, fail_above = (None, None) if bounded else rule.thresholds
    return {
        "id": rule.id,
        "type": rule.type,
        "columns": rule.all_columns,
        "arguments": rule.arguments,
        "where": rule.where,
        "windowed": rule_type is None or rule_type.window,
        "relations": relations_of_arguments(rule_type, rule.arguments) if rule_type else [],
        "warn_above": _threshold(warn_above),
        "fail_above": _threshold(fail_above),
    }


def _threshold(value: int | str | None) -> dict[str, int | float] | None:
    if value is None:
        return None
    if isinstance(value, int):
        return {"count": value}
    return {"share": float(Decimal(value.removesuffix("%")) / 100)}
