"""Reads data contracts of ODCS 3: the schema, quality and service levels of each table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Mapping, files_below, read_yaml_file
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.odcs.checks import rule_of_check
from stringx_dataops.exchange.odcs.operators import BETWEEN, Lost
from stringx_dataops.exchange.odcs.properties import rules_of_property
from stringx_dataops.exchange.odcs.service_levels import freshness_of
from stringx_dataops.exchange.odcs.shape import CONTRACT
from stringx_dataops.exchange.shapes import fitted
from stringx_dataops.exchange.sql import quoted

SETTINGS = "stringx"  # the custom property of a schema that keeps the rest of a table's document


@dataclass(frozen=True)
class _Object:
    """One entry of `schema`: a table, with its columns by their names in the contract."""

    entry: Mapping
    table: TableName
    columns: dict[str, str]


def read(paths: Sequence[Path], target: str, catalogue: Catalogue, schema: str | None = None) -> Taken:
    """The tables of the contracts. `schema` is that of tables whose contract names none.

    Raises Unreadable for a file that is no YAML, and if no contract is among the files.
    """
    collector = Collector(target, catalogue)
    for path in paths:
        found = 0
        for file in files_below([path], (".yml", ".yaml")):
            for document in read_yaml_file(file):
                if isinstance(document, Mapping) and document.get("kind") == "DataContract":
                    found += 1
                    _Contract(file, _fitted(file, document, collector), collector, schema).read()
        if not found:
            raise Unreadable(f"{path}: holds no data contract (kind: DataContract)")
    return collector.taken()


@dataclass(frozen=True)
class _Contract:
    """One contract and where its rules go."""

    file: Path
    content: Mapping
    collector: Collector
    schema: str | None

    def read(self) -> None:
        """Collect all of its rules."""
        version = str(self.content.get("apiVersion"))
        if not version.startswith("v3."):
            raise Unreadable(f"{self.file}:{self.content.line_of('apiVersion')}: apiVersion {version} is not of ODCS 3")
        if not isinstance(self.content.get("schema"), list):
            raise Unreadable(f"{self.file}:{self.content.line_of('schema')}: schema must be a list of tables, each with a dash")
        found = [each for entry in _mappings(self.content["schema"]) if (each := self._object(entry)) is not None]
        objects = {str(each.entry.get("name")): each for each in found}
        for each in found:
            self._describe(each)
            self._take_keys(each, objects)
            for name, column, entry in _properties(each):
                self._take_property(each, name, column, entry, objects)
            for check in _mappings(each.entry.get("quality")):
                self._take_check(each, check, None)
        self._take_service_levels(objects)

    def _object(self, entry: Mapping) -> _Object | None:
        if entry.get("physicalName") is None and entry.get("name") is None:
            self._lose(entry, "", "a table of the schema has no name")
            return None
        name = str(entry.get("physicalName") or entry.get("name"))
        try:
            table = TableName.parse(name if "." in name else f"{quoted(self._schema())}.{quoted(name)}")
        except ValueError as error:
            self._lose(entry, "physicalName", f"{name} {error}")
            return None
        for each in _mappings(entry.get("properties")):
            if each.get("name") is None:
                self._lose(each, "", f"{name}: a property has no name")
        properties = [each for each in _mappings(entry.get("properties")) if each.get("name") is not None]
        return _Object(entry, table, {str(each["name"]): str(each.get("physicalName") or each["name"]) for each in properties})

    def _schema(self) -> str:
        if self.schema is not None:
            return self.schema
        servers = [each for each in _mappings(self.content.get("servers")) if each.get("type") in ("postgres", "postgresql")]
        schemas = {str(each["schema"]) for each in servers if each.get("schema")}
        if len(schemas) != 1:
            raise Unreadable(f"{self.file}: does not say in which schema its tables are; name it with --schema")
        return schemas.pop()

    def _settings(self, each: _Object) -> JsonObject | None:
        """The rest of a table's document, if an export has written the contract."""
        custom = _mappings(each.entry.get("customProperties"))
        found = next((item for item in custom if item.get("property") == SETTINGS), None)
        kept = found.get("value") if found is not None else None
        if found is not None and not isinstance(kept, dict):
            self._lose(found, "value", f"the custom property {SETTINGS} must hold a mapping")
        return kept if isinstance(kept, dict) else None

    def _describe(self, each: _Object) -> None:
        if (kept := self._settings(each)) is not None:
            self.collector.keep(each.table, kept)
        else:
            self.collector.describe(each.table, description=str(each.entry.get("description") or "")[:10_000], on_empty="pass")

    def _take_keys(self, each: _Object, objects: dict[str, _Object]) -> None:
        members = [(column, entry) for _, column, entry in _properties(each) if entry.get("primaryKey") is True]
        members.sort(key=lambda member: member[1].get("primaryKeyPosition") or 0)
        columns = [column for column, _ in members]
        if columns:
            entry = members[0][1]
            named: JsonObject = {"column": columns[0]} if len(columns) == 1 else {"columns": columns}
            said = {"not_null": "required", "unique": "unique"}
            for kind in said:
                if len(columns) > 1 or entry.get(said[kind]) is not True:  # otherwise the property says it itself
                    place = f"{self.file}:{entry.line_of('primaryKey')}"
                    self.collector.add(each.table, {"type": kind, **named}, place, f"primary_key_{kind}")
        for relationship in _mappings(each.entry.get("relationships")):
            self._take_relationship(each, relationship, relationship.get("from"), objects)

    def _take_property(self, each: _Object, name: str, column: str, entry: Mapping, objects: dict[str, _Object]) -> None:
        for key, words, rule in rules_of_property(column, entry):
            if isinstance(rule, Lost):
                self._lose(entry, "logicalTypeOptions", f"{column}: {rule}")
            else:
                self.collector.add(each.table, rule, f"{self.file}:{entry.line_of(key)}", words)
        for relationship in _mappings(entry.get("relationships")):
            self._take_relationship(each, relationship, name, objects)
        for check in _mappings(entry.get("quality")):
            self._take_check(each, check, column)
        if entry.get("properties") or entry.get("items"):
            self._lose(entry, "properties", f"{column}: what is inside of a column is not checked")

    def _take_check(self, each: _Object, check: Mapping, column: str | None) -> None:
        try:
            rule = rule_of_check(check, each.table, column)
        except Lost as lost:
            self._lose(check, "", f"{column or each.table}: {lost}")
            return
        if check.get("mustBeBetween") is not None:
            self.collector.remark(BETWEEN)
        words = str(rule.pop("id", "") or check.get("id") or check.get("name") or "")
        is_own = check.get("type") == "custom"
        self.collector.add(each.table, rule, f"{self.file}:{check.line}", words, has_patterns=is_own)

    def _take_relationship(self, each: _Object, entry: Mapping, source: Any, objects: dict[str, _Object]) -> None:
        sources, targets = (value if isinstance(value, list) else [value] for value in (source, entry.get("to")))
        parts = [part for text in targets if (part := _reference(text)) is not None]
        names = {name for name, _ in parts}
        other = objects.get(names.pop()) if len(names) == 1 else None
        own = [each.columns[_last(text)] for text in sources if _last(text) in each.columns]
        referenced = [other.columns[field] for _, field in parts if field in other.columns] if other else []
        if other is None or not len(own) == len(sources) == len(referenced) == len(targets):
            self._lose(entry, "to", f"the relationship to {entry.get('to')} names no columns of this contract")
            return
        arguments: JsonObject = {"to_table": other.table.as_other}
        if len(own) == 1:
            arguments["to_column"] = referenced[0]
        else:
            arguments["to_columns"] = referenced
        named: JsonObject = {"column": own[0]} if len(own) == 1 else {"columns": own}
        self.collector.add(each.table, {"type": "relationship", **named, "arguments": arguments}, f"{self.file}:{entry.line}")

    def _take_service_levels(self, objects: dict[str, _Object]) -> None:
        for level in _mappings(self.content.get("slaProperties")):
            try:
                max_age = freshness_of(level)
                name, _, field = str(level.get("element")).partition(".")
                each = objects.get(name)
                if each is None or field not in each.columns:
                    raise Lost(f"element {level.get('element')} is no column of this contract")
            except Lost as lost:
                self._lose(level, "property", f"service level {level.get('property')}: {lost}")
                continue
            rule = {"type": "freshness", "column": each.columns[field], "arguments": {"max_age": max_age}}
            if not self._settings(each):
                self.collector.describe(each.table, on_empty="fail")  # data that is not there is not fresh
            self.collector.add(each.table, rule, f"{self.file}:{level.line}", str(level.get("id") or ""))

    def _lose(self, entry: Mapping, key: str, words: str) -> None:
        self.collector.lose(f"{self.file}:{entry.line_of(key)}", words)


def _fitted(file: Path, document: Mapping, collector: Collector) -> Mapping:
    """The contract without what is not as ODCS has it, which is lost."""
    if not isinstance(document.get("schema"), list):
        return document  # refused as a whole
    kept = fitted(document, CONTRACT, document.line, lambda line, words: collector.lose(f"{file}:{line}", words))
    return cast(Mapping, kept)


def _properties(each: _Object) -> Iterator[tuple[str, str, Mapping]]:
    """Name in the contract, column, and entry of each property."""
    for entry in _mappings(each.entry.get("properties")):
        if entry.get("name") is not None:
            yield str(entry["name"]), each.columns[str(entry["name"])], entry


def _reference(text: Any) -> tuple[str, str] | None:
    """(schema object, property) of `orders.id`, or of `/schema/orders/properties/id`."""
    value = str(text)
    if value.startswith("/"):
        parts = value.strip("/").split("/")
        return (parts[1], parts[3]) if len(parts) == 4 else None
    name, dot, field = value.rpartition(".")
    return (name, field) if dot else None


def _last(text: Any) -> str:
    return str(text).rpartition("/")[2].rpartition(".")[2]


def _mappings(value: Any) -> list[Mapping]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
