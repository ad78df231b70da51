"""The story of an incident in words, from what the Backend knows of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.dashboard.incident_stories import Step, steps
from backend.dashboard.incidents import row, until_of
from stringx_dataops.contract.messages.incidents import IncidentStory
from stringx_dataops.contract.problems import Invalid

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def incident(**changes: Any) -> IncidentStory:
    value: dict[str, Any] = {
        "id": "01890000-0000-7000-8000-000000000000", "target": "nyc", "table": "public.flights", "dataset": None, "state": "open",
        "kind": "closed", "owner": "", "tags": [], "verdict": "fail", "reasons": ["verdict fail"], "rules": [], "rules_more": 0,
        "opened_at": START, "opened_because": "check", "opened_by_check": None, "opened_by_request": None, "closed_at": None,
        "closed_because": None, "closed_by_check": None, "closed_by_request": None, "duration_s": 1.0, "acknowledged": False,
        "acknowledged_at": None, "acknowledged_by": None, "acknowledged_until": None, "assignee": None, "notes": [], "runbook": None,
        "findings": {}, "checks": [], "checks_more": False, "events": [], "entries": [], "changes": [], "waivers": [], "messages": [],
    }  # fmt: skip
    return IncidentStory.model_validate(value | changes)


def event(minutes: int, *kinds: str, **changes: Any) -> dict[str, Any]:
    value = {
        "id": "e", "at": at(minutes), "kinds": list(kinds), "gate": "closed", "gate_before": "open", "verdict": None, "check_id": None,
        "request_id": None, "reasons": [], "rules": [], "rules_more": 0,
    }  # fmt: skip
    return value | changes


def check(minutes: int, verdict: str) -> dict[str, Any]:
    return {
        "check_id": f"c{minutes}", "request_id": f"r{minutes}", "at": at(minutes), "verdict": verdict, "gate": "closed",
        "counts": {"fail": 1, "pass": 2}, "row_count": 1, "score": None, "full": True, "config_version": 1, "requested_by": None,
    }  # fmt: skip


def message(minutes: int, **changes: Any) -> dict[str, Any]:
    value = {
        "id": f"m{minutes}", "channel": "team", "routes": ["all"], "said": "closed", "at": at(minutes), "state": "delivered",
        "delivered_at": at(minutes), "attempts": 1, "last_error": None,
    }  # fmt: skip
    return value | changes


def words(found: list[Step]) -> list[str]:
    return [step.words for step in found]


def test_a_check_that_was_missed_may_come_late_and_close_the_gate() -> None:
    events = [
        event(0, "missed", gate=None, reasons=["no check came by 06:00"]),
        event(30, "closed", "error", verdict="error", check_id="c30"),
        event(60, "opened", gate="open", gate_before="closed", verdict="pass"),
    ]
    over = {"closed_at": at(60), "closed_because": "check", "state": "closed"}
    story = incident(kind="missed", events=events, checks=[check(30, "error")], **over)
    assert words(steps(story)) == ["No check had come in time", "The gate closed", "The gate opened"]
    assert steps(story)[0].details == ("no check came by 06:00",)
    assert row(story).title == "No check of public.flights had come in time"


def test_an_incident_that_is_older_than_events_tells_its_beginning_and_its_end() -> None:
    rules = [
        {"id": f"r{number}", "table": "public.flights", "status": "fail", "failures": number, "total": 10} for number in range(7)
    ]
    story = incident(rules=rules, rules_more=2, closed_at=at(5), closed_because="changed", state="closed")
    first, last = steps(story)
    assert (first.words, last.words) == ("The gate closed", "The gate opened")
    assert first.details[0].startswith("r0 fails: 0 of 10 (0%); r1 fails: 1 of 10 (10%)")
    assert first.details[0].endswith("; and 4 more")
    assert row(story).more == 6


@pytest.mark.parametrize(("because", "shown"), [("deleted", "It was taken out of the configuration"), ("changed", "It is over")])
def test_an_incident_may_be_over_without_a_gate_that_opens(because: str, shown: str) -> None:
    story = incident(events=[event(0, "closed"), event(9, "removed")], closed_at=at(9), closed_because=because, state="closed")
    assert words(steps(story))[-1] == shown


@pytest.mark.parametrize(("number", "shown"), [(3, 3), (4, 3), (50, 3)])
def test_of_checks_that_end_alike_the_first_and_the_last_are_shown(number: int, shown: int) -> None:
    story = incident(
        events=[event(0, "closed")], checks=[check(minute, "fail") for minute in range(1, number + 1)], checks_more=True
    )
    found = steps(story)
    assert len(found) == 1 + shown
    if number > shown:
        assert found[2].words == f"at least {number - 2} more checks with the same end"
        assert [found[1].at, found[3].at] == [at(1), at(number)]


def test_what_happens_between_checks_parts_them() -> None:
    entries = [{"at": at(3), "by": "ann", "action": "assigned", "details": {"assignee": None}}]
    story = incident(events=[event(0, "closed")], checks=[check(minute, "fail") for minute in (1, 2, 4, 5)], entries=entries)
    assert words(steps(story)) == ["The gate closed", "Checked", "Checked", "Assigned to nobody", "Checked", "Checked"]


def test_a_dataset_names_the_tables_of_its_rules() -> None:
    rules = [{"id": "a", "table": "public.a", "status": "error"}]
    story = incident(table=None, dataset="sales", rules=rules)
    assert row(story).causes == ["public.a: a is in error"]


def test_messages_say_what_became_of_them() -> None:
    messages = [
        message(1),
        message(2, said="repeat", state="given up", delivered_at=None, attempts=9, last_error="status 500"),
        message(3, said="over", state="waiting", delivered_at=None, attempts=0, id=None),
    ]
    _, told, lost, waits = steps(incident(events=[event(0, "closed")], messages=messages))
    assert (told.words, told.url, told.is_for_admins) == ("team was told that it began", "/notifications/m1", True)
    assert lost.words == "A message to team says that it goes on"
    assert lost.details == ("given up; 9 attempts; by route all", "status 500")
    assert (lost.mark, waits.mark, waits.url) == ("trouble", "fact", None)


def test_a_waiver_tells_its_beginning_and_its_end() -> None:
    waiver = {
        "id": "w", "table": "public.flights", "rule": "a", "reason": "known", "by": "ann", "created_at": at(1), "until": at(9),
        "ended_at": at(5), "ended_because": "deleted",
    }  # fmt: skip
    _, begins, ends = steps(incident(events=[event(0, "closed")], waivers=[waiver]))
    assert (begins.words, begins.note, begins.until, begins.url) == ("a was waived", "known", at(9), "/waivers/w")
    assert (ends.words, ends.details) == ("The waiver of a ended", ("deleted",))


@pytest.mark.parametrize(
    ("text", "until"),
    [("8h", at(480)), ("2026-03-02", at(18 * 60)), ("2026-03-02 07:00", at(25 * 60)), ("2026-03-02T07:00:00+01:00", at(24 * 60))],
)
def test_an_end_is_a_duration_or_a_time(text: str, until: datetime) -> None:
    assert until_of(text, START) == until


@pytest.mark.parametrize("text", ["soon", "", "8", "2026-13-01", "999999999d"])
def test_an_end_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        until_of(text, START)
