"""Numbers: their bounds, and how large they are on average."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from stringx_dataops.suggestions import keys
from stringx_dataops.suggestions.bounds import Bounds, are_outside, between, bounds_of, drift, follows_order, is_year
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.head_room import in_words, rounded_down, rounded_up
from stringx_dataops.suggestions.reading import number

ERRORS = 6.0  # standard errors of a mean, for a load half as large
LEAST_DRIFT = 0.25  # standard deviations by which a mean may move for reasons of its own, where nothing is known of that …
STEADY_DRIFT = 0.1  # … and where tenths of the table do not differ by more than chance
LEAST_SPREAD = 0.35  # by which share a standard deviation may change
LOOSEST_SPREAD = 1.0  # with more head-room it would not notice another unit
USUAL_KURTOSIS = 9.0  # where the tails are not shown
RARE_NEGATIVE = 0.01  # the same of negative numbers, where none was seen
MOST_NULLS = 0.9
MOST_OTHERS = 50  # columns whose values could come in place of one's own


def drafts(known: Known) -> Iterator[Draft]:
    """Of columns that measure something; at most bounds and one aggregate."""
    for seen in known.columns():
        column = seen.column
        if not seen.is_number or seen.values < FEWEST_ROWS or seen.nulls > seen.rows * MOST_NULLS or keys.is_key(seen):
            continue
        bounds = bounds_of(seen)
        if bounds is not None:
            yield between(seen, bounds)
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
        if bounds is not None and are_outside(mean, spread, bounds):
            continue
        value = mean if measure.function == "avg" else spread
        if not measure.low <= value <= measure.high:
            found.append(index)
    return found
