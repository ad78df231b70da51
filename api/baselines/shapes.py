"""What the band of `unusual` is made of, and what it says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

SeasonWanted = Literal["auto", "none", "weekday", "hour"]
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

    season: SeasonWanted = "auto"
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
    """`low` and `high` are inclusive; both are None while it learns. One is None if that side is open.

    `points`: of how many the center was made, such as the earlier Mondays. `season`: what was used, never "auto".
    """

    center: float | None
    low: float | None
    high: float | None
    points: int
    season: str  # "none", "weekday", "hour", "hour and weekend" or "weekday and hour"
    learning: Learning | None
    compared_with: tuple[Point, ...]  # at most ten, newest first
    moved_at: datetime | None  # since when the values lie at another level
    words: str
