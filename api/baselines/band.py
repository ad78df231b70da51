"""What is usual for a measured value at a moment, by its earlier points: the band of the rule type `unusual`.

Pure: no clock, no database, the standard library alone. The same input gives the same band, in whatever order the points come.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from api.baselines.forecast import forecast
from api.baselines.moves import Move, aligned, moves
from api.baselines.rare import agreeing, highest, is_rare
from api.baselines.robust import LINEAR, LOGARITHM, ROOT, Scale, median, spread
from api.baselines.seasons import Season, candidates, choose, season_of, trend_of
from api.baselines.slots import WEEKEND, Calendar, Moment, Rhythm, days_of, moments, rhythm, slot_of

MAX_POINTS = 1_000  # of more, the newest are looked at
MAX_COMPARED = 10

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


_LEAST = 3  # points, whatever the rule says
_LEAST_IN_SLOT = 3  # earlier points at such a time, before one is judged by its season
_SHORT_SPAN = 0.5  # days: points that reach back no further show no season
_NATS = 3.0  # scales whose likelihood is so near to the best one's count too: the band is as wide as the widest of them
_FEW_ERRORS = 4.0  # how much wider a band of few errors is: by this over their number


def judge(points: Sequence[Point], at: datetime, zone: ZoneInfo, settings: Settings) -> Baseline:
    """The band for a value at `at`. Only points before `at` count, so never the judged one."""
    earlier = sorted((p for p in points if p.at < at and math.isfinite(p.value)), key=lambda p: (p.at, p.value, p.check_id))
    body = [p for p in earlier[-MAX_POINTS:] if p.is_usable or p.is_outside]
    have = sum(p.is_usable for p in body)
    if have < max(settings.learn, _LEAST):
        return _learning(have, max(settings.learn, _LEAST), "")
    beat = rhythm([days_of(p.at) for p in body])
    found = moments([*(p.at for p in body), at], zone, beat.is_several_per_day)
    now = found.pop()
    holidays = frozenset(settings.holidays)
    if holidays:
        pairs = [(p, moment) for p, moment in zip(body, found, strict=True) if moment.date not in holidays]
        festive = [p for p, moment in zip(body, found, strict=True) if moment.date in holidays and p.is_usable]
        body, found = [p for p, _ in pairs], [moment for _, moment in pairs]
    usable_values = [p.value for p in body if p.is_usable]
    if len(usable_values) < _LEAST:
        return _learning(len(usable_values), max(settings.learn, _LEAST), "")
    series = _Series(body, found, now, beat, settings)
    return _band(series, now.date in holidays)


@dataclass(frozen=True)
class _Series:
    points: list[Point]
    found: list[Moment]
    now: Moment
    beat: Rhythm
    settings: Settings


@dataclass(frozen=True)
class _Fit:
    """What one scale says: the band on it, its likelihood, and how it was made."""

    scale: Scale
    season: Season
    center: float
    sigma: float
    likelihood: float
    used: list[int]  # points of the judged slot, or all
    found: list[Move]


def _band(series: _Series, is_holiday: bool) -> Baseline:
    settings = series.settings
    usable = [p for p in series.points if p.is_usable]
    when = [m for m, p in zip(series.found, series.points, strict=True) if p.is_usable]
    has_season = settings.season != "none" and series.beat.is_by_weekday
    if is_rare([p.value for p in usable], when, has_season):
        return _rare(series)
    missing = _missing(series, when)
    if missing:
        return missing
    fits = [_fit(series, scale) for scale in _scales(usable)]
    best = max(fits, key=lambda fit: fit.likelihood)
    fits = [fit for fit in fits if fit.likelihood >= best.likelihood - _NATS]
    center = best.scale.back(best.center)
    low = min(fit.scale.back(fit.center - settings.sensitivity * fit.sigma) for fit in fits)
    high = max(fit.scale.back(fit.center + settings.sensitivity * fit.sigma) for fit in fits)
    least = max(settings.min_share * abs(center), settings.min_amount, 1e-9 * abs(center))
    low, high = min(low, center - least), max(high, center + least)
    if all(fit.sigma > 0 for fit in fits) and all(p.value == int(p.value) for p in usable):
        low, high = math.floor(low), math.ceil(high)
    if is_holiday:
        low, high = min(low, 0.0), max(high, 0.0)
    moved_at = series.points[best.found[-1].first].at if best.found else None
    used = [series.points[i] for i in best.used]
    words = f"usual: {low:,.6g} to {high:,.6g}, from {len(used)} earlier points"
    return _told(series, center, float(low), float(high), used, best.season.name, moved_at, words)


def _told(
    series: _Series, center: float, low: float, high: float, used: list[Point], season: str, moved_at: datetime | None, words: str
) -> Baseline:
    direction = series.settings.direction
    return Baseline(
        center,
        None if direction == "increase" else low,
        None if direction == "decrease" else high,
        len(used),
        season,
        None,
        tuple(reversed(used[-MAX_COMPARED:])),
        moved_at,
        words,
    )


def _learning(have: int, need: int, of_what: str) -> Baseline:
    return Baseline(None, None, None, have, "none", Learning(have, need), (), None, f"learning {have} of {need}{of_what}")


def _missing(series: _Series, when: Sequence[Moment]) -> Baseline | None:
    """A time of which too little is known is learned first: the first weekend of hourly points, the first night."""
    if series.settings.season == "none" or not series.beat.is_by_weekday or series.now.days - when[0].days < _SHORT_SPAN:
        return None
    now = series.now
    is_weekend = now.weekday >= WEEKEND
    alike = sum(m.hour == now.hour and (m.weekday >= WEEKEND) == is_weekend for m in when)
    return _learning(alike, _LEAST_IN_SLOT, " at such a time") if alike < _LEAST_IN_SLOT else None


def _scales(usable: Sequence[Point]) -> list[Scale]:
    values = [p.value for p in usable]
    result = [LINEAR]
    if min(values) >= 0 and all(value == int(value) for value in values):
        result.append(ROOT)
    if min(values) > 0:
        result.append(LOGARITHM)
    return result


def _fit(series: _Series, scale: Scale) -> _Fit:
    points, settings, beat = series.points, series.settings, series.beat
    there = scale.there
    outside = [not p.is_usable for p in points]
    lowest = min(p.value for p in points if p.is_usable)
    # a value that the scale does not know is far below all of its values
    values = [there(p.value) if p.value > 0 or scale is LINEAR else there(max(p.value, lowest)) - 20 * (p.value < lowest) for p in points]
    names = candidates(settings.season, beat, series.now.days - series.found[0].days)
    usable = [i for i, out in enumerate(outside) if not out]
    season = _season(series, values, usable, names)
    found: list[Move] = []
    if len(usable) <= len(points) - settings.adapt:
        slots = [slot_of(season.name, moment) for moment in series.found]
        plain = [value - season.effects.get(slot, 0.0) for value, slot in zip(values, slots, strict=True)]
        found = moves(plain, outside, settings.adapt, settings.sensitivity)
        if found:
            lifted, usable = aligned(plain, outside, found)
            for value, i in zip(lifted, usable, strict=True):
                values[i] = value + season.effects.get(slots[i], 0.0)
        now_slot = slot_of(season.name, series.now)
        alike = [i for i, slot in enumerate(slots) if slot == now_slot]
        if season.name != "none":
            taken = set(usable)
            left = [i not in taken for i in alike]
            own = moves([plain[i] for i in alike], left, settings.adapt, settings.sensitivity) if any(left) else []
            if own:
                begin = alike[own[-1].first]
                gone = {i for i in alike if i < begin}
                usable = sorted((taken - gone) | set(alike[own[-1].first : own[-1].last + 1]))
        if found or len(usable) != len(season.slots):
            season = _season(series, values, usable, names)
    days = [series.found[i].days for i in usable]
    plain = [values[i] - season.effects[slot] for i, slot in zip(usable, season.slots, strict=True)]
    now_slot = slot_of(season.name, series.now)
    week = round(7 / beat.spacing) if beat.is_several_per_day else 7
    ahead = forecast(days, plain, series.now.days, beat.spacing, week)
    effect = season.effects.get(now_slot, 0.0)
    errors = _comparable(ahead.errors, [season.effects[season.slots[i]] for i in ahead.indexes], effect)
    sigma = spread(errors) * (1 + _FEW_ERRORS / len(errors)) * season.inflation(now_slot) * ahead.stretch
    kept = sorted(map(abs, ahead.errors))[: max(1, int(0.98 * len(ahead.errors)))]
    size = math.fsum(kept) / len(kept)
    slopes = math.fsum(scale.log_slope(points[usable[i]].value) for i in ahead.indexes if points[usable[i]].value > 0 or scale is not LOGARITHM)
    likelihood = slopes - len(ahead.errors) * math.log(size) if size > 0 else math.inf
    used = [usable[i] for i, slot in enumerate(season.slots) if slot == now_slot]
    return _Fit(scale, season, ahead.center + effect, sigma, likelihood, used, found)


def _season(series: _Series, values: Sequence[float], usable: Sequence[int], names: Sequence[str]) -> Season:
    when = [series.found[i] for i in usable]
    calendar = Calendar(when)
    if list(names) == ["none"]:
        return season_of("none", calendar, [])
    chosen = [values[i] for i in usable]
    trend = trend_of([m.days for m in when], chosen, series.beat)
    return choose(names, calendar, [value - level for value, level in zip(chosen, trend, strict=True)])


def _comparable(errors: Sequence[float], effects: Sequence[float], effect: float) -> Sequence[float]:
    """Those of the half of the points whose season is most like the judged one's, if the season makes much of a difference."""
    if len(errors) < 40 or max(effects) - min(effects) <= 6 * spread(errors):
        return errors
    nearest = sorted(range(len(errors)), key=lambda i: (abs(effects[i] - effect), -i))
    return [errors[i] for i in nearest[: max(30, len(errors) // 2)]]


def _rare(series: _Series) -> Baseline:
    settings = series.settings
    usable = agreeing([p.value for p in series.points], [not p.is_usable for p in series.points], settings.adapt)
    used = [p for p, is_usable in zip(series.points, usable, strict=True) if is_usable]
    center = median([p.value for p in used])
    high = highest([p.value for p in used if p.value > 0], settings.sensitivity)
    high = max(high, center * (1 + settings.min_share), center + settings.min_amount)
    words = f"usual: 0 to {high:,.6g}, from {len(used)} earlier points"
    return _told(series, center, 0.0, float(high), used, "none", None, words)
