"""Precision, recall and false alarms of the methods, by family and noise."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from benchmarks.unusual.families import series
from benchmarks.unusual.making import Series
from benchmarks.unusual.methods import Judged, Method, seasonal_naive, unusual, z_score

POINTS_PER_FALSE_ALARM = 500

# of the two plain ways, the setting that does best in a family counts there
METHODS: dict[str, dict[str, Method]] = {
    "unusual": {"": unusual},
    "z-score": {"14 days": partial(z_score, days=14), "30 days": partial(z_score, days=30)},
    "seasonal naive": {"99%": partial(seasonal_naive, quantile=0.99), "largest": partial(seasonal_naive, quantile=1.0)},
}


@dataclass(frozen=True)
class Score:
    found: int = 0
    false_alarms: int = 0
    missed: int = 0
    points: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.found + other.found,
            self.false_alarms + other.false_alarms,
            self.missed + other.missed,
            self.points + other.points,
        )

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false_alarms) if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed) if self.found else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.found / (2 * self.found + self.false_alarms + self.missed) if self.found else 0.0

    @property
    def alarms_per_500(self) -> float:
        return self.false_alarms * POINTS_PER_FALSE_ALARM / max(self.points, 1)


def score(judged: Iterable[Judged]) -> Score:
    judged = list(judged)
    return Score(
        sum(one.truth and one.is_flagged for one in judged),
        sum(not one.truth and one.is_flagged for one in judged),
        sum(one.truth and not one.is_flagged for one in judged),
        len(judged),
    )


Scores = dict[tuple[str, str], Score]  # by method and setting


def scores_of(one: Series) -> Scores:
    return {(method, setting): score(judge(one)) for method, settings in METHODS.items() for setting, judge in settings.items()}


def scores_of_seed(family: str, noise: float, seed: str) -> Scores:
    return scores_of(series(family, noise, seed))


def total(scores: Iterable[Scores]) -> Scores:
    result: Scores = {}
    for one in scores:
        for key, value in one.items():
            result[key] = result.get(key, Score()) + value
    return result


def best(scores: Scores, method: str) -> Score:
    """Of the settings of a method, the one with the highest F1."""
    return max((value for (name, _), value in scores.items() if name == method), key=lambda value: value.f1)


def unmet(scores: Scores) -> list[str]:
    """What is required of `unusual` in a family, and not so."""
    own = best(scores, "unusual")
    faults = []
    if own.alarms_per_500 > 1:
        faults.append(f"{own.alarms_per_500:.2f} false alarms per 500 points")
    for method in METHODS:
        other = best(scores, method)
        if method != "unusual" and not own.f1 > other.f1:
            faults.append(f"F1 {own.f1:.3f}, no better than {method} with {other.f1:.3f}")
    return faults
