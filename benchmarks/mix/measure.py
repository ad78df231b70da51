"""Two or more ways in turn, answers compared, medians."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.mix.rules import Rule

CLOSE = 1e-6  # relative difference of two measures: sums of floating-point numbers depend on their order
SECONDS_BETWEEN = 3600  # of two ages of the newest row, which grow while others are measured

Answers = Mapping[str, Any]


class DisagreementError(Exception):
    """Two ways answer differently; one line."""


def in_turn(ways: Mapping[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds and the last answer of each way; a round that is not counted comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, Any] = {}
    for number in range(rounds + 1):
        for name, ask in ways.items():
            began = time.perf_counter()
            answers[name] = ask()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in seconds.items()}, answers


def compare(rules: Sequence[Rule], ours: Answers, by_hand: Answers) -> None:
    different = [
        f"{rule.name}: {ours[rule.name]}, by hand {by_hand[rule.name]}"
        for rule in rules
        if not _same(rule, ours[rule.name], by_hand[rule.name])
    ]
    if different:
        raise DisagreementError("; ".join(different))


def _same(rule: Rule, ours: Any, by_hand: Any) -> bool:
    if rule.answer == "age":
        return abs(float(ours) - float(by_hand)) < SECONDS_BETWEEN
    if rule.answer == "measured":
        return abs(float(ours) - float(by_hand)) <= CLOSE * abs(float(by_hand))
    return int(ours) == int(by_hand)
