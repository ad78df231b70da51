"""The outcome: the JSON that the gate test returns in dbt's result."""

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import RuleStatus, Verdict

FORMAT: Literal["stringx-gate/1"] = "stringx-gate/1"

MAX_REMEMBERED = 64 * 1024


class GroupOutcome(TypedDict):
    """One of the worst groups of a rule. `key` is None where its columns may not be shown; a missing group has no counts."""

    key: dict[str, str | None] | None
    status: Literal["pass", "warn", "fail"]
    failures: int | None
    total: int | None
    measured: Any
    change: NotRequired[Literal["new", "missing"]]


class GroupsOutcome(TypedDict):
    """How a rule with `per` was decided. `compared`: whether there was an earlier check to find new and missing groups by."""

    count: int  # of the groups that have rows
    failing: int  # missing groups included
    warning: int
    new: int
    missing: int
    compared: bool
    of_rows: Literal["pass", "warn", "fail"]  # the worst status, without what is new or missing
    worst: list[GroupOutcome]


class RuleOutcome(TypedDict):
    """The outcome of one rule. A rule that could not be decided has the status `error` and a `reason`."""

    id: str
    status: RuleStatus
    failures: int | None
    total: int | None
    measured: Any  # a number or a text
    verified_by: Literal["scan", "constraint"]
    reason: str | None
    sample: JsonObject | None  # `columns` and `rows`
    sample_dropped: NotRequired[bool]
    sqlstate: NotRequired[str | None]
    proof: NotRequired[str]  # the constraint that proves it
    found: NotRequired[JsonObject]  # further values from its statement, for the message
    nothing_there: NotRequired[bool]  # no row matches its `where`
    measured_hidden: NotRequired[bool]  # `measured` is a row's value that may not be shown
    row_value: NotRequired[bool]  # `measured` is a row's value, which no message shows
    finding: NotRequired[str]  # of a dbt test: the template that replaces the rule type's
    columns: NotRequired[list[str]]  # those that matched, of a rule whose columns are patterns
    uncounted: NotRequired[bool]  # of a dbt test with a limit: there may be more failures
    groups: NotRequired[GroupsOutcome]  # of a rule with `per`
    threshold: NotRequired[str]  # of a dbt test: the limit that was exceeded, in words
    remember: NotRequired[JsonObject]  # a state for the rule's next check, at most MAX_REMEMBERED bytes as text


class TableOutcome(TypedDict):
    """The outcome of one table: its verdict is the worst of its rules, or that of `on_empty` if it has no rows."""

    schema: str
    name: str
    row_count: int | None
    window_nulls: int | None
    verdict: Verdict
    marks: NotRequired[list[Verdict | None]]  # what each rule adds to the verdict; None: nothing, as of a shadow rule
    empty: NotRequired[Verdict | None]  # what `on_empty` adds to the verdict
    reason: str | None
    notes: list[str]
    rules: list[RuleOutcome]


class ColumnMeasures(TypedDict):
    """One column of a profile. `measures` are texts as PostgreSQL writes them; `top` is a list of pairs, `quantiles` one of
    texts."""

    name: str
    type: str
    family: str
    comment: str | None
    not_null: bool
    is_generated: bool
    is_identity: bool
    enum: list[str] | None
    shown: bool  # whether its values may be shown, and were read
    error: str | None
    measures: dict[str, Any]


class ProfileMeasures(TypedDict):
    """A profile as the gate test leaves it. `rows`: those that were read. `estimate`: the server's, of all."""

    relation: str
    comment: str | None
    rows: int
    estimate: int | None
    sample: JsonObject | None  # `method`, `share`, `seed`
    columns: list[ColumnMeasures]
    constraints: list[JsonObject]
    foreign_keys: list[JsonObject]
    pairs: list[JsonObject]  # `columns`, `distinct`
    comparisons: list[JsonObject]  # `column`, `other_column`, `rows`, `at_most`, `at_least`
    notes: list[str]


class StandbyOutcome(TypedDict):
    """Until when the snapshot shows all that was committed on the standby's primary, as an RFC 3339 time by the primary's clock.
    None if the standby does not say it."""

    replayed_at: str | None


class Outcome(TypedDict):
    """The outcome of a check. `snapshot_at` is an RFC 3339 time by the target's clock."""

    format: Literal["stringx-gate/1"]
    snapshot_at: str
    server_version: int | None
    tables: list[TableOutcome]
    verdict: Verdict
    counts: dict[RuleStatus, int]
    searches_schemas: NotRequired[bool]  # whether custom SQL searched other schemas than pg_catalog, which depend on all tables
    profile: NotRequired[ProfileMeasures | None]
    standby: NotRequired[StandbyOutcome]  # of a target that is a standby
