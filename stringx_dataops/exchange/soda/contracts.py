"""Contracts of Soda 4: their table, their columns, and the checks of both."""

import re
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Mapping, line_of
from stringx_dataops.exchange.making import Check, Maker
from stringx_dataops.exchange.soda.contract_checks import ContractCheck, text_of
from stringx_dataops.exchange.soda.contract_validity import VALIDITY
from stringx_dataops.exchange.soda.lines import NotUnderstood

_VARIABLE = re.compile(r"\$\{")
_SAYS_NOTHING = ("name", "description", "owner", "owners", "attributes", "dataset_attributes", "check_attributes", "tags")
_KNOWN = frozenset(("dataset", "filter", "columns", "checks", "variables", "scopes", *_SAYS_NOTHING))
_SIZES = ("character_maximum_length", "numeric_precision", "numeric_scale", "datetime_precision")
_OF_COLUMN = frozenset(("checks", "data_type", "column_expression", *_SIZES, *VALIDITY, *_SAYS_NOTHING))


class Contract:
    """One contract: its table, its columns, and the checks of both."""

    def __init__(self, collector: Collector, schema: str, file: str, document: Mapping) -> None:
        self._collector = collector
        self._maker = Maker(collector)
        self._file = file
        self._document = document
        self._table = _table(document.get("dataset"), schema)
        self._schema = schema

    def add(self) -> None:
        """Its checks as rules. Raises NotUnderstood if the contract as a whole says what no rule does."""
        document = self._document
        place = f"{self._file}:{document.line}"
        for key in ("variables", "scopes"):
            if document.get(key):
                line = document.line_of(key)
                self._collector.lose(f"{self._file}:{line}", f"{key}: a check that uses them is not taken up")
        for key in document:
            if key not in _KNOWN:
                self._collector.lose(
                    f"{self._file}:{document.line_of(key)}", f"the field {key} is not known here, and is not taken up"
                )
        where = text_of(document, "filter")
        if where and _VARIABLE.search(where):
            raise NotUnderstood("its filter holds a variable, which is not filled in; write the value itself")
        self._collector.describe(self._table, on_empty="pass")
        columns = document["columns"] if document.get("columns") is not None else []
        if not isinstance(columns, list):
            raise NotUnderstood("`columns` must be a list")
        for check in self._listed(document.get("checks"), place):
            self._add(check, where, None)
        for column in columns:
            if not isinstance(column, Mapping) or not isinstance(column.get("name"), str):
                self._collector.lose(f"{self._file}:{line_of(column, document.line_of('columns'))}", "a column without a name")
                continue
            for key in column:
                if key not in _OF_COLUMN:
                    words = f"column {column['name']}: the field {key} is not known here, and is not taken up"
                    self._collector.lose(f"{self._file}:{column.line_of(key)}", words)
            for check in self._listed(column.get("checks"), f"{self._file}:{line_of(column, document.line)}"):
                self._add(check, where, column)

    def _listed(self, checks: Any, place: str) -> list[Any]:
        if checks is not None and not isinstance(checks, list):
            self._collector.lose(place, "`checks` must be a list")
            return []
        return checks or []

    def _add(self, check: Any, where: str | None, column: JsonObject | None) -> None:
        place = f"{self._file}:{line_of(check, self._document.line_of('checks'))}"
        kind = str(next(iter(check), "")) if isinstance(check, dict) else str(check)
        name = str(column["name"]) if column is not None else None
        said = f"{kind} of {name}" if name is not None else kind
        try:
            if not isinstance(check, dict) or len(check) != 1:
                raise NotUnderstood("a check must be a mapping with its type as the only field")
            fields = check[kind] if check[kind] is not None else {}
            if not isinstance(fields, dict):
                raise NotUnderstood("must hold a mapping")
            if _holds_variable(fields):
                raise NotUnderstood("holds a variable, which is not filled in; write the value itself")
            title = fields.get("name")
            made = Check(self._table, place, title if isinstance(title, str) else "", f"Soda: {title or said}", where)
            ContractCheck(self, made, kind, fields, column).add()
        except NotUnderstood as error:
            self._collector.lose(place, f"{said}: {error}")

    @property
    def maker(self) -> Maker:
        """What makes rules."""
        return self._maker

    @property
    def columns(self) -> list[JsonObject]:
        """The columns with names."""
        columns = self._document.get("columns") or []
        return [column for column in columns if isinstance(column, dict) and isinstance(column.get("name"), str)]

    def table(self, dataset: Any) -> TableName:
        """Another dataset's table."""
        return _table(dataset, self._schema)


def _table(dataset: Any, schema: str) -> TableName:
    parts = dataset.split("/") if isinstance(dataset, str) else []
    if len(parts) < 2 or not parts[-1]:
        raise NotUnderstood("`dataset` must be a qualified name such as source/database/schema/table")
    try:
        return TableName.parse(str(TableName(parts[-2] if len(parts) > 2 else schema, parts[-1])))
    except ValueError as error:
        raise NotUnderstood(f"the dataset {dataset} {error}") from error


def _holds_variable(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_VARIABLE.search(value))
    inner = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(map(_holds_variable, inner))
