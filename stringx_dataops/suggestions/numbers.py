"""Numbers: bounds with head-room from the spread of the data, and how large they are on average."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from stringx_dataops.suggestions import keys
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.head_room import in_words, rounded_down, rounded_up

TAILS = 5.0  # e-foldings of an exponential tail beyond the largest value: a later load gets there once in 150
ERRORS = 6.0  # standard errors of a mean, for a load half as large
LEAST_DRIFT = 0.25  # standard deviations by which a mean may move for reasons of its own, where nothing is known of that …
STEADY_DRIFT = 0.1  # … and where tenths of the table do not differ by more than chance
MOST_DRIFT = 2.5  # standard deviations: with more, a column follows the order of loading, and its mean says nothing
WITH_ORDER = 2  # times their range, how far the numbers of such a column may go on
RANGE_OF_TEN = 4.0  # standard errors between the least and the greatest of ten equal means, hardly ever more
LEAST_SPREAD = 0.35  # by which share a standard deviation may change
LOOSEST_SPREAD = 1.0  # with more head-room it would not notice another unit
USUAL_KURTOSIS = 9.0  # where the tails are not shown
RARE = 0.001  # share of rows beyond the bounds that is a warning and no failure, where a tail has no end
RARE_NEGATIVE = 0.01  # the same of negative numbers, where none was seen
MOST_NULLS = 0.9
MOST_OTHERS = 50  # columns whose values could come in place of one's own
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
_SHORT_ZONE = re.compile(r"[+-][0-9]{2}$")
YEARS = (1800, 2200)  # whole numbers that all lie between are years


def number(text: str) -> float:
    """A value as PostgreSQL shows it."""
    return float(text)


def drafts(known: Known) -> Iterator[Draft]:
    """Of columns that measure something; at most bounds and one aggregate."""
    for seen in known.columns():
        column = seen.column
        if not seen.is_number or seen.values < FEWEST_ROWS or seen.nulls > seen.rows * MOST_NULLS or keys.is_key(seen):
            continue
        bounds = bounds_of(seen)
        if bounds is not None:
            yield _between(seen, bounds)
        elif not seen.shown and column.negatives == 0 and not column.nan and seen.values >= 1 / RARE_NEGATIVE:
            reason = f"None of the {seen.values:,} values is negative."
            rule = seen.rule("between", arguments={"min": 0}, warn_above=0, fail_above=f"{RARE_NEGATIVE:.0%}")
            yield Draft(f"{seen.name}_not_negative", rule, reason, 0.8)
        if (
            column.mean is not None
            and column.stddev
            and not column.nan
            and not column.infinities
            and not is_year(seen)
            and not follows_order(seen)
        ):
            yield from _aggregate(seen, known, bounds)


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


def _between(seen: Seen, bounds: Bounds) -> Draft:
    column = seen.column
    arguments = {name: _plain(value) for name, value in (("min", bounds.low), ("max", bounds.high)) if value is not None}
    fields = {} if bounds.hard or seen.values < 1 / RARE else {"warn_above": 0, "fail_above": "0.1%"}
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


@dataclass(frozen=True)
class Measure:
    """An aggregate that is bounded."""

    function: str
    now: float
    low: float
    high: float


def _aggregate(seen: Seen, known: Known, bounds: Bounds | None) -> Iterator[Draft]:
    """The mean or the standard deviation: whichever notices more of the faults that bounds do not; both without bounds."""
    measures = [each for each in (_mean(seen), _spread(seen)) if each is not None]
    noticed = {each.function: _notices(each, seen, known, bounds) for each in measures}
    measures.sort(key=lambda each: -len(noticed[each.function]))
    for rank, each in enumerate(measures):
        if rank and bounds is not None:
            break
        name = "mean" if each.function == "avg" else "standard deviation"
        reason = (
            f"The {name} of {seen.values:,} values is {in_words(each.now)}; the bounds allow for chance"
            " and some drift, and leave out other units, other columns and constants."
        )
        unit = max(each.high - each.low, 1e-12) / 50
        low, high = rounded_down(each.low, unit), rounded_up(each.high, unit)
        rule = seen.rule("aggregate", arguments={"function": each.function, "min": low, "max": high})
        yield Draft(f"{seen.name}_{each.function}", rule, reason, 0.7 - 0.1 * rank + len(noticed[each.function]) / 100)


def _mean(seen: Seen) -> Measure | None:
    column = seen.column
    assert column.mean is not None
    assert column.stddev is not None
    moved, tenths = drift(seen), column.tenths
    means = [column.mean, *(each.mean for each, _ in seen.older if each.mean is not None)]
    if moved and tenths is not None:
        means += [mean for mean in (tenths.least_mean, tenths.greatest_mean) if mean is not None]
    least_room = LEAST_DRIFT if moved is None else STEADY_DRIFT
    room = max(ERRORS * column.stddev / math.sqrt(seen.values), least_room * column.stddev)
    if room > 1.5 * column.stddev:
        return None
    room += (max(means) - min(means)) / 2
    return Measure("avg", column.mean, min(means) - room, max(means) + room)


def drift(seen: Seen) -> float | None:
    """By how much more than chance the means of tenths of the table differ; None if that was not measured."""
    column, tenths = seen.column, seen.column.tenths
    if tenths is None or tenths.least_mean is None or tenths.greatest_mean is None or not tenths.tenth or column.stddev is None:
        return None
    chance = RANGE_OF_TEN * column.stddev / math.sqrt(tenths.tenth)
    return max(0.0, tenths.greatest_mean - tenths.least_mean - chance)


def _spread(seen: Seen) -> Measure | None:
    column = seen.column
    assert column.mean is not None
    assert column.stddev is not None
    kurtosis = USUAL_KURTOSIS
    if seen.shown and column.min is not None and column.max is not None:
        farthest = max(abs(number(column.max) - column.mean), abs(number(column.min) - column.mean)) / column.stddev
        kurtosis = 3 + farthest**4 / seen.values
    room = max(LEAST_SPREAD, ERRORS * math.sqrt(kurtosis / (4 * seen.values)))
    if room > LOOSEST_SPREAD:
        return None
    spreads = [column.stddev, *(each.stddev for each, _ in seen.older if each.stddev is not None)]
    return Measure("stddev", column.stddev, min(spreads) / (1 + room), max(spreads) * (1 + room))


def _notices(measure: Measure, seen: Seen, known: Known, bounds: Bounds | None) -> list[int]:
    """Which of some faults of all rows it notices and the bounds do not: other units, a constant, the values of other columns."""
    column = seen.column
    assert column.mean is not None
    assert column.stddev is not None
    linear = [
        (1000.0, 0.0),
        (0.001, 0.0),
        (2.54, 0.0),
        (1 / 2.54, 0.0),
        (5 / 9, -160 / 9),
        (9 / 5, 32.0),
        (0.0, column.mean),
        (-1.0, 0.0),
    ]
    faults = [(factor * column.mean + shift, abs(factor) * column.stddev) for factor, shift in linear]
    others = (each.column for each in known.columns() if each.column.family == column.family and each.name != seen.name)
    faults += [
        (each.mean, each.stddev) for each in islice(others, MOST_OTHERS) if each.mean is not None and each.stddev is not None
    ]
    found = []
    for index, (mean, spread) in enumerate(faults):
        if bounds is not None and _outside(mean, spread, bounds):
            continue
        value = mean if measure.function == "avg" else spread
        if not measure.low <= value <= measure.high:
            found.append(index)
    return found


def _outside(mean: float, spread: float, bounds: Bounds) -> bool:
    """Whether many such values lie outside the bounds."""
    return (bounds.low is not None and mean - 1.5 * spread < bounds.low) or (
        bounds.high is not None and mean + 1.5 * spread > bounds.high
    )


def moment(text: str) -> datetime | None:
    """A date or a timestamp as PostgreSQL shows it; None beyond the years that Python knows."""
    try:
        return datetime.fromisoformat(f"{text}:00" if " " in text and _SHORT_ZONE.search(text) else text)
    except ValueError:
        return None
