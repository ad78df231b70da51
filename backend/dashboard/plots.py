"""Plots as SVG, made on the server: lines of a rule's values with its thresholds as they were, and small ones for lists. Colours
are classes of the stylesheet; every plot has a title and a description for screen readers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from backend.dashboard import bands
from backend.dashboard.bands import Frame, Kind, Place, Usual
from web.look import formats

_WIDTH, _HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 128, 12, 28  # on the right there is room for the last value and the thresholds
_LINE = 20  # height of a line of text
_TICKS = 4
_TINY = 1e-9  # what a quotient may be off


@dataclass(frozen=True)
class Value:
    """One point: `value` is None for a rule in error. Thresholds are in the same unit; None is none. It fails below `low` and
    above `high`, and warns accordingly. `usual`, and a shape by `kind`, have points that are judged by earlier ones."""

    at: datetime
    value: float | None
    status: str
    low: float | None = None
    high: float | None = None
    label: str = ""
    warn_low: float | None = None
    warn_high: float | None = None
    usual: Usual | None = None
    kind: Kind | None = None

    @property
    def limits(self) -> tuple[float | None, ...]:
        """All four thresholds, and the band."""
        band = (self.usual.low, self.usual.high) if self.usual is not None else ()
        return (self.low, self.high, self.warn_low, self.warn_high, *band)


@dataclass(frozen=True)
class Mark:
    """Something that happened, such as a new version of the configuration."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Plot:
    """A line of values over time, the oldest first."""

    title: str
    values: Sequence[Value]
    start: datetime
    end: datetime
    marks: Sequence[Mark] = ()
    is_share: bool = False  # values are shares of 1, shown as percent

    def svg(self) -> Markup:
        """The whole plot."""
        lowest, highest = self._range()
        parts = [
            *self._grid(lowest, highest),
            *self._band(lowest, highest),
            *self._marks(),
            *self._gaps(),
            *self._thresholds(lowest, highest),
            *self._line(lowest, highest),
            *self._dots(lowest, highest),
            *self._notes(lowest, highest),
        ]
        return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>').format(
            _WIDTH, _HEIGHT, self.title, self._description(), Markup("").join(parts)
        )

    def _description(self) -> str:
        known = [value.value for value in self.values if value.value is not None]
        if not known:
            return "No values."
        errors = sum(value.value is None for value in self.values)
        words = f"{len(self.values)} points from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}: last {self._text(known[-1])}, "
        words += f"lowest {self._text(min(known))}, highest {self._text(max(known))}"
        return f"{words}; {errors} without a value." if errors else f"{words}."

    def _range(self) -> tuple[float, float]:
        """From the lowest line of the grid to the highest: nothing is drawn outside of them."""
        lowest, highest = self._span()
        lines = ticks(lowest, highest)
        return (lines[0], lines[-1]) if lines[0] < lines[-1] else (lowest, highest)

    def _span(self) -> tuple[float, float]:
        known = [each for value in self.values for each in (value.value, *value.limits) if each is not None]
        lowest, highest = min(known, default=0.0), max(known, default=1.0)
        if self.is_share or (lowest >= 0 and lowest < (highest - lowest)):
            lowest = min(0.0, lowest)
        if lowest == highest:
            highest = lowest + (abs(lowest) or 1.0) * 0.1
        return lowest, highest

    def _x(self, at: datetime) -> float:
        whole = (self.end - self.start).total_seconds() or 1.0
        part = (at - self.start).total_seconds() / whole
        return round(_LEFT + min(1.0, max(0.0, part)) * (_WIDTH - _LEFT - _RIGHT), 1)

    @staticmethod
    def _y(value: float, lowest: float, highest: float) -> float:
        part = (value - lowest) / (highest - lowest)
        return round(_HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM), 1)

    def _grid(self, lowest: float, highest: float) -> Iterator[Markup]:
        for tick in ticks(*self._span()):
            y = self._y(tick, lowest, highest)
            yield Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, _WIDTH - _RIGHT, y, y)
            yield Markup('<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>').format(
                _LEFT - 6, y + 4, self._text(tick)
            )
        for at, words in moments(self.start, self.end):
            text = Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>')
            yield text.format(self._x(at), _HEIGHT - 8, words)

    def _marks(self) -> Iterator[Markup]:
        for mark in self.marks:
            x = self._x(mark.at)
            yield Markup('<line class="mark" x1="{}" x2="{}" y1="{}" y2="{}"><title>{}</title></line>').format(
                x, x, _TOP, _HEIGHT - _BOTTOM, mark.label
            )

    def _band(self, lowest: float, highest: float) -> Iterator[Markup]:
        """What was usual at each point, behind everything else."""
        places = [Place(self._x(value.at), value.usual) for value in self.values]
        frame = Frame(_TOP, _HEIGHT - _BOTTOM, lambda value: self._y(value, lowest, highest))
        yield from bands.band(places, frame)
        yield from bands.moves(places, frame, lambda at: f"the band moved to values since {formats.exact(at)}")

    def _thresholds(self, lowest: float, highest: float) -> Iterator[Markup]:
        """Steps: each holds from its point to the next."""
        for which, kind in (("warn_low", " warns"), ("warn_high", " warns"), ("low", ""), ("high", "")):
            path, last = "", None
            for value, following in zip(self.values, [*self.values, None][1:], strict=True):
                at = getattr(value, which)
                if at is None:
                    last = None
                    continue
                x, y = self._x(value.at), self._y(at, lowest, highest)
                end = self._x(following.at) if following is not None else _WIDTH - _RIGHT
                path += f"{'M' if last is None else 'L'}{x} {y}L{end} {y}"
                last = at
            if path:
                yield Markup('<path class="threshold{}" d="{}"/>').format(kind, path)

    def _line(self, lowest: float, highest: float) -> Iterator[Markup]:
        path, is_open = "", False
        for value in self.values:
            if value.value is None:
                is_open = False
                continue
            path += f"{'L' if is_open else 'M'}{self._x(value.at)} {self._y(value.value, lowest, highest)}"
            is_open = True
        if path:
            yield Markup('<path class="line" d="{}"/>').format(path)

    def _gaps(self) -> Iterator[Markup]:
        """A band where the rule was in error: there is no value, and nothing that could be taken for one."""
        for value in self.values:
            if value.status == "error" and value.value is None:
                yield Markup('<rect class="gap" x="{}" y="{}" width="6" height="{}"><title>{}</title></rect>').format(
                    round(self._x(value.at) - 3, 1), _TOP, _HEIGHT - _TOP - _BOTTOM, value.label
                )

    def _dots(self, lowest: float, highest: float) -> Iterator[Markup]:
        """Each point with its text, in the shape of its status; of many only those that did not pass. What can be pointed
        at is larger than what is seen."""
        for value in self.values:
            if value.value is None or (len(self.values) > 120 and value.status == "pass" and value.kind is None):
                continue
            x, y = self._x(value.at), self._y(value.value, lowest, highest)
            path = _shape(value.status, x, y) if value.kind is None else bands.shape(value.kind, x, y)
            yield Markup(
                '<g><title>{}</title><circle class="near" cx="{}" cy="{}" r="8"/><path class="dot {}" d="{}"/></g>'
            ).format(value.label, x, y, value.kind or value.status, path)

    def _notes(self, lowest: float, highest: float) -> Iterator[Markup]:
        """Right of the plot: the last value, and the thresholds as they are now, without covering each other."""
        last = self.values[-1] if self.values else None
        if last is None:
            return
        text, taken = Markup('<text class="note {}" x="{}" y="{}">{}</text>'), list[float]()
        if last.value is not None:
            taken.append(self._y(last.value, lowest, highest) + 4)
            words = formats.share(last.value) if self.is_share else self._text(last.value)
            yield text.format("last", self._x(last.at) + 8, taken[0], words)
        limits = [(last.low, "fails <"), (last.high, "fails >"), (last.warn_low, "warns <"), (last.warn_high, "warns >")]
        limits += [(last.usual.low, "usual ≥"), (last.usual.high, "usual ≤")] if last.usual is not None else []
        for at, words in limits:
            if at is not None:
                taken.append(free(self._y(at, lowest, highest) + 4, taken))
                kind = {"fails": "limit", "warns": "limit warns", "usual": "limit usual"}[words.partition(" ")[0]]
                yield text.format(kind, self._x(self.end) + 8, taken[-1], f"{words} {self._text(at)}")

    def _text(self, value: float) -> str:
        return f"{value * 100:.4g}%" if self.is_share else formats.short(value)


def ticks(lowest: float, highest: float) -> list[float]:
    """Round numbers around the range, at most seven of them: the first is not above it, the last not below."""
    span = highest - lowest
    if not math.isfinite(span) or span <= 0:
        return [lowest]
    step = 10 ** math.floor(math.log10(span / _TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= _TICKS + 1)
    first, last = math.floor(lowest / step + _TINY), math.ceil(highest / step - _TINY)
    return [number * step for number in range(first, last + 1)]


def free(y: float, taken: Sequence[float]) -> float:
    """The place next to y that is a line of text away from all others."""
    tried = (y + sign * number * _LINE for number in range(len(taken) * 2 + 1) for sign in (1, -1))
    return next((each for each in tried if all(abs(each - other) >= _LINE for other in taken)), y)


def moments(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Even times from start to end with their words, at most six: full hours within two days, else midnights (UTC), and from
    half a year on the first days of months."""
    days = (end - start) / timedelta(days=1)
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if days > 180:
        months = (midnight.year * 12 + midnight.month + number for number in range(math.ceil(days / 28) + 1))
        every = math.ceil(days / 31 / 5)
        found = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months if month % every == 0]
        return [(at, f"{at:%b %Y}") for at in found if start <= at <= end]
    step = timedelta(hours=6 if days <= 1 else 12) if days <= 2 else timedelta(days=math.ceil(days / 5))
    found = [midnight + step * number for number in range(math.ceil((end - midnight) / step) + 1)]
    return [(at, f"{at:%H:%M}" if days <= 2 else f"{at:%b} {at.day}") for at in found if start <= at <= end]


def _shape(status: str, x: float, y: float) -> str:
    """The path of a point: a disc if it passed, a triangle for a warning, a diamond for a failure."""
    if status == "fail":
        return f"M{x} {y - 5}l5 5l-5 5l-5-5z"
    if status == "warn":
        return f"M{x} {y - 5}l5 8.5h-10z"
    return f"M{x - 3} {y}a3 3 0 1 0 6 0a3 3 0 1 0-6 0z"


def sparkline(values: Sequence[float | None], statuses: Sequence[str], title: str) -> Markup:
    """A small line without axes, the oldest value first; a gap for None, a dot at the end in the colour of its
    status, half way up for None."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup('<svg class="spark" viewBox="0 0 120 28" role="img"><title>{}: no value</title></svg>').format(title)
    lowest, highest = min(known), max(known)
    span = (highest - lowest) or 1.0
    step = 112 / max(1, len(values) - 1)
    path, is_open, last = "", False, (4.0, 14.0)
    for index, value in enumerate(values):
        if value is None:
            is_open, last = False, (round(4 + index * step, 1), 14.0)
            continue
        last = (round(4 + index * step, 1), round(24 - (value - lowest) / span * 20, 1) if highest > lowest else 14.0)
        path += f"L{last[0]} {last[1]}" if is_open else f"M{last[0]} {last[1]}h0"  # a lone value is a dot
        is_open = True
    return Markup(
        '<svg class="spark" viewBox="0 0 120 28" role="img"><title>{}</title><path class="line" d="{}"/>'
        '<circle class="dot {}" cx="{}" cy="{}" r="2.5"/></svg>'
    ).format(title, path, statuses[-1] if statuses else "pass", *last)
