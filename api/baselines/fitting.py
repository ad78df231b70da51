"""The band of a series on one scale: season, moves and forecast together."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.forecasts import Forecast, forecast
from api.baselines.moves import aligned, moves
from api.baselines.robust import reach, spread
from api.baselines.scales import Scale
from api.baselines.seasons import Season, candidates, choose, season_of, trend_of
from api.baselines.shapes import Point, Settings
from api.baselines.slots import Calendar, Moment, Rhythm, slot_of

_ROOM = 0.42  # of the largest error but one, in terms of the noise: 3.5 of that are about 1.5 times this error
_HEAVIEST = 1.5
_FEW_ERRORS = 5.0  # how much wider a band of few errors is: by this over their number
_TRIM = 0.02  # share of the errors, the largest, that a scale is not chosen by
_BELOW = 20.0  # how far a value that a scale does not take lies below those that it does
_MAKES_A_DIFFERENCE = 6.0  # of a season, in terms of the noise
_LEAST_COMPARABLE = 30


@dataclass(frozen=True)
class History:
    """Points that are usable, or outside by the rule's own verdict, oldest first; their moments, and the judged one."""

    points: list[Point]
    moments: list[Moment]
    now: Moment
    rhythm: Rhythm
    settings: Settings


@dataclass(frozen=True)
class Fit:
    """`center` and `sigma` are on the scale. `likelihood`: how well it explains the points. `used`: those like the judged one.
    `moved`: the first point at another level than those before."""

    scale: Scale
    season: Season
    center: float
    sigma: float
    likelihood: float
    used: list[int]
    moved: int | None


@dataclass(frozen=True)
class _Level:
    """The values at the present level, their indexes among the points, and which of them was the first there."""

    values: list[float]
    usable: list[int]
    season: Season
    moved: int | None


def fit(history: History, scale: Scale) -> Fit:
    level = _level(history, _on(history, scale))
    season, usable = level.season, level.usable
    slot = slot_of(season.name, history.now)
    plain = [level.values[i] - season.effects[own] for i, own in zip(usable, season.slots, strict=True)]
    days = [history.moments[i].days for i in usable]
    rhythm = history.rhythm
    week = round(7 / rhythm.spacing) if rhythm.is_several_per_day else 7
    ahead = forecast(days, plain, history.now.days, rhythm.spacing, week)
    effect = season.effects.get(slot, 0.0)
    errors = _comparable(ahead.errors, [season.effects[season.slots[i]] for i in ahead.indexes], effect)
    noise = spread(errors)
    # noise with heavy tails: the band goes beyond what has been usual, so far as it is the noise and no fault
    noise = max(noise, min(_ROOM * reach(errors), _HEAVIEST * noise))
    sigma = noise * (1 + _FEW_ERRORS / len(errors)) * season.inflation(slot) * ahead.stretch
    used = [i for i, own in zip(usable, season.slots, strict=True) if own == slot]
    slopes = [scale.log_slope(max(history.points[usable[i]].value, scale.least)) for i in ahead.indexes]
    return Fit(scale, season, ahead.center + effect, sigma, _likelihood(ahead, slopes), used, level.moved)


def _on(history: History, scale: Scale) -> list[float]:
    """The values on the scale. One that it does not take, outside of the band, becomes one far below the others."""
    lowest = min(p.value for p in history.points if p.is_usable)
    return [
        scale.there(p.value) if p.value >= scale.least else scale.there(lowest) - _BELOW * max(1.0, abs(scale.there(lowest)))
        for p in history.points
    ]


def _level(history: History, values: list[float]) -> _Level:
    usable = [i for i, p in enumerate(history.points) if p.is_usable]
    season = _season(history, values, usable)
    adapt, sensitivity = history.settings.adapt, history.settings.sensitivity
    if len(history.points) - len(usable) < adapt:
        return _Level(values, usable, season, None)
    slots = [slot_of(season.name, moment) for moment in history.moments]
    effects = [season.effects.get(slot, 0.0) for slot in slots]
    plain = [value - effect for value, effect in zip(values, effects, strict=True)]
    found = moves(plain, [not p.is_usable for p in history.points], adapt, sensitivity)
    moved = found[-1].first if found else None
    if found:
        lifted, usable = aligned(plain, [not p.is_usable for p in history.points], found)
        values = list(values)
        for value, i in zip(lifted, usable, strict=True):
            values[i] = value + effects[i]
    richest = candidates(history.settings.season, history.rhythm, history.now.days - history.moments[0].days)[-1]
    if richest != "none":
        usable, first = _with_moved_slots(history, plain, usable, richest)
        moved = first if moved is None else moved
    return _Level(values, usable, _season(history, values, usable), moved)


def _with_moved_slots(history: History, plain: list[float], usable: list[int], season: str) -> tuple[list[int], int | None]:
    """Where only the points of one slot have moved, such as the Sundays, these count and no earlier ones of that slot. The second
    value is the first of them, if it is the judged one's slot."""
    taken, moved = set(usable), None
    missing = Counter(slot_of(season, moment) for i, moment in enumerate(history.moments) if i not in taken)
    for slot, count in missing.items():
        if count < history.settings.adapt:
            continue
        alike = [i for i, moment in enumerate(history.moments) if slot_of(season, moment) == slot]
        outside = [i not in taken for i in alike]
        if found := moves([plain[i] for i in alike], outside, history.settings.adapt, history.settings.sensitivity):
            begin, end = found[-1].first, found[-1].last
            taken -= set(alike[:begin])
            taken |= set(alike[begin : end + 1])
            if slot == slot_of(season, history.now):
                moved = alike[begin]
    return sorted(taken), moved


def _season(history: History, values: Sequence[float], usable: Sequence[int]) -> Season:
    when = [history.moments[i] for i in usable]
    names = candidates(history.settings.season, history.rhythm, history.now.days - when[0].days)
    if names == ["none"]:
        return season_of("none", Calendar(when), [])
    chosen, days, calendar = [values[i] for i in usable], [moment.days for moment in when], Calendar(when)
    season = choose(names, calendar, _less(chosen, trend_of(days, chosen)))
    if season.name == "none":
        return season
    # once more, by the trend of what is left without the season: that of the values jumps between the hours
    left = [value - season.effects[slot] for value, slot in zip(chosen, season.slots, strict=True)]
    return season_of(season.name, calendar, _less(chosen, trend_of(days, left)))


def _less(values: Sequence[float], trend: Sequence[float]) -> list[float]:
    return [value - level for value, level in zip(values, trend, strict=True)]


def _comparable(errors: Sequence[float], effects: Sequence[float], effect: float) -> Sequence[float]:
    """The errors at the half of the points whose season is most like the judged one's, if the season makes much of a difference:
    what happens by night says little about noise by day."""
    if len(errors) <= _LEAST_COMPARABLE or max(effects) - min(effects) <= _MAKES_A_DIFFERENCE * spread(errors):
        return errors
    nearest = sorted(range(len(errors)), key=lambda i: (abs(effects[i] - effect), -i))
    return [errors[i] for i in nearest[: max(_LEAST_COMPARABLE, len(errors) // 2)]]


def _likelihood(ahead: Forecast, log_slopes: Sequence[float]) -> float:
    """The logarithm, up to a constant that is the same on every scale."""
    sizes = sorted(map(abs, ahead.errors))
    kept = sizes[: len(sizes) - int(_TRIM * len(sizes))]
    mean = math.fsum(kept) / len(kept)
    return math.fsum(log_slopes) - len(sizes) * math.log(mean) if mean > 0 else math.inf
