"""Checks of SodaCL as rules."""

from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.making import EVER, Check, both, relation
from stringx_dataops.exchange.soda.lines import Metric, NotUnderstood, Reference, SameRows, when
from stringx_dataops.exchange.soda.validity import KEYS, Validity, decimal
from stringx_dataops.exchange.sql import folded, quoted
from stringx_dataops.exchange.zones import Zone, before_rounding, number

if TYPE_CHECKING:
    from stringx_dataops.exchange.soda.sodacl import Section, SodaCL

_SAYS_NOTHING = frozenset(("name", "attributes", "identity", "samples limit", "samples columns", "key columns"))
_JUDGED = frozenset(("warn", "fail"))
_AGGREGATES = {"min": "min", "max": "max", "avg": "avg", "sum": "sum", "stddev": "stddev", "stddev_samp": "stddev"}
_MEASURES = {
    **{name: f"{name}({{}})" for name in (*_AGGREGATES, "stddev_pop", "variance", "var_pop", "var_samp")},
    **{f"{name}_length": f"{name}(length({{}}))" for name in ("min", "max", "avg")},
}
_MOST_ARGUMENTS = {**dict.fromkeys(("duplicate_count", "duplicate_percent"), 1_600), "percentile": 2, "freshness": 2}
_WITHOUT_VALIDITY = ("row_count", "duplicate_count", "duplicate_percent", "freshness")
_ZERO = decimal("", 0)
_ABOVE_NONE = (
    Zone(_ZERO, low_open=True),
    Zone(_ZERO, _ZERO, outside=True),
    Zone(high=_ZERO, outside=True),
    Zone(high=_ZERO + 1, high_open=True, outside=True),
)


@dataclass(frozen=True)
class Judged:
    """One check of a section, whose configuration says when it fails."""

    soda: "SodaCL"
    section: "Section"
    check: Check
    configuration: JsonObject

    def metric(self, metric: Metric) -> None:
        configuration = self.configuration
        sql = f"{metric.name} expression", f"{metric.name} query"
        known = {*KEYS, *_SAYS_NOTHING, *_JUDGED, "filter", *sql}
        if unknown := next((key for key in configuration if key not in known), None):
            raise NotUnderstood(f"the configuration {unknown!r} has no meaning here")
        if metric.failing is not None and any(self.configuration.get(key) is not None for key in _JUDGED):
            raise NotUnderstood("has a threshold in its line, and `fail` or `warn` below it; keep one of the two")
        self._only_where_it_counts(metric, sql)
        failing, warning = (metric.failing, None) if metric.failing is not None else self._zones()
        if failing is None and warning is None:
            raise NotUnderstood("has no threshold")
        filtered = _text(configuration, "filter")
        if sql[1] in configuration:
            self._own_query(_text(configuration, sql[1]) or "", failing, warning)
        elif sql[0] in configuration:
            if filtered:
                raise NotUnderstood("Soda takes no filter beside an expression")
            self.soda.maker.queried(self._named(metric.name), _text(configuration, sql[0]) or "", failing, warning)
        else:
            self._built_in(metric, both(self.check.where, filtered), failing, warning)

    def _only_where_it_counts(self, metric: Metric, sql: tuple[str, str]) -> None:
        """Raises NotUnderstood for arguments and configurations that the metric does not look at."""
        if len(metric.arguments) > _MOST_ARGUMENTS.get(metric.name, 1):
            raise NotUnderstood(f"{metric.name} takes one column; write a check for each")
        own = [key for key in sql if key in self.configuration]
        validity = next((key for key in self.configuration if key in KEYS), None)
        if len(own) > 1 or (own and metric.arguments):
            raise NotUnderstood("has an expression or a query, and another thing that it measures; keep one")
        if validity is not None and (own or metric.name in _WITHOUT_VALIDITY):
            raise NotUnderstood(f"the configuration {validity!r} has no meaning here")
        if "filter" in self.configuration and sql[1] in own:
            raise NotUnderstood("a filter beside a query is not taken up; write it into the query")

    def _built_in(self, metric: Metric, where: str | None, failing: Zone | None, warning: Zone | None) -> None:
        check = self._where(self.check, where)
        maker = self.soda.maker
        if metric.name == "row_count":
            if metric.arguments:
                raise NotUnderstood("row_count takes no column")
            maker.rows(check, failing, warning)
            return
        if not metric.arguments:
            raise NotUnderstood(
                f"{metric.name} needs a column" if metric.name in self._functions() else "is no metric that is known"
            )
        column = folded(metric.arguments[0].strip("`"))
        if metric.name in ("duplicate_count", "duplicate_percent"):
            self._duplicates(check, metric, failing, warning)
            return
        if metric.name == "freshness":
            self._freshness(check, metric, column, failing, warning)
            return
        validity = self._validity(metric.arguments[0])
        if metric.name in ("missing_count", "invalid_count", "missing_percent", "invalid_percent"):
            self._counted(check, metric.name, column, validity, failing, warning)
        elif metric.name == "valid_count":
            valid = validity.valid(column) or (f"not ({validity.invalid(column)})" if validity.invalid(column) else None)
            condition = f"not ({validity.missing(column)})" + (f" and ({valid})" if valid else "")
            condition += f" or {quoted(column)} is null" if validity.include_null else ""
            maker.queried(self._named(f"{column}_valid_count", check), f"count(*) filter (where {condition})", failing, warning)
        else:
            self._aggregate(check, metric, column, validity, failing, warning)

    def _counted(
        self, check: Check, name: str, column: str, validity: Validity, failing: Zone | None, warning: Zone | None
    ) -> None:
        kind, _, unit = name.partition("_")
        if kind == "invalid" and not validity.finds_invalid:
            raise NotUnderstood("says nothing about valid or invalid values, so that it counts none")
        if unit == "percent":
            failing, warning = (before_rounding(zone) if zone is not None else None for zone in (failing, warning))
        rule = validity.missing_rule(column) if kind == "missing" else validity.rule(column)
        violation = validity.missing(column) if kind == "missing" else validity.violation(column)
        self.soda.maker.counted(self._named(f"{column}_{kind}", check), rule, violation, failing, warning, unit == "percent")

    def _duplicates(self, check: Check, metric: Metric, failing: Zone | None, warning: Zone | None) -> None:
        columns = [folded(column.strip("`")) for column in metric.arguments]
        names = ", ".join(map(quoted, columns))
        named = self._named(f"{'_'.join(columns)}_duplicates", check)
        nonnull = " and ".join(f"{quoted(column)} is not null" for column in columns)
        where = both(nonnull, check.where)
        repeated = f"select {names} from {check.relation} where {where} group by {names} having count(*) > 1"
        maker = self.soda.maker
        if metric.name == "duplicate_count":
            if failing in _ABOVE_NONE and warning is None:
                maker.plain(named, type="unique", columns=columns, where=check.where)
            else:  # Soda 3 counts the keys that repeat, a row of `repeated` each
                maker.query_above(named, repeated, failing, warning)
            return
        total = f"(select count(*) from {check.relation}{f' where {check.where}' if check.where else ''})"
        share = f"coalesce(100.0 * count(*) / nullif({total}, 0), 0)"
        for zone, severity in ((failing, "error"), (warning, "warn")):
            if zone is not None:
                query = f"select {share} as measured from ({repeated}) as repeated having {before_rounding(zone).sql(share)}"
                maker.query(named, query, "warn" if severity == "warn" else "error")

    def _aggregate(
        self, check: Check, metric: Metric, column: str, validity: Validity, failing: Zone | None, warning: Zone | None
    ) -> None:
        if validity.include_null or validity.reads_numbers:
            raise NotUnderstood("neither `include null` nor a format of numbers is taken up beside an aggregate; make a view")
        valid = validity.valid(column) or (f"not ({validity.invalid(column)})" if validity.invalid(column) else None)
        said = f"not ({validity.missing(column)})" if validity != Validity() else None
        check = self._where(self._named(f"{column}_{metric.name}", check), both(both(said, valid), check.where))
        if metric.name == "percentile":
            p = decimal("the fraction of a percentile", metric.arguments[1] if len(metric.arguments) == 2 else "")
            measure = f"percentile_disc({number(p)}) within group (order by {quoted(column)})"
        elif (template := _MEASURES.get(metric.name)) is not None and len(metric.arguments) == 1:
            measure = template.format(quoted(column))
        else:
            raise NotUnderstood("is no metric that is known")
        if metric.name in _AGGREGATES:
            self.soda.maker.aggregate(check, column, _AGGREGATES[metric.name], measure, failing, warning)
        else:
            self.soda.maker.queried(check, measure, failing, warning)

    def _freshness(self, check: Check, metric: Metric, column: str, failing: Zone | None, warning: Zone | None) -> None:
        if len(metric.arguments) > 1:
            raise NotUnderstood("takes its time from a variable; write a freshness without one")
        ages = [_age(zone) if zone is not None else None for zone in (failing, warning)]
        arguments: JsonObject = {"tolerance": EVER} | ({"max_age": ages[0]} if ages[0] else {})
        if ages[1]:
            arguments["warn"] = {"max_age": ages[1]}
        named = self._named(f"{column}_freshness", check)
        maker = self.soda.maker
        maker.plain(named, type="freshness", column=column, where=check.where, arguments=arguments)
        maker.needs_a_value(named, column)
        words = f"if {column} is a date, Soda takes the end of its day, the rule its beginning; a timestamp is the same"
        maker.collector.lose(check.place, words)

    def failed_rows(self) -> None:
        known = {*_SAYS_NOTHING, *_JUDGED, "fail condition", "fail query"}
        if unknown := next((key for key in self.configuration if key not in known), None):
            raise NotUnderstood(f"the configuration {unknown!r} has no meaning here")
        failing, warning = self._zones()
        if failing is None and warning is None:
            failing = Zone(_ZERO, low_open=True)
        condition, query = (_text(self.configuration, key) for key in ("fail condition", "fail query"))
        named = self._named("failed_rows")
        if condition and query:
            raise NotUnderstood("has both `fail condition` and `fail query`; keep one")
        if condition:
            rule = {"type": "expression", "arguments": {"sql": f"not ({condition})"}}
            self.soda.maker.counted(named, rule, condition, failing, warning)
        elif query:
            self.soda.maker.query_above(named, dedent(query).strip().rstrip(";").rstrip(), failing, warning)
        else:
            raise NotUnderstood("has neither `fail condition` nor `fail query`")

    def reference(self, reference: Reference) -> None:
        self._only_named()
        columns = [folded(column) for column in reference.columns]
        others = [folded(column) for column in reference.other_columns]
        if not columns or len(columns) != len(others):
            raise NotUnderstood("must name as many columns on both sides")
        other = self.soda.table(reference.other)
        named = self._named(f"{'_'.join(columns)}_in_{other.name}")
        if len(columns) == 1 and not reference.must_not:
            arguments = {"to_table": other.as_other, "to_column": others[0]}
            self.soda.maker.plain(named, type="relationship", column=columns[0], where=self.check.where, arguments=arguments)
            return
        if self.check.where:
            raise NotUnderstood(
                "a filter beside a reference of several columns, or to values that must not exist, is not taken up"
            )
        pairs = list(zip(map(quoted, columns), map(quoted, others), strict=True))
        equal = " and ".join(f"source.{own} = target.{their}" for own, their in pairs)
        ends = "is not null" if reference.must_not else "is null"
        found = " or ".join(f"(source.{own} is not null and target.{their} {ends})" for own, their in pairs)
        query = (
            f"select source.* from {self.check.relation} as source left join {relation(other)} as target on {equal} where {found}"
        )
        self.soda.maker.query(named, query)

    def same_rows(self, same: SameRows) -> None:
        self._only_named()
        if same.source is not None:
            raise NotUnderstood("compares with another data source, which no rule can read")
        other = self.soda.table(same.other)
        named = self._named(f"rows_as_{other.name}")
        self.soda.maker.plain(named, type="row_count_matches", where=self.check.where, arguments={"other_table": other.as_other})

    def _own_query(self, query: str, failing: Zone | None, warning: Zone | None) -> None:
        query = dedent(query).strip().rstrip(";").rstrip()
        for zone, severity in ((failing, "error"), (warning, "warn")):
            if zone is not None:
                found = f"select measured from ({query}) as found (measured) where {zone.sql('measured')}"
                self.soda.maker.query(self._named("metric"), found, "warn" if severity == "warn" else "error")

    def _validity(self, column: str) -> Validity:
        own = {key: value for key, value in self.configuration.items() if key in KEYS}
        return self.soda.validity(self.section.table, column, own)

    def _zones(self) -> tuple[Zone | None, Zone | None]:
        given = [self.configuration.get(key) for key in ("fail", "warn")]
        if any(text is not None and not isinstance(text, str) for text in given):
            raise NotUnderstood("`fail` and `warn` must be a text such as `when > 5`")
        failing, warning = (when(text) if text is not None else None for text in given)
        return failing, warning

    def _only_named(self) -> None:
        if unknown := next((key for key in self.configuration if key not in _SAYS_NOTHING), None):
            raise NotUnderstood(f"the configuration {unknown!r} has no meaning here")

    def _named(self, name: str, check: Check | None = None) -> Check:
        check = check or self.check
        return Check(check.table, check.place, check.name or name, check.description, check.where)

    @staticmethod
    def _where(check: Check, where: str | None) -> Check:
        return Check(check.table, check.place, check.name, check.description, where)

    @staticmethod
    def _functions() -> set[str]:
        counts = {f"{kind}_{unit}" for kind in ("missing", "invalid", "duplicate") for unit in ("count", "percent")}
        return {*_MEASURES, *counts, "valid_count", "freshness", "percentile"}


def _age(zone: Zone) -> str:
    """The age above which a check fails, as a duration. Soda looks at the greater bound alone, and takes it as inclusive."""
    bound = zone.high if zone.outside and zone.low is None else zone.low if not zone.outside and zone.high is None else None
    if bound is None or bound <= 0:
        raise NotUnderstood("a freshness must be below an age")
    return f"{bound.to_integral_value()}s"


def _text(fields: JsonObject, key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise NotUnderstood(f"{key} must be a text")
    return value.strip() if value is not None else None
