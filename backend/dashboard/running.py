"""Unfinished requests as lines of a page: where each is, for how long, and how much of its usual time has passed."""

from dataclasses import dataclass

from backend.insights.running import MOST, Running
from stringx_dataops.contract.messages.requests import Progress, RequestView
from web.look import formats

_COUNTED = 1000  # places in the queue
_NARROWING = {"kinds", "dimensions", "rule_ids"}
_ALMOST = 0.95  # of the bar, for a check that takes longer than usual


@dataclass(frozen=True)
class Line:
    """`done` is the part of the usual time that has passed, 0 to 1; None if no usual time is known."""

    view: RequestView
    about: str
    words: str
    times: str
    done: float | None
    is_canceled: bool


@dataclass(frozen=True)
class Lines:
    """`more`: there are older ones that are not shown."""

    lines: list[Line]
    more: bool


def lines(found: list[Running]) -> Lines:
    """One for each of the newest MOST requests."""
    shown = [
        Line(each.view, _about(each), _words(each), _times(each.progress), _done(each.progress), each.cancel_requested)
        for each in found[-MOST:]
    ]
    return Lines(shown, more=len(found) > MOST)


def _about(found: Running) -> str:
    words = found.view.table or f"dataset {found.view.dataset}"
    if "profile" in found.asked:
        return f"a profile of {words}"
    if found.view.trial:
        words = f"a trial of {words}"
    if "window" in found.asked:
        column = found.asked["window"].get("column")
        words += f", a window of {column}" if column else ", a window"
    return f"{words}, some rules" if _NARROWING & found.asked.keys() else words


def _words(found: Running) -> str:
    """The phase in words; that of a check that is to end says so."""
    words = _phase(found.progress, found.view.target)
    return f"is being canceled; {words}" if found.cancel_requested and found.progress.phase != "delivering" else words


def _phase(progress: Progress, target: str) -> str:
    match progress.phase:
        case "starting":
            return "starts: dbt has not reached the target yet"
        case "reading":
            return "reads the data"
        case "delivering":
            return "has ended: its result is on its way"
    if progress.position is None:
        return "waits"
    if progress.position > _COUNTED:
        return f"waits behind more than {_COUNTED:,} checks of {target}"
    return (
        f"waits, next in the queue of {target}"
        if progress.position == 1
        else (f"waits, place {progress.position:,} in the queue of {target}")
    )


def _times(progress: Progress) -> str:
    words = f"for {formats.duration(round(progress.elapsed_s * 1000))}"
    if progress.expected_s is not None:
        words += f"; a check usually takes {formats.duration(round(progress.expected_s * 1000))}"
    return words


def _done(progress: Progress) -> float | None:
    if progress.phase == "queued":
        return 0.0
    if progress.phase == "delivering":
        return 1.0
    return min(_ALMOST, round(progress.elapsed_s / progress.expected_s, 3)) if progress.expected_s else None
