"""Reads dbt's `manifest.json`: tests with their final config, and the tables that refs and sources mean."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.dbt.tests import DbtTest, Lost, Reference, advice_about_jinja, is_rendered, reference_of
from stringx_dataops.exchange.foreign import read_json_file
from stringx_dataops.exchange.model import Unreadable
from stringx_dataops.exchange.sql import folded, quoted

_RELATIONS = ("model", "seed", "snapshot")
_CHECKED = re.compile(r"^\{\{\s*get_where_subquery\((.*)\)\s*\}\}$", re.DOTALL)
_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')  # of the name of a relation
_OWN_MACROS = re.compile(r"macro\.(dbt|dbt_postgres)\.")


class Manifest:
    """One manifest. `database` is the one that most tested tables are in; those of others are not of the target."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = read_json_file(path)
        nodes, sources = (content.get(key) if isinstance(content, dict) else None for key in ("nodes", "sources"))
        if not isinstance(nodes, dict) or not isinstance(sources, dict):
            raise Unreadable(f"{path}:1: is no manifest.json of dbt: it has no nodes and sources")
        self._odd = [
            key
            for key, node in {**nodes, **sources}.items()
            if not isinstance(node, dict) or not isinstance(node.get("resource_type"), str)
        ]
        self._nodes: JsonObject = {key: node for key, node in {**nodes, **sources}.items() if isinstance(node, dict)}
        self.adapter = _mapping(content.get("metadata")).get("adapter_type")
        self._by_name: dict[str, list[JsonObject]] = {}
        for node in self._nodes.values():
            if node.get("resource_type") in _RELATIONS:
                self._by_name.setdefault(str(node.get("name")), []).append(node)
        self._tests = [node for node in self._nodes.values() if node.get("resource_type") == "test" and not _is_gate(node)]
        tested = Counter(str(node.get("database")) for test in self._tests for node in self._depends_on(test))
        self.database = tested.most_common(1)[0][0] if tested else ""

    def tests(self) -> Iterator[DbtTest | tuple[str, str]]:
        """Each test, or (place, words) of one that is lost."""
        for key in self._odd:
            yield f"{self.path}: {key}", "is no node of dbt: it has no resource_type"
        for node in sorted(self._tests, key=lambda each: (str(each.get("original_file_path")), str(each.get("unique_id")))):
            place = f"{node.get('original_file_path') or self.path}: {node.get('name')}"
            try:
                yield self._test(node, place)
            except Lost as lost:
                yield place, str(lost)

    def documents(self) -> Iterator[tuple[TableName, JsonObject]]:
        """The tables of models and sources, each with its node."""
        for node in self._nodes.values():
            if node.get("resource_type") in (*_RELATIONS, "source"):
                try:
                    yield self._table_of(node), node
                except Lost:
                    continue

    def _test(self, node: JsonObject, place: str) -> DbtTest:
        config, metadata = _mapping(node.get("config")), node.get("test_metadata")
        if not isinstance(metadata, dict):
            raise Lost("is a singular test; write its query as a rule of type sql, or run it as one of type dbt by its name")
        name, namespace = str(metadata.get("name")), metadata.get("namespace")
        for words, value in (("config", node.get("config")), ("kwargs", metadata.get("kwargs"))):
            if value is not None and not isinstance(value, dict):
                raise Lost(f"its {words} must be a mapping")
        kwargs = _mapping(metadata.get("kwargs"))
        full = f"{namespace}.{name}" if namespace else name
        if replaced := self._replaced(node, full):
            raise Lost(f"{full}: the project has its own macro {replaced} in place of dbt's; write the rule by hand")
        arguments = {}
        for key, value in kwargs.items():
            if key not in ("model", "column_name"):
                try:
                    arguments[key] = self._resolved(value, node)
                except Lost as lost:
                    raise Lost(f"{full}: {lost}") from lost
        column = kwargs.get("column_name")
        return DbtTest(
            name=full,
            table=self._table_of(self._checked(node, kwargs)),
            place=place,
            column=column if isinstance(column, str) else None,
            arguments=arguments,
            config=config,
            own_name=self._own_name(node, full),
            description=str(node.get("description") or ""),
            active=config.get("enabled") is not False,
        )

    def _own_name(self, node: JsonObject, full: str) -> str:
        """The name that the project gave the test; empty if dbt made it."""
        name = str(node.get("name"))
        package, _, test = full.rpartition(".")
        front = f"{package}_" if package else ""
        return "" if name.startswith((f"{front}{test}", f"{front}source_{test}")) else name

    def _replaced(self, node: JsonObject, full: str) -> str | None:
        """A macro of the project that dbt uses in place of its own, for a test that has dbt's name."""
        if "." in full:
            return None
        macros = _list(_mapping(node.get("depends_on")).get("macros"))
        own = {f"test_{full}", f"default__test_{full}", "get_where_subquery", "default__get_where_subquery"}
        own |= {f"postgres__test_{full}", "postgres__get_where_subquery"}
        is_built_in = full in ("not_null", "unique", "accepted_values", "relationships")
        if not is_built_in:
            own = {name for name in own if "where" in name}
        return next((each for each in macros if not _OWN_MACROS.match(str(each)) and str(each).split(".")[-1] in own), None)

    def _checked(self, test: JsonObject, kwargs: JsonObject) -> JsonObject:
        """The node whose table the test reads. Raises Lost."""
        attached = self._nodes.get(str(test.get("attached_node")))
        if attached is not None:
            return _mapping(attached)
        match = _CHECKED.match(str(kwargs.get("model")).strip())
        reference = reference_of(match[1]) if match else None
        if reference is None:
            raise Lost("what it looks at is neither a model nor a source")
        return self._node_of(reference, test)

    def _resolved(self, value: Any, test: JsonObject) -> Any:
        """The value with tables in place of references, at any depth."""
        if isinstance(value, dict):
            return {key: self._resolved(item, test) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item, test) for item in value]
        if (reference := reference_of(value)) is not None:
            return self._table_of(self._node_of(reference, test))
        if is_rendered(value):
            raise Lost(advice_about_jinja(value))
        return value

    def _node_of(self, reference: Reference, test: JsonObject) -> JsonObject:
        depends_on = self._depends_on(test)
        if reference.kind == "source":
            for node in (*depends_on, *self._nodes.values()):
                if node.get("resource_type") == "source" and (node.get("source_name"), node.get("name")) == reference.names:
                    return _mapping(node)
        else:
            found = self._by_name.get(reference.names[-1], [])
            if len(reference.names) > 1:
                found = [node for node in found if node.get("package_name") == reference.names[0]]
            if reference.version is not None:
                found = [node for node in found if str(node.get("version")) == reference.version]
            elif len(found) > 1:
                found = [node for node in found if node.get("version") == node.get("latest_version")] or found
            found = [node for node in found if node in depends_on] or found
            if found:
                return _mapping(found[0])
        raise Lost(f"{reference.kind} {'.'.join(reference.names)} is not in the manifest")

    def _depends_on(self, test: JsonObject) -> list[JsonObject]:
        names = _list(_mapping(test.get("depends_on")).get("nodes"))
        return [self._nodes[name] for name in names if isinstance(name, str) and name in self._nodes]

    def _table_of(self, node: JsonObject) -> TableName:
        """The table of a node. Raises Lost."""
        config = _mapping(node.get("config"))
        if config.get("materialized") == "ephemeral":
            raise Lost(f"the model {node.get('name')} is ephemeral; no table of it is there")
        if self.database and str(node.get("database")) != self.database:
            raise Lost(f"{node.get('name')} is in the database {node.get('database')}, and the target's is {self.database}")
        schema, name = node.get("schema"), node.get("identifier") or node.get("alias") or node.get("name")
        if isinstance(node.get("relation_name"), str) and len(parts := _PART.findall(node["relation_name"])) > 1:
            schema, name = map(folded, parts[-2:])  # as dbt writes it into its SQL, without quotes if the project says so
        try:
            return TableName.parse(f"{quoted(str(schema))}.{quoted(str(name))}")
        except ValueError as error:
            raise Lost(f"the table {schema}.{name} {error}") from error


def _is_gate(node: JsonObject) -> bool:
    """Whether it is the one test of the package `stringx`, which runs checks."""
    return (node.get("package_name"), node.get("name")) == ("stringx", "gate")


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
