"""Incidents: from a gate that closed, or a check that never came, until it is over; and what people do with them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.messages.requesters import check_name
from stringx_dataops.contract.messages.verdicts import Gate, RuleStatus, Verdict
from stringx_dataops.contract.messages.waivers import printable

MOST_DAYS = 90  # that an acknowledgement holds, where it says until when
LONGEST_NOTE = 2000  # characters
MOST_ENTRIES = 500  # notes, acknowledgements and assignments of an incident
MOST_NOTES = 10  # in a list, of an incident
MOST_CHECKS, CHECKS_BEFORE = 200, 3  # in the story of an incident
MOST_LISTED = 200  # events, changes, waivers and messages in a story, of each
MOST_GROUPS = 1000  # in a summary

IncidentState = Literal["open", "closed"]
IncidentKind = Literal["closed", "missed"]
OpenedBecause = Literal["check", "changed", "missed"]
ClosedBecause = Literal["check", "changed", "deleted"]
EntryAction = Literal["acknowledged", "unacknowledged", "assigned", "noted"]
SummaryBy = Literal["target", "owner"]

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE), AfterValidator(printable)]
_Person = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(check_name)]


class Acknowledgement(Model):
    """The body of an acknowledgement. It stops repeated messages, until a time where one is given (at most 90 days ahead); it
    opens no gate. Without `assignee` the incident keeps the one it has."""

    note: _Text | None = None
    assignee: _Person | None = None
    until: AwareDatetime | None = None


class NoteOrder(Model):
    """The body of a note."""

    text: _Text


class Assignment(Model):
    """The body that says whose an incident is; null: nobody's."""

    assignee: _Person | None


class IncidentRule(Model):
    """A rule that did not pass in the check that closed the gate."""

    id: str
    table: str
    status: RuleStatus
    failures: int | None = None
    total: int | None = None
    measured: float | None = None


class Note(Model):
    """What somebody wrote, by itself or with an acknowledgement."""

    at: AwareDatetime
    by: str
    text: str


class Incident(Model):
    """`kind`: a gate that closed, or a check that was missed. `opened_because`: a check; a change of settings, rules or waivers;
    or the time by which no check had come. `closed_because` also says that the document was deleted. `rules`: those that failed
    or could not be decided when it opened (those that warned, if the verdict was warn), the worst 20; `rules_more` how many more.
    `acknowledged`: it holds at this moment; `acknowledged_until` may be over. `duration_s`: until it closed, or until now.
    `notes`: the last ten, oldest first. `owner` and `tags` are those of the document, as they were when it closed."""

    id: str
    target: str
    table: str | None
    dataset: str | None
    state: IncidentState
    kind: IncidentKind
    owner: str
    tags: list[str]
    verdict: Verdict | None
    reasons: list[str]
    rules: list[IncidentRule]
    rules_more: int
    opened_at: AwareDatetime
    opened_because: OpenedBecause
    opened_by_check: str | None
    opened_by_request: str | None
    closed_at: AwareDatetime | None
    closed_because: ClosedBecause | None
    closed_by_check: str | None
    closed_by_request: str | None
    duration_s: float
    acknowledged: bool
    acknowledged_at: AwareDatetime | None
    acknowledged_by: str | None
    acknowledged_until: AwareDatetime | None
    assignee: str | None
    notes: list[Note]


class IncidentPage(Model):
    """Incidents: open ones first, then the newest first."""

    items: list[Incident]
    next_cursor: str | None


class IncidentCheck(Model):
    """A check that decided, shortly before the incident or in its time. `gate`: as its verdict alone left it."""

    check_id: str
    request_id: str
    at: AwareDatetime
    verdict: Verdict
    gate: Gate
    counts: dict[str, int]
    row_count: int | None
    score: float | None
    full: bool
    config_version: int | None
    requested_by: str | None


class IncidentEvent(Model):
    """What happened to the gate in the incident's time. `kinds`: the words that routes ask for."""

    id: str
    at: AwareDatetime
    kinds: list[str]
    gate: Gate | None
    gate_before: Gate | None
    verdict: Verdict | None
    check_id: str | None
    request_id: str | None
    reasons: list[str]
    rules: list[IncidentRule]
    rules_more: int


class IncidentEntry(Model):
    """What somebody did: `details` has `note`, `text`, `until` and `assignee`, as far as they were given."""

    at: AwareDatetime
    by: str
    action: EntryAction
    details: dict[str, Any]


class IncidentChange(Model):
    """A version of a document that the gate depends on. `version` was written then; `deleted`: it was taken away."""

    kind: str
    name: str
    version: int
    at: AwareDatetime
    by: str
    deleted: bool


class IncidentWaiver(Model):
    """A waiver of one of its rules' tables that was active in its time."""

    id: str
    table: str
    rule: str
    reason: str
    by: str
    created_at: AwareDatetime
    until: AwareDatetime
    ended_at: AwareDatetime | None
    ended_because: str | None


class IncidentMessage(Model):
    """A message to people that told of the incident. `said`: that it began, is over, goes on, or that something changed."""

    id: str | None
    channel: str
    routes: list[str]
    said: str
    at: AwareDatetime
    state: str
    delivered_at: AwareDatetime | None
    attempts: int
    last_error: str | None


class IncidentStory(Incident):
    """An incident with all that happened. `checks`: some before it and the newest 200 of it, oldest first; `checks_more`: there
    are more between. `findings`: by table and rule, what the check that opened it said of rules that did not pass.
    `messages_hidden`: the key is limited to targets, and channels belong to none."""

    runbook: str | None
    findings: dict[str, dict[str, str]]
    checks: list[IncidentCheck]
    checks_more: bool
    events: list[IncidentEvent]
    entries: list[IncidentEntry]
    changes: list[IncidentChange]
    waivers: list[IncidentWaiver]
    messages: list[IncidentMessage]
    messages_hidden: bool = False


class IncidentBrief(Model):
    """The open incident of a table or dataset, in lists and with its gate."""

    id: str
    opened_at: AwareDatetime
    acknowledged_by: str | None
    assignee: str | None


class IncidentTimes(Model):
    """Of incidents that opened in a span. `still_open`: of these. Means are in seconds and null where there is nothing to take
    one of: to the first acknowledgement, of those that were acknowledged; to the close, of those that a check or a change
    closed."""

    opened: int
    closed: int
    still_open: int
    acknowledged: int
    mean_to_acknowledge_s: float | None
    mean_to_close_s: float | None
    longest_s: float | None


class IncidentGroup(IncidentTimes):
    """The same of one target or owner. `name` is empty for what has no owner."""

    name: str


class IncidentSummary(Model):
    """How long incidents lasted, by target or owner: those with the most incidents first. `total` is of all, also of `more`
    groups that are left out."""

    start: AwareDatetime
    end: AwareDatetime
    by: SummaryBy
    total: IncidentTimes
    items: list[IncidentGroup]
    more: int
