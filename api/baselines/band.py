"""What is usual for a measured value at a moment, by its earlier points: the band of the rule type `unusual`.

Pure: no clock, no database, the standard library alone. The same input gives the same band, in whatever order the points come.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

MAX_POINTS = 1_000  # of more, the newest are looked at
MAX_COMPARED = 10
MAD_TO_SIGMA = 1.4826  # of a normal distribution

Season = Literal["auto", "none", "weekday", "hour"]
Direction = Literal["both", "increase", "decrease"]


@dataclass(frozen=True)
class Point:
    """A value that a deciding check measured.

    `at`: the moment it stands for, with a zone: the snapshot, or the `from` of the window.
    `is_usable`: it may be in a band. False if the rule failed or warned of it, or it was waived or excluded. True if it is marked
    as expected.
    `is_outside`: it is not usable only because the rule itself failed or warned of it. Several of these that agree move the band;
    points that are waived or excluded never do.
    """

    at: datetime
    value: float
    is_usable: bool = True
    is_outside: bool = False
    check_id: str = ""


@dataclass(frozen=True)
class Settings:
    """The arguments of a rule. A deviation below `min_share` of the center, or below `min_amount`, is never unusual."""

    season: Season = "auto"
    sensitivity: float = 3.5
    min_share: float = 0.05
    min_amount: float = 0.0
    learn: int = 20
    adapt: int = 7
    direction: Direction = "both"
    holidays: tuple[date, ...] = ()


@dataclass(frozen=True)
class Learning:
    have: int
    need: int


@dataclass(frozen=True)
class Baseline:
    """`low` and `high` are inclusive; both are None while it learns. One is None if the direction leaves that side open."""

    center: float | None
    low: float | None
    high: float | None
    points: int  # that the band was made of
    season: str  # "none", "weekday", "hour" or "weekday and hour": what was used, never "auto"
    learning: Learning | None
    compared_with: tuple[Point, ...]  # at most ten, newest first
    moved_at: datetime | None  # since when the values lie at another level
    words: str


def judge(points: Sequence[Point], at: datetime, zone: ZoneInfo, settings: Settings) -> Baseline:
    """The band for a value at `at`. Only points before `at` count, so never the judged one."""
    earlier = sorted((p for p in points if p.at < at and math.isfinite(p.value)), key=lambda p: (p.at, p.value, p.check_id))
    usable = [p for p in earlier[-MAX_POINTS:] if p.is_usable]
    if len(usable) < settings.learn:
        words = f"learning {len(usable)} of {settings.learn}"
        return Baseline(None, None, None, len(usable), "none", Learning(len(usable), settings.learn), (), None, words)
    values = [p.value for p in usable]
    center = statistics.median(values)
    sigma = MAD_TO_SIGMA * statistics.median(abs(value - center) for value in values)
    width = max(settings.sensitivity * sigma, settings.min_share * abs(center), settings.min_amount)
    low = None if settings.direction == "increase" else center - width
    high = None if settings.direction == "decrease" else center + width
    compared = tuple(reversed(usable[-MAX_COMPARED:]))
    words = f"usual: {center - width:,.6g} to {center + width:,.6g}, from {len(usable)} earlier points"
    return Baseline(center, low, high, len(usable), "none", None, compared, None, words)
