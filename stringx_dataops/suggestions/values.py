"""Columns with few values: which they are, and that they go on being different."""

import math
from collections.abc import Iterator

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions import comments, keys
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.head_room import percent, share_above, share_text

MOST_VALUES = 50  # of a list
MOST_DISTINCT = 0.1  # of all values: with more, the list goes on
MOST_UNSEEN = 0.01  # rows that may have a value which was never seen
FEWEST_EACH = 3  # rows of the rarest value, for a list that is complete
MOST_NUMBERS = 6  # a list of numbers is short, or they are counts
MOST_SINGLE = 0.1  # of the values occur once, where nearly all are known
SPARE = 0.1  # more different values than there are
KEPT = 0.25  # of the values that were seen, a later load has at least so many
_LISTED = ("text", "integer", "boolean", "enum")


def drafts(known: Known) -> Iterator[Draft]:
    """A list of values, or of labels; and how many different values there are at least."""
    for seen in known.columns():
        column = seen.column
        listed = _labels(seen) or _commented(seen) or _listed(seen)
        if listed:
            yield listed
        if seen.values >= 100 and column.distinct and column.distinct >= 2 and column.family not in ("decimal", "float"):
            yield from _different(seen)


def _labels(seen: Seen) -> Draft | None:
    labels = seen.column.enum
    if not labels or len(labels) > MOST_VALUES:
        return None
    reason = f"The type {seen.column.type} has these labels; the rule holds them also where the column becomes a text."
    return Draft(f"{seen.name}_accepted", seen.rule("accepted_values", arguments={"values": list(labels)}), reason, 0.5)


def _commented(seen: Seen) -> Draft | None:
    """Of a column whose comment lists its values, and that has no other."""
    values = comments.listed_values(seen.column.comment)
    if not values or len(values) > MOST_VALUES or not seen.shown or not seen.column.top:
        return None
    if not {each.value for each in seen.column.top} <= set(values) or sum(each.count for each in seen.column.top) != seen.values:
        return None
    reason = f"The comment lists {len(values)} values, and all {seen.values:,} are of them."
    return Draft(f"{seen.name}_accepted", seen.rule("accepted_values", arguments={"values": values}), reason, 0.88)


def _listed(seen: Seen) -> Draft | None:
    column = seen.column
    if (
        not seen.shown
        or not column.top
        or column.family not in _LISTED
        or column.family == "boolean"
        or seen.values < FEWEST_ROWS
    ):
        return None
    counts = [each.count for each in column.top]
    values = [each.value for each in column.top]
    if sum(counts) != seen.values or len(values) > MOST_VALUES or len(values) > seen.values * MOST_DISTINCT:
        return None
    if column.family == "integer" and (len(values) > MOST_NUMBERS or keys.is_key(seen) or _are_counts(values)):
        return None
    if any(len(value) >= 200 for value in values) or _is_growing(seen, set(values)):
        return None
    rare = sum(1 for count in counts if count == 1)
    written: list[int] | list[str] = sorted(values)
    if column.family == "integer":
        written = sorted(int(value) for value in values)
    rule = seen.rule("accepted_values", arguments={"values": written})
    reason = f"The {seen.values:,} values are {len(values)} different ones, the rarest of them in {min(counts):,} rows."
    if min(counts) >= FEWEST_EACH and seen.is_sample:
        return Draft(f"{seen.name}_accepted", rule | {"fail_above": share_text(share_above(0, seen.values))}, reason, 0.84)
    if min(counts) >= FEWEST_EACH:
        return Draft(f"{seen.name}_accepted", rule, reason, 0.86)
    unseen = share_above(rare, seen.values)
    if unseen > MOST_UNSEEN:
        return None
    more = f" {rare:,} occur once, so up to {percent(unseen)} of later rows may have new ones (Good and Turing)."
    return Draft(f"{seen.name}_accepted", rule | {"fail_above": share_text(unseen)}, reason + more, 0.8)


def _are_counts(values: list[str]) -> bool:
    """Whether the numbers follow each other, as counts and times do; 0 and 1 alone are yes and no."""
    numbers = sorted(int(value) for value in values)
    return len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _is_growing(seen: Seen, values: set[str]) -> bool:
    """Whether it has values that an older profile did not have."""
    for older, rows in seen.older:
        if older.distinct is not None and older.distinct < len(values) and rows >= seen.rows / 2:
            return True
        if older.top is not None and not values <= {each.value for each in older.top}:
            return True
    return False


def _different(seen: Seen) -> Iterator[Draft]:
    """A constant in place of values, or a few of them. Only where common values alone are that many."""
    column = seen.column
    distinct, common = column.distinct or 0, column.most_common
    if common is None or common > seen.values * 0.9:
        return
    if not column.is_distinct_exact:
        return
    least = max(2, int(distinct * KEPT))
    arguments: JsonObject = {"function": "distinct_count", "min": least}
    reason = f"There are {distinct:,} different values; fewer than {least:,} would be a constant or a part of them"
    singles = column.singles
    is_closed = singles is not None and distinct <= seen.values * MOST_DISTINCT and not keys.is_key(seen) and not seen.older
    if is_closed and singles is not None and singles <= max(1, distinct * MOST_SINGLE):
        # Values that were seen once stand for as many that were not seen.
        arguments["max"] = math.ceil(distinct * (1 + SPARE)) + 2 * singles + 1
        reason += f", and more than {arguments['max']:,} would be unknown ones"
    yield Draft(f"{seen.name}_distinct", seen.rule("aggregate", arguments=arguments), f"{reason}.", 0.6)
