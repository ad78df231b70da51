"""Collects rules by table, and makes documents of them that the service accepts: each is read back and validated."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.globs import literal_column
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.tables import MOST_RULES, parse_table
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.documents.yaml_writing import table_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.exchange.foreign import jsonable
from stringx_dataops.exchange.model import Loss, Taken
from stringx_dataops.exchange.names import rule_id, unique_ids

_RULE = re.compile(r"/rules/([0-9]+)(/.*)?")
_LINE = re.compile(r"^line [0-9]+: ")


@dataclass
class _Table:
    fields: JsonObject = field(default_factory=dict)
    rules: list[tuple[str, JsonObject]] = field(default_factory=list)  # each with its place


class Collector:
    """Rules that a reader finds, with what it loses. `documents()` gives only what the service accepts."""

    def __init__(self, target: str, catalogue: Catalogue) -> None:
        self._target = target
        self._catalogue = catalogue
        self._tables: dict[str, _Table] = {}
        self._losses: list[Loss] = []
        self._remarks: dict[str, None] = {}

    def add(self, table: TableName, rule: JsonObject, place: str, name: str = "", *, has_patterns: bool = False) -> None:
        """A rule without an id; it is made from `name`, or else from columns and type. Fields that are None are left out. Columns
        are meant literally, unless the rule is one of a document that may have patterns."""
        fields = {key: value for key, value in rule.items() if value is not None and value not in ({}, "")}
        for key in ("column", "columns"):
            if key in fields and not has_patterns:
                given = fields[key]
                fields[key] = literal_column(str(given)) if key == "column" else [literal_column(str(each)) for each in given]
        columns = fields.get("columns") or [fields[key] for key in ("column",) if key in fields]
        words = name or "_".join([*map(str, columns), str(fields.get("type"))])
        self._of(table).rules.append((place, {"id": rule_id(words), **jsonable(fields)}))

    def describe(self, table: TableName, **fields: Any) -> None:
        """Fields of the table's document, such as `description`. Empty ones are left out."""
        self._of(table).fields |= {name: jsonable(value) for name, value in fields.items() if value}

    def keep(self, table: TableName, fields: JsonObject) -> None:
        """Fields of the table's document as they are."""
        self._of(table).fields |= jsonable(fields)

    def lose(self, place: str, words: str) -> None:
        """Something that no rule says, in one line."""
        self._losses.append(Loss(place, " ".join(words.split())))

    def remark(self, words: str) -> None:
        """An assumption of the reader, said once."""
        self._remarks[words] = None

    def taken(self) -> Taken:
        """The documents, in the order of the tables' names."""
        documents = [document for name in sorted(self._tables) if (document := self._document(name)) is not None]
        return Taken(documents, list(self._losses), sum(len(each["rules"]) for each in documents), list(self._remarks))

    def _of(self, table: TableName) -> _Table:
        return self._tables.setdefault(str(table), _Table())

    def _document(self, name: str) -> JsonObject | None:
        """The document of a table, without what the service refuses, which is lost; None if no rule is left."""
        table = self._tables[name]
        rules = table.rules
        for place, rule in rules[MOST_RULES:]:
            self.lose(place, f"{rule['id']}: the table has more than {MOST_RULES:,} rules")
        rules = rules[:MOST_RULES]
        while rules:
            ids = unique_ids([rule["id"] for _, rule in rules])
            numbered = [rule | {"id": unique} for unique, (_, rule) in zip(ids, rules, strict=True)]
            document = {"apiVersion": "stringx/v1", "target": self._target, "table": name, **table.fields, "rules": numbered}
            faults = self._faults(document)
            if not faults:
                return document
            if whole := faults.get(None):
                self.lose(rules[0][0], f"table {name} with {len(rules)} rule(s): {whole}")
                return None
            for index, words in faults.items():
                if index is not None:
                    self.lose(rules[index][0], f"{rules[index][1]['id']}: {words}")
            rules = [each for index, each in enumerate(rules) if index not in faults]
        return None

    def _faults(self, document: JsonObject) -> dict[int | None, str]:
        """What the service refuses when it reads the document as YAML, by the index of the rule; None for the document itself."""
        try:
            (value,) = read_yaml(table_as_yaml(document, self._catalogue).encode())
            parse_table(value, self._catalogue, lambda _: Judge(dialect_of("postgres")))
        except StringXError as error:
            found: dict[int | None, str] = {}
            for fault in error.errors:
                rule = _RULE.fullmatch(fault.pointer)
                inside = (rule[2] or "").strip("/") if rule else fault.pointer.strip("/")
                words = f"{inside} {_LINE.sub('', fault.message)}".strip()
                found.setdefault(int(rule[1]) if rule else None, words)
            return found or {None: error.detail}
        return {}

    @property
    def counts(self) -> Counter[str]:
        """Rules by table, before they are validated."""
        return Counter({name: len(table.rules) for name, table in self._tables.items()})
