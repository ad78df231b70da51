"""The form of a new waiver: what was typed, what is wrong with it, and the order that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.waivers import WaiverOrder
from stringx_dataops.contract.problems import FieldError, StringXError, invalid

NAMES = ("target", "table", "rule", "reason", "until", "at_most")
_LABELS = {"target": "Target", "table": "Table", "rule": "Rule", "reason": "Reason", "until": "Until", "at_most": "At most"}
_HINTS = {
    "table": "schema.table",
    "reason": "Why it fails, and when that will be mended. Everybody who may read the table sees it.",
    "until": "The first day on which the rule fails again (UTC), at most 90 days ahead.",
    "at_most": "Failures up to which it is overlooked: a count, or a share of the rows such as 2%. Empty: any number.",
}


@dataclass(frozen=True)
class WaiverField:
    """A field of the form, and what is wrong with it."""

    name: str
    label: str
    value: str
    hint: str
    fault: str


@dataclass(frozen=True)
class WaiverForm:
    """`status` is that of the page that shows the form; `fault` is about no single field."""

    fields: list[WaiverField]
    fault: str
    status: int


def order_of(sent: Mapping[str, str]) -> WaiverOrder:
    """The waiver that the form asks for. Invalid with every fault."""
    typed: dict[str, Any] = {name: value for name in NAMES if (value := sent.get(name, "").strip())}
    if typed.get("at_most", "").isdecimal():
        typed["at_most"] = int(typed["at_most"])
    if "until" in typed:
        try:
            typed["until"] = f"{date.fromisoformat(typed['until']).isoformat()}T00:00:00Z"
        except ValueError:
            raise invalid([FieldError("/until", "is no day; write one such as 2026-12-31")]) from None
    return parse_model(WaiverOrder, typed)


def form_of(sent: Mapping[str, str], default_until: str, error: StringXError | None = None) -> WaiverForm:
    """The form with what was sent or stands in the address, and the faults of a refused one beside their fields."""
    faults: dict[str, str] = {}
    for each in error.errors if error is not None else ():
        faults.setdefault(each.pointer.removeprefix("/"), each.message)
    values = {"until": default_until} | {name: sent[name][:1000] for name in NAMES if name in sent}
    fields = [
        WaiverField(name, _LABELS[name], values.get(name, ""), _HINTS.get(name, ""), faults.pop(name, "")) for name in NAMES
    ]
    rest = "" if error is None else ", ".join(faults.values()) if error.errors else error.detail
    return WaiverForm(fields, rest, error.status if error is not None else 200)
