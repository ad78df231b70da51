"""Checks of Soda 4's contracts as rules."""

from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.making import EVER, Check, both, relation
from stringx_dataops.exchange.soda.contract_validity import MISSING, VALIDITY, read_contract_validity
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.schemas import type_of
from stringx_dataops.exchange.soda.thresholds import Judged, at_least_one, none_of, read_threshold
from stringx_dataops.exchange.soda.validity import Validity
from stringx_dataops.exchange.sql import quoted
from stringx_dataops.exchange.zones import Zone, number

if TYPE_CHECKING:
    from stringx_dataops.exchange.soda.contracts import Contract

_SAYS_NOTHING = frozenset(("name", "qualifier", "attributes", "store_failed_rows"))
_COMMON = _SAYS_NOTHING | {"threshold", "filter"}
_AGGREGATES = {"avg": "avg", "sum": "sum", "min": "min", "max": "max"}
_MEASURES = _AGGREGATES | {
    f"{name}{under}length": f"{name}(length({{}}))" for name in ("avg", "min", "max") for under in ("", "_")
}
_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True)
class ContractCheck:
    contract: "Contract"
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
        self._known(_COMMON | VALIDITY)
        validity, judged = self._validity()[0], self._judged(none_of())
        rule, violation = validity.missing_rule(self._name), validity.missing(self._name)
        self._counted(rule, violation, judged)

    def _invalid(self) -> None:
        self._known(_COMMON | VALIDITY)
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
        rule = {"type": "relationship", "column": self._name, "arguments": {"to_table": other.as_other, "to_column": their}}
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
            check = self._filtered(f"{'_'.join(columns)}_duplicates")
            rows = _rows_of(check)
            distinct = f"select count(*) from (select distinct {', '.join(map(quoted, columns))} from {rows}) as keys"
        else:
            self._known(_COMMON | VALIDITY)
            rule = {"type": "unique", "column": self._name}
            check = self._filtered(f"{self._name}_duplicates", f"not ({self._validity()[0].missing(self._name)})")
            distinct = f"select count(distinct {quoted(self._name)}) from {_rows_of(check)}"
        measure = f"(count(*) - ({distinct}))"
        measure = f"coalesce(100.0 * {measure} / nullif(count(*), 0), 0)" if judged.percent else measure
        self.contract.maker.counted_as(check, rule, measure, judged.failing, judged.warning, judged.percent)

    def _aggregate(self) -> None:
        self._known(_COMMON | VALIDITY | {"function"})
        judged = self._judged(None)
        function = str(self.fields.get("function", "")).lower()
        validity, reference = self._validity()
        if function not in _MEASURES or reference is not None:
            raise NotUnderstood(f"the function {function!r} is not taken up; write a metric with an expression")
        column = quoted(self._name)
        measure = f"{function}({column})" if function in _AGGREGATES else _MEASURES[function].format(column)
        excluded = validity.missing(self._name) if validity.finds_missing or validity.finds_invalid else None
        if excluded is not None and validity.finds_invalid:  # Soda leaves out what is missing and invalid at once
            excluded = f"({excluded}) and ({validity.faults(self._name)})"
        check = self._filtered(f"{self._name}_{function}", f"not ({excluded})" if excluded else None)
        if function in _AGGREGATES:
            self.contract.maker.aggregate(check, self._name, function, measure, judged.failing, judged.warning)
        else:
            self.contract.maker.queried(check, measure, judged.failing, judged.warning)

    def _metric(self) -> None:
        self._known(_COMMON | {"expression", "query"})
        judged = self._judged(None)
        expression, query = text_of(self.fields, "expression"), text_of(self.fields, "query")
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
        expression, query = (
            text_of(self.fields, "expression"),
            text_of(self.fields, "query") or text_of(self.fields, "keys_query"),
        )
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
        flags = [self.fields.get(key) for key in ("allow_extra_columns", "allow_other_column_order")]
        if not all(flag is None or isinstance(flag, bool) for flag in flags):
            raise NotUnderstood("allow_extra_columns and allow_other_column_order must be true or false")
        extra, any_order = (flag is True for flag in flags)
        columns = self.contract.columns
        names = [str(column["name"]) for column in columns]
        maker = self.contract.maker
        if not names:
            raise NotUnderstood("the contract names no columns")
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
                wanted = type_of(column)
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
            both(check.where, text_of(self.fields, "filter"), *more),
        )

    def _unfiltered(self, name: str) -> Check:
        return Check(self.check.table, self.check.place, self.check.name or name, self.check.description)

    def _validity(self) -> tuple[Validity, Any]:
        """The check's validity, or the column's where the check has none, and the reference that values must be in."""
        shared = self.column or {}
        chosen: JsonObject = {}
        for keys in (MISSING, VALIDITY - MISSING):
            own = {key: self.fields[key] for key in keys if self.fields.get(key) is not None}
            chosen |= own or {key: shared[key] for key in keys if shared.get(key) is not None}
        return read_contract_validity(chosen), chosen.get("valid_reference_data")


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


def _query(text: str) -> str:
    return dedent(text).strip().rstrip(";").rstrip()


def text_of(fields: JsonObject, key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise NotUnderstood(f"{key} must be a text")
    return value.strip() if value is not None else None


def _rows_of(check: Check) -> str:
    return f"{check.relation} where {check.where}" if check.where else check.relation
