"""A request as the Backend tracks it, and its answer about a gate."""

from typing import Any

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model, OfOne
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus, Gate, Mode, Source, Verdict


class RequestView(OfOne):
    """What a trigger asked for, of a table or of a dataset, and what became of it."""

    request_id: str
    source: Source
    target: str
    table: str | None = None
    dataset: str | None = None
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

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class RequestPage(Model):
    """Requests, newest first. Their `checks` have `counts`, and without `include=rules` neither `rules` nor `tables`."""

    items: list[RequestView]
    next_cursor: str | None


class GateView(OfOne):
    """Whether the next step may use the table, or all tables of the dataset, and why (not)."""

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

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
