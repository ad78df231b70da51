"""The filters of the audit log as a form, and its entries as rows, with links to what they tell of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from backend.dashboard import documents, views
from backend.dashboard.request_filters import moment_of
from stringx_dataops.contract.messages.audit import AUDIT_ACTIONS
from stringx_dataops.contract.messages.requesters import check_name
from web.look import formats

NAMES = ("actor", "action", "subject", "from", "to")
_LABELS = {"actor": "Who", "action": "Did what", "subject": "To what", "from": "From (UTC)", "to": "Before (UTC)"}
_HINTS = {"subject": "table:nyc/public.flights", "from": "2026-01-31 06:00", "to": "2026-01-31 06:00"}
_LONGEST = 400  # characters of a subject
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class AuditFilters:
    """What was typed. `values` are some of `listing.FILTERS`, of the fields that are right; `faults` a sentence for each of the
    others."""

    fields: list[dict[str, Any]]
    values: dict[str, Any]
    faults: list[str]

    @property
    def is_set(self) -> bool:
        """Whether any field is."""
        return any(field["value"] for field in self.fields)


def read(given: Mapping[str, str], now: datetime) -> AuditFilters:
    """The form as it was sent. Empty fields say nothing."""
    found = AuditFilters([], {}, [])
    for name in NAMES:
        text = given.get(name, "").strip()[: _LONGEST + 1]
        choices = ["", *AUDIT_ACTIONS] if name == "action" else []
        field = {"name": name, "label": _LABELS[name], "value": text, "hint": _HINTS.get(name, ""), "choices": choices}
        found.fields.append(field)
        if not text:
            continue
        try:
            found.values[name] = _value(name, text, now)
        except (ValueError, OverflowError) as error:
            found.faults.append(f"{_LABELS[name].removesuffix(' (UTC)')} {error}")
    return found


def _value(name: str, text: str, now: datetime) -> Any:
    if name in ("from", "to"):
        return moment_of(text, now)
    if name == "action" and text not in AUDIT_ACTIONS:
        raise ValueError("is none of the choices")
    if name == "subject":
        kind, _, of = text.partition(":")
        if not kind or not of or len(text) > _LONGEST or not text.isprintable():
            raise ValueError("is a kind and a name, such as table:nyc/public.flights")
        return text
    return check_name(text)


@dataclass(frozen=True)
class AuditRow:
    """An entry. `url`: where its subject is shown, if anywhere; `same_url`: all that was done to it."""

    entry: dict[str, Any]
    kind: str
    name: str
    url: str | None
    same_url: str
    actor_url: str
    details: list[tuple[str, str]]


def row(entry: dict[str, Any], here: str) -> AuditRow:
    """An entry of the list at the address `here`."""
    kind, _, name = entry["subject"].partition(":")
    details = [(each.replace("_", " "), _words(value)) for each, value in entry["details"].items() if value is not None]
    return AuditRow(
        entry=entry,
        kind=kind,
        name=name,
        url=_url(kind, name, entry),
        same_url=f"{here}?{urlencode({'subject': entry['subject']})}",
        actor_url=f"{here}?{urlencode({'actor': entry['actor']})}",
        details=details,
    )


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, dict):  # such as ids of rules by what became of them
        return "; ".join(f"{name.replace('_', ' ')}: {_words(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return formats.exact(value)
    return documents.value(value)


def _url(kind: str, name: str, entry: dict[str, Any]) -> str | None:
    """Pages of what is deleted are not there any more, but for the versions of a table."""
    is_gone = entry["action"].endswith(".deleted")
    target, slash, rest = name.partition("/")
    match kind:
        case "table" if slash:
            return f"{views.editor_url(target, rest)}/versions" if is_gone else views.table_url(target, rest)
        case "dataset" if not is_gone:
            return f"/datasets/{quote(name, safe='')}"
        case "target" if not is_gone:
            return f"/?{urlencode({'target': name})}"
        case "request":
            return f"/requests/{quote(name, safe='')}"
        case "waiver" if isinstance(waiver_id := entry["details"].get("id"), str):
            return f"/waivers/{quote(waiver_id, safe='')}"
        case "incident" if isinstance(incident_id := entry["details"].get("id"), str):
            return f"/incidents/{quote(incident_id, safe='')}"
        case "point" if "/" in rest:
            table, _, rule = rest.rpartition("/")
            return views.rule_url(target, table, rule)
        case "badge":
            return views.table_url(target, rest) if "." in rest else f"/datasets/{quote(rest, safe='')}"
        case "schedule" | "channel" | "route":
            page = f"/{kind}s/{quote(name, safe='')}"
            return f"{page}/edit/versions" if is_gone else page
        case "notification":
            return f"/notifications/{quote(name, safe='')}"
        case "key":
            return f"/keys#key-{quote(name, safe='')}"
        case _:
            return None
