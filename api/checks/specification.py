"""From a check's rules, as they are configured, to the specification that the gate test reads."""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import TypeVar, cast

from api.checks.allowed import Allowed, fault_of_rule
from api.checks.lookup import InScope
from api.checks.memory import NOTHING, Memory, RuleKey
from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.catalogue.arguments import (
    columns_of_arguments,
    custom_sql_of_arguments,
    expressions_of_arguments,
    measured_columns,
    relations_of_arguments,
    texts_of_test,
)
from stringx_dataops.contract.catalogue.json_schemas import patterns_of
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.custom_sql.dialect import Dialect, Name
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.globs import python_pattern
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.specification import (
    USUAL,
    CustomSqlFacts,
    DbtTestFacts,
    ProfileSpecification,
    RuleSpecification,
    Specification,
    TableSpecification,
    Threshold,
    TypeFacts,
    Window,
)
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.profiles import SAMPLE_ROWS, SAMPLED_ABOVE, SEED, ProfileSettings
from stringx_dataops.contract.messages.trials import CheckOrder

_Facts = TypeVar("_Facts", TypeFacts, CustomSqlFacts)
_Found = TypeVar("_Found")


def build(
    request: CheckOrder,
    target: TargetDocument,
    tables: Sequence[InScope],
    catalogue: Catalogue,
    timeout_s: float,
    memory: Memory = NOTHING,
) -> Specification:
    """The specification of a check of one table, or of several on one snapshot, with what is remembered of earlier checks; or
    of a profile."""
    limits = target.session_limits
    allowed = Allowed(dialect_of(target.adapter), frozenset(target.allow_functions))
    specification: Specification = {
        "statement_timeout_ms": int(timeout_s * 1000),
        "lock_timeout_ms": limits["lock_timeout_ms"],
        "replay_timeout_ms": limits.get("replay_timeout_ms"),
        "work_mem": limits["work_mem"],
        "max_parallel_workers_per_gather": limits["max_parallel_workers_per_gather"],
        "allow_arguments": target.allow_arguments,
        "tables": [_table_specification(request, table, catalogue, allowed, memory) for table in tables],
    }
    return specification if request.profile is None else _of_profile(specification, request.profile)


def together(specifications: Sequence[Specification], lock_timeout_ms: int) -> Specification:
    """Of checks of different tables of one target, which are read on one snapshot. No lock is waited for longer than so."""
    first = specifications[0]
    return {
        **first,
        "statement_timeout_ms": min(each["statement_timeout_ms"] for each in specifications),
        "lock_timeout_ms": min(first["lock_timeout_ms"], lock_timeout_ms),
        "tables": [table for each in specifications for table in each["tables"]],
    }


def _of_profile(specification: Specification, asked: ProfileSettings) -> Specification:
    """The same, measuring its table. The request may name columns to be shown that the document does not."""
    (table,) = specification["tables"]
    shown = [*table["sample_columns"], *(name for name in asked.sample_columns or () if name not in table["sample_columns"])]
    profile: ProfileSpecification = {
        "columns": asked.columns,
        "sample_rows": asked.sample_rows,
        "sampled_above": SAMPLED_ABOVE,
        "default_rows": SAMPLE_ROWS,
        "seed": SEED,
    }
    return {**specification, "tables": [{**table, "sample_columns": shown}], "profile": profile}


def table_without_window_column(request: CheckRequest, tables: Sequence[InScope]) -> str | None:
    """The first table without a column for the request's window; None if each has one, or the request has no window."""
    window = request.window
    if window is None:
        return None
    documents = [table.configured.document for table in tables]
    return next((document.table for document in documents if window.column_of(document) is None), None)


def _table_specification(
    request: CheckRequest, table: InScope, catalogue: Catalogue, allowed: Allowed, memory: Memory
) -> TableSpecification:
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
        "rules": [
            _in_check(_rule_specification(rule, name.name, catalogue, allowed), rule, (document.table, rule.id), memory)
            for rule in table.rules
        ],
    }


def _in_check(specification: RuleSpecification, rule: Rule, key: RuleKey, memory: Memory) -> RuleSpecification:
    """With what the check adds to a rule."""
    if rule.is_shadow:
        specification["shadow"] = True
    if (made := memory.baselines.get(key)) is not None:
        specification["baseline"] = made.facts()
    if (fault := memory.faults.get(key)) is not None:
        specification["fault"] = fault
    if (before := memory.before.get(key)) is not None:
        specification["before"] = before
    return specification


def _window(request: CheckRequest, document: TableDocument) -> Window | None:
    window = request.window
    return None if window is None else {"column": window.column_of(document), "from": window.from_, "to": window.to}


def _rule_specification(rule: Rule, table: str, catalogue: Catalogue, allowed: Allowed) -> RuleSpecification:
    """`table` is the name of the rule's own table, without its schema."""
    if (fault := fault_of_rule(rule, catalogue, allowed)) is not None:
        return {**_without_sql(rule), "fault": fault}
    rule_type = catalogue.get(rule.type)
    warn_above, fail_above = rule.thresholds
    if rule_type is not None and rule_type.measured:
        warn_above, fail_above = (0 if rule_type.severity_of(rule.severity) == "warn" else None), None
    specification: RuleSpecification = {
        "id": rule.id,
        "type": rule.type,
        "columns": columns_of(rule, rule_type),
        "arguments": rule.arguments,
        "where": rule.where,
        "verify": rule.verify,
        "warn_above": _threshold(warn_above),
        "fail_above": _threshold(fail_above),
    }
    if rule_type is None:
        return specification
    if rule.group_columns:
        specification["per"] = rule.group_columns
        specification["new_groups"], specification["missing_groups"] = rule.new_groups, rule.missing_groups
    globs = rule.column_globs
    if rule_type.all_by_default and not rule.all_columns:
        specification["columns"] = globs = ["*"]
    if globs:
        specification["column_globs"] = {glob: python_pattern(glob) for glob in globs}
        specification["most_columns"] = rule_type.max_columns
    facts = type_facts(rule_type, rule.arguments, allowed.dialect)
    tables = {table, *(parts[-1] for parts in facts.get("relations", ()))}
    return {
        **specification,
        **facts,
        **custom_sql_facts(rule_type, rule.arguments, rule.where, allowed.dialect, tables),
        **_dbt_test_facts(rule, rule_type, allowed),
    }


def _without_sql(rule: Rule) -> RuleSpecification:
    """Of a rule that is not run."""
    return {
        "id": rule.id,
        "type": rule.type,
        "columns": [],
        "arguments": {},
        "where": None,
        "verify": "scan",
        "warn_above": None,
        "fail_above": {"count": 0},
    }


def columns_of(rule: Rule, rule_type: RuleType | None) -> list[str]:
    """The rule's columns; of a type that takes none, those that it measures."""
    return rule.named_columns or ([] if rule_type is None else measured_columns(rule_type, rule.arguments))


def type_facts(rule_type: RuleType, arguments: JsonObject, dialect: Dialect) -> TypeFacts:
    """Facts about a rule that its macro needs, from its type; without those that have their usual value."""
    typed = rule_type.types is not None
    return _unusual(
        TypeFacts(
            windowed=rule_type.window,
            about_rows=rule_type.about_rows,
            relations=relations_of_arguments(rule_type, arguments, dialect),
            typed=typed,
            accepts=rule_type.accepts,
            other_columns=columns_of_arguments(rule_type, arguments) if typed else [],
        )
    )


def custom_sql_facts(
    rule_type: RuleType, arguments: JsonObject, where: str | None, dialect: Dialect, tables: Collection[str]
) -> CustomSqlFacts:
    """Facts about a rule that its macro needs, from its custom SQL; without those that have their usual value.

    `tables` are the names of the tables that the rule reads, without their schemas.
    """
    conditions = _conditions(rule_type, arguments, where)
    custom_sql_arguments = custom_sql_of_arguments(rule_type, arguments) if rule_type.types is not None else []
    custom_sql = {name: arguments[name] for name in custom_sql_arguments}
    return _unusual(
        CustomSqlFacts(
            compared=_of_each(conditions, dialect.comparisons),
            named=_whole_row_names(conditions, tables, dialect),
            qualified=_qualified(rule_type, arguments, conditions, dialect),
            custom=custom_sql_arguments,
            renames=any(dialect.renames_columns(text) for text in custom_sql.values()),
            casts=[name for text in (where or "", *custom_sql.values()) for name in dialect.types_of_casts(text)],
            patterns=_written_patterns(rule_type, arguments) | _of_each(custom_sql | conditions, dialect.patterns_of),
        )
    )


def _dbt_test_facts(rule: Rule, rule_type: RuleType, allowed: Allowed) -> DbtTestFacts:
    """Facts that a rule needs if it runs a dbt test: which arguments are SQL that may be run, and whether the rule itself has a
    severity or thresholds, which then replace the test's."""
    if not rule_type.takes_test_arguments:
        return {}
    return {
        "expressions": expressions_of_arguments(rule_type, rule.arguments, allowed.dialect, allowed.functions),
        "severity": rule.severity,
        "own_thresholds": rule.warn_above is not None or rule.fail_above is not None,
    }


def _unusual(facts: _Facts) -> _Facts:
    """The facts without those that have their usual value, which the macros assume for missing keys."""
    return cast(_Facts, {name: value for name, value in facts.items() if value != USUAL[name]})


def _of_each(texts: dict[str, str], read: Callable[[str], list[_Found]]) -> dict[str, list[_Found]]:
    """What `read` finds in each text; texts in which it finds nothing are left out."""
    return {name: found for name, text in texts.items() if (found := read(text))}


def _whole_row_names(conditions: dict[str, str], tables: Collection[str], dialect: Dialect) -> dict[str, list[str]]:
    """Names in each condition that could mean a whole row: the names of the rule's tables."""
    if dialect.adapter == "trino":  # where a table's name is no row
        return {}
    if dialect.adapter != "duckdb":
        return _of_each(conditions, lambda text: [name for name in dialect.bare_names(text) if name in tables])
    spelled = {folded(table) for table in tables}  # DuckDB takes upper and lower case for the same
    return _of_each(conditions, lambda text: [name for name in dialect.bare_names(text) if folded(name) in spelled])


def _written_patterns(rule_type: RuleType, arguments: JsonObject) -> dict[str, list[str]]:
    """Regular expressions by the argument that holds them."""
    found: dict[str, list[str]] = {}
    for name, schema in rule_type.arguments.get("properties", {}).items():
        if not (value := arguments.get(name)):
            continue
        if schema.get("format") == "pattern":
            found[name] = [value]
        elif schema.get("format") == "json-schema" and (patterns := list(patterns_of(value))):
            found[name] = patterns
    return found


def _qualified(rule_type: RuleType, arguments: JsonObject, conditions: dict[str, str], dialect: Dialect) -> dict[str, list[Name]]:
    """Names after a dot in each text that is SQL, or may become a part of it."""
    names = custom_sql_of_arguments(rule_type, arguments)
    queries = {name: arguments[name] for name in names if name not in conditions}
    found = _of_each(conditions, dialect.names_of_condition) | _of_each(queries, dialect.names_of_query)
    texts = texts_of_test(rule_type, arguments) if rule_type.takes_test_arguments else []
    if in_test := [name for text in texts for name in dialect.names_of_fragment(text)]:
        found["arguments"] = in_test
    return found


def _conditions(rule_type: RuleType, arguments: JsonObject, where: str | None) -> dict[str, str]:
    """A rule's conditions by the argument's name; its `where` has the name `where`."""
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
