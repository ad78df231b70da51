"""The filters of the list of requests as a form: its fields, and what was typed as values of the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.insights import requests
from backend.requests import filters
from database.pool import Database
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.moments import parse_moment
from web.parameters import Parameter

SINCE = (("today", "Today"), ("24h", "24 hours"), ("7d", "7 days"))  # values of the field `from`, and their words
_LABELS = {
    "table": "Table",
    "requested_by": "Asked by",
    "verdict": "Verdict",
    "target": "Target",
    "dataset": "Dataset",
    "rule": "Rule",
    "source": "Via",
    "status": "Status",
    "trial": "Trials",
    "from": "From (UTC)",
    "to": "Before (UTC)",
}
_FIRST = ("table", "requested_by", "verdict")  # the others are behind "More filters"
_HINTS = {"table": "a part of it", "from": "2026-01-31 06:00", "to": "2026-01-31 06:00"}
_TRIALS = {"": False, "with": None, "only": True}
_NO_TIME = "is no time; write 2026-01-31 06:00, today, or how long ago, such as 24h"


@dataclass(frozen=True)
class Field:
    """A field of the form; typed if it has no choices, each a value with its word."""

    name: str
    label: str
    value: str
    hint: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RequestFilters:
    """What was typed. `values` are some of `requests.FILTERS`, of the fields that are right. `faults`: a sentence for each of the
    others."""

    fields: tuple[Field, ...]
    values: dict[str, Any]
    faults: tuple[str, ...]

    @property
    def first(self) -> list[Field]:
        """Fields that are always seen."""
        return [field for field in self.fields if field.name in _FIRST]

    @property
    def more(self) -> list[Field]:
        """The others."""
        return [field for field in self.fields if field.name not in _FIRST]

    @property
    def is_set(self) -> bool:
        """Whether any field is."""
        return any(field.value for field in self.fields)

    @property
    def is_more_set(self) -> bool:
        """Whether a field is set that is not always seen."""
        return any(field.value for field in self.more)


def read(database: Database, given: Mapping[str, str], now: datetime) -> RequestFilters:
    """The form as it was sent. Empty fields say nothing, but trials are left out then."""
    parameters = {each.name: each for each in filters.FILTERS}
    fields, faults = list[Field](), list[str]()
    values: dict[str, Any] = {}
    for name, label in _LABELS.items():
        text = given.get(name, "").strip()
        fields.append(Field(name, label, text, _HINTS.get(name, ""), _choices(parameters[name])))
        try:
            values |= _read(database, parameters[name], text, given.get("target", "").strip(), now)
        except (ValueError, OverflowError) as error:
            faults.append(f"{label.removesuffix(' (UTC)')} {error}")
    return RequestFilters(tuple(fields), values, tuple(faults))


def _choices(parameter: Parameter[Any]) -> tuple[tuple[str, str], ...]:
    if parameter.name == "trial":
        return (("", "without"), ("with", "with"), ("only", "only"))
    words: list[str] = parameter.schema.get("enum") or []
    return (("", "any"), *((word, word.replace("_", " ")) for word in words)) if words else ()


def _read(database: Database, parameter: Parameter[Any], text: str, target: str, now: datetime) -> dict[str, Any]:
    name = parameter.name
    if name == "trial":
        if text not in _TRIALS:
            raise ValueError("is none of without, with and only")
        return {"trial": _TRIALS[text]}
    if not text:
        return {}
    if name == "table":
        return _tables(database, text, target)
    if name in ("from", "to"):
        return {name: moment_of(text, now)}
    return {name: parameter.parse(text)}


def _tables(database: Database, text: str, target: str) -> dict[str, Any]:
    """The table of this name; if there is none, all tables whose names hold the text."""
    if "\0" in text:
        raise ValueError("has a character that no name has")
    try:
        whole = str(TableName.parse(text))
    except ValueError:
        whole = None
    found = requests.tables_with(database, text, target)
    if len(found) > requests.MOST_TABLES:
        raise ValueError(f"matches more than {requests.MOST_TABLES:,} tables; write more of the name")
    if whole is not None and (whole in found or not found):
        return {"table": whole}
    return {"tables": found}


def moment_of(text: str, now: datetime) -> datetime:
    """The time that was typed. Raises ValueError or OverflowError if it is none."""
    if text == "today":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return now - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        return parse_moment(filters.with_zone(text))
    except ValueError as error:
        raise ValueError(_NO_TIME) from error
