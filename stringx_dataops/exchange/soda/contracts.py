"""Contracts of Soda 4 as rules."""

import re
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Mapping, line_of
from stringx_dataops.exchange.making import EVER, Check, Maker, both, relation
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.thresholds import Judged, at_least_one, none_of, read_threshold
from stringx_dataops.exchange.soda.validity import Validity, decimal, value_of, whole
from stringx_dataops.exchange.sql import quoted
from stringx_dataops.exchange.zones import Zone, number

_LISTS = ("missing_values", "valid_values", "invalid_values")
_FORMATS = ("missing_format", "valid_format", "invalid_format")
_LENGTHS = ("valid_length", "valid_min_length", "valid_max_length")
_MISSING = frozenset(("missing_values", "missing_format"))
_VALIDITY = frozenset((*_LISTS, *_FORMATS, *_LENGTHS, "valid_min", "valid_max", "valid_reference_data"))
_SAYS_NOTHING = frozenset(("name", "qualifier", "attributes", "store_failed_rows"))
_COMMON = _SAYS_NOTHING | {"threshold", "filter"}
_AGGREGATES = {"avg": "avg", "sum": "sum", "min": "min", "max": "max"}
_MEASURES = _AGGREGATES | {
    f"{name}{under}length": f"{name}(length({{}}))" for name in ("avg", "min", "max") for under in ("", "_")
}
_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}
_SYNONYMS = {"int": "integer", "int4": "integer", "decimal": "numeric", "timestamp": "timestamp without time zone"}
_VARIABLE = re.compile(r"\$\{")


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
        where = _text(document, "filter")
        if where and _VARIABLE.search(where):
            raise NotUnderstood("its filter holds a variable, which is not filled in; write the value itself")
        self._collector.describe(self._table, on_empty="pass")
        columns = document.get("columns") or []
        if not isinstance(columns, list):
            raise NotUnderstood("`columns` must be a list")
        for check in self._listed(document.get("checks"), place):
            self._add(check, where, None)
        for column in columns:
            if not isinstance(column, dict) or not isinstance(column.get("name"), str):
                self._collector.lose(f"{self._file}:{line_of(column, document.line_of('columns'))}", "a column without a name")
                continue
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
            _ContractCheck(self, made, kind, fields, column).add()
        except NotUnderstood as error:
            self._collector.lose(place, f"{said}: {error}")

    @property
    def maker(self) -> Maker:
        return self._maker

    @property
    def columns(self) -> list[JsonObject]:
        """The columns with names."""
        return [column for column in self._document.get("columns") or [] if isinstance(column, dict) and "name" in column]

    def table(self, dataset: Any) -> TableName:
        """Another dataset's table."""
        return _table(dataset, self._schema)


@dataclass(frozen=True)
class _ContractCheck:
    contract: Contract
    check: Check
    kind: str
    fields: JsonObject
    column: JsonObject | None

    def add(self) -> None:
        """The check as a rule. Raises NotUnderstood."""
        if "column_expression" in self.fields or "column_expression" in (self.column or {}):
            raise NotUnderstood("looks at an expression in place of the column; make a view")
        match self.kind:
            case "row_count":
                self._known(_COMMON)
                judged = self._judged(at_least_one())
                self.contract.maker.rows(self._filtered("row_count"), judged.failing, judged.warning)
            case "missing":
                self._missing()
            case "invalid":
                self._invalid()
            case "duplicate":
                self._duplicate()
            case "aggregate":
                self._aggregate()
            case "metric":
                self._metric()
            case "failed_rows":
                self._failed_rows()
            case "freshness":
                self._freshness()
            case "schema":
                self._schema()
            case _:
                raise NotUnderstood("is no type of check that is known")

    def _missing(self) -> None:
        self._known(_COMMON | _VALIDITY)
        validity, judged = self._validity()[0], self._judged(none_of())
        rule, violation = validity.missing_rule(self._name), validity.missing(self._name)
        self._counted(rule, violation, judged)

    def _invalid(self) -> None:
        self._known(_COMMON | _VALIDITY)
        (validity, reference), judged = self._validity(), self._judged(none_of())
        if reference is not None:
            self._reference(validity, reference, judged)
            return
        if not validity.finds_invalid:
            raise NotUnderstood("says nothing about valid or invalid values")
        self._counted(validity.rule(self._name), validity.violation(self._name), judged)

    def _counted(self, rule: JsonObject, violation: str, judged: Judged) -> None:
        check = self._filtered(f"{self._name}_{self.kind}")
        self.contract.maker.counted(check, rule, violation, judged.failing, judged.warning, judged.percent)

    def _reference(self, validity: Validity, reference: Any, judged: Judged) -> None:
        if not isinstance(reference, dict) or not isinstance(reference.get("column"), str):
            raise NotUnderstood("valid_reference_data must hold `dataset` and `column`")
        if validity.finds_invalid or (validity.finds_missing and judged.percent):
            raise NotUnderstood("valid_reference_data stands beside other validity; write a check of its own for it")
        other, their = self.contract.table(reference.get("dataset")), reference["column"]
        check = self._filtered(
            f"{self._name}_in_{other.name}", f"not ({validity.missing(self._name)})" if validity.finds_missing else None
        )
        rule = {"type": "relationship", "column": self._name, "arguments": {"to_table": str(other), "to_column": their}}
        own = f"{check.relation}.{quoted(self._name)}"
        found = f"exists (select 1 from {relation(other)} as target where target.{quoted(their)} = {own})"
        violation = f"{own} is not null and not {found}"
        self.contract.maker.counted(check, rule, violation, judged.failing, judged.warning, judged.percent)

    def _duplicate(self) -> None:
        judged = self._judged(none_of())
        if self.column is None:
            self._known(_COMMON | {"columns"})
            columns = self.fields.get("columns")
            if not isinstance(columns, list) or not columns or not all(isinstance(column, str) for column in columns):
                raise NotUnderstood("must name its `columns`")
            # NULLs of a key of several columns are equal to each other
            rule: JsonObject = {"type": "unique", "columns": columns, "arguments": {"nulls": "equal"}}
            check, more = self._filtered(f"{'_'.join(columns)}_duplicates"), None
            distinct = f"(select count(*) from (select distinct {', '.join(map(quoted, columns))} from {{}}) as keys)"
        else:
            self._known(_COMMON | _VALIDITY)
            missing = self._validity()[0].missing(self._name)
            rule, more = {"type": "unique", "column": self._name}, f"not ({missing})"
            check = self._filtered(f"{self._name}_duplicates", more)
            distinct = f"(select count(distinct {quoted(self._name)}) from {{}})"
        source = f"{check.relation}{f' where {check.where}' if check.where else ''}"
        measure = f"count(*) - {distinct.format(source)}"
        measure = f"coalesce(100.0 * ({measure}) / nullif(count(*), 0), 0)" if judged.percent else f"({measure})"
        self.contract.maker.counted_as(check, rule, measure, judged.failing, judged.warning, judged.percent)

    def _aggregate(self) -> None:
        self._known(_COMMON | _VALIDITY | {"function"})
        judged = self._judged(None)
        function = str(self.fields.get("function", "")).lower()
        validity, reference = self._validity()
        if function not in _MEASURES or reference is not None:
            raise NotUnderstood(f"the function {function!r} is not taken up; write a metric with an expression")
        column = quoted(self._name)
        measure = f"{function}({column})" if function in _AGGREGATES else _MEASURES[function].format(column)
        excluded = validity.missing(self._name) if validity.finds_missing or validity.finds_invalid else None
        if excluded is not None and validity.finds_invalid:  # Soda leaves out what is missing and invalid at once
            excluded = f"({excluded}) and ({_faults(validity, self._name)})"
        check = self._filtered(f"{self._name}_{function}", f"not ({excluded})" if excluded else None)
        if function in _AGGREGATES:
            self.contract.maker.aggregate(check, self._name, function, measure, judged.failing, judged.warning)
        else:
            self.contract.maker.queried(check, measure, judged.failing, judged.warning)

    def _metric(self) -> None:
        self._known(_COMMON | {"expression", "query"})
        judged = self._judged(None)
        expression, query = _text(self.fields, "expression"), _text(self.fields, "query")
        check = self._filtered("metric")
        if expression:
            if "filter" in self.fields:
                raise NotUnderstood("a filter beside an expression is not taken up")
            self.contract.maker.queried(check, expression, judged.failing, judged.warning)
        elif query:
            for zone, severity in judged.zones():
                found = f"select measured from ({_query(query)}) as found (measured) where {zone.sql('measured')}"
                self.contract.maker.query(check, found, severity)
        else:
            raise NotUnderstood("has neither `expression` nor `query`")

    def _failed_rows(self) -> None:
        self._known(_COMMON | {"expression", "query", "keys_query", "rows_tested_query", "key_column_mapping"})
        judged = self._judged(none_of())
        expression, query = _text(self.fields, "expression"), _text(self.fields, "query") or _text(self.fields, "keys_query")
        if expression:
            rule = {"type": "expression", "arguments": {"sql": f"not ({expression})"}}
            check = self._filtered("failed_rows")
            self.contract.maker.counted(check, rule, expression, judged.failing, judged.warning, judged.percent)
        elif query and not judged.percent:
            self.contract.maker.query_above(self._filtered("failed_rows"), _query(query), judged.failing, judged.warning)
        else:
            raise NotUnderstood("has no `expression` or `query`, or the share of a query, which has no total here")

    def _freshness(self) -> None:
        self._known(_COMMON | {"column"})
        column = self.fields.get("column")
        if not isinstance(column, str):
            raise NotUnderstood("must name its `column`")
        judged = self._judged(None)
        seconds = _UNITS.get(judged.unit or "hour")
        if seconds is None:
            raise NotUnderstood("the unit must be minute, hour or day")
        ages = [_age(zone, seconds) if zone is not None else None for zone in (judged.failing, judged.warning)]
        arguments: JsonObject = {"tolerance": EVER} | ({"max_age": ages[0]} if ages[0] else {})
        if ages[1]:
            arguments["warn"] = {"max_age": ages[1]}
        check = self._filtered(f"{column}_freshness")
        self.contract.maker.plain(check, type="freshness", column=column, where=check.where, arguments=arguments)
        self.contract.maker.needs_a_value(check, column)

    def _schema(self) -> None:
        self._known(_SAYS_NOTHING | {"allow_extra_columns", "allow_other_column_order"})
        extra, any_order = (self.fields.get(key) is True for key in ("allow_extra_columns", "allow_other_column_order"))
        columns = self.contract.columns
        names = [str(column["name"]) for column in columns]
        maker = self.contract.maker
        if names:
            mode = "contains" if extra else "exact" if any_order else "ordered"
            maker.plain(self._unfiltered("columns"), type="columns", arguments={"names": names, "mode": mode})
            if extra and not any_order and len(names) > 1:
                maker.collector.lose(
                    self.check.place, "schema: the order of the columns is not looked at where others may stand between them"
                )
        for column in columns:
            if column.get("data_type") is None:
                continue
            try:
                wanted = _type(column)
            except NotUnderstood as error:
                maker.collector.lose(f"{self.check.place}", f"schema: {column['name']}: {error}")
                continue
            maker.plain(
                self._unfiltered(f"{column['name']}_type"), type="column_type", column=column["name"], arguments={"type": wanted}
            )

    @property
    def _name(self) -> str:
        if self.column is None:
            raise NotUnderstood("stands under a column")
        return str(self.column["name"])

    def _known(self, keys: frozenset[str]) -> None:
        if unknown := next((key for key in self.fields if key not in keys), None):
            raise NotUnderstood(f"the field {unknown!r} has no meaning here")

    def _judged(self, default: Judged | None) -> Judged:
        return read_threshold(self.fields.get("threshold"), default)

    def _filtered(self, name: str, *more: str | None) -> Check:
        check = self.check
        return Check(
            check.table,
            check.place,
            check.name or name,
            check.description,
            both(check.where, _text(self.fields, "filter"), *more),
        )

    def _unfiltered(self, name: str) -> Check:
        return Check(self.check.table, self.check.place, self.check.name or name, self.check.description)

    def _validity(self) -> tuple[Validity, Any]:
        """The check's validity, or the column's where the check has none, and the reference that values must be in."""
        shared = self.column or {}
        chosen: JsonObject = {}
        for keys in (_MISSING, _VALIDITY - _MISSING):
            own = {key: self.fields[key] for key in keys if self.fields.get(key) is not None}
            chosen |= own or {key: shared[key] for key in keys if shared.get(key) is not None}
        return _read_validity(chosen), chosen.get("valid_reference_data")


def _faults(validity: Validity, column: str) -> str:
    valid, invalid = validity.valid(column), validity.invalid(column)
    return " or ".join(fault for fault in (f"not ({valid})" if valid else None, f"({invalid})" if invalid else None) if fault)


def _read_validity(fields: JsonObject) -> Validity:
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key in _LISTS:
            if not isinstance(value, list) or any(isinstance(item, (dict, list)) for item in value):
                raise NotUnderstood(f"{key} must be a list")
            if key != "valid_values" and not value:
                raise NotUnderstood(f"{key} holds no value")
            if None in value:
                raise NotUnderstood(f"{key} holds a null; leave it out, a NULL is missing already")
            found[key] = tuple(map(value_of, value))
        elif key in _FORMATS:
            if not isinstance(value, dict) or not isinstance(value.get("regex"), str):
                raise NotUnderstood(f"{key} must hold a `regex`")
            found[key.replace("format", "regex")] = value["regex"]
        elif key in _LENGTHS:
            found[key] = whole(key, value)
        elif key in ("valid_min", "valid_max"):
            found[key] = decimal(key, value)
    return Validity(**found)


def _type(column: JsonObject) -> str:
    """The type of a column, with its length or precision if that is given."""
    name = " ".join(str(column["data_type"]).lower().split())
    name = _SYNONYMS.get(name, name)
    size = {
        key: whole(key, column[key])
        for key in ("character_maximum_length", "numeric_precision", "numeric_scale", "datetime_precision")
        if column.get(key) is not None
    }
    if not size:
        return name
    if set(size) == {"character_maximum_length"}:
        return f"{name}({size['character_maximum_length']})"
    if set(size) == {"numeric_precision", "numeric_scale"}:
        return f"{name}({size['numeric_precision']},{size['numeric_scale']})"
    if set(size) == {"datetime_precision"} and (found := re.fullmatch(r"(time|timestamp)( with(?:out)? time zone)?", name)):
        return f"{found[1]}({size['datetime_precision']}){found[2] or ''}"
    raise NotUnderstood("a precision without a scale, or the other way round, is not taken up")


def _age(zone: Zone, seconds: int) -> str:
    """The age above which a check fails. Soda takes the whole seconds of an age: above 24 h it is one second later."""
    if zone.outside and zone.low is None and zone.high is not None:
        bound, more = zone.high * seconds, not zone.high_open
    elif not zone.outside and zone.high is None and zone.low is not None:
        bound, more = zone.low * seconds, zone.low_open
    else:
        raise NotUnderstood("a freshness must be less than an age")
    if bound != bound.to_integral_value() or bound <= 0:
        raise NotUnderstood("the age must be whole seconds")
    return f"{number(bound + 1 if more else bound)}s"


def _table(dataset: Any, schema: str) -> TableName:
    parts = dataset.split("/") if isinstance(dataset, str) else []
    if len(parts) < 2 or not parts[-1]:
        raise NotUnderstood("`dataset` must be a qualified name such as source/database/schema/table")
    try:
        return TableName.parse(str(TableName(parts[-2] if len(parts) > 2 else schema, parts[-1])))
    except ValueError as error:
        raise NotUnderstood(f"the dataset {dataset} {error}") from error


def _query(text: str) -> str:
    return dedent(text).strip().rstrip(";").rstrip()


def _text(fields: JsonObject, key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise NotUnderstood(f"{key} must be a text")
    return value.strip() if value is not None else None


def _holds_variable(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_VARIABLE.search(value))
    inner = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(map(_holds_variable, inner))
