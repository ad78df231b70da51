"""Points of rules that are judged by their own earlier points, as the page of a rule shows them: what was usual in words, what a
mark says, why the last one is usual or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from backend.dashboard import bands
from backend.dashboard.bands import Kind, Usual
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.messages.marks import FROM_NEXT_CHECK
from web.look import formats

_LONGEST = 600  # characters of words
_SEASONS = {"none": "all of them alike", "weekday": "by day of the week", "hour": "by hour of the day"}


@dataclass(frozen=True)
class Compared:
    """An earlier point that the last one was compared with; `url`: the request that it is of, if it is known."""

    at: str
    measured: Any
    url: str | None


@dataclass(frozen=True)
class Judged:
    """What the page says of a rule whose points are judged by earlier ones, by its last point: `why` it is usual, or not."""

    facts: list[tuple[str, str]]
    learning: str | None
    is_unusual: bool
    why: str
    compared: list[Compared]
    legend: str
    as_they_are: bool
    note: str = FROM_NEXT_CHECK


def measures(rule: Rule) -> str | None:
    """What such a rule measures, such as `number of rows` or `avg of amount`; None for other rules."""
    match rule.arguments.get("of"):
        case "row_count":
            return "number of rows"
        case {"function": function, "column": column, **more}:
            share = f" {more['p']}" if "p" in more else ""
            return f"{function}{share} of {column}"
        case _:
            return None


def is_judged(found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any of the points was."""
    return any(point.get("baseline") is not None for point in found)


def usual_of(point: Mapping[str, Any]) -> Usual | None:
    """What was usual at a point."""
    baseline = point.get("baseline")
    if baseline is None:
        return None
    moved_at = datetime.fromisoformat(baseline["moved_at"]) if baseline.get("moved_at") else None
    return Usual(baseline["center"], baseline["low"], baseline["high"], moved_at)


def kind_of(point: Mapping[str, Any]) -> Kind | None:
    """The shape of a point; None for one that was not judged by earlier points, or is usual."""
    baseline = point.get("baseline")
    if baseline is None:
        return None
    is_waived, learns = bool(point["waived"]), baseline.get("learning") is not None
    return bands.kind_of(point["status"], point.get("mark"), waived=is_waived, learning=learns)


def words_of(baseline: Mapping[str, Any] | None) -> str:
    """What was usual, or that it was not known yet."""
    if baseline is None:
        return "–"
    if learning := learning_of(baseline):
        return learning
    low, high = baseline.get("low"), baseline.get("high")
    if low is not None and high is not None:
        return f"{formats.number(low)} to {formats.number(high)}"
    if low is None and high is None:
        return "not known"
    return f"from {formats.number(low)}" if low is not None else f"up to {formats.number(high)}"


def learning_of(baseline: Mapping[str, Any] | None) -> str | None:
    """Such as `learning 8 of 20`; None if it does not learn any more."""
    learning = baseline.get("learning") if baseline is not None else None
    return None if learning is None else f"learning {learning['have']:,} of {learning['need']:,}"


def label_of(point: Mapping[str, Any]) -> str:
    """What is said of a point in the plot, beside its value."""
    if point.get("baseline") is None:
        return ""
    usual = words_of(point["baseline"])
    words = f"; {usual}" if learning_of(point["baseline"]) else f"; usual {usual}"
    return f"{words}; marked {point['mark']} by {point['marked_by']}" if point.get("mark") else words


def caption(found: Sequence[Mapping[str, Any]]) -> str:
    """What the plot shows beside the band; the newest point comes first."""
    moved = [point["baseline"]["moved_at"] for point in found if point.get("baseline") and point["baseline"].get("moved_at")]
    return f" Upright: the band moved, to values since {formats.exact(moved[0])}." if moved else ""


def of_last(
    points: Sequence[dict[str, Any]], compared: Sequence[Mapping[str, Any]], requests: Mapping[str, str], *, as_they_are: bool
) -> Judged | None:
    """What is to be said of the last point that was judged, which is the first of these; None if none was. `as_they_are`: of a
    rule that takes earlier points so, whatever it said of them."""
    last = next((point for point in points if point.get("baseline") is not None), None)
    if last is None:
        return None
    baseline = last["baseline"]
    facts = [("Usual", words_of(baseline))]
    if baseline.get("center") is not None:
        facts.append(("Centre", formats.number(baseline["center"])))
    if not baseline.get("learning"):
        season = str(baseline["season"])
        how = "" if as_they_are else f", {_SEASONS.get(season, f'by {season}')}"
        number = baseline["points"]
        facts.append(("Compared with", f"{number:,} earlier {'point' if number == 1 else 'points'}{how}"))
    if baseline.get("moved_at"):
        facts.append(("Another level since", formats.exact(baseline["moved_at"])))
    kinds = [kind_of(point) for point in points]
    has_band = any((usual := usual_of(point)) is not None and usual.is_known for point in points)
    return Judged(
        facts=facts,
        learning=learning_of(baseline),
        is_unusual=last["status"] in ("warn", "fail"),
        why=_why(last),
        compared=[_compared(each, requests) for each in compared],
        legend=bands.legend(kinds, has_band=has_band, as_they_are=as_they_are),
        as_they_are=as_they_are,
    )


def _why(point: Mapping[str, Any]) -> str:
    words = str(point["baseline"].get("words", ""))[:_LONGEST]
    is_known = words and not learning_of(point["baseline"]) and point["measured"] is not None
    return f"{formats.number(point['measured'])} was measured; {words}" if is_known else words


def _compared(found: Mapping[str, Any], requests: Mapping[str, str]) -> Compared:
    request_id = requests.get(str(found["check_id"]))
    url = f"/requests/{quote(request_id, safe='')}" if request_id is not None else None
    return Compared(str(found["at"]), found["measured"], url)
