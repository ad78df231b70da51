"""Reads dbt's YAML files: models, seeds, snapshots and sources with their tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.exchange.dbt.shape import SCHEMA_FILE
from stringx_dataops.exchange.dbt.tests import (
    DECIDING,
    OF_CONFIG,
    DbtTest,
    Lost,
    Reference,
    advice_about_jinja,
    is_rendered,
    reference_of,
)
from stringx_dataops.exchange.foreign import Mapping, line_of, read_yaml_file
from stringx_dataops.exchange.model import Unreadable
from stringx_dataops.exchange.shapes import fitted
from stringx_dataops.exchange.sql import folded, quoted

_KINDS = ("models", "seeds", "snapshots")
ADVICE = "import target/manifest.json, which dbt has filled in"


@dataclass(frozen=True)
class Relation:
    """A model, seed, snapshot or table of a source, in one version: `name` is its table, or why it has none."""

    file: Path
    line: int
    name: TableName | str
    entry: Mapping
    columns: list[Any]
    tests: list[tuple[Any, int]]  # each with its line
    enabled: bool = True
    quotes_columns: bool = False


@dataclass
class SchemaFiles:
    """All of the files together, because tests of one name models of another."""

    schema: str | None
    relations: list[Relation] = field(default_factory=list)
    losses: list[tuple[str, str]] = field(default_factory=list)
    guesses: set[str] = field(default_factory=set)
    _models: dict[tuple[str, str | None], TableName | str] = field(default_factory=dict)
    _sources: dict[tuple[str, str], TableName | str] = field(default_factory=dict)

    def read(self, file: Path) -> bool:
        """Take up the relations of a file; whether it has any."""
        found = False
        for document in read_yaml_file(file):
            if not isinstance(document, Mapping) or file.stem == "dbt_project" or not document.keys() & {*_KINDS, "sources"}:
                continue

            def tell(line: int, words: str) -> None:
                self.losses.append((f"{file}:{line}", words))

            document = fitted(document, SCHEMA_FILE, document.line, tell)
            for kind in (*_KINDS, "sources"):
                if not isinstance(document.get(kind), list):
                    continue
                found = True
                for entry in document[kind]:
                    self._take(file, kind, entry, document.line_of(kind))
        return found

    def tests(self) -> Iterator[DbtTest | tuple[str, str]]:
        """Each test, or (place, words) of one that is lost."""
        for relation in self.relations:
            for column in relation.columns:
                yield from self._of_column(relation, column)
            for test, line in relation.tests:
                yield self._test(relation, test, line, None)

    def _take(self, file: Path, kind: str, entry: Any, line: int) -> None:
        line = line_of(entry, line)
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            self.losses.append((f"{file}:{line}", f"an entry of {kind} has no name"))
            return
        if kind == "sources":
            self._take_source(file, entry)
            return
        versions = [each for each in entry.get("versions") or [] if isinstance(each, Mapping)]
        for version in versions:
            if version.get("v") is None:
                self.losses.append((f"{file}:{version.line}", f"a version of {entry['name']} has no `v`"))
            for column in _list(version, "columns"):
                if not all(_is_choice(column.get(key)) for key in ("include", "exclude")):
                    words = f"{entry['name']}: include and exclude must be a list of columns, or all"
                    self.losses.append((f"{file}:{line_of(column, version.line)}", words))
        versions = [each for each in versions if each.get("v") is not None]
        if not versions:
            self._add_model(file, kind, entry, None)
        for version in versions:
            self._add_model(file, kind, entry, version)
        if versions:
            latest = entry.get("latest_version") or max((each["v"] for each in versions), key=_order)
            self._models[entry["name"], None] = self._models.get((entry["name"], str(latest)), f"has no version {latest}")

    def _add_model(self, file: Path, kind: str, entry: Mapping, version: Mapping | None) -> None:
        config = _mapping(entry.get("config")) | (_mapping(version.get("config")) if version else {})
        name = entry["name"] if version is None else f"{entry['name']}_v{version['v']}"
        table = self._table_of(kind, name, config)
        self._models[entry["name"], str(version["v"]) if version else None] = table
        columns, tests = _list(entry, "columns"), _tests_of(entry)
        if version is not None:
            columns = _columns_of_version(columns, _list(version, "columns"))
            tests = _tests_of(version) if _has_tests(version) else tests
        enabled = config.get("enabled", True)
        if is_rendered(enabled):
            table = f"enabled {advice_about_jinja(enabled)}; {ADVICE}"
        self._relate(file, entry, table, columns, tests, enabled is not False, bool(config.get("quote_columns")))

    def _table_of(self, kind: str, name: str, config: dict[str, Any]) -> TableName | str:
        if config.get("materialized") == "ephemeral":
            return "the model is ephemeral; no table of it is there"
        alias, custom = config.get("alias") or name, config.get("schema")
        schema = config.get("target_schema") if kind == "snapshots" else None
        if schema is None and self.schema is None:
            raise Unreadable("the files do not say in which schema models, seeds and snapshots are; name it with --schema")
        if custom:
            schema = f"{self.schema}_{custom}"
            self.guesses.add(f"the schema of a model with a schema of its own is taken to be {self.schema}_<its schema>")
        for value in (alias, schema):
            if is_rendered(value):
                return f"the name {advice_about_jinja(value)}; {ADVICE}"
        if schema is None:
            schema = self.schema
            self.guesses.add(
                f"models are taken to be {self.schema}.<name>; schema, alias and other config in SQL files are not read"
            )
        return _table(schema, alias)

    def _take_source(self, file: Path, source: Mapping) -> None:
        own = _mapping(source.get("config"))
        for table in _list(source, "tables"):
            if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
                self.losses.append((f"{file}:{line_of(table, source.line)}", "a table of a source has no name"))
                continue
            config = own | _mapping(table.get("config"))
            schema, name = source.get("schema") or source["name"], table.get("identifier") or table["name"]
            quoting = _mapping(source.get("quoting")) | _mapping(table.get("quoting"))
            schema = folded(str(schema)) if quoting.get("schema") is False else schema
            name = folded(str(name)) if quoting.get("identifier") is False else name
            rendered = next((each for each in (schema, name, config.get("enabled")) if is_rendered(each)), None)
            found = f"the source {advice_about_jinja(rendered)}; {ADVICE}" if rendered is not None else _table(schema, name)
            self._sources[source["name"], table["name"]] = found
            enabled = config.get("enabled", True) is not False
            quotes = bool(quoting.get("column"))
            self._relate(file, table, found, _list(table, "columns"), _tests_of(table), enabled, quotes)
            if table.get("freshness", source.get("freshness")) or config.get("freshness"):
                words = f"freshness of {source['name']}.{table['name']} is no test; write a rule of type freshness"
                self.losses.append((f"{file}:{table.line_of('freshness')}", words))

    def _relate(
        self, file: Path, entry: Mapping, name: TableName | str, columns: list[Any], tests: Any, enabled: bool, quotes: bool
    ) -> None:
        self.relations.append(Relation(file, entry.line, name, entry, columns, tests, enabled, quotes))

    def _of_column(self, relation: Relation, column: Any) -> Iterator[DbtTest | tuple[str, str]]:
        line = line_of(column, relation.line)
        if not isinstance(column, Mapping) or not isinstance(column.get("name"), str):
            yield f"{relation.file}:{line}", "a column has no name"
            return
        quote = column.get("quote")
        name = quoted(column["name"]) if (quote or (quote is None and relation.quotes_columns)) else column["name"]
        for test, its_line in _tests_of(column):
            yield self._test(relation, test, its_line, name)

    def _test(self, relation: Relation, test: Any, line: int, column: str | None) -> DbtTest | tuple[str, str]:
        place = f"{relation.file}:{line}"
        try:
            name, given = _named(test)
            if isinstance(relation.name, str):
                raise Lost(f"{name}: {relation.name}")
            return self._built(relation, relation.name, name, given, place, column)
        except Lost as lost:
            return place, str(lost)

    def _built(
        self, relation: Relation, table: TableName, name: str, given: dict[str, Any], place: str, column: str | None
    ) -> DbtTest:
        nested, config = given.get("arguments"), given.get("config")
        if (nested is not None and not isinstance(nested, dict)) or (config is not None and not isinstance(config, dict)):
            raise Lost(f"{name}: arguments and config must be mappings")
        given = {key: value for key, value in given.items() if key not in ("arguments", "config")} | (nested or {})
        arguments = {key: value for key, value in given.items() if key not in ("config", "name", "description")}
        settings = {key: arguments.pop(key) for key in list(arguments) if key in OF_CONFIG}  # wherever it stands, as dbt does
        column = arguments.pop("column_name", column)
        settings |= config or {}
        enabled = settings.get("enabled", True)
        if is_rendered({key: value for key, value in settings.items() if key in DECIDING}):
            raise Lost(f"{name}: its config {advice_about_jinja(settings)}, or {ADVICE}")
        try:
            arguments = {key: self._resolved(value) for key, value in arguments.items()}
        except Lost as lost:
            raise Lost(f"{name}: {lost}") from lost
        return DbtTest(
            name, table, place, column, arguments, settings, str(given.get("name") or ""),
            "" if is_rendered(given.get("description")) else str(given.get("description") or ""),
            active=relation.enabled and enabled is not False,
        )  # fmt: skip

    def _resolved(self, value: Any) -> Any:
        """The value with tables in place of references, at any depth."""
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        reference = reference_of(value)
        if reference is None:
            if is_rendered(value):
                raise Lost(advice_about_jinja(value))  # dbt renders arguments only when it runs; no manifest has them
            return value
        return self._relation_of(reference)

    def _relation_of(self, reference: Reference) -> TableName:
        found: TableName | str | None
        if reference.kind == "source":
            found = self._sources.get((reference.names[0], reference.names[1]), "no file that was read has this source")
        else:
            name = reference.names[-1]
            found = self._models.get((name, reference.version))
            if found is None:
                found = self._table_of("models", name if reference.version is None else f"{name}_v{reference.version}", {})
        if isinstance(found, str):
            raise Lost(f"{reference.kind} {'.'.join(reference.names)}: {found}")
        return found


def _named(test: Any) -> tuple[str, dict[str, Any]]:
    """The name of a test, and what stands below it."""
    if isinstance(test, str):
        return test, {}
    if isinstance(test, dict) and isinstance(test.get("test_name"), str):
        return test["test_name"], {key: value for key, value in test.items() if key != "test_name"}
    if isinstance(test, dict) and len(test) == 1:
        ((name, given),) = test.items()
        if isinstance(given, dict):
            return name, given
        raise Lost(f"{name}: its arguments are no mapping; indent them below its name")
    raise Lost("a test must be a name, or one name with a mapping below it")


def _table(schema: Any, name: Any) -> TableName | str:
    try:
        return TableName.parse(f"{quoted(str(schema))}.{quoted(str(name))}")
    except ValueError as error:
        return f"the table {schema}.{name} {error}"


def _tests_of(entry: Mapping) -> list[tuple[Any, int]]:
    """The tests of a model, column, version or table, each with its line."""
    found: list[tuple[Any, int]] = []
    for key in ("data_tests", "tests"):
        value = entry.get(key)
        if value is not None:
            items = value if isinstance(value, list) else [value]
            found += [(item, line_of(item, entry.line_of(key))) for item in items]
    return found


def _has_tests(entry: Mapping) -> bool:
    return any(entry.get(key) is not None for key in ("data_tests", "tests"))


def _columns_of_version(base: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    """The columns of a version: those of the model that it includes, and its own; of one name, dbt runs the tests of both."""
    marked = [each for each in own if isinstance(each, dict) and ("include" in each or "exclude" in each)]
    rule: dict[str, Any] = marked[0] if marked else {"include": "all"}
    others = [each for each in own if each is not rule]
    include, exclude = ([value] if isinstance(value, str) else value if isinstance(value, list) else []
                        for value in (rule.get("include"), rule.get("exclude")))  # fmt: skip
    everything = include == ["all"] or "*" in include
    kept = [
        each
        for each in base
        if isinstance(each, dict) and each.get("name") not in exclude and (everything or each.get("name") in include)
    ]
    return [*kept, *others]


def _is_choice(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _order(version: Any) -> tuple[bool, float, str]:
    """Numbers before texts."""
    try:
        return False, float(version), ""
    except (TypeError, ValueError):
        return True, 0, str(version)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(entry: Mapping, key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []
