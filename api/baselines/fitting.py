"""The band of a series on one scale: season, moves and forecast together."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from api.baselines.forecasts import Forecast, forecast
from api.baselines.moves import Move, aligned, moves
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
class Shifts:
    """What one scale says of the level: `found`, the moves of all points; `usable`, which points show the present level, those
    before it lifted; `first`, the first point at it, if it has moved."""

    found: list[Move]
    usable: list[int]
    first: int | None

    def gain(self, points: Sequence[Point], adapt: int) -> int:
        """How many points outside it makes usual, less what moves there and back again make usual anyhow."""
        to_new_levels = sum(not move.is_return for move in self.found)
        return sum(not points[i].is_usable for i in self.usable) - (adapt - 1) * to_new_levels


def fits(history: History, among: Sequence[Scale]) -> list[Fit]:
    """One fit for each scale, all of the same points, so that they can be compared.

    A shift by a factor agrees on the logarithms, one by an amount on the values: whether the level has moved is said by the scale
    that makes the most of the points outside usual.
    """
    values = [_on(history, scale) for scale in among]
    usable = [i for i, p in enumerate(history.points) if p.is_usable]
    seasons = _seasons(history, values, usable)
    shifts = Shifts([], usable, None)
    takes = [True] * len(among)
    if len(history.points) - len(usable) >= history.settings.adapt:
        said = [_shifts(history, each, season, usable) for each, season in zip(values, seasons, strict=True)]
        # a scale that does not take the values at a level has nothing to say about it
        said = [one for one, scale in zip(said, among, strict=True) if _is_taken(history, one, scale)]
        shifts = max([shifts, *said], key=lambda one: one.gain(history.points, history.settings.adapt))
        takes = [_is_taken(history, shifts, scale) for scale in among]
    if shifts.first is not None:
        values = [_lifted(history, each, season, shifts) for each, season in zip(values, seasons, strict=True)]
    if shifts.usable != usable:
        seasons = _seasons(history, values, shifts.usable)
    return [
        _fit(history, scale, each, season, shifts)
        for scale, each, season, is_taken in zip(among, values, seasons, takes, strict=True)
        if is_taken
    ]


def _is_taken(history: History, shifts: Shifts, scale: Scale) -> bool:
    return all(history.points[i].value >= scale.least for i in shifts.usable)


def _fit(history: History, scale: Scale, values: Sequence[float], season: Season, shifts: Shifts) -> Fit:
    usable = shifts.usable
    slot = slot_of(season.name, history.now)
    plain = [values[i] - season.effects[own] for i, own in zip(usable, season.slots, strict=True)]
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
    slopes = [scale.log_slope(history.points[usable[i]].value) for i in ahead.indexes]
    return Fit(scale, season, ahead.center + effect, sigma, _likelihood(ahead, slopes), used, shifts.first)


def _on(history: History, scale: Scale) -> list[float]:
    """The values on the scale. One that it does not take, outside of the band, becomes one far below the others."""
    lowest = min(p.value for p in history.points if p.is_usable)
    return [
        scale.there(p.value) if p.value >= scale.least else scale.there(lowest) - _BELOW * max(1.0, abs(scale.there(lowest)))
        for p in history.points
    ]


def _shifts(history: History, values: Sequence[float], season: Season, usable: list[int]) -> Shifts:
    effects = _effects(history, season)
    plain = [value - effect for value, effect in zip(values, effects, strict=True)]
    is_outside = [not p.is_usable for p in history.points]
    found = moves(plain, is_outside, history.settings.adapt, history.settings.sensitivity)
    first = found[-1].first if found else None
    if found:
        _, usable = aligned(plain, is_outside, found)
    richest = candidates(history.settings.season, history.rhythm, history.now.days - history.moments[0].days)[-1]
    if richest != "none":
        usable, begin = _with_moved_slots(history, plain, usable, richest)
        first = begin if first is None else first
    return Shifts(found, usable, first)


def _lifted(history: History, values: Sequence[float], season: Season, shifts: Shifts) -> list[float]:
    effects = _effects(history, season)
    plain = [value - effect for value, effect in zip(values, effects, strict=True)]
    lifted, indexes = aligned(plain, [not p.is_usable for p in history.points], shifts.found)
    result = list(values)
    for value, i in zip(lifted, indexes, strict=True):
        result[i] = value + effects[i]
    return result


def _effects(history: History, season: Season) -> list[float]:
    return [season.effects.get(slot_of(season.name, moment), 0.0) for moment in history.moments]


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
            taken |= {*alike[begin : end + 1], *(alike[i] for i in found[-1].later)}
            if slot == slot_of(season, history.now):
                moved = alike[begin]
    return sorted(taken), moved


def _seasons(history: History, values: Sequence[Sequence[float]], usable: Sequence[int]) -> list[Season]:
    """One for the values on each scale."""
    when = [history.moments[i] for i in usable]
    calendar, days = Calendar(when), [moment.days for moment in when]
    names = candidates(history.settings.season, history.rhythm, history.now.days - when[0].days)
    if names == ["none"]:
        return [season_of("none", calendar, []) for _ in values]
    is_jumping = history.rhythm.is_several_per_day
    return [_season(names, calendar, days, [each[i] for i in usable], is_jumping) for each in values]


def _season(names: Sequence[str], calendar: Calendar, days: Sequence[float], values: Sequence[float], is_jumping: bool) -> Season:
    season = choose(names, calendar, _less(values, trend_of(days, values, is_jumping)))
    if season.name == "none":
        return season
    # once more, by the trend of what is left without the season: that of the values jumps between the hours
    left = [value - season.effects[slot] for value, slot in zip(values, season.slots, strict=True)]
    return season_of(season.name, calendar, _less(values, trend_of(days, left)))


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
