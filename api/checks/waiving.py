"""Waivers, applied to a result in the transaction that finishes its check: failing rules that a waiver covers warn instead."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.checks.memory import Learned
from api.checks.result_parts import counts_of, scores_of
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult, TableResult
from stringx_dataops.contract.messages.verdicts import Verdict, worst
from stringx_dataops.contract.messages.waivers import Waived, is_within

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Marks:
    """What each rule of a table adds to the table's verdict (None: nothing), and what `on_empty` adds to it. `uncounted`: rules
    that may have more failures than they say."""

    rules: Mapping[str, Verdict | None]
    empty: Verdict | None
    uncounted: Collection[str] = ()


@dataclass(frozen=True)
class Decided:
    """A result whose verdict follows from the marks of its tables, by their names. Tables without marks, as those that an older
    copy of the dbt project has decided, are not waived. `learned`: what it leaves for later checks. `took_ms`: what is to be
    expected of the table's next check, None if this one says nothing about it."""

    result: CheckResult
    marks: Mapping[str, Marks]
    learned: Learned = field(default_factory=Learned)
    took_ms: int | None = None


@dataclass(frozen=True)
class _Waiver:
    """An active waiver of a rule of the set that ran."""

    waived: Waived
    at_most: int | str | None

    def covers(self, rule: RuleResult, uncounted: Collection[str]) -> bool:
        """Only a failure within its limit."""
        failures = rule.failures if rule.id not in uncounted else None
        return rule.status == "fail" and not rule.shadow and is_within(self.at_most, failures, rule.total)


_Waivers = Mapping[tuple[str, str], _Waiver]  # by table and rule


def apply(cursor: Cursor, ends: Sequence[CheckResult | Decided]) -> list[CheckResult]:
    """The results of checks of one target, those that were decided with the waivers that are active now, by the database's clock.
    No trial is waived: its rules are not the stored ones."""
    failing = [
        {"table_name": table, "rule_id": rule.id, "rules_hash": rules_hash}
        for end in ends
        if isinstance(end, Decided) and not end.result.trial
        for table, rules_hash, rules in _parts(end.result)
        for rule in rules
        if rule.status == "fail" and not rule.shadow and table in end.marks
    ]
    rows = cursor.all(SQL["waivers"], {"target": _result_of(ends[0]).target, "failing": json_value(failing)}) if failing else []
    waivers = {(row["table_name"], row["rule_id"]): _read(row) for row in rows}
    return [
        waived(end, waivers) if waivers and isinstance(end, Decided) and not end.result.trial else _result_of(end) for end in ends
    ]


def _result_of(end: CheckResult | Decided) -> CheckResult:
    return end.result if isinstance(end, Decided) else end


def waived(decided: Decided, waivers: _Waivers) -> CheckResult:
    """The result in which rules that the waivers cover warn, with the counts, scores and verdicts that follow."""
    result = decided.result
    if result.table is not None:
        changed = _changed(result.table, result.rules, result.verdict, decided.marks, waivers)
        return result if changed is None else result.model_copy(update=changed)
    tables = [_waived_table(table, decided.marks, waivers) for table in result.tables]
    if all(table is before for table, before in zip(tables, result.tables, strict=True)):
        return result
    rules = [rule for table in tables for rule in table.rules]
    whole = {"counts": counts_of(rules), "scores": scores_of(rules), "verdict": worst(table.verdict for table in tables)}
    return result.model_copy(update={"tables": tables, **whole})


def _waived_table(table: TableResult, marks: Mapping[str, Marks], waivers: _Waivers) -> TableResult:
    changed = _changed(table.table, table.rules, table.verdict, marks, waivers)
    return table if changed is None else table.model_copy(update=changed)


def _changed(
    table: str, rules: Sequence[RuleResult], verdict: Verdict | None, marks: Mapping[str, Marks], waivers: _Waivers
) -> dict[str, Any] | None:
    """The fields of a table's result that its waivers change; None if they change nothing. Only a verdict `fail` is changed."""
    found = marks.get(table)
    if found is None or verdict != "fail":
        return None
    covering = {
        rule.id: waiver.waived
        for rule in rules
        if (waiver := waivers.get((table, rule.id))) and waiver.covers(rule, found.uncounted)
    }
    if not covering:
        return None
    after = [_waived_rule(rule, covering[rule.id]) if rule.id in covering else rule for rule in rules]
    added = [
        "warn" if rule_id in covering and mark == "fail" else mark for rule_id, mark in found.rules.items() if mark is not None
    ]
    decided = worst([*added, *([found.empty] if found.empty is not None else [])])
    return {"rules": after, "counts": counts_of(after), "scores": scores_of(after), "verdict": decided}


def _waived_rule(rule: RuleResult, by: Waived) -> RuleResult:
    words = f"{rule.message}; waived until {by.until:%Y-%m-%d %H:%M} UTC by {by.by}"
    return rule.model_copy(update={"status": "warn", "waived": by, "message": words})


def _parts(result: CheckResult) -> list[tuple[str, str | None, Sequence[RuleResult]]]:
    """Each table's name, the hash of the set of rules that ran, and their results."""
    if result.table is not None:
        return [(result.table, result.rules_hash, result.rules)]
    return [(table.table, table.rules_hash, table.rules) for table in result.tables]


def _read(row: Mapping[str, Any]) -> _Waiver:
    by = Waived(id=str(row["waiver_id"]), by=row["created_by"], until=row["until"], reason=row["reason"])
    return _Waiver(by, row["at_most"])
