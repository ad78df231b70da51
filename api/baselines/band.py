"""What is usual for a measured value at a moment, by its earlier points: the band of the rule type `unusual`.

Pure: no clock, no database, the standard library alone. The same points give the same band, in whatever order they come.
docs/normal.md says in plain words how it is made; the steps are in the modules beside this one:

- `slots`: which points are like the judged one, by weekday and hour in the document's zone
- `seasons`: whether that makes a difference, and which
- `moves`: points outside that agree with each other are the new level
- `forecasts`: what the next value is without a season, by a level, a trend or the last value
- `scales`, `robust`: on which scale noise is alike everywhere, and how large it is
- `rare`: counts that are mostly zero
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from api.baselines.fitting import Fit, History, fits
from api.baselines.rare import agreeing, highest, is_rare
from api.baselines.robust import median, rounded
from api.baselines.scales import scales
from api.baselines.seasons import weekday_costs
from api.baselines.shapes import Baseline, Direction, Learning, Point, SeasonWanted, Settings
from api.baselines.slots import WEEKEND, Moment, Rhythm, by_the_clock, days_of, localized, rhythm
from api.baselines.words import moved, sentence

__all__ = ["MAX_POINTS", "Baseline", "Direction", "Learning", "Point", "SeasonWanted", "Settings", "judge"]

MAX_POINTS = 1_000  # of more, the newest are looked at
MAX_COMPARED = 10

_LEAST = 3  # points, whatever the rule says
_LEAST_ALIKE = 3  # earlier points at such a time of a workday, or of a weekend
_SHORT_SPAN = 0.5  # days: points that reach back no further show no season
_NATS = 3.0  # scales that explain the points nearly as well as the best one count too: the band is as wide as their widest
_LEAST_SHARE = 1e-9  # of the center: what rounding may change
_TELLS = 0.97  # of two ways to tell weekdays the one with errors below this share of the other's is right
_KNOWN_HOLIDAYS = 5
_ROOM = 0.5  # how far a holiday may be beyond all earlier ones, as a share


def judge(points: Sequence[Point], at: datetime, zone: ZoneInfo, settings: Settings) -> Baseline:
    """The band for a value at `at`. Only points before `at` count, so never the judged one."""
    earlier = sorted((p for p in points if p.at < at and math.isfinite(p.value)), key=lambda p: (p.at, p.value, p.check_id))
    kept = [p for p in earlier[-MAX_POINTS:] if p.is_usable or p.is_outside]
    have, need = sum(p.is_usable for p in kept), max(settings.learn, _LEAST)
    if have < need:
        return _learning(have, need)
    beat = rhythm([days_of(p.at) for p in kept])
    ats = [*(p.at for p in kept), at]
    moments, minute = localized(ats, zone, beat)
    if beat.is_several_per_day or not beat.is_by_weekday:
        return _judged(kept, moments, beat, minute, settings)
    others = by_the_clock(ats, zone, beat)
    if all(moment.date == other.date for moment, other in zip(moments, others, strict=True)):
        return _judged(kept, moments, beat, minute, settings)
    return _around_midnight(kept, moments, others, lambda days: _judged(kept, days, beat, minute, settings))


def _around_midnight(
    kept: Sequence[Point], job: list[Moment], clock: list[Moment], judged: Callable[[list[Moment]], Baseline]
) -> Baseline:
    """Where points come once a day and their time wanders around midnight, the values say whether what is measured is of the
    job's day or of the clock's. Points outside count, too: they may be those that were taken for another day's. While the values
    do not tell, either day is usual."""
    by_job, by_clock = weekday_costs([job[:-1], clock[:-1]], [p.value for p in kept])
    found = judged(clock if by_clock < _TELLS * by_job else job)
    if job[-1].date == clock[-1].date or min(by_job, by_clock) < _TELLS * max(by_job, by_clock):
        return found
    other = judged(clock)
    if found.learning or other.learning:
        return found if found.learning else other
    return replace(
        found,
        low=_outermost(found.low, other.low, min),
        high=_outermost(found.high, other.high, max),
        words=f"{found.words}; so near midnight also {other.words}",
    )


def _outermost(one: float | None, other: float | None, of: Callable[[float, float], float]) -> float | None:
    return None if one is None or other is None else of(one, other)


def _judged(kept: Sequence[Point], moments: list[Moment], beat: Rhythm, minute: int, settings: Settings) -> Baseline:
    need = max(settings.learn, _LEAST)
    now, moments, days = moments[-1], moments[:-1], frozenset(settings.holidays)
    holidays = [p.value for p, moment in zip(kept, moments, strict=True) if moment.date in days and p.is_usable]
    if days:
        pairs = [(p, moment) for p, moment in zip(kept, moments, strict=True) if moment.date not in days]
        kept, moments = [p for p, _ in pairs], [moment for _, moment in pairs]
        if sum(p.is_usable for p in kept) < _LEAST:
            return _learning(sum(p.is_usable for p in kept), need)
    history = History(list(kept), moments, now, beat, settings)
    usable = [p for p in kept if p.is_usable]
    when = [moment for p, moment in zip(kept, moments, strict=True) if p.is_usable]
    if is_rare([p.value for p in usable], when, settings.season != "none" and beat.is_by_weekday):
        return _rare(history)
    alike = _alike(history, when)
    if alike < _LEAST_ALIKE:
        return _learning(alike, _LEAST_ALIKE, " at such a time of such a day")
    return _usual(history, usable, holidays if now.date in days else None, minute)


def _learning(have: int, need: int, of_what: str = "") -> Baseline:
    return Baseline(None, None, None, have, "none", Learning(have, need), (), None, f"learning {have} of {need}{of_what}")


def _alike(history: History, when: Sequence[Moment]) -> int:
    """Points that show what such a time is like: the first weekend or night of hourly points is learned before it is judged."""
    now = history.now
    if history.settings.season == "none" or not history.rhythm.is_by_weekday or now.days - when[0].days < _SHORT_SPAN:
        return _LEAST_ALIKE
    is_weekend = now.weekday >= WEEKEND
    return sum(moment.hour == now.hour and (moment.weekday >= WEEKEND) == is_weekend for moment in when)


def _usual(history: History, usable: Sequence[Point], holidays: list[float] | None, minute: int) -> Baseline:
    settings = history.settings
    found = fits(history, scales([p.value for p in usable]))
    best = max(found, key=lambda each: each.likelihood)
    low, high = _widest([each for each in found if each.likelihood >= best.likelihood - _NATS], settings.sensitivity)
    center = best.scale.back(best.center)
    least = max(settings.min_share * abs(center), settings.min_amount, _LEAST_SHARE * abs(center))
    is_counted = all(p.value == int(p.value) for p in usable)
    if best.sigma > 0 and is_counted and math.isfinite(high - low):
        low, high = math.floor(low), math.ceil(high)
    low, high = min(low, center - least), max(high, center + least)
    if min(p.value for p in usable) == 0 or (is_counted and min(p.value for p in usable) > 0):
        low = max(low, 0.0)
    if holidays is not None:
        low, high = _of_holiday(low, high, holidays)
    used = [history.points[i] for i in best.used]
    moved_at = None if best.moved is None else history.points[best.moved].at
    words = sentence(settings.direction, low, high, len(used), best.season.name, history.now, minute, holidays is not None)
    return _told(settings.direction, center, low, high, used, best.season.name, moved_at, words)


def _widest(fits: Sequence[Fit], sensitivity: float) -> tuple[float, float]:
    lows = [each.scale.back(each.center - sensitivity * each.sigma) for each in fits]
    highs = [each.scale.back(each.center + sensitivity * each.sigma) for each in fits]
    return min(lows), max(highs)


def _of_holiday(low: float, high: float, earlier: Sequence[float]) -> tuple[float, float]:
    """Until a few are known, anything from nothing up to the usual; then what they were, with room, and the usual."""
    if len(earlier) < _KNOWN_HOLIDAYS:
        return min(low, 0.0), max(high, 0.0)
    least, most = min(earlier), max(earlier)
    return min(low, least - _ROOM * abs(least)), max(high, most + _ROOM * abs(most))


def _rare(history: History) -> Baseline:
    """Zero is usual, and so is what is like the counts above it."""
    settings = history.settings
    usable = agreeing([p.value for p in history.points], [not p.is_usable for p in history.points], settings.adapt)
    used = [p for p, is_usable in zip(history.points, usable, strict=True) if is_usable]
    center = median([p.value for p in used])
    high = highest([p.value for p in used if p.value > 0], settings.sensitivity)
    high = max(high, center * (1 + settings.min_share), center + settings.min_amount)
    words = sentence(settings.direction, 0.0, high, len(used), "none", history.now, 0, False)
    return _told(settings.direction, center, 0.0, high, used, "none", None, words)


def _told(
    direction: Direction,
    center: float,
    low: float,
    high: float,
    used: Sequence[Point],
    season: str,
    moved_at: datetime | None,
    words: str,
) -> Baseline:
    center, low, high = rounded(center, "near"), rounded(low, "down"), rounded(high, "up")
    return Baseline(
        center if math.isfinite(center) else None,
        None if direction == "increase" or not math.isfinite(low) else float(low),
        None if direction == "decrease" or not math.isfinite(high) else float(high),
        len(used),
        season,
        None,
        tuple(reversed(used[-MAX_COMPARED:])),
        moved_at,
        words + moved(moved_at),
    )
