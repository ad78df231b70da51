"""What the gate test leaves in dbt's result, as JSON: the outcome."""

from typing import Any, Literal, NotRequired, TypedDict

from stringx_dataops.contract.messages.verdicts import RuleStatus, Verdict

FORMAT: Literal["stringx-gate/1"] = "stringx-gate/1"


class RuleOutcome(TypedDict):
    """What came of a rule. An undecided one has the status `error`, and why."""

    id: str
    status: RuleStatus
    failures: int | None
    total: int | None
    measured: Any  # a number, or a text
    verified_by: Literal["scan", "constraint"]
    reason: str | None
    sample: dict[str, Any] | None
    sample_dropped: NotRequired[bool]
    sqlstate: NotRequired[str | None]
    proof: NotRequired[str]  # which constraint proves it
    found: NotRequired[dict[str, Any]]  # what a statement says beside its counts, for the message
    nothing_there: NotRequired[bool]  # no row is under its `where`
    measured_hidden: NotRequired[bool]  # `measured` is a row's value that may not be shown
    row_value: NotRequired[bool]  # `measured` is a row's value, which no message tells
    finding: NotRequired[str]  # of a dbt test: the words in place of the rule type's
    threshold: NotRequired[str]  # of a dbt test: the limit that it has passed, in words


class TableOutcome(TypedDict):
    """What came of a table: the worst of its rules, or what its emptiness says."""

    schema: str
    name: str
    row_count: int | None
    window_nulls: int | None
    verdict: Verdict
    reason: str | None
    notes: list[str]
    rules: list[RuleOutcome]


class Outcome(TypedDict):
    """The outcome of a check. `snapshot_at` is RFC 3339, by the target's clock."""

    format: Literal["stringx-gate/1"]
    snapshot_at: str
    server_version: int | None
    tables: list[TableOutcome]
    verdict: Verdict
    counts: dict[RuleStatus, int]
