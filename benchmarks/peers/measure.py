"""Rounds: every way in turn, in an order that changes, each answer held against plain SQL."""

import random
import time
from collections.abc import Sequence

from benchmarks.peers.data import named
from benchmarks.peers.verdicts import Truth, differences
from benchmarks.peers.ways import Answer, Way

WARM_UP = 2  # as many as there are children of ours: each has served before it is measured
SETTLE_S = 0.1  # between two ways: what one leaves to be done (delivery of a result, closing connections) is not the next one's


class DisagreementError(Exception):
    """A way decides or counts otherwise than plain SQL; one line."""


def ask(way: Way, table: str, truth: Truth) -> Answer:
    answer = way.ask(table)
    expected = {rule.id: truth[rule.id] for rule in way.rules}
    if told := differences(answer.verdicts, expected, way.measures):
        raise DisagreementError(f"{way.label}, {table}: {'; '.join(told)}")
    return answer


def rounds(ways: Sequence[Way], rows: int, truth: Truth, number: int, slow_every: int) -> dict[str, list[float]]:
    """Seconds by way; before the counted rounds come two that warm up, of which the slow ways take part in the second."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for turn in range(1 - WARM_UP, number + 1):
        taking_part = [way for way in ways if not way.slow or turn % slow_every == 0]
        random.Random(turn).shuffle(taking_part)
        for way in taking_part:
            time.sleep(SETTLE_S)
            answer = ask(way, named(way.kind, rows), truth)
            if turn > 0:
                seconds[way.name].append(answer.seconds)
    return seconds
