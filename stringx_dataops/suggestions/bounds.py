"""Bounds of numbers, with head-room from the spread of the data and from how much it moves along the table."""

import math
import re
from dataclasses import dataclass

from stringx_dataops.suggestions import comments
from stringx_dataops.suggestions.drafts import Draft, Seen
from stringx_dataops.suggestions.head_room import rounded_down, rounded_up
from stringx_dataops.suggestions.reading import number

TAILS = 5.0  # e-foldings of an exponential tail beyond the largest value: a later load gets there once in 150
MOST_DRIFT = 2.5  # standard deviations: with more, a column follows the order of loading, and its mean says nothing
WITH_ORDER = 2  # times their range, how far the numbers of such a column may go on
RANGE_OF_TEN = 4.0  # standard errors between the least and the greatest of ten equal means, hardly ever more
RARE = 0.001  # share of rows beyond the bounds that is a warning and no failure, where a tail has no end
YEARS = (1800, 2200)  # whole numbers that all lie between are years
_YEAR = re.compile(r"year|yr|vintage", re.IGNORECASE)
_NATURAL = [
    (re.compile(pattern, re.IGNORECASE), low, high)
    for pattern, low, high in (
        (r"(^|_)months?$", 1, 12),
        (r"(^|_)day(_of_month)?$", 1, 31),
        (r"(^|_)hours?$", 0, 24),
        (r"(^|_)(minute|second)s?$", 0, 60),
        (r"(^|_)(week_?day|day_?of_?week|dow)$", 0, 7),
    )
]
_PLACES = [  # the same of places, where a table may have a part of the world
    (re.compile(r"(^|_)lat(itude)?$", re.IGNORECASE), -90, 90),
    (re.compile(r"(^|_)(lon|lng|long)(itude)?$", re.IGNORECASE), -180, 180),
]


@dataclass(frozen=True)
class Bounds:
    """Where all values of a later load are expected; None has no bound. `hard`: values pile up at the ends, which are limits."""

    low: float | None
    high: float | None
    hard: bool


def bounds_of(seen: Seen) -> Bounds | None:
    """Of a column whose values are shown, without NaN and infinities."""
    column = seen.column
    if not seen.shown or column.min is None or column.max is None or not column.quantiles or column.nan or column.infinities:
        return None
    at = {share: number(text) for share, text in column.quantiles.items()}
    least, most = number(column.min), number(column.max)
    for older, _ in seen.older:
        if older.min is not None and older.max is not None and not older.values_hidden:
            least, most = min(least, number(older.min)), max(most, number(older.max))
    count, middle = seen.values, at.get("0.5", (least + most) / 2)
    below = _tail(least - middle, at.get("0.05", least) - middle, at.get("0.01", least) - middle, count)
    above = _tail(most - middle, at.get("0.95", most) - middle, at.get("0.99", most) - middle, count)
    natural = natural_limits(seen.name, least, most)
    if natural is not None:
        return Bounds(*natural, True)
    if is_year(seen):
        return Bounds(math.floor(least - max(below, 5, (most - least) / 2)), None, True)
    if column.distinct == 1:
        return None
    moved = drift(seen) or 0.0
    if follows_order(seen):
        moved = 2 * WITH_ORDER * (most - least)
    low, high = least - below - moved / 2, most + above + moved / 2
    if moved and low < 0 <= least and not column.negatives:
        low = 0.0
    if low < 0 <= least and (column.zeros or least < below / 10):
        low = 0.0  # a limit: rows lie at it
    if high > 0 >= most and column.zeros:
        high = 0.0
    if place := _limits(seen.name, least, most, _PLACES):
        low, high = max(low, place[0]), min(high, place[1])
    allowed = comments.limits(column.comment)
    if allowed[0] is not None and allowed[0] <= least:
        low = max(low, allowed[0])
    if allowed[1] is not None and most <= allowed[1]:
        high = min(high, allowed[1])
    unit = max(most - least, abs(most) / 1000) / 200
    if column.family == "integer":
        return Bounds(math.floor(low), math.ceil(high), below == above == moved == 0)
    return Bounds(rounded_down(low, unit), rounded_up(high, unit), below == above == moved == 0)


def _tail(extreme: float, twentieth: float, hundredth: float, count: int) -> float:
    """Head-room beyond an extreme, as distances from the middle: as an exponential tail of its scale goes on."""
    extreme, twentieth, hundredth = abs(extreme), abs(twentieth), abs(hundredth)
    scales = [(hundredth - twentieth) / math.log(5)]
    if count >= 300:
        scales.append((extreme - hundredth) / math.log(count / 100))
    if count >= 60:
        scales.append((extreme - twentieth) / math.log(count / 20))
    else:
        scales.append(extreme / math.log(max(count / 2, 3)))
    return TAILS * max(0.0, *scales)


def follows_order(seen: Seen) -> bool:
    """Whether its numbers rise or fall along the table, as those of a series do."""
    moved = drift(seen)
    return moved is not None and moved > MOST_DRIFT * (seen.column.stddev or 0)


def natural_limits(name: str, least: float, most: float) -> tuple[float, float] | None:
    """Of parts of dates and times, by their name, if all values are within."""
    return _limits(name, least, most, _NATURAL)


def _limits(name: str, least: float, most: float, known: list[tuple[re.Pattern[str], int, int]]) -> tuple[float, float] | None:
    for pattern, low, high in known:
        if pattern.search(name) and low <= least and most <= high:
            return low, high
    return None


def is_year(seen: Seen) -> bool:
    """Whether its numbers are years, which go on."""
    column = seen.column
    if column.family != "integer" or not _YEAR.search(seen.name):
        return False
    if column.min is None or column.max is None:
        return column.mean is not None and YEARS[0] <= column.mean <= YEARS[1]
    return YEARS[0] <= number(column.min) and number(column.max) <= YEARS[1]


def drift(seen: Seen) -> float | None:
    """By how much more than chance the means of tenths of the table differ; None if that was not measured."""
    column, tenths = seen.column, seen.column.tenths
    if tenths is None or tenths.least_mean is None or tenths.greatest_mean is None or not tenths.tenth or column.stddev is None:
        return None
    chance = RANGE_OF_TEN * column.stddev / math.sqrt(tenths.tenth)
    return max(0.0, tenths.greatest_mean - tenths.least_mean - chance)


def are_outside(mean: float, spread: float, bounds: Bounds) -> bool:
    """Whether many such values lie outside the bounds."""
    return (bounds.low is not None and mean - 1.5 * spread < bounds.low) or (
        bounds.high is not None and mean + 1.5 * spread > bounds.high
    )


def between(seen: Seen, bounds: Bounds) -> Draft:
    column = seen.column
    arguments = {name: _plain(value) for name, value in (("min", bounds.low), ("max", bounds.high)) if value is not None}
    fields = {} if (bounds.hard and not seen.is_sample) or seen.values < 1 / RARE else {"warn_above": 0, "fail_above": "0.1%"}
    seen_words = f"The {seen.values:,} values lie between {column.min} and {column.max}"
    quantiles = column.quantiles or {}
    inner = f", 98% of them between {quantiles['0.01']} and {quantiles['0.99']}" if {"0.01", "0.99"} <= set(quantiles) else ""
    reason = f"{seen_words}{inner}; the bounds leave head-room as the tails have it."
    if bounds.hard and natural_limits(seen.name, number(column.min or "0"), number(column.max or "0")):
        reason = f"{seen_words}, within what such a column can have."
    elif bounds.hard:
        reason = f"{seen_words}, where many of them are."
    if is_year(seen):
        reason = f"{seen_words}; years go on, so only earlier ones are unusual."
    return Draft(f"{seen.name}_between", seen.rule("between", arguments=arguments, **fields), reason, 0.84)


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) and abs(value) < 1e15 else value
