"""Tables and datasets as they stand, and what their checks and rules have been through."""

from typing import Any, Literal

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.messages.baselines import Learning
from stringx_dataops.contract.messages.incidents import IncidentBrief
from stringx_dataops.contract.messages.marks import Mark
from stringx_dataops.contract.messages.verdicts import Gate, RuleStatus, Verdict
from stringx_dataops.contract.messages.waivers import ActiveWaiver

State = Literal["closed", "stale", "never_checked", "open"]


class SubjectState(Model):
    """`state` is closed if the last deciding check closed the gate; stale if that check is too old, or rules or target have
    changed since; never_checked; else open. `gate` is open in the state open alone. `since`: when the decided gate last changed.
    `checking`: a request that will decide is not finished, and the gate itself stays closed until it is. `recent`: verdicts of
    the last 30 checks that decided, oldest first. `score`: 0 to 1. `waivers`: those that are active, the first 20. `incident`:
    the open one. `next_run_at`: when a schedule checks it next."""

    target: str
    state: State
    gate: Gate
    checking: bool
    verdict: Verdict | None
    since: AwareDatetime | None
    reasons: list[str]
    check_id: str | None
    checked_at: AwareDatetime | None
    snapshot_at: AwareDatetime | None
    row_count: int | None
    score: float | None
    duration_ms: int | None
    recent: list[Verdict]
    waivers: list[ActiveWaiver]
    incident: IncidentBrief | None = None
    owner: str
    tags: list[str]
    next_run_at: AwareDatetime | None


class TableState(SubjectState):
    """A configured table as it stands."""

    table: str


class DatasetState(SubjectState):
    """A configured dataset as it stands."""

    dataset: str
    tables: list[str]


class TablePage(Model):
    """Tables, closed gates first, then stale, never checked and open ones."""

    items: list[TableState]
    next_cursor: str | None


class DatasetPage(Model):
    """Datasets in the same order."""

    items: list[DatasetState]
    next_cursor: str | None


class CheckPoint(Model):
    """One check. `at`: the time of its snapshot, or of its end if it has none. `gate`: as its verdict alone left it. `full`: it
    ran all rules on all rows. `window`: what narrowed its rows."""

    check_id: str
    request_id: str
    at: AwareDatetime
    status: str
    verdict: Verdict
    gate: Gate
    counts: dict[str, int]
    row_count: int | None
    score: float | None
    duration_ms: int | None
    config_version: int | None
    full: bool
    window: dict[str, Any] | None
    requested_by: str | None = None


class CheckHistory(Model):
    """Checks of a table or dataset, newest first."""

    items: list[CheckPoint]
    next_cursor: str | None


class PointBaseline(Model):
    """What was usual when a point was judged, by earlier points alone: see `Baseline`. `words`: why the value is usual or not."""

    center: float | None
    low: float | None
    high: float | None
    points: int
    season: str
    learning: Learning | None
    moved_at: AwareDatetime | None = None
    words: str = ""


class RulePoint(Model):
    """What one check without a window found for a rule. A rule in error has no numbers. `warn_at` and `fail_at` are its
    thresholds as they were then: failures as a count or share, or bounds of what is measured. `waived`: it failed, and a waiver
    made it warn. `shadow`: it counted in nothing. Points that were judged by earlier ones also have `baseline`, and `mark`,
    `marked_by`, `marked_at` and `note` of the person who marked it, or null; other points lack these fields."""

    at: AwareDatetime
    check_id: str
    status: RuleStatus
    failures: int | None
    total: int | None
    failure_ratio: float | None
    measured: float | None
    waived: bool = False
    shadow: bool = False
    warn_at: int | str | dict[str, Any] | None
    fail_at: int | str | dict[str, Any] | None
    config_version: int | None
    baseline: PointBaseline | None = None
    mark: Mark | None = None
    marked_by: str | None = None
    marked_at: AwareDatetime | None = None
    note: str | None = None


class RuleDay(Model):
    """A day (UTC) of a rule. Values are shares of failures, or what was measured; null on a day with errors alone."""

    day: str
    last_at: AwareDatetime
    last: float | None
    min: float | None
    max: float | None
    counts: dict[str, int]
    warn_at: int | str | dict[str, Any] | None
    fail_at: int | str | dict[str, Any] | None
    config_version: int | None


class RuleHistory(Model):
    """Points (or days with `resolution=day`) of a rule, newest first."""

    items: list[RulePoint] | list[RuleDay]
    next_cursor: str | None
