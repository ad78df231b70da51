"""Measures that are held against those of another table: row_count_matches, aggregate_matches."""

import math
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from stringx_dataops.contract.documents.values import order
from tests.truth.conditions import Condition, draw_condition
from tests.truth.kinds import DOUBLE, INTEGER, MANY_VALUED, NUMERIC, REAL
from tests.truth.measures import EXACT, FUNCTIONS, NUMBERS, RATIOS, measure, near, numbers
from tests.truth.tables import Draft
from tests.truth.truth import Measured, Scope, Tested, rule_type


def draw_tolerance(draft: Draft, wish: str, difference: Any, other: Any, whole: bool) -> tuple[Any, Fraction | None]:
    """A tolerance as a document has it, and its size; the second is none where it is a share of the other's value."""
    size = abs(Fraction(difference)) if math.isfinite(difference) else Fraction(0)
    if wish == "fail":
        given = draft.choose(None, 0, "0%", *([int(size) - 1] if size > 1 else []))
    elif wish == "pass":
        given = draft.choose(math.ceil(size), math.ceil(size) + 5, *(["250 %"] if other and size * 2 <= abs(other) else []))
    else:
        given = draft.choose(0, 1, 2.5, 10, "10%", "50%", "33.3%", "100%", math.ceil(size))
    return given, Fraction(str(given or 0)) if not isinstance(given, str) else None


def differ(own: Any, other: Any) -> Any:
    """The absolute difference: none of equal infinities, NaN from everything else NaN."""
    if math.isfinite(own) and math.isfinite(other):
        return abs(Fraction(own) - Fraction(other))
    return Fraction(0) if own == other else abs(float(own) - float(other))


def beyond(difference: Any, other: Any, given: Any) -> bool:
    if difference == 0 or not math.isfinite(difference):
        return difference != 0
    limit = Fraction(given.rstrip("% ")) / 100 * abs(Fraction(other)) if isinstance(given, str) else Fraction(str(given or 0))
    return difference > limit


def compared(
    draft: Draft,
    wish: str,
    type: str,
    own: Any,
    other: Any,
    arguments: dict[str, Any],
    columns: list[str],
    values: Any,
    exact: bool,
) -> Tested:
    """row_count_matches and aggregate_matches; `values` gives both values of a scope."""
    known = own is not None and other is not None
    difference = differ(own, other) if known else Fraction(0)
    other_known = Fraction(other) if known and math.isfinite(other) else Fraction(0)
    assume(wish not in ("pass", "fail") or known)
    assume(wish != "pass" or math.isfinite(difference))
    assume(wish != "fail" or (difference != 0 and (exact or not abs(difference) <= Fraction(1, 10**6))))
    given, _ = draw_tolerance(draft, wish, difference, other_known, exact)
    if type == "row_count_matches" and given == 2.5:  # there is no half of a row
        given = 2
    warn = draft.choose(None, given, 0, "1%", 3) if wish == "free" else None
    if given is not None:
        arguments["tolerance"] = given
    if warn is not None:
        arguments["warn"] = {"tolerance": warn}
        if draft.chance():
            arguments.pop("tolerance", None)
    if warn is not None and order(warn, arguments.get("tolerance")) in (0, 1):  # it would fail first
        del arguments["warn"]
        warn = None
    fails_by = arguments.get("tolerance", 0 if warn is None else None)
    may_fail = fails_by is not None

    def truth(scope: Scope) -> Measured:
        mine, theirs = values(scope)
        if mine is None or theirs is None:
            return Measured(None, len(scope.rows), False, False, may_fail, mine is not None or theirs is not None)
        found = differ(mine, theirs)
        if not exact and math.isfinite(found) and math.isfinite(theirs):  # equal infinities do not differ
            for limit in (fails_by, warn):
                if limit is not None:
                    share = isinstance(limit, str)
                    assume(
                        not near(
                            found, Fraction(limit.rstrip("% ")) / 100 * abs(Fraction(theirs)) if share else Fraction(str(limit))
                        )
                    )
        fails = may_fail and beyond(found, theirs, fails_by)
        warns = warn is not None and beyond(found, theirs, warn)
        whole = isinstance(mine, int) and isinstance(theirs, int)
        return Measured(int(found) if whole else found, len(scope.rows), fails, warns, may_fail)

    return Tested(type, columns, arguments, truth)


def other_condition(draft: Draft, wish: str, table: Any) -> Condition | None:
    usable = [column for column in table.columns if column.kind.ordered and column.kind not in (DOUBLE, REAL)]
    return draw_condition(draft, usable, 1) if wish == "free" and usable and draft.chance() else None


@rule_type("row_count_matches")
def row_count_matches(draft: Draft, wish: str) -> Tested:
    size = draft.choose(*range(8))
    if wish == "fail" and size == draft.size:
        size += 1
    other = draft.other(size)
    draft.add(INTEGER, [draft.draw(st.one_of(st.integers(0, 5), st.none())) for _ in range(size)], other)
    condition = other_condition(draft, wish, other)
    arguments = {"other_table": other.written} | ({"other_where": condition.sql} if condition else {})

    def values(scope: Scope) -> tuple[int, int]:
        return len(scope.rows), sum(condition is None or condition.holds(row) is True for row in other.rows)

    return compared(draft, wish, "row_count_matches", draft.size, size, arguments, [], values, True)


@rule_type("aggregate_matches")
def aggregate_matches(draft: Draft, wish: str) -> Tested:
    function = draft.choose(*FUNCTIONS)
    kind = draft.choose(*NUMBERS) if function not in RATIOS else draft.choose(*MANY_VALUED)
    other_kind = kind if function in RATIOS or kind in (DOUBLE, REAL) else draft.choose(kind, kind, *(INTEGER, NUMERIC))
    p = draft.choose(0, 0.25, 0.5, 1) if function == "percentile" else None
    odd = draft.choose(False, False, True)
    own_cells = draft.plain_cells(numbers(kind, odd) if kind in NUMBERS else kind.values)
    column = draft.add(kind, own_cells)
    other = draft.other(draft.choose(*range(1 if wish in ("pass", "fail") else 0, 7)))
    strategy = numbers(other_kind, odd) if other_kind in NUMBERS else other_kind.values
    other_cells = [
        draft.draw(strategy if wish in ("pass", "fail") else st.one_of(strategy, st.none())) for _ in range(other.size)
    ]
    if wish == "pass" and function == "stddev" and other.size < 2:
        function = "sum"
    arguments: dict[str, Any] = {"function": function, "other_table": other.written} | ({} if p is None else {"p": p})
    other_column = draft.add(other_kind, other_cells, other)
    if other_column != column:
        arguments["other_column"] = other_column
    condition = other_condition(draft, wish, other)
    if condition:
        arguments["other_where"] = condition.sql

    def values(scope: Scope) -> tuple[Any, Any]:
        theirs = [row[other_column] for row in other.rows if condition is None or condition.holds(row)]
        return measure(function, kind, [row[column] for row in scope.rows], p), measure(function, other_kind, theirs, p)

    own, theirs = measure(function, kind, own_cells, p), measure(function, other_kind, other_cells, p)
    return compared(draft, wish, "aggregate_matches", own, theirs, arguments, [column], values, function in EXACT)
