"""The story of an incident in words: what closed the gate; what was checked, changed, written and sent; what opened it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal, assert_never
from urllib.parse import quote

from backend.dashboard import views
from stringx_dataops.contract.messages.incidents import (
    ClosedBecause,
    IncidentChange,
    IncidentEntry,
    IncidentEvent,
    IncidentMessage,
    IncidentRule,
    IncidentStory,
)
from web.look import formats

Mark = Literal["trouble", "done", "fact", "person"]  # of the dot: against the gate; for it; neither; what people did
_ALONE = 3  # checks in a row with the same end that are shown one by one; of more, the first and the last
_RULES = 5  # that a step names
_LONGEST = 300  # characters of an error


@dataclass(frozen=True)
class Step:
    """Something that happened. `place` is its order among what happened at the same moment; `note` is text that somebody wrote,
    `until` a time that stands behind the details."""

    at: datetime
    words: str
    mark: Mark = "fact"
    details: tuple[str, ...] = ()
    note: str = ""
    until: datetime | None = None
    verdict: str | None = None
    url: str | None = None
    place: int = 5
    is_for_admins: bool = False  # the page behind `url`


def steps(story: IncidentStory) -> list[Step]:
    """In the order of time."""
    found = [*_gate(story), *_checks(story), *_waivers(story)]
    found += [_change(change, story.target) for change in story.changes]
    found += [_entry(entry) for entry in story.entries]
    found += [_message(message) for message in story.messages]
    return list(_shortened(sorted(found, key=lambda step: (step.at, step.place)), cut=story.checks_more))


def rule_in_words(rule: IncidentRule, *, of_dataset: bool) -> str:
    """A rule against the gate with its numbers, such as `id_unique fails: 3 of 10 (30%)`; of a dataset with its table."""
    numbers = numbers_of(rule)
    words = f"{rule.id} {_verb(rule)}{'' if numbers == '–' else f': {numbers}'}"
    return f"{rule.table}: {words}" if of_dataset else words


def numbers_of(rule: IncidentRule) -> str:
    """What was found for a rule that closed a gate."""
    if rule.failures is not None and not rule.total:
        return formats.number(rule.failures)
    ratio = rule.failures / rule.total if rule.failures is not None and rule.total else None
    return views.numbers(rule.failures, rule.total, ratio, rule.measured)


def _verb(rule: IncidentRule) -> str:
    match rule.status:
        case "fail":
            return "fails"
        case "warn":
            return "warns"
        case "error":
            return "is in error"
        case "pass":
            return "passes"
        case _:
            assert_never(rule.status)


def _gate(story: IncidentStory) -> Iterator[Step]:
    """How the gate moved: by its events; of an incident that is older than events, by what it says itself."""
    kinds = {kind for event in story.events for kind in event.kinds}
    if not kinds & {"closed", "missed"}:
        yield _beginning(story)
    yield from (_event(event, story) for event in story.events)
    if story.closed_at is not None and not kinds & {"opened", "removed"}:
        words, why = _end(story.closed_because or "check")
        yield Step(story.closed_at, words, "done", (why,), place=9)


def _beginning(story: IncidentStory) -> Step:
    if story.kind == "missed":
        return Step(story.opened_at, "No check had come in time", "trouble", tuple(story.reasons), place=1)
    url = _request_url(story.opened_by_request)
    return Step(story.opened_at, "The gate closed", "trouble", _why(story, story), verdict=story.verdict, url=url, place=6)


def _end(because: ClosedBecause) -> tuple[str, str]:
    match because:
        case "check":
            return "The gate opened", "A check found it in order."
        case "changed":
            return "The gate opened", "Its configuration or a waiver changed."
        case "deleted":
            return "It was taken out of the configuration", "No gate is left that could open."
        case _:
            assert_never(because)


def _event(event: IncidentEvent, story: IncidentStory) -> Step:
    kinds, url = set(event.kinds), _request_url(event.request_id)
    if "missed" in kinds:
        return Step(event.at, "No check had come in time", "trouble", tuple(event.reasons)[:_RULES], place=1)
    if "closed" in kinds:
        return Step(event.at, "The gate closed", "trouble", _why(event, story), verdict=event.verdict, url=url, place=6)
    if "opened" in kinds:
        words, why = _end(story.closed_because or "check")
        words = words if event.gate_before == "closed" else "The check has come, and the gate is open"
        return Step(event.at, words, "done", (why,), verdict=event.verdict, url=url, place=9)
    if "removed" in kinds:
        words, why = _end("deleted")
        if story.closed_because != "deleted":
            words, why = "It is over", "No check decides the gate any more."
        return Step(event.at, words, "done", (why,), place=9)
    words = "Its last check became too old, or its rules changed" if "stale" in kinds else "Checked"
    return Step(event.at, words, "fact", _why(event, story), verdict=event.verdict, url=url, place=6)


def _why(of: IncidentEvent | IncidentStory, story: IncidentStory) -> tuple[str, ...]:
    if of.rules:
        more = of.rules_more + max(0, len(of.rules) - _RULES)
        words = [rule_in_words(rule, of_dataset=story.dataset is not None) for rule in of.rules[:_RULES]]
        return ("; ".join([*words, f"and {more:,} more"] if more else words),)
    return tuple(reason for reason in of.reasons if not reason.startswith("verdict "))[:_RULES]


def _checks(story: IncidentStory) -> Iterator[Step]:
    """Those that no event tells of."""
    told = {event.check_id for event in story.events} | ({story.opened_by_check} if not story.events else set())
    for check in story.checks:
        if check.check_id in told:
            continue
        counts = [f"{check.counts[word]:,} {word}" for word in ("fail", "error", "warn", "pass") if check.counts.get(word)]
        parts = [", ".join(counts), f"asked by {check.requested_by}" if check.requested_by else ""]
        details = ("; ".join(filter(None, parts)),)
        yield Step(check.at, "Checked", "fact", details, verdict=check.verdict, url=_request_url(check.request_id))


def _change(change: IncidentChange, target: str) -> Step:
    """A target or a layer has no page of its own."""
    kind = {"RuleSet": "rule set"}.get(change.kind, change.kind.lower())
    word = "were" if change.kind == "Defaults" else "was"
    done = "deleted" if change.deleted else "configured" if change.version == 1 else "changed"
    url = f"{views.editor_url(target, change.name)}/versions" if change.kind == "Table" else None
    return Step(
        change.at,
        f"The {kind} {change.name} {word} {done}",
        "person",
        (f"by {change.by}, version {change.version}",),
        url=url,
        place=3,
    )


def _waivers(story: IncidentStory) -> Iterator[Step]:
    for waiver in story.waivers:
        url, name = f"/waivers/{quote(waiver.id, safe='')}", waiver.rule if story.table else f"{waiver.rule} of {waiver.table}"
        words, by = f"{name} was waived", (f"by {waiver.by}",)
        yield Step(waiver.created_at, words, "person", by, waiver.reason, waiver.until, url=url, place=3)
        if waiver.ended_at is not None:
            yield Step(waiver.ended_at, f"The waiver of {name} ended", "fact", (waiver.ended_because or "",), url=url, place=3)


def _entry(entry: IncidentEntry) -> Step:
    given = entry.details
    until = given.get("until")
    assignee = given.get("assignee")
    parts = [f"by {entry.by}"]
    match entry.action:
        case "acknowledged":
            words = "Acknowledged"
            parts += [f"assigned to {assignee}"] if assignee else []
        case "unacknowledged":
            words = "The acknowledgement was taken back"
        case "assigned":
            words = f"Assigned to {assignee}" if assignee else "Assigned to nobody"
        case "noted":
            words = "Note"
        case _:
            assert_never(entry.action)
    note = str(given.get("note") or given.get("text") or "")
    return Step(entry.at, words, "person", (", ".join(parts),), note, datetime.fromisoformat(until) if until else None, place=4)


def _message(message: IncidentMessage) -> Step:
    about = {"closed": "that it began", "over": "that it is over", "repeat": "that it goes on"}.get(message.said, "of it")
    words = f"{message.channel} was told {about}" if message.delivered_at else f"A message to {message.channel} says {about}"
    routes = f"by route {', '.join(message.routes)}" if message.routes else ""
    state = "" if message.delivered_at else message.state.replace("_", " ")
    attempts = f"{message.attempts:,} attempts" if message.attempts > 1 else ""
    error = message.last_error[:_LONGEST] if message.last_error and not message.delivered_at else ""
    details = tuple(filter(None, ("; ".join(filter(None, (state, attempts, routes))), error)))
    url = f"/notifications/{quote(message.id, safe='')}" if message.id else None
    mark: Mark = "trouble" if message.state == "given up" else "fact"
    at = message.delivered_at or message.at
    return Step(at, words, mark, details, url=url, place=8, is_for_admins=True)


def _shortened(found: list[Step], *, cut: bool) -> Iterator[Step]:
    """Of many checks in a row that ended alike, the first and the last. `cut`: some are not there at all."""
    for _, group in groupby(enumerate(found), key=lambda each: _alike(*each)):
        alike = [step for _, step in group]
        if len(alike) <= _ALONE:
            yield from alike
            continue
        yield alike[0]
        least = "at least " if cut else ""
        yield Step(alike[1].at, f"{least}{len(alike) - 2:,} more checks with the same end", "fact", verdict=alike[0].verdict)
        yield alike[-1]


def _alike(index: int, step: Step) -> Any:
    return (step.words, step.verdict) if step.words == "Checked" else index


def _request_url(request_id: str | None) -> str | None:
    return None if not request_id else f"/requests/{quote(request_id, safe='')}"
