"""The parts that make up a check's result, beside the check itself. `Check.result_with` joins them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import DbtRun, RuleResult, Standby, TableResult
from stringx_dataops.contract.messages.scores import Scored, scores
from stringx_dataops.contract.messages.verdicts import CheckStatus, Verdict

CANCELED = "canceled on request"  # the reason of each canceled check


@dataclass(frozen=True)
class Ending:
    """How a check has ended. Without an outcome of the gate test, the fields after `finished_at` are empty, except that a
    dataset's tables are named as undecided. `rules` belong to the check of a table, `tables` to the check of a dataset."""

    status: CheckStatus
    verdict: Verdict
    reason: str | None
    finished_at: datetime
    snapshot_at: datetime | None = None
    row_count: int | None = None
    window_nulls: int | None = None
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    rules: list[RuleResult] = field(default_factory=list)
    tables: list[TableResult] = field(default_factory=list)
    profile: JsonObject | None = None
    standby: Standby | None = None


@dataclass(frozen=True)
class Execution:
    """When and how a check ran, and on which configuration. `dbt` is None if the check ended before dbt ran."""

    started_at: datetime
    duration_ms: int
    config_version: int | None
    rules_hash: str | None
    target_hash: str
    skipped: list[str]  # a dataset's tables without a rule in scope
    dbt: DbtRun | None


def counts_of(rules: Sequence[RuleResult]) -> dict[str, int]:
    """How many rules have each status. Shadow rules are counted apart, under `shadow`, if there are any."""
    shadows = sum(rule.shadow for rule in rules)
    counts = {name: sum(rule.status == name and not rule.shadow for rule in rules) for name in ("pass", "warn", "fail", "error")}
    return counts | ({"shadow": shadows} if shadows else {})


def scores_of(rules: Sequence[RuleResult]) -> dict[str, float | None]:
    """Of the rules that are no shadows."""
    return scores([Scored(rule.dimension, rule.status, rule.failures, rule.total) for rule in rules if not rule.shadow])


def undecided(status: CheckStatus, reason: str, finished_at: datetime) -> Ending:
    """The ending of a check that was never run."""
    return Ending(status=status, verdict="error", reason=reason, finished_at=finished_at)
