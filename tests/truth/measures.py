"""Measured rules: counts and aggregates against bounds, and against another table."""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from contract.values import order
from tests.truth.conditions import Condition, draw_condition
from tests.truth.kinds import (
    BIGINT,
    DATE,
    DOUBLE,
    DYADIC,
    EVERY,
    INTEGER,
    MANY_VALUED,
    MONEY,
    NUMERIC,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Endless,
    Kind,
    decimals,
)
from tests.truth.sets import quantile
from tests.truth.tables import Draft
from tests.truth.truth import Measured, Scope, Tested, outside, rule_type, undecided

Bounds = dict[str, Any]
WHOLE = (INTEGER, BIGINT, SMALLINT)
NUMBERS = (*WHOLE, NUMERIC, MONEY, DOUBLE)
EXACT = ("min", "max", "sum", "distinct_count")  # what PostgreSQL does not round
RATIOS = ("distinct_count", "distinct_ratio", "null_ratio")
FUNCTIONS = ("min", "max", "sum", "avg", "stddev", "median", "percentile", *RATIOS)


def draw_bounds(draft: Draft, wish: str, value: Any, whole: bool, exact: bool, floor: int | None = None) -> Bounds:
    """Bounds about a number that it meets, or does not."""
    steps = (
        [0, 1, 5]
        if whole
        else [Decimal("0"), Decimal("0.01"), Decimal(1), Decimal(10)]
        if exact
        else [Decimal("0.01"), Decimal(1), Decimal(10)]
    )
    at = value if whole else round(Decimal(str(float(value))), 3)
    if exact and not whole:
        at = value if isinstance(value, Decimal) else Decimal(repr(value))
    found: Bounds = {}
    sides = draft.choose(["min"], ["max"], ["min", "max"])
    broken = draft.choose(*sides) if wish == "fail" else None
    for side in sides:
        up = (side == "max") is not (side == broken)
        if wish == "free":
            up = draft.chance()
        step = draft.choose(*steps)
        strict = draft.choose(None, False, True)
        if side == broken and step == 0:
            strict = True
        elif step == 0 and wish == "pass":
            strict = draft.choose(None, False)
        limit = at + step if up else at - step
        if floor is not None and limit < floor:
            limit = floor
            strict = None if wish == "pass" else strict
        found[side] = limit
        if strict is not None:
            found[f"exclusive_{side}"] = strict
    return found


def as_json(draft: Draft, bounds: Bounds) -> Bounds:
    """As a document has them."""

    def write(value: Any) -> Any:
        if isinstance(value, (bool, str, int)):
            return value
        return draft.choose(str(value), float(value)) if Decimal(repr(float(value))) == value else str(value)

    return {name: write(value) for name, value in bounds.items()}


def key_of(value: Any) -> Any:
    """Numbers in PostgreSQL's order, NaN above all."""
    return (1, 0) if value != value else (0, Fraction(value) if not math.isinf(value) else value)


def broken(value: Any, bounds: Bounds, key: Any = key_of) -> bool:
    low, high = bounds.get("min"), bounds.get("max")
    return outside(key(value), None if low is None else key(low), None if high is None else key(high), bounds)


def able(warn: Bounds, bounds: Bounds) -> Bounds:
    """Without the sides that could never warn, as they fail first: a document with them is refused."""
    found = dict(warn)
    for side in {"min", "max"} & warn.keys() & bounds.keys():
        beyond = warn[side] < bounds[side] if side == "min" else warn[side] > bounds[side]
        same = warn[side] == bounds[side] and not (warn.get(f"exclusive_{side}") and not bounds.get(f"exclusive_{side}"))
        if beyond or same:
            found.pop(side)
            found.pop(f"exclusive_{side}", None)
    return found


def near(value: Any, *limits: Any) -> bool:
    """Whether rounding may decide."""
    return any(math.isclose(float(value), float(limit), rel_tol=1e-9, abs_tol=1e-9) for limit in limits if limit is not None)


@rule_type("row_count")
def row_count(draft: Draft, wish: str) -> Tested:
    return counted(draft, wish, "row_count", draft.size)


def counted(draft: Draft, wish: str, type: str, size: int) -> Tested:
    """row_count and column_count."""
    bounds = draw_bounds(draft, wish, size, whole=True, exact=True, floor=0)
    warn = draw_bounds(draft, wish if wish != "fail" else "free", size, whole=True, exact=True, floor=0) if draft.chance() else {}
    if wish == "free" and warn and draft.chance():
        bounds = {}
    if {"min", "max"} <= set(bounds) and bounds["min"] > bounds["max"]:
        bounds["min"], bounds["max"] = bounds["max"], bounds["min"]
        assume(wish != "fail" or broken(size, bounds))
    if {"min", "max"} <= set(warn) and warn["min"] > warn["max"]:
        warn["min"], warn["max"] = warn["max"], warn["min"]
    warn = able(warn, bounds)
    assume(warn or bounds)
    arguments: dict[str, Any] = dict(bounds) | ({"warn": warn} if warn else {})

    def truth(scope: Scope) -> Measured:
        value = len(scope.rows) if type == "row_count" else len(scope.table.columns)
        total = len(scope.rows) if type == "row_count" else None
        return Measured(value, total, broken(value, bounds), broken(value, warn), bool(bounds))

    return Tested(type, [], arguments, truth)


def measure(function: str, kind: Kind, cells: Sequence[Any], p: float | None = None) -> Any:
    """The aggregate of all cells, NULLs among them; None is NULL."""
    there = [cell for cell in cells if cell is not None]
    if function == "null_ratio":
        return Fraction(len(cells) - len(there), len(cells)) if cells else None
    distinct = len({kind.key(cell) for cell in there})
    if function == "distinct_count":
        return distinct
    if not there:
        return None
    if function == "distinct_ratio":
        return Fraction(distinct, len(there))
    if function in ("min", "max"):
        return (min if function == "min" else max)(there, key=kind.key)
    if any(cell != cell or (isinstance(cell, float) and math.isinf(cell)) for cell in there):
        return math.fsum(there) if not {math.inf, -math.inf} <= set(there) else math.nan
    if function == "sum":
        return sum(there)
    exact = sorted(Fraction(cell) for cell in there)
    mean = sum(exact) / len(exact)
    if function == "avg":
        return mean
    if function == "stddev":
        return math.sqrt(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)) if len(exact) > 1 else None
    return quantile(exact, Fraction(1, 2) if p is None else Fraction(str(p)))


def numbers(draft: Draft, kind: Kind, function: str, wish: str) -> st.SearchStrategy[Any]:
    if kind is DOUBLE:
        odd = wish == "free" and function in ("min", "max", "sum", "avg", *RATIOS)
        return st.one_of(DYADIC, DYADIC, st.sampled_from([float("nan"), float("inf"), -float("inf")])) if odd else DYADIC
    if kind in WHOLE:
        return st.integers(-1000, 1000)
    return decimals(2)


@rule_type("aggregate")
def aggregate(draft: Draft, wish: str) -> Tested:
    function = draft.choose(*FUNCTIONS)
    if function in ("min", "max") and draft.choose(False, True):
        return extreme(draft, wish, function)
    kind = draft.choose(*(EVERY if function in RATIOS else NUMBERS))
    values = numbers(draft, kind, function, wish) if kind in NUMBERS else kind.values
    cells = draft.plain_cells(values)
    column = draft.add(kind, cells)
    p = draft.choose(0, 0.25, 0.5, 0.9, 1) if function == "percentile" else None
    value = measure(function, kind, cells, p)
    whole = function == "distinct_count" or (function in ("min", "max", "sum") and kind in WHOLE)
    exact = function in EXACT
    known = 0 if value is None or value != value or math.isinf(value) else value
    known = Decimal(0) if known == 0 and exact and not whole else known
    bounds = draw_bounds(draft, wish, known, whole, exact)
    warn = draw_bounds(draft, wish if wish == "pass" else "free", known, whole, exact) if draft.chance() else {}
    for found in (bounds, warn):
        assume(not ({"min", "max"} <= set(found) and found["min"] > found["max"]))
    if wish == "free" and warn and draft.chance():
        bounds = {}
    if wish == "free" and whole and draft.choose(*range(6)) == 5:
        return undecided("aggregate", [column], {"function": function, "max": 2.5})
    warn = able(warn, bounds)
    arguments: dict[str, Any] = {"function": function} | ({} if p is None else {"p": p}) | as_json(draft, bounds)
    if warn:
        arguments["warn"] = as_json(draft, warn)

    def truth(scope: Scope) -> Measured:
        found = measure(function, kind, [row[column] for row in scope.rows], p)
        if found is None:
            return Measured(None, len(scope.rows), False, False, bool(bounds))
        limits = [side.get(name) for side in (bounds, warn) for name in ("min", "max")]
        assume(exact or not near(found, *limits))
        return Measured(found, len(scope.rows), broken(found, bounds), broken(found, warn), bool(bounds))

    return Tested("aggregate", [column], arguments, truth)


def extreme(draft: Draft, wish: str, function: str) -> Tested:
    """The first or last date, time or text."""
    kind = draft.choose(DATE, TIMESTAMP, TIMESTAMPTZ, TEXT)
    pool = sorted(draft.pool(kind, 5), key=kind.key)
    cells = draft.plain_cells(st.sampled_from(pool[1:-1]))
    column = draft.add(kind, cells)
    value = measure(function, kind, cells)
    inside = {"min": pool[0], "max": pool[-1]}
    if wish == "fail":
        bounds: Bounds = {"min": pool[-1]} if draft.chance() else {"max": pool[0]}
        if value is not None and draft.chance():
            bounds = {"min": value, "exclusive_min": True}
    elif wish == "pass":
        side = draft.choose("min", "max")
        bounds = {side: draft.choose(inside[side], value)}
    else:
        bounds = {draft.choose("min", "max"): draft.choose(*pool)}
    arguments = {"function": function} | {
        name: limit if isinstance(limit, bool) else draft.as_argument(kind, limit) for name, limit in bounds.items()
    }

    def truth(scope: Scope) -> Measured:
        found = measure(function, kind, [row[column] for row in scope.rows])
        if found is None:
            return Measured(None, len(scope.rows), False, False, True)
        shown = str(found) if isinstance(found, Endless) else found
        return Measured(shown, len(scope.rows), broken(found, bounds, kind.key), False, True)

    return Tested("aggregate", [column], arguments, truth)


def draw_tolerance(draft: Draft, wish: str, difference: Any, other: Any, whole: bool) -> tuple[Any, Fraction | None]:
    """A tolerance as a document has it, and its size; the second is none where it is a share of the other's value."""
    size = abs(Fraction(difference))
    if wish == "fail":
        given = draft.choose(None, 0, "0%", *([int(size) - 1] if size > 1 else []))
    elif wish == "pass":
        given = draft.choose(math.ceil(size), math.ceil(size) + 5, *(["250 %"] if other and size * 2 <= abs(other) else []))
    else:
        given = draft.choose(0, 1, 2.5, 10, "10%", "50%", "33.3%", "100%", math.ceil(size))
    return given, Fraction(str(given or 0)) if not isinstance(given, str) else None


def beyond(difference: Fraction, other: Fraction, given: Any) -> bool:
    limit = Fraction(given.rstrip("% ")) / 100 * abs(other) if isinstance(given, str) else Fraction(str(given or 0))
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
    difference, other_known = (Fraction(own) - Fraction(other), Fraction(other)) if known else (Fraction(0), Fraction(0))
    assume(wish not in ("pass", "fail") or known)
    assume(wish != "fail" or (difference != 0 and (exact or abs(difference) > Fraction(1, 10**6))))
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
            return Measured(None, len(scope.rows), False, False, may_fail)
        found = abs(Fraction(mine) - Fraction(theirs))
        if not exact:
            for limit in (fails_by, warn):
                if limit is not None:
                    size = (
                        Fraction(limit.rstrip("% ")) / 100 * abs(Fraction(theirs))
                        if isinstance(limit, str)
                        else Fraction(str(limit))
                    )
                    assume(not near(found, size))
        fails = may_fail and beyond(found, Fraction(theirs), fails_by)
        warns = warn is not None and beyond(found, Fraction(theirs), warn)
        shown = int(found) if isinstance(mine, int) and isinstance(theirs, int) else found
        return Measured(shown, len(scope.rows), fails, warns, may_fail)

    return Tested(type, columns, arguments, truth)


def other_condition(draft: Draft, wish: str, table: Any) -> Condition | None:
    usable = [column for column in table.columns if column.kind.ordered and column.kind is not DOUBLE]
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
    other_kind = kind if function in RATIOS or kind is DOUBLE else draft.choose(kind, kind, *(INTEGER, NUMERIC))
    p = draft.choose(0, 0.25, 0.5, 1) if function == "percentile" else None
    own_cells = draft.plain_cells(numbers(draft, kind, function, "pass") if kind in NUMBERS else kind.values)
    column = draft.add(kind, own_cells)
    other = draft.other(draft.choose(*range(1 if wish in ("pass", "fail") else 0, 7)))
    strategy = numbers(draft, other_kind, function, "pass") if other_kind in NUMBERS else other_kind.values
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
