"""The parts of the Backend's answers that commands read. Another release may send more fields."""

from typing import Any, TypedDict

from typing_extensions import NotRequired

from stringx_dataops.contract.messages.verdicts import CheckStatus, Gate, RuleStatus, Verdict


class SampleAnswer(TypedDict):
    """Failing rows."""

    columns: list[str]
    rows: list[list[Any]]
    cut: NotRequired[bool]


class WaivedRuleAnswer(TypedDict):
    """The waiver of the rule beside which it stands."""

    by: str
    until: str
    reason: str


class GroupAnswer(TypedDict):
    """The result of a group of a rule."""

    key: dict[str, str | None] | None
    failures: int | None
    total: int | None
    measured: int | float | str | None
    status: RuleStatus
    change: NotRequired[str]


class BaselineAnswer(TypedDict):
    """What a rule's own earlier points say of its value."""

    words: NotRequired[str]
    learning: NotRequired[dict[str, int] | None]


class RuleAnswer(TypedDict):
    """The result of a rule."""

    id: str
    status: RuleStatus
    message: str
    finding: NotRequired[str]
    failures: NotRequired[int | None]
    measured: NotRequired[int | float | str | None]
    measured_hidden: NotRequired[bool]
    owner: NotRequired[str]
    runbook: NotRequired[str]
    sample: NotRequired[SampleAnswer | None]
    sample_dropped: NotRequired[bool]
    sample_hidden: NotRequired[bool]
    shadow: NotRequired[bool]
    waived: NotRequired[WaivedRuleAnswer | None]
    baseline: NotRequired[BaselineAnswer]
    groups: NotRequired[list[GroupAnswer]]
    group_count: NotRequired[int]
    groups_failing: NotRequired[int]


class TableAnswer(TypedDict):
    """The result of a table in the check of a dataset."""

    table: str
    verdict: Verdict
    reason: str | None
    counts: dict[str, int]  # rules by status
    rules: list[RuleAnswer]


class CheckAnswer(TypedDict):
    """The result of a check; `tables` and `skipped` replace `rules` for a dataset."""

    counts: dict[str, int]  # rules by status; empty until the check has ended
    duration_ms: int | None
    asked: NotRequired[dict[str, Any] | None]
    rules: NotRequired[list[RuleAnswer]]
    tables: NotRequired[list[TableAnswer]]
    skipped: NotRequired[list[str]]


class ProgressAnswer(TypedDict):
    """How far a request is that has not ended."""

    phase: str
    position: int | None
    elapsed_s: float
    expected_s: float | None


class RequestAnswer(TypedDict):
    """A request, of a table or of a dataset."""

    request_id: str
    target: str
    table: NotRequired[str]
    dataset: NotRequired[str]
    trial: NotRequired[bool]
    profile: NotRequired[bool]
    status: CheckStatus
    verdict: Verdict | None
    reason: NotRequired[str | None]
    created_at: str
    checks: list[CheckAnswer]
    progress: NotRequired[ProgressAnswer]


class WaivedAnswer(TypedDict):
    """A rule whose failure a waiver overlooks."""

    table: str
    rule: str
    by: str
    until: str
    reason: str


class IncidentAnswer(TypedDict):
    """The open incident of a closed gate."""

    id: str
    opened_at: str
    acknowledged_by: str | None
    assignee: str | None


class GateAnswer(TypedDict):
    """The gate of a table or of a dataset."""

    gate: Gate
    target: NotRequired[str]
    table: NotRequired[str]
    dataset: NotRequired[str]
    verdict: Verdict | None
    snapshot_at: str | None
    age_s: float | None
    reasons: list[str]
    notes: NotRequired[list[str]]
    waivers: NotRequired[list[WaivedAnswer]]
    incident: NotRequired[IncidentAnswer | None]
    pending: NotRequired[bool | None]  # whether waiting may open it
    token: NotRequired[str]


class ChangeAnswer(TypedDict):
    """A document that was applied."""

    kind: str
    name: str
    change: str
    taken_from: NotRequired[str]  # another source than the one that is given


class NoteAnswer(TypedDict):
    """What is no fault, but perhaps not meant."""

    pointer: str
    message: str


class ChangesAnswer(TypedDict):
    """The changes by applied documents, or those that a dry run would make."""

    dry_run: bool
    changes: list[ChangeAnswer]
    notes: NotRequired[list[NoteAnswer]]  # releases before have none


class KeyAnswer(TypedDict):
    """A key in a list; `key` only where it was just made."""

    name: str
    prefix: str | None
    scopes: list[str]
    targets: list[str] | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    created_by: NotRequired[str | None]
    key: NotRequired[str]


class AuditAnswer(TypedDict):
    """An entry of the audit log."""

    at: str
    actor: str
    action: str
    subject: str
    address: str | None
    details: dict[str, Any]
