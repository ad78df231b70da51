"""Pairs of columns: one that is never above another, where their values overlap enough for that to say something."""

from collections.abc import Iterator

from stringx_dataops.contract.documents.globs import literal_column
from stringx_dataops.contract.messages.profiles import ColumnProfile, Comparison
from stringx_dataops.suggestions.drafts import Draft, Known
from stringx_dataops.suggestions.head_room import share_above, share_text

FEWEST_PAIRS = 200  # rows that have both
MOST_COMPARED = 5  # rules per table
MOST_ABOVE = 0.001  # of the rows
NEAR = 0.75  # of the sum of both standard deviations: means that are further apart say it already


def drafts(known: Known) -> Iterator[Draft]:
    """Moments first, then the numbers that overlap most."""
    found = []
    for each in known.profile.comparisons:
        one, other = known.profile.column(each.column), known.profile.column(each.other_column)
        if one is not None and other is not None and each.rows >= FEWEST_PAIRS:
            distance = 0.0 if one.family in ("date", "timestamp") else _distance(one, other)
            if distance < NEAR and each.at_most != each.at_least:
                found.append((distance, each))
    for _, each in sorted(found, key=lambda pair: pair[0])[:MOST_COMPARED]:
        yield from _draft(each)


def _distance(one: ColumnProfile, other: ColumnProfile) -> float:
    """Of the means, in standard deviations of both."""
    if one.mean is None or other.mean is None or not one.stddev or not other.stddev:
        return NEAR
    return abs(one.mean - other.mean) / (one.stddev + other.stddev)


def _draft(each: Comparison) -> Iterator[Draft]:
    for operator, words, holding in (("<=", "at most", each.at_most), (">=", "at least", each.at_least)):
        violating = each.rows - holding
        if violating > each.rows * MOST_ABOVE:
            continue
        rule = {
            "type": "compare",
            "column": literal_column(each.column),
            "arguments": {"operator": operator, "other_column": each.other_column},
            "fail_above": share_text(share_above(violating, each.rows)),
        }
        share = "all" if not violating else f"all but {violating:,}"
        reason = f"{each.column} is {words} {each.other_column} in {share} of {each.rows:,} rows that were looked at."
        yield Draft(f"{each.column}_{'up_to' if operator == '<=' else 'from'}_{each.other_column}", rule, reason, 0.87)
