"""The Backend's answers about requests and gates."""

from typing import Literal

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model, OfOne
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.incidents import IncidentBrief
from stringx_dataops.contract.messages.samples import hidden
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus, Gate, Mode, Source, Verdict
from stringx_dataops.contract.messages.waivers import WaivedRule

Phase = Literal["queued", "starting", "reading", "delivering"]


class Progress(Model):
    """How far a request is that has not ended. queued: no worker has claimed its check, or DataOps does not have it yet.
    starting: dbt has not reached the target. reading: its session is on the target. delivering: the result is on its way to the
    Backend. `position`: the place among what waits for the same target, 1 the next; counted up to 1,001, null when it no longer
    waits. `elapsed_s`: since its check was started, before that since it was asked for. `expected_s`: the median duration of the
    last ten full checks."""

    phase: Phase
    position: int | None
    elapsed_s: float
    expected_s: float | None


class RequestView(OfOne):
    """A request for a check of a table or dataset, and its state. `requested_by` and `canceled_by` are names of keys;
    `requested_by` is `kafka` for messages, and null in requests of earlier releases. `trial`: of a document that is not stored,
    or, with `profile`, of no rules at all: it measures a table, and its verdict decides nothing. A single request has `progress`
    until it ends."""

    request_id: str
    source: Source
    requested_by: str | None = None
    target: str
    table: str | None = None
    dataset: str | None = None
    trial: bool = False
    profile: bool = False
    mode: Mode
    status: CheckStatus
    verdict: Verdict | None
    reason: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    canceled_by: str | None = None
    checks: list[CheckResult] = []
    progress: Progress | None = None

    @property
    def ended(self) -> bool:
        """Whether it stays as it is from now on."""
        return self.status in TERMINAL

    def as_json(self, *, with_samples: bool) -> JsonObject:
        """The answer's body; it leaves out the fields of a table or those of a dataset, and `progress` if there is none.
        `with_samples`: whether the key that asks may see samples."""
        body = self.model_dump(mode="json", by_alias=True)
        if body["progress"] is None:
            del body["progress"]
        return body if with_samples else body | {"checks": [hidden(check) for check in body["checks"]]}


class RequestPage(Model):
    """A page of requests, newest first. Without `include=rules`, `checks` have `counts` but neither `rules` nor `tables`."""

    items: list[RequestView]
    next_cursor: str | None


class GateView(OfOne):
    """Whether the gate of a table or dataset is open, that is, whether the next step may use the data, and the reasons if not.
    `notes`: what a reader should know though it closes nothing. `waivers`: the rules whose failures it overlooks, the first
    hundred. `incident`: the open one of a closed gate. `token`: the same as a signed verdict, where it was asked for."""

    gate: Gate
    target: str
    table: str | None = None
    dataset: str | None = None
    verdict: Verdict | None
    snapshot_at: AwareDatetime | None
    age_s: float | None
    check_id: str | None
    rules_hash: str | None
    reasons: list[str]
    notes: list[str] = []
    waivers: list[WaivedRule] = []
    incident: IncidentBrief | None = None
    pending: bool  # closed, and a check that is not finished, or still to come, may open it
    token: str | None = None

    def as_json(self) -> JsonObject:
        """The answer's body; it leaves out either the fields of a table or those of a dataset, and `token` if there is none."""
        body = self.model_dump(mode="json")
        if body["token"] is None:
            del body["token"]
        return body
