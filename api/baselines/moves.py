"""Level shifts: points outside in a row that agree with each other are the new level."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.robust import median, spread

_LOOKED_BACK = 28  # points that say what the level was before


_RETURN = 2  # points in a row that are back at the level before a move
_YOUNG = 3  # times `adapt`: how many points a level has at most, for its end to be a return


@dataclass(frozen=True)
class Move:
    """Points `first` to `last` (inclusive) lay outside and agreed with each other, or were back at the level before the move."""

    first: int
    last: int
    is_return: bool = False


def moves(values: Sequence[float], is_outside: Sequence[bool], adapt: int, sensitivity: float) -> list[Move]:
    """`values`: without their season. They agree if they lie on one side of the level before, and near each other: within the old
    width, or within half of the way that they are off. An outage that is over is a return, for which two points suffice."""
    found: list[Move] = []
    known: list[float] = []  # the values at the present level
    before: list[float] = []  # those at the level before the last move
    run: list[int] = []
    for index, value in enumerate(values):
        if not is_outside[index]:
            run = []
            known.append(value)
            continue
        run.append(index)
        back = run[-_RETURN:]
        if (
            len(back) == _RETURN
            and before
            and len(known) <= _YOUNG * adapt
            and _is_at([values[i] for i in back], before, sensitivity)
        ):
            found.append(Move(back[0], back[-1], is_return=True))
            known, before = before + [values[i] for i in back], []
            run = []
        elif len(run) >= adapt and known:
            last = run[-adapt:]
            if _agree([values[i] for i in last], known, sensitivity):
                found.append(Move(last[0], last[-1]))
                known, before = [values[i] for i in last], known
                run = []
    return found


def _agree(values: Sequence[float], known: Sequence[float], sensitivity: float) -> bool:
    level, width = _level(known, sensitivity)
    away = [value - level for value in values]
    way = median(away)
    near = max(abs(way) / 2, width)
    return all(part * way > 0 and abs(part - way) <= near for part in away)


def _is_at(values: Sequence[float], known: Sequence[float], sensitivity: float) -> bool:
    level, width = _level(known, sensitivity)
    return all(abs(value - level) <= width for value in values)


def _level(known: Sequence[float], sensitivity: float) -> tuple[float, float]:
    recent = known[-_LOOKED_BACK:]
    level = median(recent)
    return level, sensitivity * spread([value - level for value in recent])


def aligned(values: Sequence[float], is_outside: Sequence[bool], found: Sequence[Move]) -> tuple[list[float], list[int]]:
    """The usable values, those from before a move lifted to the level after it, and their indexes."""
    kept: list[float] = []
    indexes: list[int] = []
    waiting = list(found)
    way = 0.0
    for index, value in enumerate(values):
        if waiting and index > waiting[0].last:
            waiting.pop(0)
        if waiting and waiting[0].first == index:
            move = waiting[0]
            way = -way if move.is_return else median(values[move.first : move.last + 1]) - median(kept[-_LOOKED_BACK:])
            kept = [one + way for one in kept]
        if not is_outside[index] or (waiting and waiting[0].first <= index <= waiting[0].last):
            kept.append(value)
            indexes.append(index)
    return kept, indexes
