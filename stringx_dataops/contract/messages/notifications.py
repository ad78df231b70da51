"""Messages to people about gates: what they say, whatever the way they are sent."""

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.messages.verdicts import Gate, RuleStatus, Verdict

NotificationKind = Literal["change", "repeat", "digest", "test"]
What = Literal["closed", "opened", "warn", "error", "stale", "missed", "removed", "still_closed", "still_missed"]
WORST_FIRST: tuple[What, ...] = (
    "closed",
    "missed",
    "still_closed",
    "still_missed",
    "error",
    "warn",
    "stale",
    "opened",
    "removed",
)
_MAIN_FIRST: tuple[What, ...] = ("closed", "missed", "opened", "removed", "stale", "error", "warn")

MOST_DETAILED = 10  # tables and datasets of a message that are told with their rules
MOST_NAMED = 200  # that are named besides; of the rest, only the number
MOST_RULES_TOLD = 10  # of a table or dataset
MOST_SECTIONS, MOST_LINES = 20, 50  # of a digest


class Before(Model):
    """What the check of a day before found: of those of the eight days before, the one closest to 24 hours before."""

    at: AwareDatetime
    status: RuleStatus
    failures: int | None
    total: int | None
    measured: float | None


class ToldRule(Model):
    """A rule that did not pass, with its numbers. `finding`: the rule's own `message` with its numbers filled in, or why it could
    not be evaluated. `before`: None if there is no such check."""

    id: str
    table: str
    status: RuleStatus
    failures: int | None = None
    total: int | None = None
    measured: float | None = None
    finding: str | None = None
    owner: str = ""
    runbook: str | None = None
    before: Before | None = None


class Named(Model):
    """A table or dataset, and what has become of it. `since`: when its gate changed, its incident began, or its check was due."""

    what: What
    target: str
    table: str | None = None
    dataset: str | None = None
    since: AwareDatetime
    incident_id: str | None = None

    @property
    def name(self) -> str:
        return self.table or self.dataset or ""

    @property
    def is_dataset(self) -> bool:
        return self.dataset is not None


class Told(Named):
    """The same with all that a person needs. `kinds`: the words of a route's `on` that it answers to; empty for a repeat.
    `reasons`: why, but for rules. `rules`: the worst first; `rules_more` how many more there are. `opened_at`: when its incident
    began; `ended_because`: why the incident is over (check, changed, deleted). `event_id` is the id of its CloudEvent."""

    event_id: str | None = None
    kinds: list[str] = []
    gate: Gate | None = None
    gate_before: Gate | None = None
    verdict: Verdict | None = None
    reasons: list[str] = []
    rules: list[ToldRule] = []
    rules_more: int = 0
    owner: str = ""
    tags: list[str] = []
    runbook: str | None = None
    opened_at: AwareDatetime | None = None
    ended_because: str | None = None
    acknowledged_by: str | None = None
    assignee: str | None = None
    check_id: str | None = None
    request_id: str | None = None
    snapshot_at: AwareDatetime | None = None


class DigestLine(Model):
    """A line of a digest. `path` is a page of the dashboard, such as `/incidents/{id}`."""

    text: str
    path: str | None = None


class DigestSection(Model):
    """A heading, which has no words of others, with lines; `more`: how many further lines there are."""

    title: str
    lines: list[DigestLine] = []
    more: int = 0


class Digest(Model):
    """What has happened in a time, for an owner (empty: for everybody)."""

    owner: str
    start: AwareDatetime
    end: AwareDatetime
    sections: list[DigestSection]


class NotificationContent(Model):
    """What one message says. `counts`: how many tables and datasets are told of, by what has become of them. `items`: the first
    of them with everything; `also`: the next by name; `more`: how many besides these. `cause`: what they have in common, such as
    `dataset nightly_orders` or `schedule nightly`, where a message tells of several. A digest has a `digest` and no items."""

    kind: NotificationKind
    made_at: AwareDatetime
    cause: str | None = None
    counts: dict[What, int] = {}
    items: list[Told] = []
    also: list[Named] = []
    more: int = 0
    digest: Digest | None = None

    @property
    def number(self) -> int:
        """Tables and datasets it tells of."""
        return sum(self.counts.values())


def main_kind(kinds: Sequence[str]) -> What:
    """What an event of these kinds is first of all: a gate that closed with the verdict error is `closed`."""
    return next((what for what in _MAIN_FIRST if what in kinds), "removed")


NotificationState = Literal["waiting", "delivered", "failed", "withdrawn"]
Withdrawn = Literal["acknowledged", "over", "channel"]


class Notification(Model):
    """A message in the delivery log. `id` is its id at the receiver, too. `state`: `failed` means given up after three days;
    `withdrawn` that nothing was left to say before it was sent: acknowledged, over, or its channel was deleted or switched off.
    `due_at`: when a waiting one is tried next. `last_error` and `last_status`: of the last attempt; neither has an address."""

    id: str
    channel: str
    kind: NotificationKind
    state: NotificationState
    title: str
    counts: dict[What, int]
    incidents: list[str]
    routes: list[str]
    planned_at: AwareDatetime
    due_at: AwareDatetime | None
    attempts: int
    delivered_at: AwareDatetime | None
    given_up_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None
    withdrawn_because: Withdrawn | None
    last_error: str | None
    last_status: int | None


class NotificationDetails(Notification):
    """The same, and what it says: as data, and as plain text."""

    text: str
    content: NotificationContent | None


class NotificationPage(Model):
    """Messages, the newest first."""

    items: list[Notification]
    next_cursor: str | None


class ChannelTest(Model):
    """What became of a test message. `status`: what the receiver answered, of HTTP or SMTP; `error` quotes no address."""

    id: str
    channel: str
    delivered: bool
    status: int | None
    error: str | None
