"""What was usual for a rule's points, as parts of its plot: the band from low to high as it was at each point, its centre, where
it moved; and the shapes of points that are marked, left out of the band, or among those that the rule still learns from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from markupsafe import Markup

Kind = Literal["learning", "expected", "exclude", "warn", "fail", "waived"]
_HALF = 4.0  # of the width of a band that is known at one point alone
# What a shape means, in the order in which a legend names them: where a band is made of usual points, and where a point is
# compared with those before it as they are.
_WORDS: dict[Kind, tuple[str, str]] = {
    "learning": ("learning: too few points yet, so it passes",) * 2,
    "warn": ("unusual, warned: not in later bands", "warned"),
    "fail": ("unusual, failed: not in later bands", "failed"),
    "waived": ("unusual, waived: not in later bands", "waived"),
    "expected": ("marked expected: in later bands", "marked expected"),
    "exclude": ("marked exclude: not in later bands", "marked exclude: later points are not compared with it"),
}


@dataclass(frozen=True)
class Usual:
    """What was usual when a point was judged. An edge that is None is open; while the rule learns there is none at all.
    `moved_at`: since when the values lie at another level, of which the band is made."""

    center: float | None
    low: float | None
    high: float | None
    moved_at: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is a band."""
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class Place:
    """A point's place in the plot, and what was usual there."""

    x: float
    usual: Usual | None


@dataclass(frozen=True)
class Frame:
    """The upper and lower end of the plot, and the height at which a value is drawn."""

    top: float
    bottom: float
    y: Callable[[float], float]


def band(places: Sequence[Place], frame: Frame) -> Iterator[Markup]:
    """The band behind everything else, its edges, and its centre. It is interrupted where it is not known, and where it moved."""
    for run in _runs(places):
        known = [(place.x, place.usual) for place in run if place.usual is not None]
        if len(known) == 1:
            x, usual = known[0]
            known = [(round(x - _HALF, 1), usual), (round(x + _HALF, 1), usual)]
        upper = [(x, frame.top if usual.high is None else frame.y(usual.high)) for x, usual in known]
        lower = [(x, frame.bottom if usual.low is None else frame.y(usual.low)) for x, usual in known]
        yield Markup('<path class="band" d="{}z"/>').format(_line([*upper, *reversed(lower)]))
        for edge, is_open in ((upper, known[0][1].high is None), (lower, known[0][1].low is None)):
            if not is_open:
                yield Markup('<path class="edge" d="{}"/>').format(_line(edge))
        centers = [(x, frame.y(usual.center)) for x, usual in known if usual.center is not None]
        if centers:
            yield Markup('<path class="center" d="{}"/>').format(_line(centers))


def moves(places: Sequence[Place], frame: Frame, words: Callable[[datetime], str]) -> Iterator[Markup]:
    """An upright line where the band begins to follow values at another level."""
    for before, place in pairwise(places):
        if place.usual is not None and place.usual.moved_at is not None and _has_moved(before, place):
            text = Markup('<line class="moved" x1="{}" x2="{}" y1="{}" y2="{}"><title>{}</title></line>')
            yield text.format(place.x, place.x, frame.top, frame.bottom, words(place.usual.moved_at))


def kind_of(status: str, mark: str | None, *, waived: bool, learning: bool) -> Kind | None:
    """The shape of a point; None for one that passed and is like all others."""
    match mark:
        case "expected":
            return "expected"
        case "exclude":
            return "exclude"
    if learning:
        return "learning"
    if waived:
        return "waived"
    return "warn" if status == "warn" else "fail" if status == "fail" else None


def shape(kind: Kind, x: float, y: float) -> str:
    """The path of a point of this kind."""
    match kind:
        case "fail":
            return f"M{x} {y - 5}l5 5l-5 5l-5-5z"
        case "waived":
            return f"M{x} {y - 5}l5 5l-5 5l-5-5z"
        case "warn":
            return f"M{x} {y - 5}l5 8.5h-10z"
        case "expected":
            return f"M{x - 4} {y - 4}h8v8h-8z"
        case "exclude":
            return f"M{x - 4} {y - 4}l8 8M{x + 4} {y - 4}l-8 8"
        case "learning":
            return f"M{x - 3} {y}a3 3 0 1 0 6 0a3 3 0 1 0-6 0z"


def legend(kinds: Sequence[Kind | None], *, has_band: bool, as_they_are: bool) -> Markup:
    """What the band and the shapes in a plot mean, of those that it has. `as_they_are`: points are compared with those before
    them, whatever the rule said of these."""
    found = [
        Markup('<span><svg class="key-of" viewBox="0 0 14 14" aria-hidden="true">{}</svg>{}</span>').format(
            Markup('<path class="dot {}" d="{}"/>').format(kind, shape(kind, 7, 7)), words[as_they_are]
        )
        for kind, words in _WORDS.items()
        if kind in kinds
    ]
    if has_band:
        drawn = Markup('<path class="band" d="M0 2h14v10h-14z"/><path class="edge" d="M0 2h14M0 12h14"/>')
        drawn += Markup('<path class="center" d="M0 7h14"/>')
        text = Markup('<span><svg class="key-of" viewBox="0 0 14 14" aria-hidden="true">{}</svg>{}</span>')
        found.insert(
            0,
            text.format(
                drawn,
                "what could be at each point, and its centre" if as_they_are else "what was usual at each point, and its centre",
            ),
        )
    return Markup('<p class="legend shapes">{}</p>').format(Markup("").join(found)) if found else Markup("")


def _runs(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Places next to each other whose band is of one piece."""
    run: list[Place] = []
    for place in places:
        is_known = place.usual is not None and place.usual.is_known
        if run and (not is_known or _is_other(run[-1], place)):
            yield run
            run = []
        if is_known:
            run.append(place)
    if run:
        yield run


def _is_other(before: Place, place: Place) -> bool:
    """Whether the band is not drawn from one place to the next: it moved, or another side of it is open."""
    one, other = before.usual, place.usual
    if one is None or other is None:
        return True
    return _has_moved(before, place) or [one.low is None, one.high is None] != [other.low is None, other.high is None]


def _has_moved(before: Place, place: Place) -> bool:
    of = before.usual.moved_at if before.usual is not None else None
    return place.usual is not None and place.usual.moved_at is not None and place.usual.moved_at != of


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)
