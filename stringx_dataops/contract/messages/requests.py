"""The Backend's answers about requests and gates."""

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model, OfOne
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus, Gate, Mode, Source, Verdict


class RequestView(OfOne):
    """A request for a check of a table or dataset, and its state. `trial`: of a document that is not stored."""

    request_id: str
    source: Source
    target: str
    table: str | None = None
    dataset: str | None = None
    trial: bool = False
    mode: Mode
    status: CheckStatus
    verdict: Verdict | None
    reason: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    checks: list[CheckResult] = []

    @property
    def ended(self) -> bool:
        """Whether it stays as it is from now on."""
        return self.status in TERMINAL

    def as_json(self) -> JsonObject:
        """The answer's body; it leaves out either the fields of a table or those of a dataset."""
        return self.model_dump(mode="json", by_alias=True)


class RequestPage(Model):
    """A page of requests, newest first. Without `include=rules`, `checks` have `counts` but neither `rules` nor `tables`."""

    items: list[RequestView]
    next_cursor: str | None


class GateView(OfOne):
    """Whether the gate of a table or dataset is open, that is, whether the next step may use the data, and the reasons if not."""

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
    pending: bool  # closed, and a check that is not finished, or still to come, may open it

    def as_json(self) -> JsonObject:
        """The answer's body; it leaves out either the fields of a table or those of a dataset."""
        return self.model_dump(mode="json")
