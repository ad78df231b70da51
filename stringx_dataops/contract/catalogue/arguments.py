"""Which columns, tables and SQL the arguments of a rule hold, by the JSON Schema of its type."""

from collections.abc import Collection, Iterator
from typing import Any

from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.custom_sql.dialect import Dialect
from stringx_dataops.contract.documents.names import TableName


def relations_of_arguments(rule_type: RuleType, arguments: dict[str, Any], dialect: Dialect) -> list[list[str]]:
    """The other tables that a rule reads, as [schema, name], or [name] where its SQL gives no schema."""
    found: list[list[str]] = []
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        if schema.get("format") == "sql-query" and isinstance(value, str):
            found += [relation for relation in dialect.relations_of_query(value) if relation not in found]
        elif schema.get("format") == "relation" and isinstance(value, str):
            table = TableName.parse(value)
            found.append([table.schema, table.name])
    return found


def columns_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """The columns that a rule reads by its arguments, of its own table or another."""
    found: list[str] = []
    for name, schema in rule_type.arguments.get("properties", {}).items():
        forms = [form for part in (schema, *schema.get("anyOf", ())) for form in (part, part.get("items", {}))]
        if any(form.get("format") == "column" for form in forms) and not schema.get("x-wanted"):
            value = arguments.get(name) or []
            found += [value] if isinstance(value, str) else value
    return found


def custom_sql_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """The names of the arguments that hold SQL of the user's."""
    properties = rule_type.arguments.get("properties", {})
    return [name for name in arguments if properties.get(name, {}).get("format", "").startswith("sql-")]


def sql_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> Iterator[str]:
    """Custom SQL, and the texts of a dbt test's arguments, which are judged as such."""
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        if schema.get("format", "").startswith("sql-") and isinstance(value, str):
            yield value
        elif schema.get("x-test-arguments"):
            yield from (text for _, text in _texts_of(value))


def expressions_of_arguments(
    rule_type: RuleType, arguments: dict[str, Any], dialect: Dialect, allow_functions: Collection[str]
) -> list[str]:
    """The texts among a test's arguments and settings that are plain, or SQL that may be run wherever the test puts it."""
    found: dict[str, None] = {}
    for name, schema in rule_type.arguments.get("properties", {}).items():
        if schema.get("x-test-arguments"):
            texts = _texts_of(arguments.get(name))
            found |= {text: None for key, text in texts if dialect.is_fragment_of_setting(key, text, allow_functions)}
    return list(found)


def texts_of_test(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """All texts among a dbt test's arguments."""
    properties = rule_type.arguments.get("properties", {})
    given = [arguments.get(name) for name, schema in properties.items() if schema.get("x-test-arguments")]
    return [text for value in given for _, text in _texts_of(value)]


def _texts_of(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of each text at any depth."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_of(item)
