"""Writes a target's dbt project: its configured tables as sources, their rules as tests, their last verdicts as descriptions.

dbt renders Jinja in YAML, so every brace in a user's text is written as a Jinja expression for that brace.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml

from portal.escaping import as_text, json_as_text, literal
from portal.overview import first_page, has_overview
from portal.state import PortalTable, PortalTarget
from stringx_dataops import __version__
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.files import write_whole

_HEAD = "# Written by the docs portal; changes are lost. The rules run in the service: `dataops check TARGET TABLE`.\n"
_DOCS = "docs"
_SOURCES = Path("models") / "sources"  # one file per table, so that dbt reads only changed ones again
OURS = "test_name:stringx_rule"  # dbt's selector for the tests that represent rules
_USERS = "project"  # in the portal's folder: a link to the user's own dbt project, if it has models
Names = dict[TableName, tuple[str, str]]  # dbt's names for the source and for the table
_MACRO = """{#- A rule of the service, shown as a test. It checks nothing here, so it returns a row and never passes here. -#}
{% test stringx_rule(model, rule, reason, column_name=none) %}
select {{ dbt.string_literal(dbt.escape_single_quotes(reason)) }} as reason,
       {{ dbt.string_literal(dbt.escape_single_quotes(rule)) }} as rule
{% endtest %}
"""
_CATALOG = """{#- In dbt's own queries names are PostgreSQL's, whoever may create in the schemas that the role searches. -#}
{% macro stringx_search_pg_catalog() %}
  {%- call statement("stringx_search_pg_catalog") -%}set search_path = pg_catalog, pg_temp{%- endcall -%}
{% endmacro %}

{% macro postgres__list_relations_without_caching(schema_relation) %}
  {%- do stringx_search_pg_catalog() -%}
  {{- return(dbt.postgres__list_relations_without_caching(schema_relation)) -}}
{% endmacro %}

{% macro postgres__get_relations() %}
  {%- do stringx_search_pg_catalog() -%}
  {{- return(dbt.postgres__get_relations()) -}}
{% endmacro %}

{#- dbt puts the names of relations into its catalog's SQL as they are: their quotes are doubled before. -#}
{% macro postgres__get_catalog_relations(information_schema, relations) %}
  {%- do stringx_search_pg_catalog() -%}
  {%- set quoted = [] -%}
  {%- for relation in relations -%}
    {%- set schema = relation.schema | replace("'", "''") -%}
    {%- set name = relation.identifier | replace("'", "''") if relation.identifier else none -%}
    {%- do quoted.append({"schema": schema, "identifier": name}) -%}
  {%- endfor -%}
  {{- return(dbt.postgres__get_catalog_relations(information_schema, quoted)) -}}
{% endmacro %}

{#- Of more than a hundred relations dbt asks for all that their schemas hold: only those of this project are wanted. -#}
{% macro postgres__get_catalog(information_schema, schemas) %}
  {%- set wanted = [] -%}
  {%- for node in graph.sources.values() -%}
    {%- do wanted.append({"schema": node.schema, "identifier": node.identifier}) -%}
  {%- endfor -%}
  {%- for node in graph.nodes.values() if node.resource_type in ("model", "seed", "snapshot") -%}
    {%- do wanted.append({"schema": node.schema, "identifier": node.alias}) -%}
  {%- endfor -%}
  {{- return(postgres__get_catalog_relations(information_schema, wanted)) -}}
{% endmacro %}
"""


def write(
    target: PortalTarget,
    folder: Path,
    profiles: Path,
    users: Path,
    names: Names,
    *,
    with_models: bool = True,
    parts: Sequence[str] = (),
) -> None:
    """Write all files of the project, each atomically; files whose content has not changed are not written.

    If the dbt project in `users` has models, seeds or snapshots, they become part of the portal with its macros and packages,
    unless `with_models` is False. `parts` are folders below `folder` whose sources this project includes.
    """
    models = models_of(users)
    theirs = models if with_models else None
    settings = _settings(target.document.name, theirs, users, parts)
    _put(folder / "dbt_project.yml", _HEAD + _dump(settings))
    _put(folder / "profiles.yml", (profiles / "profiles.yml").read_text(encoding="utf-8"))
    _put(folder / "macros" / "stringx_rule.sql", _MACRO)
    _put(folder / "macros" / "catalog.sql", _CATALOG)
    found = dict(sources(target, names, prefix="stringx_" if models else ""))
    for name, content in found.items():
        _put(folder / _SOURCES / name, _dump(content))
    overview = folder / _DOCS / "overview.md"
    if not target.tables or (theirs is not None and has_overview(users, theirs)):
        overview.unlink(missing_ok=True)
    else:
        prefix = f"source.{settings['name']}.{'stringx_' if models else ''}"
        _put(overview, first_page(target, {name: f"{prefix}{'.'.join(words)}" for name, words in names.items()}))
    for left in (folder / _SOURCES).parent.rglob("*.yml"):
        if left.parent != folder / _SOURCES or left.name not in found:
            left.unlink()
    link = folder / _USERS
    if link.is_symlink() and (theirs is None or link.readlink() != users.resolve()):
        link.unlink()
    if theirs is not None and not link.is_symlink():
        link.symlink_to(users.resolve())


def models_of(users: Path) -> dict[str, Any] | None:
    """The dbt_project.yml of a project that has models, seeds or snapshots; None for any other project."""
    settings = dbt_project.settings(users)
    kinds = ("model-paths", "seed-paths", "snapshot-paths")
    folders = [users / path for kind in kinds for path in dbt_project.folders_of(settings, kind)]
    return settings if any(any(folder.rglob("*.*")) for folder in folders) else None


def _settings(target: str, theirs: dict[str, Any] | None, users: Path, parts: Sequence[str]) -> dict[str, Any]:
    """The content of dbt_project.yml: a new one, or the user's with paths through the link to the user's project."""
    own = ["models", *(f"{part}/models" for part in parts)]
    if theirs is None:
        plain = {
            "name": "stringx_" + re.sub(r"\W", "_", target),
            "version": __version__,
            "config-version": 2,
            "profile": "stringx",
        }
        return plain | {
            "model-paths": own,
            "macro-paths": ["macros"],
            "docs-paths": [_DOCS],
            "flags": {"send_anonymous_usage_stats": False},
        }
    paths = {
        kind: [f"{_USERS}/{path}" for path in dbt_project.folders_of(theirs, kind)]
        for kind in dbt_project.DEFAULT_FOLDERS
        if kind in theirs or kind not in ("analysis-paths", "docs-paths")
    }
    paths.setdefault("docs-paths", [path for kind, of_kind in paths.items() if kind != "test-paths" for path in of_kind])
    paths["docs-paths"].append(_DOCS)
    paths["model-paths"] += own
    paths["macro-paths"].append("macros")
    installed = dbt_project.packages_folder(users)
    return (
        {name: value for name, value in theirs.items() if name not in ("clean-targets", "target-path", "log-path")}
        | paths
        | {"packages-install-path": str(Path(_USERS) / installed.relative_to(users))}
    )


def _dump(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)


def named(tables: Iterable[str]) -> Names:
    """Names that dbt accepts, for all tables of a target. A table has the same names in every part."""
    by_schema: dict[str, tuple[str, set[str]]] = {}
    schemas: set[str] = set()
    found = {}
    for name in sorted(map(TableName.parse, tables), key=lambda name: (name.schema, name.name)):
        if name.schema not in by_schema:
            by_schema[name.schema] = _word(name.schema, schemas), set()
        schema, taken = by_schema[name.schema]
        found[name] = schema, _word(name.name, taken)
    return found


def sources(target: PortalTarget, names: Names, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
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


def _table(table: PortalTable, name: TableName, word: str, target: str) -> dict[str, Any]:
    document = table.document
    on_columns: dict[str, list[dict[str, Any]]] = {column: [] for column in _columns(table)}
    on_table: list[dict[str, Any]] = []
    for rule in document.active_rules:
        test = _test(rule, f"{target}_{name.schema}_{name.name}", f"dataops check {target} {document.table}")
        (on_columns[rule.all_columns[0]] if len(rule.all_columns) == 1 else on_table).append(test)
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
        if table.number > len(table.findings):
            words.append(f"- and {table.number - len(table.findings)} more")
    return "\n".join([*words, "", table.document.description])


def _columns(table: PortalTable) -> list[str]:
    """Columns that the document names, each once. dbt's catalog adds the other columns, and all types."""
    named = [*table.document.key, *table.document.sample_columns]
    return list(dict.fromkeys([*named, *(column for rule in table.document.active_rules for column in rule.all_columns)]))


def _test(rule: Rule, place: str, command: str) -> dict[str, Any]:
    """A dbt test that represents a rule. Its description, and its SQL if somebody compiles it, contain the rule as JSON."""
    said = rule.model_dump(mode="json", exclude_none=True, exclude={"id", "active", "column", "columns", "description"})
    letters = json.dumps(said, ensure_ascii=False)
    words = [*([as_text(rule.description), ""] if rule.description else []), "```json", json_as_text(letters), "```"]
    return {
        "stringx_rule": {
            "name": re.sub(r"\W", "_", f"{place}_{rule.id}"),
            "description": literal("\n".join(words)),
            "arguments": {"rule": literal(letters), "reason": literal(f"run: {command}")},
        }
    }


def _word(name: str, taken: set[str]) -> str:
    """A name that dbt accepts and that is not taken yet, ignoring case, because it is also the name of a file."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    word = next(word for word in chain([plain], (f"{plain}__{number}" for number in count(2))) if word.lower() not in taken)
    taken.add(word.lower())
    return word


def _put(path: Path, text: str) -> None:
    """Write a file unless it holds this text already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
