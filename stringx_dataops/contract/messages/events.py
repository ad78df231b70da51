"""Events of gates as others read them: CloudEvents 1.0 in structured mode, the same on Kafka, in webhooks and in lists.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.verdicts import Gate, RuleStatus, Verdict

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"  # of a message that is an event
SPEC_VERSION: Literal["1.0"] = "1.0"
NO_ADDRESS = "/stringx"  # the source of events where PUBLIC_URL is not set
EventType = Literal[
    "stringx.gate-changed",  # one gate
    "stringx.gates-changed",  # several at once: of a dataset, of a run of a schedule, in a storm
    "stringx.gate-still-closed",
    "stringx.gate-noticed",  # of one gate that did not change: a warning, an error, stale, not checked in time
    "stringx.digest",
    "stringx.test",
]
# What a route's `on` answers to, and `removed`: the table or dataset of an open incident was deleted.
EventKind = Literal["closed", "opened", "warn", "error", "stale", "missed", "removed"]
SubjectKind = Literal["table", "dataset"]


class GateRule(BaseModel):
    """A rule that did not pass in the deciding check. Numbers only: never a row's value."""

    id: str
    table: str
    status: RuleStatus
    failures: int | None = None
    total: int | None = None
    measured: float | None = None


class GateData(BaseModel):
    """What happened to a gate. One of `table` and `dataset` is given. `gate` is the decided one: null where there is none any
    more; `gate_before` is null before the first check. `since`: when it became so. `rules`: the worst 20 that did not pass, and
    `rules_more` how many more there are. `check_id` and `snapshot_at` are those of the deciding check."""

    kinds: list[EventKind]
    target: str
    table: str | None = None
    dataset: str | None = None
    owner: str = ""
    tags: list[str] = []
    gate: Gate | None
    gate_before: Gate | None
    verdict: Verdict | None
    since: AwareDatetime
    reasons: list[str] = []
    rules: list[GateRule] = []
    rules_more: int = 0
    check_id: str | None = None
    request_id: str | None = None
    incident_id: str | None = None
    snapshot_at: AwareDatetime | None = None


class GateChanged(BaseModel):
    """A CloudEvent of the type `stringx.gate-changed`. `subject`: target and table or dataset, such as nyc/public.flights; the
    events of one subject are in order."""

    specversion: Literal["1.0"] = SPEC_VERSION
    id: str
    source: str
    type: Literal["stringx.gate-changed"] = "stringx.gate-changed"
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: GateData


class EventPage(BaseModel):
    """Gates that changed: the newest first, or with `after` the oldest first."""

    items: list[GateChanged]
    next_cursor: str | None


def cloud_event(
    event_type: EventType, event_id: str, public_url: str | None, subject: str | None, time: datetime, data: Any
) -> JsonObject:
    """An event in structured mode. `event_id` is the same whenever the event is sent again; `data` is JSON."""
    named = {} if subject is None else {"subject": subject}
    return {
        "specversion": SPEC_VERSION,
        "id": event_id,
        "source": public_url or NO_ADDRESS,
        "type": event_type,
        **named,
        "time": rfc3339(time),
        "datacontenttype": "application/json",
        "data": data,
    }


def gate_changed(row: Mapping[str, Any], public_url: str | None) -> JsonObject:
    """The event `stringx.gate-changed` of a row of `stringx.events`."""
    return cloud_event("stringx.gate-changed", str(row["id"]), public_url, subject_of(row), row["at"], gate_data(row))


def is_gate_change(kinds: Collection[str], gate_before: str | None, gate: str | None) -> bool:
    """Whether an event is a `stringx.gate-changed`: the decided gate is another, or a closed one is none any more. The function
    `stringx.is_gate_change` of the database says the same."""
    ends = not {"opened", "removed"}.isdisjoint(kinds) and gate_before == "closed"
    return gate != gate_before and ("closed" in kinds or ends)


def subject_of(row: Mapping[str, Any]) -> str:
    """The subject of an event: only tables have a dot in their names, so the name alone tells them from datasets."""
    return f"{row['target']}/{row['name']}"


def gate_data(row: Mapping[str, Any]) -> JsonObject:
    """The data of an event, from a row of `stringx.events`. `snapshot_at` is null if the row lacks it (`stringx.told_events`
    has it). As JSON; of `table` and `dataset`, only the one that it is."""
    kind: SubjectKind = row["subject_kind"]
    data = GateData(
        kinds=row["kinds"],
        target=row["target"],
        owner=row["owner"],
        tags=row["tags"],
        gate=row["gate"],
        gate_before=row["gate_before"],
        verdict=row["verdict"],
        since=row["at"],
        reasons=row["reasons"],
        rules=row["rules"],
        rules_more=row["rules_more"],
        check_id=_text(row["check_id"]),
        request_id=row["request_id"],
        incident_id=_text(row["incident_id"]),
        snapshot_at=row.get("snapshot_at"),
    )
    named = {**data.model_dump(mode="json", exclude={"target", "table", "dataset"})}
    return {"target": row["target"], kind: row["name"], **named}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
