"""Level shifts: points outside in a row that agree with each other are the new level."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.robust import median, spread

_LOOKED_BACK = 28  # points that say what the level was before


@dataclass(frozen=True)
class Move:
    """Points `first` to `last` (inclusive) lay outside and agreed with each other."""

    first: int
    last: int


def moves(values: Sequence[float], is_outside: Sequence[bool], adapt: int, sensitivity: float) -> list[Move]:
    """`values`: without their season. They agree if they lie on one side of the level before, and near each other.

    Near: within the old width, or within half of the way that they are off.
    """
    found: list[Move] = []
    known: list[float] = []  # the values at the present level
    run: list[int] = []
    for index, value in enumerate(values):
        if not is_outside[index]:
            run = []
            known.append(value)
            continue
        run.append(index)
        if len(run) < adapt or not known:
            continue
        last = run[-adapt:]
        recent = known[-_LOOKED_BACK:]
        level = median(recent)
        away = [values[i] - level for i in last]
        way = median(away)
        near = max(abs(way) / 2, sensitivity * spread([value - level for value in recent]))
        if all(part * way > 0 and abs(part - way) <= near for part in away):
            found.append(Move(last[0], last[-1]))
            known = [values[i] for i in last]
            run = []
    return found


def aligned(values: Sequence[float], is_outside: Sequence[bool], found: Sequence[Move]) -> tuple[list[float], list[int]]:
    """The usable values, those from before a move lifted to the level after it, and their indexes."""
    kept: list[float] = []
    indexes: list[int] = []
    waiting = list(found)
    for index, value in enumerate(values):
        if waiting and index > waiting[0].last:
            waiting.pop(0)
        if waiting and waiting[0].first == index:
            move = waiting[0]
            way = median(values[move.first : move.last + 1]) - median(kept[-_LOOKED_BACK:])
            kept = [one + way for one in kept]
        if not is_outside[index] or (waiting and waiting[0].first <= index <= waiting[0].last):
            kept.append(value)
            indexes.append(index)
    return kept, indexes
