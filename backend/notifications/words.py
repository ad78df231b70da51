"""The words of a message, before they have a form: a title, and lines of plain words, names and links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from stringx_dataops.contract.catalogue.words import number, share
from stringx_dataops.contract.messages.notifications import (
    Before,
    Digest,
    Named,
    NotificationContent,
    Told,
    ToldRule,
    What,
)

MANY = 3  # tables and datasets with everything; of a message about more, each has fewer rules
_IS: dict[What, str] = {
    "closed": "is closed",
    "missed": "was not checked in time",
    "still_closed": "is still closed",
    "still_missed": "has still not been checked",
    "error": "could not be decided",
    "warn": "warns",
    "stale": "is stale",
    "opened": "is open again",
    "removed": "was deleted while its incident was open",
}
_HEADS: dict[What, str] = {
    "closed": "Closed",
    "missed": "Not checked in time",
    "still_closed": "Still closed",
    "still_missed": "Still not checked",
    "error": "Could not be decided",
    "warn": "Warning",
    "stale": "Stale",
    "opened": "Open again",
    "removed": "Deleted",
}
_ENDED = {"check": "by a check", "changed": "by a change of its settings or of a waiver", "deleted": "because it was deleted"}


@dataclass(frozen=True)
class Name:
    """A word of somebody else: a table, a rule, an owner. It is never read as format."""

    text: str


@dataclass(frozen=True)
class Sentence:
    """A sentence that may have words of somebody else: what a rule found, a reason. Neither is it read as format."""

    text: str


@dataclass(frozen=True)
class Link:
    """A web address, and what it leads to."""

    text: str
    url: str


Span = str | Name | Sentence | Link
Line = tuple[Span, ...]


@dataclass(frozen=True)
class Block:
    """A line in bold, if there is one, lines, and points of a list."""

    head: Line = ()
    lines: Sequence[Line] = ()
    points: Sequence[Line] = ()


@dataclass(frozen=True)
class Detail:
    """How much is said: tables and datasets with everything, rules of each, and tables and datasets by name."""

    items: int
    rules: int
    named: int


DETAILS = (
    Detail(10, 10, 200),
    Detail(10, 3, 50),
    Detail(10, 1, 20),
    Detail(3, 1, 20),
    Detail(3, 1, 5),
    Detail(1, 1, 20),
    Detail(1, 1, 5),
    Detail(1, 0, 5),
    Detail(0, 0, 20),
    Detail(0, 0, 5),
    Detail(0, 0, 2),
    Detail(0, 0, 0),
)  # from all to the least; the first that fits into a channel is sent


def path_of(named: Named) -> str:
    """The page of a table or dataset."""
    name = quote(named.name, safe="")
    return f"/datasets/{name}" if named.is_dataset else f"/tables/{quote(named.target, safe='')}/{name}"


class Pages:
    """Addresses of the dashboard's pages, where the installation says its own (PUBLIC_URL)."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url.rstrip("/") if public_url else None

    def link(self, text: str, path: str) -> Line:
        """`text` as a link if there is an address; nothing otherwise."""
        return () if self._public_url is None else (Link(text, self._public_url + path),)

    def incident(self, incident_id: str) -> Line:
        """A link to the page on which it is acknowledged; looking at the page changes nothing."""
        words = "Incident (acknowledge it there)"
        return self.link(words, f"/incidents/{incident_id}") or (
            "Acknowledge it: ", Name(f"dataops incidents acknowledge {incident_id}"),
        )  # fmt: skip

    def subject(self, named: Named) -> Line:
        return self.link("Dataset" if named.is_dataset else "Table", path_of(named))


def title(content: NotificationContent, channel: str) -> Line:
    """One line that says the most important."""
    if content.kind == "test":
        return ("Test message of StringX to the channel ", Name(channel))
    if content.digest is not None:
        of_owner = (" of ", Name(content.digest.owner)) if content.digest.owner else ()
        return ("Weekly digest", *of_owner, f", {_day(content.digest.start)} to {_day(content.digest.end)}")
    first = content.items[0] if content.items else None
    if first is not None and content.number == 1:
        return (f"{_HEADS[first.what]}: ", Name(first.name), " (", Name(first.target), ")")
    told = ", ".join(f"{count:,} {_HEADS[what].lower()}" for what, count in content.counts.items())
    cause: Line = (" (", Name(content.cause), ")") if content.cause else ()
    return (f"{content.number:,} ", *_gates(content), f": {told or 'nothing'}", *cause)


def _gates(content: NotificationContent) -> Line:
    """Whose gates they are. Of what is not named, nothing is known."""
    named: list[Named] = [*content.items, *content.also]
    if len(named) < content.number:
        return ("tables and datasets",)
    are_datasets = {each.is_dataset for each in named}
    words = "tables and datasets" if len(are_datasets) != 1 else "datasets" if True in are_datasets else "tables"
    targets = {each.target for each in named}
    return (f"{words} of ", Name(targets.pop())) if len(targets) == 1 else (words,)


def blocks(content: NotificationContent, public_url: str | None, detail: Detail) -> Iterator[Block]:
    """Everything below the title."""
    pages = Pages(public_url)
    if content.kind == "test":
        yield Block(lines=[("Somebody tries whether messages of this installation arrive here. There is nothing to do.",)])
    elif content.digest is not None:
        yield from _digest(content.digest, pages, detail)
    else:
        yield from _changes(content, pages, detail)


def _changes(content: NotificationContent, pages: Pages, detail: Detail) -> Iterator[Block]:
    rules = detail.rules if len(content.items) <= MANY else min(detail.rules, 3)
    shown = content.items[: detail.items]
    for told in shown:
        yield _told(told, pages, rules)
    rest: list[Named] = [*content.items[detail.items :], *content.also]
    points = [_named(each) for each in rest[: detail.named]]
    more = len(rest) - len(points) + content.more
    if points:
        yield Block(head=("Also:",) if shown else (), points=points)
    if content.number == 1 and not shown:  # its title says what there is
        yield Block(lines=[line for told in content.items for line in _ways(told, pages)])
    elif more:
        lines: list[Line] = [(f"… and {more:,} more" if shown or points else f"{more:,} in all",)]
        yield Block(lines=[*lines, *filter(None, [pages.link("All incidents", "/incidents")])])


def _named(named: Named) -> Line:
    return (Name(named.name), " (", Name(named.target), f") {_IS[named.what]} since {moment(named.since)}")


def _told(told: Told, pages: Pages, most_rules: int) -> Block:
    kind = "Dataset" if told.is_dataset else "Table"
    head: Line = (f"{kind} ", Name(told.name), " (target ", Name(told.target), f") {_IS[told.what]}, since {moment(told.since)}")
    lines = [*_facts(told), *_people(told), *_links(told, pages)]
    points = [_rule(rule, told.is_dataset) for rule in told.rules[:most_rules]]
    if more := len(told.rules) - len(points) + told.rules_more:
        points.append((f"… and {more:,} more rules" if points else f"{more:,} rules did not pass",))
    return Block(head, lines, points)


def _facts(told: Told) -> Iterator[Line]:
    verdict = f"verdict {told.verdict}" if told.verdict else "no verdict"
    if told.gate is not None:
        before = f", before that {told.gate_before}" if told.gate_before not in (None, told.gate) else ""
        yield (f"Gate: {told.gate}{before}; {verdict}",)
    if told.opened_at is not None and told.what in ("opened", "removed"):
        how = f", ended {_ENDED[told.ended_because]}" if told.ended_because in _ENDED else ""
        yield (f"The incident lasted {_duration(told.opened_at, told.since)}, since {moment(told.opened_at)}{how}",)
    for reason in told.reasons:
        if reason != verdict:  # it has been said
            yield ("Reason: ", Sentence(reason))


def _people(told: Told) -> Iterator[Line]:
    if told.owner:
        yield ("Owner: ", Name(told.owner))
    if told.assignee:
        yield ("Assignee: ", Name(told.assignee))
    if told.acknowledged_by:
        yield ("Acknowledged by: ", Name(told.acknowledged_by))


def _links(told: Told, pages: Pages) -> Iterator[Line]:
    if told.runbook:
        yield (Link("Runbook", told.runbook),)
    yield from _ways(told, pages)


def _ways(told: Told, pages: Pages) -> Iterator[Line]:
    """Links to its pages."""
    if subject := pages.subject(told):
        yield subject
    if told.incident_id is not None:
        is_over = told.what in ("opened", "removed")
        if line := pages.link("Incident", f"/incidents/{told.incident_id}") if is_over else pages.incident(told.incident_id):
            yield line


def _rule(rule: ToldRule, of_dataset: bool) -> Line:
    where: Line = (Name(rule.table), " ") if of_dataset else ()
    numbers = _numbers(rule.failures, rule.total, rule.measured)
    found: Line = (numbers,)
    if rule.finding:
        found = (Sentence(rule.finding), "" if _has_numbers(rule, rule.finding) else f" ({numbers})")
    owner: Line = ("; owner ", Name(rule.owner)) if rule.owner else ()
    runbook: Line = ("; ", Link("runbook", rule.runbook)) if rule.runbook else ()
    return (*where, Name(rule.id), f" {rule.status}: ", *found, _change(rule), *owner, *runbook)


def _has_numbers(rule: ToldRule, finding: str) -> bool:
    """Whether the words say the number already, or there is none."""
    value = f"{rule.failures:,}" if rule.failures is not None else None if rule.measured is None else number(rule.measured)
    return value is None or re.search(rf"(?<![\d.,]){re.escape(value)}(?![\d.,]*\d)", finding) is not None


def _change(rule: ToldRule) -> str:
    """The comparison with the check about a day before."""
    before = rule.before
    if before is None:
        return ""
    found = "passed" if before.status == "pass" else before.status
    if before.status != "error" and (before.failures or before.measured is not None):
        found += f" with {_numbers(before.failures, before.total, before.measured)}"
    return f"; {moment(before.at)}: {found}{_difference(rule, before)}"


def _difference(rule: ToldRule, before: Before) -> str:
    if rule.failures is not None and before.failures is not None:
        return f", now {rule.failures - before.failures:+,}" if rule.failures != before.failures else ", the same"
    if rule.measured is not None and before.measured is not None and rule.measured != before.measured:
        sign = "+" if rule.measured > before.measured else "-"
        return f", now {sign}{number(abs(rule.measured - before.measured))}"
    return ""


def _numbers(failures: int | None, total: int | None, measured: float | None) -> str:
    if failures is None:
        return "no numbers" if measured is None else f"measured {number(measured)}"
    return f"{failures:,} of {total:,} ({share(failures, total)})" if total else f"{failures:,} failures"


def _digest(digest: Digest, pages: Pages, detail: Detail) -> Iterator[Block]:
    for section in digest.sections:
        points: list[Line] = []
        for line in section.lines[: max(detail.named, 1)]:  # the first has what matters most
            link = pages.link("details", line.path) if line.path else ()
            points.append((Sentence(line.text), *((", ", *link) if link else ())))
        if more := section.more + len(section.lines) - len(points):
            points.append((f"… and {more:,} more",))
        yield Block(head=(section.title,), points=points)


def moment(at: datetime) -> str:
    """The time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def _duration(start: datetime, end: datetime) -> str:
    seconds = max(0, int((end - start).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
