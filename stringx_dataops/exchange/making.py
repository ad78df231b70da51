"""Makes rules of what another tool counts or measures, and of the zones in which its checks fail and warn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.sql import quoted
from stringx_dataops.exchange.zones import Zone, bounds, count_above, count_bounds, share_above

EVER = "36500d"  # a tolerance that every moment ahead of now is within


@dataclass(frozen=True)
class Check:
    """A check of another tool: its table, where it stands, what its rule is named after, and the rows that it looks at."""

    table: TableName
    place: str
    name: str
    description: str = ""
    where: str | None = None

    @property
    def relation(self) -> str:
        """The table in SQL."""
        return relation(self.table)


def relation(table: TableName) -> str:
    """A table in SQL."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def both(*conditions: str | None) -> str | None:
    """The conditions joined by `and`; None if there is none."""
    given = [condition for condition in conditions if condition]
    return given[0] if len(given) == 1 else " and ".join(f"({condition})" for condition in given) or None


@dataclass(frozen=True)
class Maker:
    """Adds rules to a collector. A zone is where a check fails or warns; None is never."""

    collector: Collector

    def counted(
        self,
        check: Check,
        rule: JsonObject,
        violation: str,
        failing: Zone | None,
        warning: Zone | None,
        share: bool = False,
    ) -> None:
        """A row rule whose failures (or their share of its total, in percent) are judged. `violation` is the same in SQL, for
        zones that no threshold says."""
        count = f"count(*) filter (where {violation})"
        measure = f"coalesce(100.0 * {count} / nullif(count(*), 0), 0)" if share else count
        self.counted_as(check, rule, measure, failing, warning, share)

    def counted_as(
        self, check: Check, rule: JsonObject, measure: str, failing: Zone | None, warning: Zone | None, share: bool = False
    ) -> None:
        """The same, with the SQL of what is judged."""
        above = share_above if share else count_above
        limits = [above(zone) if zone is not None else None for zone in (failing, warning)]
        if all(limit is not None for limit, zone in zip(limits, (failing, warning), strict=True) if zone is not None):
            self.plain(check, **rule, where=check.where, **_thresholds(*limits))
        else:
            self.queried(check, measure, failing, warning)

    def rows(self, check: Check, failing: Zone | None, warning: Zone | None) -> None:
        """The number of rows."""
        found = [count_bounds(zone) if zone is not None else {} for zone in (failing, warning)]
        if None in found:
            self.queried(check, "count(*)", failing, warning)
        else:
            self._bounded(check, {"type": "row_count", "where": check.where}, *found)

    def aggregate(
        self, check: Check, column: str, function: str, measure: str, failing: Zone | None, warning: Zone | None, **more: Any
    ) -> None:
        """An aggregate of a column; `measure` is the same in SQL, for zones that no bounds say."""
        found = [bounds(zone) if zone is not None else {} for zone in (failing, warning)]
        if None in found:
            self.queried(check, measure, failing, warning)
        else:
            rule = {"type": "aggregate", "column": column, "where": check.where, "arguments": {"function": function, **more}}
            self._bounded(check, rule, *found)

    def queried(self, check: Check, measure: str, failing: Zone | None, warning: Zone | None) -> None:
        """A rule per zone that returns a row if a measure over the table lies in it. A measure that is NULL lies in none."""
        where = f" where {check.where}" if check.where else ""
        for zone, severity in self._zones(failing, warning):
            query = f"select {measure} as measured from {check.relation}{where} having {zone.sql(measure)}"
            self.query(check, query, severity)

    def query(self, check: Check, query: str, severity: Literal["error", "warn"] = "error", **more: Any) -> None:
        """A query whose rows violate."""
        warns = {"severity": "warn"} if severity == "warn" else {}
        rule = {"type": "sql", "arguments": {"query": query}, **warns, **more}
        self.collector.add(check.table, self._described(check, rule), check.place, check.name)

    def query_above(self, check: Check, query: str, failing: Zone | None, warning: Zone | None) -> None:
        """A query whose number of rows is judged."""
        limits = [count_above(zone) if zone is not None else None for zone in (failing, warning)]
        if all(limit is not None for limit, zone in zip(limits, (failing, warning), strict=True) if zone is not None):
            self.query(check, query, **_thresholds(*limits))
            return
        for zone, severity in self._zones(failing, warning):
            self.query(check, f"select count(*) as measured from ({query}) as found having {zone.sql('count(*)')}", severity)

    def needs_a_value(self, check: Check, column: str | None) -> None:
        """A rule that fails without any row, or any value of the column, where the rule beside it does not."""
        measure = f"count({quoted(column)})" if column is not None else "count(*)"
        where = f" where {check.where}" if check.where else ""
        query = f"select {measure} as measured from {check.relation}{where} having {measure} = 0"
        named = Check(check.table, check.place, f"{check.name}_has_a_value", "Without a value, the check fails.", check.where)
        self.query(named, query)

    def plain(self, check: Check, **rule: Any) -> None:
        """A rule as it is."""
        self.collector.add(check.table, self._described(check, rule), check.place, check.name)

    def _bounded(self, check: Check, rule: JsonObject, failing: JsonObject | None, warning: JsonObject | None) -> None:
        arguments = rule.get("arguments", {}) | (failing or {}) | ({"warn": warning} if warning else {})
        self.collector.add(check.table, self._described(check, rule | {"arguments": arguments}), check.place, check.name)

    @staticmethod
    def _described(check: Check, rule: JsonObject) -> JsonObject:
        return {"description": check.description, **rule}

    @staticmethod
    def _zones(failing: Zone | None, warning: Zone | None) -> Iterable[tuple[Zone, Literal["error", "warn"]]]:
        if failing is not None:
            yield failing, "error"
        if warning is not None:
            yield warning, "warn"


def _thresholds(fails: int | str | None, warns: int | str | None) -> JsonObject:
    """Fields of a rule. A warning that begins where it fails already is none."""
    if fails is not None and warns is not None and _amount(warns) >= _amount(fails):
        warns = None
    if fails == 0 and warns is None:
        return {}
    return {name: value for name, value in (("warn_above", warns), ("fail_above", fails)) if value is not None}


def _amount(threshold: int | str) -> float:
    return float(str(threshold).rstrip("%"))
