"""A target's tables as dbt's sources: the YAML of each table, with its rules as tests and its last verdict as description.

dbt renders Jinja in YAML, so every brace in a user's text is written as a Jinja expression for that brace.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import TypedDict

from portal.escaping import as_text, json_as_text, literal
from portal.state import PortalTable, PortalTarget
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.json_types import JsonObject

Names = Mapping[TableName, tuple[str, str]]  # dbt's names for the source and for the table


class _Column(TypedDict):
    """A column as dbt reads it from YAML."""

    name: str
    quote: bool
    data_tests: list[JsonObject]


class _Table(TypedDict):
    """A table of a source as dbt reads it from YAML."""

    name: str
    identifier: str
    description: str
    meta: dict[str, str]
    data_tests: list[JsonObject]
    columns: list[_Column]


def named(tables: Iterable[str]) -> Names:
    """Names that dbt accepts, for all tables of a target. A table has the same names in every part."""
    by_schema: dict[str, tuple[str, set[str]]] = {}
    schemas: set[str] = set()
    found: dict[TableName, tuple[str, str]] = {}
    for name in sorted(map(TableName.parse, tables), key=lambda name: (name.schema, name.name)):
        if name.schema not in by_schema:
            word = _free_word(name.schema, schemas)
            schemas.add(word.lower())
            by_schema[name.schema] = word, set()
        schema, taken = by_schema[name.schema]
        word = _free_word(name.name, taken)
        taken.add(word.lower())
        found[name] = schema, word
    return found


def _free_word(name: str, taken: Collection[str]) -> str:
    """A name that dbt accepts and that is not taken yet, ignoring case, because it is also the name of a file."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    words = chain([plain], (f"{plain}__{number}" for number in count(2)))
    return next(word for word in words if word.lower() not in taken)


def sources(target: PortalTarget, names: Names, prefix: str = "") -> Iterator[tuple[str, JsonObject]]:
    """(name, content) of the YAML file for each table: a source for its schema, whose name begins with `prefix`."""
    for table in target.tables:
        name = TableName.parse(table.document.table)
        schema, word = names[name]
        source = {
            "name": prefix + schema,
            "schema": literal(name.schema),
            "database": literal(target.document.dbt_database),
            "quoting": {"database": True, "schema": True, "identifier": True},
            "description": literal(as_text(f"Schema {name.schema} of target {target.document.name}.")),
            "tables": [_table(table, name, word, target.document.name)],
        }
        yield f"{schema}.{word}.yml", {"version": 2, "sources": [source]}


def _table(table: PortalTable, name: TableName, word: str, target: str) -> _Table:
    document = table.document
    on_columns: dict[str, list[JsonObject]] = {column: [] for column in _columns(table)}
    on_table: list[JsonObject] = []
    for rule in document.active_rules:
        test = _test(rule, f"{target}_{name.schema}_{name.name}", f"dataops check {target} {document.table}")
        is_of_column = len(rule.all_columns) == 1 and not rule.column_globs
        (on_columns[rule.named_columns[0]] if is_of_column else on_table).append(test)
    return {
        "name": word,
        "identifier": literal(name.name),
        "description": literal(as_text(description(table))),
        "meta": {"owner": literal(document.owner), "target": target},
        "data_tests": on_table,
        "columns": [{"name": literal(column), "quote": True, "data_tests": tests} for column, tests in on_columns.items()],
    }


def description(table: PortalTable) -> str:
    """Markdown with the last verdict, its time and the rules that did not pass, then the description from the document."""
    if table.verdict is None or table.finished_at is None:
        words = ["**Not checked yet.**"]
    else:
        words = [f"**Last verdict: {table.verdict}**, {table.finished_at:%Y-%m-%d %H:%M:%S} UTC."]
        if table.reason:
            words.append(table.reason)
        words += [f"- {rule['status']}: {rule['id']}: {' '.join(rule['message'].split())}" for rule in table.findings]
        if table.not_passed > len(table.findings):
            words.append(f"- and {table.not_passed - len(table.findings)} more")
    return "\n".join([*words, "", table.document.description])


def _columns(table: PortalTable) -> list[str]:
    """Columns that the document names, each once; patterns are none. dbt's catalog adds the other columns, and all types."""
    of_table = [*table.document.key, *table.document.sample_columns]
    rules = table.document.active_rules
    of_rules = [column for rule in rules for column in rule.named_columns if column not in rule.column_globs]
    return list(dict.fromkeys([*of_table, *of_rules]))


def _test(rule: Rule, prefix: str, command: str) -> JsonObject:
    """A dbt test that represents a rule. Its description, and its SQL if somebody compiles it, contain the rule as JSON."""
    content = rule.model_dump(mode="json", exclude_none=True, exclude={"id", "active", "column", "columns", "description"})
    rule_json = json.dumps(content, ensure_ascii=False)
    lines = [*([as_text(rule.description), ""] if rule.description else []), "```json", json_as_text(rule_json), "```"]
    return {
        "stringx_shown_rule": {
            "name": re.sub(r"\W", "_", f"{prefix}_{rule.id.replace('.', '__of_set_')}"),
            "description": literal("\n".join(lines)),
            "arguments": {"rule": literal(rule_json), "reason": literal(f"run: {command}")},
        }
    }
