"""Schedules and their runs as rows of pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from backend.schedules.firing import REQUESTER
from stringx_dataops.contract.documents.schedules import ScheduleDocument, ScheduleWindow
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.schedules import RunCounts, RunKind, ScheduleRun, ScheduleState

_SHOWN = 5  # patterns that a row names
State = Literal["on", "paused", "off"]


@dataclass(frozen=True)
class Row:
    """A schedule. `mark` is the state in the words of the stylesheet."""

    name: str
    target: str
    description: str
    state: State
    mark: str
    url: str
    what: str
    rows: str
    cron: str
    timezone: str
    next_times: list[datetime]
    paused_by: str | None
    paused_until: datetime | None
    last: "RunRow | None"


@dataclass(frozen=True)
class RunRow:
    """A run. `why` it was, or was not; `checks` how its checks ended; `requests_url` lists them."""

    run: ScheduleRun
    state: str
    why: str
    took_ms: int | None
    checks: str
    requests_url: str | None


def row(document: ScheduleDocument, stands: ScheduleState) -> Row:
    """A schedule for the list, or the head of its page."""
    state: State = "paused" if stands.paused_at is not None else "on" if document.active else "off"
    return Row(
        name=document.name,
        target=document.target,
        description=document.description,
        state=state,
        mark={"on": "open", "paused": "stale", "off": ""}[state],
        url=url(document.name),
        what=what(document),
        rows=_rows(document.window),
        cron=document.cron,
        timezone=document.timezone,
        next_times=stands.next_times,
        paused_by=stands.paused_by,
        paused_until=stands.paused_until,
        last=run_row(stands.last_run) if stands.last_run is not None else None,
    )


def listed(item: Mapping[str, Any]) -> Row:
    """A schedule as the list of the API has it."""
    document = {name: value for name, value in item.items() if name in ScheduleDocument.model_fields}
    stands = {name: value for name, value in item.items() if name in ScheduleState.model_fields}
    return row(ScheduleDocument.model_validate(document), ScheduleState.model_validate(stands))


def url(name: str) -> str:
    """The page of a schedule."""
    return f"/schedules/{quote(name, safe='')}"


def what(document: ScheduleDocument) -> str:
    """What it checks."""
    if document.table is not None:
        return document.table
    if document.dataset is not None:
        return f"dataset {document.dataset}"
    patterns = document.tables or []
    more = f" and {len(patterns) - _SHOWN} more" if len(patterns) > _SHOWN else ""
    return f"tables {', '.join(patterns[:_SHOWN])}{more}"


def in_zone(moment: datetime, zone: str) -> str:
    """By the clock of a schedule, such as `Mon, Nov 30, 07:00`."""
    at = moment.astimezone(ZoneInfo(zone))
    return f"{at:%a, %b} {at.day}, {at:%H:%M}"


def _rows(window: ScheduleWindow | None) -> str:
    if window is None:
        return ""
    lag = "" if window.lag == "0s" else f", {window.lag} before it is due"
    return f"rows of the last {window.last}{lag}{f', by {window.column}' if window.column else ''}"


def run_row(run: ScheduleRun) -> RunRow:
    """A run for the list of runs."""
    took = run.ended_at - run.started_at if run.ended_at is not None and run.skipped_because is None else None
    return RunRow(
        run=run,
        state=_state(run),
        why=run.skipped_because or _why(run.kind, run.asked_by),
        took_ms=None if took is None else max(0, round(took.total_seconds() * 1000)),
        checks=_checks(run.counts),
        requests_url=_requests_url(run) if run.counts.checks else None,
    )


def _state(run: ScheduleRun) -> str:
    """The worst verdict of a run that has ended."""
    if run.skipped_because is not None:
        return "skipped"
    if run.ended_at is None:
        return "running"
    counts = run.counts
    if counts.failed:
        return "fail"
    if counts.errored or counts.refused:
        return "error"
    return "warn" if counts.warned else "pass" if counts.passed else "ended"


def _why(kind: RunKind, asked_by: str | None) -> str:
    match kind:
        case "cron":
            return "it was due"
        case "missed":
            return "it was missed, and made up for"
        case "manual":
            return f"asked for by {asked_by}" if asked_by else "asked for"
        case _:
            assert_never(kind)


def _checks(counts: RunCounts) -> str:
    words = {"pass": counts.passed, "warn": counts.warned, "fail": counts.failed, "error": counts.errored}
    words |= {"refused": counts.refused, "running": counts.running, "waiting": counts.waiting}
    return ", ".join(f"{number:,} {word}" for word, number in words.items() if number)


def _requests_url(run: ScheduleRun) -> str:
    span = {"from": rfc3339(run.started_at)}
    if run.ended_at is not None:
        span["to"] = rfc3339(run.ended_at + timedelta(seconds=1))
    return f"/requests?{urlencode({'requested_by': f'{REQUESTER}{run.schedule}'} | span)}"
