"""Dates and timestamps: not in the future, not long before the others, and as fresh as they have been."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.reading import moment

FEWEST_PROFILES = 3  # that show how old the latest value is
MOST_AGE_DAYS = 60
LEAST_BEFORE = timedelta(days=365)


def drafts(known: Known) -> Iterator[Draft]:
    for seen in known.columns():
        column = seen.column
        if not seen.is_moment or seen.values < FEWEST_ROWS:
            continue
        if column.future == 0 and all(not older.future for older, _ in seen.older):
            reason = f"None of the {seen.values:,} values is later than the snapshot."
            yield Draft(f"{seen.name}_not_in_future", seen.rule("not_in_future", arguments={"tolerance": "1d"}), reason, 0.85)
        yield from _earliest(seen)
        yield from _freshness(seen, known)


def _earliest(seen: Seen) -> Iterator[Draft]:
    """Later ones come by themselves, so there is no upper bound."""
    column = seen.column
    if not seen.shown or column.min is None or column.max is None:
        return
    least, most = moment(column.min), moment(column.max)
    if least is None or most is None:
        return
    early = least - max((most - least) / 2, LEAST_BEFORE) if least.year > 2 else None
    if early is None:
        return
    bound = f"{early.year:04}-01-01"
    reason = f"The earliest of {seen.values:,} values is {column.min}, the latest {column.max}."
    yield Draft(f"{seen.name}_since", seen.rule("between", arguments={"min": bound}), reason, 0.83)


def _freshness(seen: Seen, known: Known) -> Iterator[Draft]:
    """Only where each profile has found a later value than the one before, and none of them was old."""
    if seen.column.values_hidden or seen.column.future or len(known.older) + 1 < FEWEST_PROFILES:
        return
    moments: list[datetime] = []
    ages: list[float] = []
    for profile in (*known.older, known.profile):
        column = profile.column(seen.name)
        latest = moment(column.max) if column and column.max else None
        if latest is None:
            return
        if latest.tzinfo is None:
            return  # its zone is the document's, which a profile does not know
        moments.append(latest)
        ages.append((profile.snapshot_at - latest).total_seconds() / 3600)
    if any(later <= earlier for earlier, later in pairwise(moments)) or min(ages) < 0:
        return
    hours = max(1, math.ceil(max(ages) * 2))
    if hours > MOST_AGE_DAYS * 24:
        return
    rule = seen.rule("freshness", arguments={"max_age": f"{hours}h"})
    words = f"In {len(ages)} profiles the latest value was later each time, and at most {max(ages):.1f} hours old."
    yield Draft(f"{seen.name}_fresh", rule, words, 0.87)
