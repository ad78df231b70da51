"""Checks: the request that DataOps accepts, and the result that it answers with and posts to the Backend."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypedDict

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from stringx_dataops.contract.documents.fields import DatasetName, Model, OfOne, RuleId, Table, TargetName, Whole, is_missing
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import MOST_RULES, TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.baselines import Baseline
from stringx_dataops.contract.messages.groups import GroupResult
from stringx_dataops.contract.messages.verdicts import CheckStatus, Dimension, Kind, Mode, RuleStatus, Verdict
from stringx_dataops.contract.messages.waivers import Waived
from stringx_dataops.contract.messages.windows import Window, WindowJson
from stringx_dataops.contract.problems import FieldError, invalid

MAX_WAIT_S = 300


def check_request_id(text: str) -> str:
    """Return the id unchanged. Raises ValueError with one sentence if it is no valid id."""
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise ValueError("must be 1 to 200 printable characters")
    if text in (".", "..") or text.startswith("/"):  # clients and servers rewrite such paths even if they are escaped
        raise ValueError("must not be . or .. or begin with a slash, so that it can stand in an address")
    return text


RequestId = Annotated[str, AfterValidator(check_request_id)]
Seconds = Annotated[Whole, Field(ge=1, le=86400)]


class CheckRequest(Model):
    """The body of a check at DataOps and of a request at the Backend, for a table or a dataset."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["table"]}, {"required": ["dataset"]}]})

    request_id: RequestId | None = None
    target: TargetName
    dataset: DatasetName | None = None
    table: Annotated[Table | None, Field(validate_default=True)] = None
    mode: Mode | None = None
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=100)] | None = None
    dimensions: Annotated[list[Dimension], Field(min_length=1, max_length=100)] | None = None
    rule_ids: Annotated[list[RuleId], Field(min_length=1, max_length=MOST_RULES)] | None = None
    window: Window | None = None
    timeout_s: Seconds | None = None
    wait_s: Annotated[Whole, Field(ge=0, le=MAX_WAIT_S)] = 60
    callback_url: Annotated[str, Field(max_length=2000)] | None = None

    @field_validator("table")
    @classmethod
    def _is_of_one(cls, table: str | None, info: ValidationInfo) -> str | None:
        if "dataset" in info.data and (table is None) == (info.data["dataset"] is None):
            if table is not None:
                raise ValueError("table and dataset are both given; keep one")
            raise is_missing("name a table, or a dataset")
        return table

    @property
    def subject(self) -> str:
        """The table or dataset, for messages."""
        return self.table or f"dataset {self.dataset}"

    def identity(self) -> JsonObject:
        """The fields that must be equal if a request_id is sent again: all except the id itself and how long the client waits."""
        return self.model_dump(mode="json", by_alias=True, exclude={"request_id", "wait_s"}, exclude_none=True)

    def digest(self) -> bytes:
        """A hash of `identity`, with which a repeated request_id is compared."""
        return digest(self.identity())

    @property
    def tried(self) -> TableDocument | None:
        """The document that is checked in place of the stored one; None if it is no trial (`messages.trials`)."""
        return None

    @property
    def is_profile(self) -> bool:
        """Whether the table is measured, and no rule decided (`messages.trials`)."""
        return False

    def asked(self) -> JsonObject:
        """What a result says of its request: `identity`, of a trial with `trial: true` in place of the document."""
        return self.identity()

    @property
    def full(self) -> bool:
        """Whether it covers every active rule and every row."""
        return not (self.kinds or self.dimensions or self.rule_ids or self.window)

    def scope(self) -> "ScopeJson":
        """The fields that narrow the check, as stored with its result."""
        return {
            "window": self.window.as_json() if self.window else None,
            "kinds": self.kinds,
            "dimensions": self.dimensions,
            "rule_ids": self.rule_ids,
        }


def digest(identity: JsonObject) -> bytes:
    """SHA-256 of an identity, independent of the order of its fields."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).digest()


def rules_in_scope(request: CheckRequest, document: TableDocument, default_dimension: dict[str, Dimension]) -> list[Rule]:
    """The rules that the request covers, active ones and shadows; none if no active one is among them. `default_dimension` is
    the dimension of rules without one, by rule type."""
    found = [
        rule
        for rule in document.running_rules
        if (request.kinds is None or rule.kind in request.kinds)
        and (request.dimensions is None or (rule.dimension or default_dimension.get(rule.type)) in request.dimensions)
        and (request.rule_ids is None or rule.id in request.rule_ids)
    ]
    return found if any(not rule.is_shadow for rule in found) else []


def require_scope(request: CheckRequest, documents: Sequence[TableDocument], default_dimension: dict[str, Dimension]) -> None:
    """Raise Invalid if no rule of any table is left to run, if the request names a rule that no table has, or if its window does
    not fit a table."""
    known = {rule.id for document in documents for rule in document.running_rules}
    unknown = [
        FieldError(f"/rule_ids/{index}", f"{request.subject} has no active rule {rule_id!r}")
        for index, rule_id in enumerate(request.rule_ids or [])
        if rule_id not in known
    ]
    checked = [document for document in documents if rules_in_scope(request, document, default_dimension)]
    faults = [*unknown, *(request.window.faults(checked) if request.window else ())]
    if faults:
        raise invalid(faults)
    if checked:
        return
    if not any(document.active_rules for document in documents):
        field, whose = ("dataset", "one of its tables") if request.dataset else ("table", "its configuration")
        raise invalid([FieldError(f"/{field}", f"{request.subject} has no active rule; add one to {whose}")])
    narrowed = next(name for name in ("kinds", "dimensions", "rule_ids") if getattr(request, name))
    raise invalid([FieldError(f"/{narrowed}", f"{request.subject} has no active rule of these {narrowed}")])


class Sample(Model):
    """Failing rows, with only the key and the allowed columns. `cut` means that further rows were left out for lack of space."""

    columns: list[str]
    rows: list[list[Any]]
    cut: bool = False


_ABSENT = {"finding", "owner", "runbook", "baseline", "groups", "group_count", "groups_failing"}


class RuleResult(Model):
    """The result of one rule.

    `failure_ratio` is failures / total as the nearest double, but 0 or 1 only if it is exactly that. `measured_hidden` means that
    the measured value is a row's value, and the document does not allow showing that column. `sample_dropped` means that its
    sample was left out, because the result would have been too large. `sample_hidden` means that the key which asks lacks the
    scope `samples`, whether there is a sample or not. `shadow`: it counts neither in the verdict nor in counts and scores.
    `waived`: it fails, and a waiver makes it warn.
    `finding` is DataOps' own sentence where the rule's `message` replaces it.
    `baseline`: of a rule that is compared with its earlier points.
    `groups`, `group_count` and `groups_failing` are those of a rule with `per`: the worst 20, how many there are, and how many
    of them fail or warn; `failures` and `total` are then the sums over all groups, `measured` is that of the worst group.
    The fields of `_ABSENT` are left out of the JSON where there is none, because earlier releases do not know them.
    """

    id: str
    type: str
    columns: list[str]
    kind: Kind
    dimension: Dimension
    status: RuleStatus
    failures: int | None
    total: int | None
    failure_ratio: float | None
    measured: int | float | str | None
    measured_hidden: bool = False
    verified_by: str
    message: str
    finding: str | None = None
    description: str = ""
    owner: str = ""
    runbook: str | None = None
    sample: Sample | None = None
    sample_dropped: bool = False
    sample_hidden: bool = False
    shadow: bool = False
    waived: Waived | None = None
    baseline: Baseline | None = None
    groups: list[GroupResult] | None = None
    group_count: int | None = None
    groups_failing: int | None = None

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        fields: JsonObject = serialize(self)
        return {name: value for name, value in fields.items() if value not in (None, "") or name not in _ABSENT}


class ScopeJson(TypedDict):
    """A `Scope` as JSON."""

    window: WindowJson | None
    kinds: list[Kind] | None
    dimensions: list[Dimension] | None
    rule_ids: list[str] | None


class Scope(Model):
    """The rows and rules that a request limited its check to; null means no limit."""

    window: JsonObject | None = None
    kinds: list[Kind] | None = None
    dimensions: list[Dimension] | None = None
    rule_ids: list[str] | None = None


class DbtRun(Model):
    """The run of dbt, and a command that runs the same test by hand."""

    version: str
    invocation_id: str | None
    command: str


class EarlierAttempt(Model):
    """An attempt that ended without a result, so that the check was queued again."""

    attempt: int
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime
    why: str


class TableResult(Model):
    """The result of one table in a dataset's check."""

    table: str
    verdict: Verdict
    config_version: int
    rules_hash: str
    row_count: int | None = None
    window_nulls: int | None = None
    reason: str | None = None
    notes: list[str] = []
    counts: dict[str, int] = {}
    scores: dict[str, float | None] = {}
    rules: list[RuleResult] = []


class Standby(Model):
    """What a snapshot on a standby shows: all that was committed on its primary until `replayed_at`, by the primary's clock. None
    if the standby does not say it."""

    replayed_at: AwareDatetime | None = None


TRACE = ("traceparent", "tracestate")
_ABSENT_IN_RESULTS = {"profile", "standby", *TRACE}


class CheckResult(OfOne):
    """The result of a check; while the check is queued or running, the part that is known already.

    For a dataset, `dataset` and `tables` replace `table` and `rules`, and `skipped` names its tables without a rule in scope.
    `asked` is the request, `requested_by` the name of the key that asked. `trial` means that a document was checked that is not
    stored. `joined` is the check whose run it shares, because that one was already waiting with the same request.
    `earlier_attempts` holds the first 20 that ended without a result. `profile`: what was measured of the table where a profile
    was asked for (`messages.profiles`). `standby`: of a target that is a standby, what its snapshot shows. `traceparent` and
    `tracestate`: the trace that the check belongs to, as W3C Trace Context writes it. These four are left out of the JSON where
    there is none, because earlier releases do not know them.
    """

    check_id: str
    request_id: str
    target: str
    table: str | None = None
    dataset: str | None = None
    trial: bool = False
    status: CheckStatus
    verdict: Verdict | None = None
    config_version: int | None = None
    rules_hash: str | None = None
    target_hash: str | None = None
    scope: Scope = Scope()
    asked: JsonObject | None = None
    requested_by: str | None = None
    joined: str | None = None
    snapshot_at: AwareDatetime | None = None
    row_count: int | None = None
    window_nulls: int | None = None
    attempt: int = 0
    earlier_attempts: list[EarlierAttempt] = []
    queued_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    duration_ms: int | None = None
    reason: str | None = None
    notes: list[str] = []
    counts: dict[str, int] = {}
    scores: dict[str, float | None] = {}
    rules: list[RuleResult] = []
    tables: list[TableResult] = []
    skipped: list[str] = []
    dbt: DbtRun | None = None
    profile: JsonObject | None = None
    standby: Standby | None = None
    traceparent: str | None = None
    tracestate: str | None = None

    @model_validator(mode="after")
    def _is_of_one(self) -> "CheckResult":
        if (self.table is None) == (self.dataset is None):
            raise ValueError("is of a table or of a dataset; name one of the two")
        return self

    @property
    def full(self) -> bool:
        """Whether it covered every active rule and every row of a stored document."""
        return not self.trial and self.scope == Scope()

    @property
    def is_window(self) -> bool:
        """Whether it covered every active rule of a stored document, and only the rows of a window."""
        return not self.trial and self.scope.window is not None and self.scope == Scope(window=self.scope.window)

    def as_json(self) -> JsonObject:
        """The result as it is stored and sent; it leaves out either the fields of a table or those of a dataset."""
        return self.model_dump(mode="json", by_alias=True)

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        fields = self._without_the_other(serialize)
        return {name: value for name, value in fields.items() if value is not None or name not in _ABSENT_IN_RESULTS}


def rfc3339(moment: datetime) -> str:
    """A UTC time as RFC 3339 text with a Z, as pydantic writes it too."""
    return moment.isoformat().replace("+00:00", "Z")
