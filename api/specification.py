"""The gate specification: what dbt's `gate` test reads from `var('gate')`. Data only; nothing here becomes SQL or Jinja."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from api.rules import InScope
from contract.catalogue import Catalogue, relations_of_arguments
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
        "tables": [_table(request, table, catalogue) for table in tables],
    }


def without_window(request: CheckRequest, tables: Sequence[InScope]) -> str | None:
    """A table that the request's window cannot narrow, as nothing says by which column."""
    documents = [table.configured.document for table in tables] if request.window else []
    return next((each.table for each in documents if request.window and request.window.column_of(each) is None), None)


def _table(request: CheckRequest, table: InScope, catalogue: Catalogue) -> dict[str, Any]:
    document = table.configured.document
    name = TableName.parse(document.table)
    return {
        "schema": name.schema,
        "name": name.name,
        "timezone": document.timezone,
        "on_empty": document.on_empty,
        "window": request.window.as_json() | {"column": request.window.column_of(document)} if request.window else None,
        "key": document.key,
        "sample_rows": document.sample_rows,
        "sample_columns": document.sample_columns,
        "rules": [_rule(rule, catalogue) for rule in table.rules],
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
        "verify": rule.verify,
        "windowed": rule_type is None or rule_type.window,
        "relations": relations_of_arguments(rule_type, rule.arguments) if rule_type else [],
        "warn_above": _threshold(warn_above),
        "fail_above": _threshold(fail_above),
    }


def _threshold(value: int | str | None) -> dict[str, int | str] | None:
    """A share as the text of an exact decimal: no binary number decides whether a threshold is met."""
    if value is None:
        return None
    if isinstance(value, int):
        return {"count": value}
    return {"share": f"{Decimal(value.removesuffix('%')).scaleb(-2):f}"}
