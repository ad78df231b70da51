"""What a target allows now. The documents of its tables were judged when they were configured, and it may have changed since: its
adapter, or the functions that custom SQL may call."""

from collections.abc import Iterator
from dataclasses import dataclass

from stringx_dataops.contract.adapters import DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.custom_sql.dialect import Dialect
from stringx_dataops.contract.custom_sql.dialects import fault_of_calls
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.rules import Rule, faults_of_rule

_CONDITION, _QUERY = "sql-condition", "sql-query"


@dataclass(frozen=True)
class Allowed:
    """How custom SQL on the target is read, and the functions that it may call in addition to the built-in ones."""

    dialect: Dialect
    functions: frozenset[str] = frozenset()


def fault_of_rule(rule: Rule, catalogue: Catalogue, allowed: Allowed) -> str | None:
    """Why the target does not run the rule, with the field's name in front. On the default engine only calls are judged again:
    what an earlier release has accepted beyond another bound is run."""
    if allowed.dialect.adapter != DEFAULT_ADAPTER:
        found = next(faults_of_rule(rule, catalogue, "", Judge(allowed.dialect, allowed.functions)), None)
        return None if found is None else f"{found.pointer.removeprefix('/')} {found.message}"
    for name, sql, form in _custom_sql(rule, catalogue.get(rule.type)):
        if (fault := fault_of_calls(sql, is_query=form == _QUERY, allow_functions=allowed.functions)) is not None:
            return f"{name} {fault}"
    return None


def _custom_sql(rule: Rule, rule_type: RuleType | None) -> Iterator[tuple[str, str, str]]:
    """The field, the text and its format."""
    if rule.where is not None:
        yield "where", rule.where, _CONDITION
    for name, schema in ({} if rule_type is None else rule_type.arguments.get("properties", {})).items():
        value = rule.arguments.get(name)
        if schema.get("format") in (_CONDITION, _QUERY) and isinstance(value, str):
            yield f"arguments/{name}", value, schema["format"]
