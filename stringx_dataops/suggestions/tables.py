"""The table as a whole: how many rows, which columns, and what its check constraints say."""

import re
from collections.abc import Iterator

from stringx_dataops.suggestions import keys
from stringx_dataops.suggestions.drafts import Draft, Known
from stringx_dataops.suggestions.head_room import percent, rounded_down, rounded_up
from stringx_dataops.suggestions.presence import MOST_MISSING

FEWEST_IN_TABLE = 10
LEAST_KEPT = 0.7  # of the rows: half of a load is missed otherwise
STEADY = 0.1  # by which row counts differ that do not grow
FEWEST_NULLS = 30
FEW_VALUES = 6
FEWEST_COUNTS = 5  # for an upper bound
MOST_NAMES = 200
MOST_CHECK_CONSTRAINTS = 20
MAX_DEFINITION = 1000  # characters, where profiles cut it
_CHECK = re.compile(r"CHECK \((.*)\)(?: NOT VALID| NO INHERIT)*", re.DOTALL)


def drafts(known: Known) -> Iterator[Draft]:
    yield from _row_count(known)
    yield from _usual(known)
    yield from _columns(known)
    yield from _check_constraints(known)
    for seen in known.columns():
        if kind := known.engine.type_of(seen.column.type):
            reason = f"It is {'an' if kind == 'integer' else 'a'} {kind}, and other rules read its values so."
            # A mean that is bounded cannot be read of texts; where there is none, the type says it.
            value = 0.62 if keys.is_key(seen) or (seen.column.distinct or 0) <= FEW_VALUES else 0.3
            yield Draft(f"{seen.name}_type", seen.rule("column_type", arguments={"type": kind}), reason, value)


def _row_count(known: Known) -> Iterator[Draft]:
    profile = known.profile
    if profile.row_count < FEWEST_IN_TABLE:
        return
    counts = [*(each.row_count for each in known.older), *(each.row_count for each in known.checks)]
    everything = [*counts, profile.row_count]
    before = "one earlier profile or check" if len(counts) == 1 else f"{len(counts)} earlier profiles and checks"
    steady = len(everything) >= FEWEST_COUNTS and max(everything) - min(everything) <= STEADY * max(everything)
    least = min(min(everything) * 0.9 if steady else min(everything), profile.row_count) * (1 if steady else LEAST_KEPT)
    arguments: dict[str, int | float] = {"min": rounded_down(least, least / 10)}
    words = f"The table has {profile.row_count:,} rows"
    if profile.is_estimated:
        words = f"The table has about {profile.row_count:,} rows"
    if steady:
        most = max(everything) * 1.5
        arguments["max"] = rounded_up(most, most / 10)
        words += f", and had {min(everything):,} to {max(everything):,} in {before}"
    elif counts:
        words += f", at least {min(everything):,} in {before}"
    reason = f"{words}; a load that ends halfway has fewer."
    yield Draft("enough_rows", {"type": "row_count", "arguments": arguments}, reason, 0.95)


def _usual(known: Known) -> Iterator[Draft]:
    """What only a history can judge; it warns, and passes while it learns. Of columns that are mostly NULL, how much they are."""
    if known.profile.row_count >= FEWEST_IN_TABLE:
        rule = {"type": "unusual", "arguments": {"of": "row_count"}}
        reason = "Row counts are judged by those of earlier checks, as soon as there are enough."
        yield Draft("usual_rows", rule, reason, 0.65)
    for seen in known.columns():
        if FEWEST_NULLS <= seen.nulls < seen.rows and seen.nulls > seen.rows * MOST_MISSING:
            of = {"function": "null_ratio", "column": seen.name}
            reason = f"{percent(seen.nulls / seen.rows)} of {seen.rows:,} rows are NULL, which earlier checks are compared with."
            yield Draft(f"{seen.name}_usual_nulls", {"type": "unusual", "arguments": {"of": of}}, reason, 0.74)


def _columns(known: Known) -> Iterator[Draft]:
    """Not in a profile of some columns only, which cannot be told apart from one of all: then the rule asks for those."""
    names = [column.name for column in known.profile.columns]
    if 0 < len(names) <= MOST_NAMES:
        rule = {"type": "columns", "arguments": {"names": names, "mode": "contains"}}
        yield Draft(
            "columns_there",
            rule,
            f"The table has {'this column' if len(names) == 1 else f'these {len(names)} columns'}; more may come.",
            0.7,
        )


def _check_constraints(known: Known) -> Iterator[Draft]:
    """Those that are not validated hold for new rows only; the others hold until somebody drops them. A constraint may also call
    functions that a rule may not."""
    checks = [each for each in known.profile.constraints if each.kind == "check"][:MOST_CHECK_CONSTRAINTS]
    for each in checks:
        match = _CHECK.fullmatch(each.definition.strip())
        if match is None or len(each.definition) >= MAX_DEFINITION or known.engine.judge.fault_of_condition(match[1]):
            continue
        state = (
            "says so, and the rule goes on if it is dropped."
            if each.is_valid
            else "is not validated, so old rows may violate it."
        )
        rule = {"type": "expression", "arguments": {"sql": match[1]}}
        yield Draft(each.name, rule, f"The check constraint {each.name} {state}", 0.4 if each.is_valid else 0.8)
