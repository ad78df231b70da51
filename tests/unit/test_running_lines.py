"""Unfinished requests as lines of a page: the phase in words, the times, the bar."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.dashboard.running import lines
from backend.insights.running import MOST, Running
from stringx_dataops.contract.messages.requests import Progress, RequestView

VIEW = RequestView(
    request_id="r", source="http", target="shop", table="public.a", mode="async", status="queued", verdict=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def running(asked: dict[str, Any] | None = None, *, canceled: bool = False, **progress: Any) -> Running:
    found = Progress.model_validate({"phase": "queued", "position": None, "elapsed_s": 2.0, "expected_s": None} | progress)
    return Running(VIEW, found, canceled, asked or {})


@pytest.mark.parametrize(
    ("progress", "words", "done"),
    [
        ({}, "waits", 0.0),
        ({"position": 1}, "waits, next in the queue of shop", 0.0),
        ({"position": 1000}, "waits, place 1,000 in the queue of shop", 0.0),
        ({"position": 1001}, "waits behind more than 1,000 checks of shop", 0.0),
        ({"phase": "starting"}, "starts: dbt has not reached the target yet", None),
        ({"phase": "reading", "expected_s": 4.0}, "reads the data", 0.5),
        ({"phase": "reading", "expected_s": 1.0}, "reads the data", 0.95),
        ({"phase": "reading", "expected_s": 0.0}, "reads the data", None),
        ({"phase": "reading", "canceled": True}, "is being canceled; reads the data", None),
        ({"phase": "delivering", "canceled": True}, "has ended: its result is on its way", 1.0),
    ],
)
def test_a_line_says_the_phase_and_how_much_of_the_usual_time_has_passed(
    progress: dict[str, Any], words: str, done: float | None
) -> None:
    [line] = lines([running(**progress)]).lines
    assert (line.words, line.done) == (words, done)


def test_a_line_says_what_is_checked() -> None:
    asked: list[dict[str, Any]] = [{}, {"window": {"column": "day", "from": 1}}, {"window": {"from": 1}, "kinds": ["business"]}]
    found = lines([running(each) for each in asked])
    assert [line.about for line in found.lines] == ["public.a", "public.a, a window of day", "public.a, a window, some rules"]
    assert not found.more
    trial = replace(running(), view=VIEW.model_copy(update={"trial": True}))
    assert lines([trial]).lines[0].about == "a trial of public.a"
    many = lines([running()] * (MOST + 1))
    assert (len(many.lines), many.more) == (MOST, True)
