"""A result on the page of its request: rules with their numbers and thresholds, page by page, tables, samples."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.dashboard import samples, views
from backend.dashboard.groups import Groups, groups_of
from backend.dashboard.samples import SampleTable, cut
from backend.insights import stories
from backend.insights.history import thresholds_of
from backend.insights.stories import RuleSample, Version
from backend.marks import store as marks
from backend.marks.store import Mark
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult, TableResult

RULES = 30  # on a page
TABLES, NOTES = 100, 10  # of a dataset; of a result
_WORDS = 250  # characters of a message, note or reason
_COMMAND = 6000  # characters of a command; a longer one is a file
_ORDER = {"fail": 0, "error": 1, "warn": 2, "pass": 3}


@dataclass(frozen=True)
class RuleRow:
    """A rule as a row. `table` is None where the result is of one table."""

    table: str | None
    url: str
    found: RuleResult
    message: str
    share: float | None
    warn_at: Any
    fail_at: Any
    groups: Groups | None = None
    mark: Mark | None = None
    is_point: bool = False  # it can be marked


@dataclass(frozen=True)
class ResultPage:
    """A page of a result, and of its rules, of which there are `total`."""

    check: CheckResult = field(repr=False)
    rows: list[RuleRow]
    total: int
    samples: list[SampleTable]
    has_failing: bool

    @property
    def tables(self) -> list[dict[str, Any]]:
        """Of a dataset, with their addresses."""
        shown = self.check.tables[:TABLES]
        return [{"found": each, "url": views.table_url(self.check.target, each.table)} for each in shown]

    @property
    def more_tables(self) -> int:
        """That are not shown."""
        return max(0, len(self.check.tables) - TABLES)

    @property
    def notes(self) -> list[str]:
        """Why it ended as it did, and what it says besides; the first ones."""
        reasons = [self.check.reason] if self.check.reason else []
        skipped = [f"without a rule in scope: {', '.join(self.check.skipped[:20])}"] if self.check.skipped else []
        return [cut(note, _WORDS) for note in [*reasons, *skipped, *self.check.notes][:NOTES]]

    @property
    def command(self) -> str | None:
        """The command, if it is short enough for the page."""
        command = self.check.dbt.command if self.check.dbt is not None else ""
        return command if 0 < len(command) <= _COMMAND else None


def page_of(
    database: Database,
    catalogue: Catalogue,
    check: CheckResult,
    skip: int,
    *,
    with_samples: bool,
    tried: JsonObject | None = None,
) -> ResultPage:
    """The page behind so many rules. `tried` is the document of a trial, which no version holds."""
    rules = _in_order(check)
    shown = rules[skip : skip + RULES]
    rows = _rows(database, catalogue, check, shown, tried, with_samples=with_samples)
    is_dataset = check.dataset is not None
    found = [
        (RuleSample(check.request_id, row.found.id, row.message, row.found.sample, is_dataset), row.table)
        for row in rows
        if with_samples and row.found.sample is not None and row.found.status in ("fail", "warn")
    ]
    return ResultPage(
        check=check,
        rows=rows,
        total=len(rules),
        samples=samples.tables_of(found),
        has_failing=any(row.found.status in ("fail", "warn") for row in rows),
    )


def rule_of(check: CheckResult, rule: str, table: str | None) -> RuleResult | None:
    """The result of a rule; `table` says whose in a dataset."""
    parts = [part for part in _parts(check) if table is None or part.table == table]
    return next((each for part in parts for each in part.rules if each.id == rule), None)


def _parts(check: CheckResult) -> Sequence[CheckResult | TableResult]:
    return check.tables or [check]


def _in_order(check: CheckResult) -> list[tuple[CheckResult | TableResult, RuleResult]]:
    """Table by table; in each what fails first."""
    return [(part, rule) for part in _parts(check) for rule in sorted(part.rules, key=lambda rule: _ORDER[rule.status])]


def _thresholds(document: JsonObject, catalogue: Catalogue, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """As `stories.thresholds`, of a document that is not stored."""
    return {rule["id"]: thresholds_of(rule, catalogue) for rule in document["rules"] if rule["id"] in ids}


def _rows(
    database: Database,
    catalogue: Catalogue,
    check: CheckResult,
    shown: Sequence[tuple[CheckResult | TableResult, RuleResult]],
    tried: JsonObject | None,
    *,
    with_samples: bool,
) -> list[RuleRow]:
    ids = defaultdict[Version, list[str]](list)
    for part, rule in shown:
        ids[Version(check.target, part.table or "", part.config_version)].append(rule.id)
    if tried is not None:
        known = {of: _thresholds(tried, catalogue, wanted) for of, wanted in ids.items()}
    else:
        known = {of: stories.thresholds(database, catalogue, of, wanted) for of, wanted in ids.items()}
    is_judged = any(rule.baseline is not None for _, rule in shown)
    found = marks.of_check(database, check) if is_judged else {}
    rows = []
    for part, rule in shown:
        table = part.table or ""
        thresholds = known[Version(check.target, table, part.config_version)].get(rule.id, {})
        rows.append(
            RuleRow(
                table=part.table if check.dataset is not None else None,
                url=f"{views.table_url(check.target, table)}/rules/{rule.id}",
                found=rule,
                message=cut(rule.message, _WORDS),
                share=rule.failure_ratio,
                warn_at=thresholds.get("warn_at"),
                fail_at=thresholds.get("fail_at"),
                groups=groups_of(rule.groups, rule.group_count, rule.groups_failing, with_keys=with_samples),
                mark=found.get((table, rule.id)),
                is_point=rule.baseline is not None and (check.full or check.is_window),
            )
        )
    return rows
