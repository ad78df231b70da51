"""Incidents and schedules for Python: what the Backend answers about them, and what a client does with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stringx_dataops.answers import Raw, moment_of
from stringx_dataops.arguments import checked
from stringx_dataops.connection import path_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.reading import Reading, as_text

_OF_AN_INCIDENT = ("id", "state", "opened_at")
_OF_A_SCHEDULE = ("next_times", "paused_at", "last_run")
_OF_A_RUN = ("id", "schedule", "due_at", "counts")


@dataclass(frozen=True)
class Incident:
    """The time in which a table or dataset could not be used: `state` is open or closed, `kind` closed (a gate) or missed (a
    check). `rules`: what did not pass when it opened. `acknowledged`: an acknowledgement holds. It is true while it is open."""

    id: str
    target: str
    table: str | None
    dataset: str | None
    state: str
    kind: str
    owner: str
    opened_at: datetime
    closed_at: datetime | None
    duration_s: float
    acknowledged: bool
    acknowledged_by: str | None
    acknowledged_until: datetime | None
    assignee: str | None
    rules: tuple[Raw, ...]
    notes: tuple[Raw, ...]
    raw: Raw = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.state == "open"

    @property
    def name(self) -> str:
        """The table, or `dataset NAME`."""
        return self.table or f"dataset {self.dataset}"

    @classmethod
    def of(cls, answer: Raw) -> "Incident":
        """From the answer's JSON."""
        moments: dict[str, Any] = {name: moment_of(answer[name]) for name in ("closed_at", "acknowledged_until")}
        lists: dict[str, Any] = {name: tuple(map(dict, answer[name])) for name in ("rules", "notes")}
        names = ("id", "target", "state", "kind", "owner", "duration_s", "acknowledged", "acknowledged_by", "assignee")
        plain = {name: answer[name] for name in names}
        table, dataset, opened_at = answer.get("table"), answer.get("dataset"), parse_moment(answer["opened_at"])
        return cls(table=table, dataset=dataset, opened_at=opened_at, **plain, **moments, **lists, raw=answer)


@dataclass(frozen=True)
class Schedule:
    """A schedule: what it checks (a table, patterns or a dataset), and how it stands. `next_times`: the next five runs. It is
    true while it is active and not paused."""

    name: str
    target: str
    table: str | None
    tables: tuple[str, ...]
    dataset: str | None
    cron: str
    timezone: str
    active: bool
    next_times: tuple[datetime, ...]
    paused_at: datetime | None
    paused_until: datetime | None
    raw: Raw = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.active and self.paused_at is None

    @classmethod
    def of(cls, answer: Raw) -> "Schedule":
        """From the answer's JSON, which leaves defaults out."""
        return cls(
            name=answer["name"],
            target=answer["target"],
            table=answer.get("table"),
            tables=tuple(answer.get("tables") or ()),
            dataset=answer.get("dataset"),
            cron=answer["cron"],
            timezone=answer.get("timezone") or "UTC",
            active=answer.get("active") is not False,
            next_times=tuple(map(parse_moment, answer["next_times"])),
            paused_at=moment_of(answer["paused_at"]),
            paused_until=moment_of(answer["paused_until"]),
            raw=answer,
        )


class Watching(Reading):
    """What a client does with incidents and schedules."""

    @checked
    def incidents(self, **filters: str) -> Iterator[Incident]:
        """Incidents, open ones first. `filters` are those of the API, such as target, owner, `state="open"`, `mine="true"`."""
        return (self._as(Incident.of, item) for item in self.items(path_of("incidents"), filters))

    @checked
    def incident(self, incident_id: str) -> Incident:
        """An incident; `raw` has its story: checks, events, entries, changes, waivers, messages."""
        return self._as(Incident.of, self.get(path_of("incidents", incident_id)), *_OF_AN_INCIDENT)

    @checked
    def acknowledge(
        self,
        incident_id: str,
        *,
        note: str | None = None,
        assignee: str | None = None,
        until: str | datetime | None = None,
    ) -> Incident:
        """Say that somebody is at it: messages are not repeated, until a time where one is given. The gate stays as it is."""
        said = {"note": note, "assignee": assignee, "until": as_text(until)}
        return self._act(incident_id, "acknowledge", {name: value for name, value in said.items() if value is not None})

    @checked
    def note(self, incident_id: str, text: str) -> Incident:
        """Write something down about an incident, also after it is over."""
        return self._act(incident_id, "note", {"text": text})

    def _act(self, incident_id: str, action: str, body: JsonObject) -> Incident:
        answer = self.post_json(path_of("incidents", incident_id, action), body)
        return self._as(Incident.of, answer, *_OF_AN_INCIDENT)

    @checked
    def schedules(self, **filters: str) -> Iterator[Schedule]:
        """Schedules by name. `filters`: target."""
        return (self._as(Schedule.of, item, *_OF_A_SCHEDULE) for item in self.items(path_of("schedules"), filters))

    @checked
    def schedule(self, name: str) -> Schedule:
        """A schedule, and how it stands."""
        document = self.get(path_of("schedules", name))
        return self._as(Schedule.of, document | self.get(path_of("schedules", name, "state")), *_OF_A_SCHEDULE)

    @checked
    def pause_schedule(self, name: str, *, until: str | datetime | None = None) -> Schedule:
        """Have it begin nothing more, until a time or until it is resumed."""
        self.post_json(path_of("schedules", name, "pause"), {"until": as_text(until)})
        return self.schedule(name)

    @checked
    def resume_schedule(self, name: str) -> Schedule:
        """End the pause. What was due meanwhile does not happen."""
        self.post(path_of("schedules", name, "resume"), {})
        return self.schedule(name)

    @checked
    def run_schedule(self, name: str) -> str:
        """Have it run now, paused or not. Returns the id of the run; Refused while a run of it has not ended."""
        return str(self._as(dict, self.post(path_of("schedules", name, "run"), {}), *_OF_A_RUN)["id"])
