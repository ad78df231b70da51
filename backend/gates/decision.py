"""The gate of a table or a dataset: open or closed, and why. A pure function of the facts that `facts` has read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.gates.waiving import Leaning, WaiverFact
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.tables import GateSettings
from stringx_dataops.contract.messages.checks import CheckResult, Standby
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.messages.verdicts import Verdict, gate_of
from stringx_dataops.contract.messages.waivers import Claim

_MOST_REASONS = 20
KEPT = "the rules have changed since; kept as configured"


@dataclass(frozen=True)
class Reason:
    """One reason why the gate is closed. `pending`: a check that is not finished, or still to come, may remove it."""

    text: str
    pending: bool = False


_NEVER_CHECKED = Reason("never checked: ask for a check first", pending=True)


@dataclass(frozen=True)
class GateSubject:
    """The table or dataset behind the gate, as it is configured now. `rules_hash` is None while the rules of a dataset are not
    known: no check has them."""

    target: str
    table: str | None
    dataset: str | None
    settings: GateSettings
    rules_hash: str | None
    target_hash: str
    has_rules: bool

    @property
    def kind(self) -> str:
        return "table" if self.dataset is None else "dataset"

    @property
    def words(self) -> str:
        return f"{self.kind} {self.table if self.dataset is None else self.dataset}"


def decides(settings: GateSettings, check: CheckResult) -> bool:
    """Whether such a check decides the gate: it covered every active rule, and every row unless windows decide, too. SQL says the
    same of stored results and requests (`facts.sql`)."""
    return check.status != "canceled" and (check.full or (settings.by_window and check.is_window))


@dataclass(frozen=True)
class DecidingCheck:
    """The check that decides: the one with the newest snapshot, or that of the request that was asked about."""

    check_id: str
    verdict: Verdict
    status: str
    rules_hash: str | None
    snapshot_at: datetime | None
    decided_at: datetime  # the snapshot, or the end of a check that has none
    age_s: float  # since then
    result: dict[str, Any]  # a CheckResult as JSON
    request_id: str | None = None
    leans_on: Sequence[Claim] = ()  # its waivers


@dataclass(frozen=True)
class Request:
    """The request that was asked about."""

    request_id: str
    status: str
    is_finished: bool


@dataclass(frozen=True)
class Facts:
    """Everything that the gate depends on."""

    subject: GateSubject
    check: DecidingCheck | None
    request: Request | None = None  # asked about; without it, the gate as it stands
    newer_request: str | None = None  # made after the deciding one, and not finished
    is_kept: bool = False  # the rules have changed since, and its settings keep the gate as it is
    waivers: Mapping[str, WaiverFact] = field(default_factory=dict)  # those that the check leans on, by id

    @property
    def leaning(self) -> Leaning:
        """What the check leans on, as far as it is about the gate's tables."""
        claims = self.check.leans_on if self.check is not None else ()
        return Leaning(self.subject.target, self.subject.table, claims, self.waivers)


def decide(facts: Facts, not_before: datetime | None = None) -> GateView:
    """The gate, which is open if there is no reason to close it. `not_before` is a time on the target's clock: the deciding
    snapshot may not be older."""
    if facts.request is None:
        check, reasons = facts.check, _reasons_of_state(facts)
    else:
        check, reasons = _of_request(facts, facts.request)
    if check is not None:
        if check.result.get("target_hash") not in (None, facts.subject.target_hash):
            reasons.append(_changed_target(facts.subject))
        reasons += map(Reason, _reasons_of_verdict(facts.subject, check))
        reasons += map(Reason, facts.leaning.reasons())
        if not_before is not None:
            reasons += _reasons_of_time(check, not_before)
    elif not reasons:
        reasons = [_NEVER_CHECKED]
    notes = [KEPT] if facts.request is None and _has_changed_rules(facts) and facts.is_kept else []
    return _view(facts, check, reasons, notes)


def closes_at(facts: Facts) -> datetime | None:
    """When an open gate closes by itself at the latest, if nothing else happens: its check gets older than `max_age`, or a waiver
    that it leans on ends. None if time does not close it. Also for the gate of a request, to which `max_age` does not apply."""
    if facts.check is None:
        return None
    max_age = facts.subject.settings.max_age
    ends = list(facts.leaning.ends())
    return min([*ends, *([facts.check.decided_at + timedelta(seconds=parse_duration(max_age))] if max_age else [])], default=None)


def _changed_target(subject: GateSubject) -> Reason:
    if subject.dataset is not None and not subject.target_hash:  # it is that of its tables
        return Reason("no configured table matches the dataset any more: mend its tables, or configure some, and ask for a check")
    return Reason("the target's database, role or files are others than at the last check: ask for a new one")


def _of_request(facts: Facts, request: Request) -> tuple[DecidingCheck | None, list[Reason]]:
    """The check that the request ended with, and what keeps its gate closed whatever the verdict is."""
    check, table = facts.check, facts.subject.table
    if check is None:
        if request.is_finished:
            return None, [Reason(f"request {request.request_id} has no result")]
        return None, [Reason(f"request {request.request_id} is {request.status}", pending=True)]
    if table is not None and table in check.result.get("skipped", ()):
        return None, [Reason(f"request {request.request_id} left {table} out: none of its rules was in scope")]
    return check, [Reason(f"request {request.request_id} was canceled")] if check.status == "canceled" else []


def _reasons_of_state(facts: Facts) -> list[Reason]:
    """What keeps the gate closed whatever the verdict is."""
    subject, check = facts.subject, facts.check
    reasons: list[Reason] = []
    if not subject.has_rules:
        reasons.append(Reason(f"no active rule: nothing says that the {subject.kind} may be used"))
    if facts.newer_request is not None:
        reasons.append(Reason(f"a newer request is not finished: {facts.newer_request}", pending=True))
    if check is None:
        return reasons
    if _has_changed_rules(facts) and not facts.is_kept:
        reasons.append(Reason("the rules have changed since the last check: ask for a new one"))
    max_age = subject.settings.max_age
    if max_age is not None and check.age_s > parse_duration(max_age):
        reasons.append(Reason(f"the last check is older than max_age ({max_age}): ask for a new one"))
    return reasons


def _reasons_of_time(check: DecidingCheck, not_before: datetime) -> Iterator[Reason]:
    """A snapshot on a standby shows only what had been replayed by then, however late it was taken."""
    wanted, standby = not_before.isoformat(), check.result.get("standby")
    if check.decided_at < not_before:
        words = f"the newest snapshot ({check.decided_at.isoformat()}) is older than not_before ({wanted})"
        yield Reason(words, pending=True)
    elif standby is not None:
        shown = Standby.model_validate(standby).replayed_at
        if shown is None:
            yield Reason("the target is a standby that does not say until when it has replayed: not_before needs the primary")
        elif shown < not_before:
            until = f"what was committed until {shown.isoformat()}"
            yield Reason(f"the newest snapshot, of a standby, shows {until}, before not_before ({wanted})", pending=True)


def _has_changed_rules(facts: Facts) -> bool:
    return facts.check is not None and facts.check.rules_hash not in (None, facts.subject.rules_hash)


def _reasons_of_verdict(subject: GateSubject, check: DecidingCheck) -> list[str]:
    if gate_of(check.verdict, subject.settings.on_warn, subject.settings.on_error) == "open":
        return []
    whole, parts = check.result, list(_parts(subject, check.result))
    worst = [
        f"{place}{rule['id']}: {rule['message']}"
        for place, part in parts
        for rule in part["rules"]
        if rule["status"] == check.verdict and not rule.get("shadow")
    ]
    reasons_of_parts = [
        f"{place}{part['reason']}" for place, part in parts if part["reason"] and part["verdict"] == check.verdict
    ]
    reasons = [f"verdict {check.verdict}", *([whole["reason"]] if whole["reason"] else reasons_of_parts), *worst[:_MOST_REASONS]]
    return reasons if len(worst) <= _MOST_REASONS else [*reasons, f"and {len(worst) - _MOST_REASONS} more rules"]


def _parts(subject: GateSubject, result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The result's parts that are about the gate's tables, each with a prefix that names the table if there are several."""
    if "tables" not in result:
        yield "", result
    for table in result.get("tables", ()):
        if subject.dataset is not None:
            yield f"{table['table']}: ", table
        elif table["table"] == subject.table:
            yield "", table


def _view(facts: Facts, check: DecidingCheck | None, reasons: Sequence[Reason], notes: Sequence[str]) -> GateView:
    subject = facts.subject
    return GateView(
        gate="closed" if reasons else "open",
        target=subject.target,
        table=subject.table,
        dataset=subject.dataset,
        verdict=check.verdict if check else None,
        snapshot_at=check.snapshot_at if check else None,
        age_s=round(max(0.0, check.age_s), 3) if check else None,
        check_id=check.check_id if check else None,
        rules_hash=check.rules_hash if check else None,
        reasons=[reason.text for reason in reasons],
        notes=list(notes),
        waivers=facts.leaning.named() if check is not None else [],
        pending=any(reason.pending for reason in reasons),
    )
