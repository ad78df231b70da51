"""Incidents as rows of their list and at the head of their page, the filters of the list, and the form that acknowledges one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from backend.dashboard import views
from backend.dashboard.incident_stories import numbers_of, rule_in_words
from backend.dashboard.request_filters import moment_of
from backend.requests.filters import with_zone
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.messages.incidents import Incident, IncidentStory
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.problems import FieldError, StringXError, invalid

Which = Literal["acknowledge", "assign", "note", "none"]  # form of an incident's page
State = Literal["unacknowledged", "acknowledged", "over"]
_CAUSES = 3  # rules that a row names
_LONGEST, _LONGEST_TEXT = 200, 5000  # characters of a filter; of what a refused form shows again
# What the choices of a filter are for the list.
_STATES: dict[str, dict[str, Any]] = {
    "": {},
    "open": {"state": "open"},
    "unacknowledged": {"state": "open", "acknowledged": False},
    "acknowledged": {"state": "open", "acknowledged": True},
    "over": {"state": "closed"},
}
_KINDS = {"": "any", "closed": "the gate closed", "missed": "a check did not come"}
_LABELS = {
    "state": "State",
    "name": "Table or dataset",
    "target": "Target",
    "owner": "Owner",
    "assignee": "Assignee",
    "kind": "Why",
    "from": "Began from (UTC)",
    "to": "Began before (UTC)",
}
_FIRST = ("state", "name", "target", "owner", "assignee")  # the others are behind "More filters"
_HINTS = {"name": "schema.table", "from": "2026-01-31 06:00", "to": "2026-01-31 06:00"}
FIELDS = ("note", "assignee", "until")  # of the form that acknowledges
_FORM = {
    "note": ("Note", "What is known, and what is being done. Everybody who may read the table sees it."),
    "assignee": ("Assignee", "Who takes care of it. Empty: as it is."),
    "until": (
        "Until",
        "How long messages stay away: 8h, 2d, or a time (UTC) such as 2026-01-31 06:00. Empty: until it is over.",
    ),
}
_NO_TIME = "is no time; write how long, such as 8h or 2d, or a time (UTC) such as 2026-01-31 06:00"


@dataclass(frozen=True)
class Row:
    """An incident as pages show it. `mark` is the state in the words of the stylesheet; `causes` are the rules that closed the
    gate, or the reasons; `more`: how many are not named. `is_lapsed`: it was acknowledged for a time that is over."""

    item: Incident
    state: State
    mark: str
    name: str
    title: str
    url: str
    subject_url: str
    lasted_ms: int | None
    causes: list[str]
    more: int
    is_lapsed: bool


def row(item: Incident) -> Row:
    """An incident for the list, or the head of its page."""
    name = item.table or item.dataset or ""
    state: State = "over" if item.closed_at is not None else "acknowledged" if item.acknowledged else "unacknowledged"
    causes = [rule_in_words(rule, of_dataset=item.dataset is not None) for rule in item.rules] or shown_reasons(item)
    return Row(
        item=item.model_copy(update={"duration_s": 0.0}) if item.closed_at is None else item,  # or each renewal is another page
        state=state,
        mark={"over": "open", "acknowledged": "stale", "unacknowledged": "closed"}[state],
        name=name,
        title=f"No check of {name} had come in time" if item.kind == "missed" else f"The gate of {name} closed",
        url=f"/incidents/{quote(item.id, safe='')}",
        subject_url=views.subject_url(item.target, item.table, item.dataset),
        lasted_ms=int(item.duration_s) * 1000 if item.closed_at is not None else None,
        causes=causes[:_CAUSES],
        more=max(0, len(causes) - _CAUSES) + item.rules_more,
        is_lapsed=state == "unacknowledged" and item.acknowledged_by is not None,
    )


def shown_reasons(item: Incident) -> list[str]:
    """The reasons; a verdict alone says nothing that its rules do not say."""
    return [reason for reason in item.reasons if not reason.startswith("verdict ")] or list(item.reasons)


def rules(story: IncidentStory) -> list[dict[str, Any]]:
    """The rules that closed the gate, as rows."""
    return [
        {
            "id": rule.id,
            "table": rule.table,
            "status": rule.status,
            "numbers": numbers_of(rule),
            "finding": story.findings.get(rule.table, {}).get(rule.id, ""),
            "url": f"{views.table_url(story.target, rule.table)}/rules/{quote(rule.id, safe='')}",
        }
        for rule in story.rules
    ]


@dataclass(frozen=True)
class FilterField:
    """A field of the filters; typed if it has no choices, each a value with its word."""

    name: str
    label: str
    value: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Filters:
    """What was typed: as fields, as filters of the list, and a sentence for each field that is wrong."""

    fields: list[FilterField]
    values: dict[str, Any]
    faults: list[str]
    is_mine: bool

    @property
    def first(self) -> list[FilterField]:
        """Fields that are always seen."""
        return [field for field in self.fields if field.name in _FIRST]

    @property
    def rest(self) -> list[FilterField]:
        """The others."""
        return [field for field in self.fields if field.name not in _FIRST]

    @property
    def is_set(self) -> bool:
        """Whether the list is narrowed."""
        return self.is_mine or any(field.value for field in self.fields)

    @property
    def is_rest_set(self) -> bool:
        """Whether by a field that is not always seen."""
        return any(field.value for field in self.rest)


def filters(given: Mapping[str, str], now: datetime) -> Filters:
    """The form as it was sent. Empty fields say nothing."""
    found = Filters([], {}, [], given.get("mine") == "true")
    choices = {"state": tuple((name, name or "any") for name in _STATES), "kind": tuple(_KINDS.items())}
    for name, label in _LABELS.items():
        text = given.get(name, "").strip()[:_LONGEST]
        found.fields.append(FilterField(name, label, text, _HINTS.get(name, ""), choices.get(name, ())))
        try:
            if text:
                found.values.update(_values(name, text, now))
        except (ValueError, OverflowError) as error:
            found.faults.append(f"{label.removesuffix(' (UTC)')} {error}")
    return found


def _values(name: str, text: str, now: datetime) -> dict[str, Any]:
    """A field as filters of the list. Raises ValueError with the end of a sentence."""
    if not text.isprintable():
        raise ValueError("has characters that no name has")
    if name in ("from", "to"):
        return {name: moment_of(text, now)}
    if name == "state":
        if text not in _STATES:
            raise ValueError("is none of the choices")
        return _STATES[text]
    if name == "kind" and text not in _KINDS:
        raise ValueError("is none of the choices")
    if name == "name":
        return {"table" if "." in text else "dataset": text}
    return {name: text}


@dataclass(frozen=True)
class FormField:
    """A field, and what is wrong with it."""

    name: str
    label: str
    value: str
    hint: str
    fault: str


@dataclass(frozen=True)
class IncidentForm:
    """The forms of an incident's page: `fields` of the one that acknowledges, `assign` and `note`. `opened` is the one that was
    refused; `fault` is about no single field."""

    fields: list[FormField]
    assign: FormField
    note: FormField
    opened: Which = "none"
    fault: str = ""
    status: int = 200


def form_of(sent: Mapping[str, str], error: StringXError | None = None, which: Which = "none") -> IncidentForm:
    """The forms with what was sent, and the faults of a refused one beside their fields."""
    faults: dict[str, str] = {}
    for each in error.errors if error is not None else ():
        faults.setdefault(each.pointer.removeprefix("/"), each.message)
    detail = error.detail if error is not None and not error.errors else ""

    def field(of: Which, name: str, label: str, hint: str = "") -> FormField:
        is_sent = which == of
        value, fault = (sent.get(name, "")[:_LONGEST_TEXT], faults.pop(name, "")) if is_sent else ("", "")
        return FormField(name, label, value, hint, fault)

    fields = [field("acknowledge", name, *_FORM[name]) for name in FIELDS]
    assign, note = field("assign", "assignee", "Assignee"), field("note", "text", "Note")
    left = ", ".join(f"{name} {fault}" for name, fault in faults.items())
    return IncidentForm(fields, assign, note, which, detail or left, error.status if error is not None else 200)


def asked(sent: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The body of an acknowledgement as the API takes it. Raises Invalid for an `until` that is no time."""
    body: dict[str, Any] = {name: value.replace("\r\n", "\n") for name in FIELDS if (value := sent.get(name, "").strip())}
    if "until" in body:
        body["until"] = until_of(body["until"], now).isoformat()
    return body


def until_of(text: str, now: datetime) -> datetime:
    """How long from now on, or a time (UTC where it does not say). Raises Invalid."""
    try:
        return now + timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    try:
        return parse_moment(with_zone(text))
    except ValueError as error:
        raise invalid([FieldError("/until", _NO_TIME)]) from error
