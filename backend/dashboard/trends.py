"""The checks of a table or dataset over time as one SVG, a column per check: how its rules were judged, how many rows there were,
and how long the check took. A dotted line is a new version of the document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from web.look import formats

_WIDTH, _LEFT, _RIGHT = 720, 84, 12
_WIDEST = 28.0  # a column
_GAP, _FOOT = 26, 20  # above a lane, for its name; below the last one, for times
_STATUSES = ("fail", "error", "warn", "pass")  # from below
_SPACE = 90.0  # between two times on the axis, at least


@dataclass(frozen=True)
class Column:
    """A check: the number of rules by status; rows and milliseconds, None where they are not known. `version` of the document."""

    at: datetime
    verdict: str
    counts: dict[str, int]
    rows: int | None
    duration_ms: int | None
    version: int | None

    @property
    def title(self) -> str:
        """What the check found, in one line."""
        found = ", ".join(f"{self.counts[status]} {status}" for status in _STATUSES if self.counts.get(status))
        words = [f"{formats.exact(self.at)}: {self.verdict}", found or "no rule"]
        words += [f"{formats.number(self.rows)} rows"] if self.rows is not None else []
        words += [formats.duration(self.duration_ms)] if self.duration_ms is not None else []
        return "; ".join(words)


@dataclass(frozen=True)
class _Lane:
    name: str
    top: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def y(self, part: float) -> float:
        """Of a part of the lane's height, from 0 to 1."""
        return round(self.bottom - part * self.height, 1)


_RULES = _Lane("Rules", _GAP, 84)
_ROWS = _Lane("Rows", _RULES.bottom + _GAP, 56)
_TOOK = _Lane("Duration", _ROWS.bottom + _GAP, 40)
_HEIGHT = _TOOK.bottom + _FOOT


def trends(columns: Sequence[Column]) -> Markup:
    """The plot of at least one check, the oldest first."""
    width = min(_WIDEST, (_WIDTH - _LEFT - _RIGHT) / len(columns))
    starts = [round(_LEFT + index * width, 1) for index in range(len(columns))]
    parts = [
        *_names(),
        *_rules(columns, starts, width),
        *_rows(columns, starts, width),
        *_took(columns, starts, width),
        *_versions(columns, starts),
        *_times(columns, starts),
        *_titles(columns, starts, width),
    ]
    return Markup('<svg class="plot trends" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>').format(
        _WIDTH, _HEIGHT, _title(len(columns)), _description(columns), Markup("").join(parts)
    )


def _title(number: int) -> str:
    return "The last check that decides the gate" if number == 1 else f"The last {number} checks that decide the gate"


def _description(columns: Sequence[Column]) -> str:
    verdicts = [column.verdict for column in columns]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in _STATUSES if verdict in verdicts)
    return f"From {formats.exact(columns[0].at)} to {formats.exact(columns[-1].at)}: {counts}. Last: {columns[-1].title}."


def _names() -> list[Markup]:
    text = Markup('<text class="lane" x="{}" y="{}">{}</text><line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>')
    return [
        text.format(_LEFT, lane.top - 8, lane.name, _LEFT, _WIDTH - _RIGHT, lane.bottom, lane.bottom)
        for lane in (_RULES, _ROWS, _TOOK)
    ]


def _label(lane: _Lane, part: float, words: str) -> Markup:
    return Markup('<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>').format(_LEFT - 6, lane.y(part) + 4, words)


def _bar(x: float, width: float, low: float, high: float) -> str:
    """As a part of a path: a bar between two heights."""
    return f"M{x} {low}h{max(1.0, round(width - 1.5, 1))}V{high}H{x}z"


def _rules(columns: Sequence[Column], starts: Sequence[float], width: float) -> list[Markup]:
    """A stack per check; a path per status."""
    most = max(1, *(sum(column.counts.values()) for column in columns))
    paths = dict.fromkeys(_STATUSES, "")
    for column, x in zip(columns, starts, strict=True):
        below = 0
        for status in _STATUSES:
            if count := column.counts.get(status, 0):
                paths[status] += _bar(x, width, _RULES.y(below / most), _RULES.y((below + count) / most))
                below += count
    drawn = [Markup('<path class="{}" d="{}"/>').format(status, path) for status, path in paths.items() if path]
    return [_label(_RULES, 1, formats.number(most)), *drawn]


def _rows(columns: Sequence[Column], starts: Sequence[float], width: float) -> list[Markup]:
    """A line that has a gap where the number is not known. It begins at zero unless all numbers are close to each other."""
    known = [column.rows for column in columns if column.rows is not None]
    if not known:
        return [_unknown(_ROWS)]
    low, high = min(known), max(known)
    base = low - (high - low) * 0.1 if low > 0.8 * high and high > low else 0.0
    scale = _scale(base, high)
    path, dots, is_open = "", [], False
    for column, x in zip(columns, starts, strict=True):
        if column.rows is None:
            is_open = False
            continue
        middle, y = round(x + width / 2, 1), _ROWS.y(scale(column.rows))
        path += f"{'L' if is_open else 'M'}{middle} {y}"
        dots.append((middle, y))
        is_open = True
    last = Markup('<circle class="dot known" cx="{}" cy="{}" r="2.5"/>').format(*dots[-1])
    labels = [_label(_ROWS, scale(high), formats.short(high))]
    if low < high:
        labels.append(_label(_ROWS, min(scale(low), scale(high) - 0.4), formats.short(low)))
    return [*labels, Markup('<path class="line" d="{}"/>').format(path), last]


def _took(columns: Sequence[Column], starts: Sequence[float], width: float) -> list[Markup]:
    known = [column.duration_ms for column in columns if column.duration_ms is not None]
    if not known:
        return [_unknown(_TOOK)]
    scale = _scale(0.0, max(known))
    path = "".join(
        _bar(x, width, _TOOK.bottom, _TOOK.y(scale(column.duration_ms)))
        for column, x in zip(columns, starts, strict=True)
        if column.duration_ms is not None
    )
    return [_label(_TOOK, 1, formats.duration(max(known))), Markup('<path class="took" d="{}"/>').format(path)]


def _scale(low: float, high: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: (value - low) / span


def _unknown(lane: _Lane) -> Markup:
    return Markup('<text class="axis" x="{}" y="{}">not known</text>').format(_LEFT, lane.y(0.4))


def _versions(columns: Sequence[Column], starts: Sequence[float]) -> list[Markup]:
    """A line before each check of another version than the check before."""
    return [
        Markup('<line class="mark" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(x, x, _RULES.top, _TOOK.bottom)
        for before, column, x in zip(columns, columns[1:], starts[1:], strict=False)
        if column.version != before.version and column.version is not None
    ]


def _times(columns: Sequence[Column], starts: Sequence[float]) -> list[Markup]:
    """Days below the columns, so many as there is room for; hours where all checks are of two days."""
    is_short = (columns[-1].at - columns[0].at).total_seconds() <= 2 * 86400
    found, free, last = [], 0.0, ""
    for column, x in zip(columns, starts, strict=True):
        words = f"{column.at.astimezone(UTC):{'%H:%M' if is_short else '%b %-d'}}"
        if x >= free and words != last and x <= _WIDTH - _RIGHT - 34:
            found.append(Markup('<text class="axis" x="{}" y="{}">{}</text>').format(x, _HEIGHT - 4, words))
            free, last = x + _SPACE, words
    return found


def _titles(columns: Sequence[Column], starts: Sequence[float], width: float) -> list[Markup]:
    """What one reads when pointing at a column."""
    text = Markup('<rect class="hit" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
    return [
        text.format(x, _RULES.top, round(width, 1), _TOOK.bottom - _RULES.top, column.title)
        for column, x in zip(columns, starts, strict=True)
    ]
