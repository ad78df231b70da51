"""Level shifts: points outside in a row that agree with each other are the new level."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.baselines.robust import median, spread

_LOOKED_BACK = 28  # points that say what the level was before
_RETURN = 2  # points in a row that are back at the level before a move
_YOUNG = 3  # times `adapt`: how many points a level has at most while it is new


@dataclass(frozen=True)
class Move:
    """Points `first` to `last` (inclusive) lay outside and agreed with each other, or were back at the level before the move.
    `later`: those soon after that are at this level, too, but lay outside of a band that did not know it well."""

    first: int
    last: int
    is_return: bool = False
    later: tuple[int, ...] = ()


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
        is_new = bool(found) and len(known) <= _YOUNG * adapt
        if is_new and not found[-1].is_return and _is_at([value], known, sensitivity):
            found[-1] = replace(found[-1], later=(*found[-1].later, index))
            known.append(value)
            run = []
            continue
        run.append(index)
        back = run[-_RETURN:]
        if is_new and before and len(back) == _RETURN and _is_at([values[i] for i in back], before, sensitivity):
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
    begins = {move.first: move for move in found}
    moved = {index for move in found for index in (*range(move.first, move.last + 1), *move.later)}
    kept: list[float] = []
    indexes: list[int] = []
    way = 0.0
    for index, value in enumerate(values):
        if index in begins:
            move = begins[index]
            way = -way if move.is_return else median(values[move.first : move.last + 1]) - median(kept[-_LOOKED_BACK:])
            kept = [one + way for one in kept]
        if not is_outside[index] or index in moved:
            kept.append(value)
            indexes.append(index)
    return kept, indexes
