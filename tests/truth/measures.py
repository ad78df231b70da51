"""Measured rules: counts and aggregates against bounds, and against another table."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from stringx_dataops.contract.documents.values import order
from tests.truth.conditions import Condition, draw_condition
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    DYADIC,
    EVERY,
    INTEGER,
    INTERVAL,
    JSONB,
    MANY_VALUED,
    MONEY,
    MOOD,
    NAN,
    NUMERIC,
    ODD_NUMBERS,
    POINT,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNEQUAL,
    UUID,
    Endless,
    Kind,
    decimals,
    shown,
)
from tests.truth.sets import quantile
from tests.truth.tables import Draft
from tests.truth.truth import Measured, Scope, Tested, outside, rule_type, undecided

Bounds = dict[str, Any]
WHOLE = (INTEGER, BIGINT, SMALLINT)
NUMBERS = (*WHOLE, NUMERIC, MONEY, DOUBLE, REAL)
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
    return NAN if value != value else (0, Fraction(value) if math.isfinite(value) else float(value))


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
    return Tested(type, [], arguments, counting(type, arguments))


def counting(type: str, arguments: dict[str, Any]) -> Callable[[Scope], Measured]:
    """The truth of row_count or column_count with these arguments."""
    bounds = {name: value for name, value in arguments.items() if name != "warn"}

    def truth(scope: Scope) -> Measured:
        value = len(scope.rows) if type == "row_count" else len(scope.table.columns)
        total = len(scope.rows) if type == "row_count" else None
        return Measured(value, total, broken(value, bounds), broken(value, arguments.get("warn", {})), bool(bounds))

    return truth


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
    if not all(map(math.isfinite, there)):
        return _odd(function, [float(cell) for cell in sorted(there, key=kind.key)], p)
    if function == "sum":
        return sum(there)
    exact = sorted(Fraction(cell) for cell in there)
    mean = sum(exact) / len(exact)
    if function == "avg":
        return mean
    if function == "stddev":
        return math.sqrt(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)) if len(exact) > 1 else None
    return quantile(exact, Fraction(1, 2) if p is None else Fraction(str(p)))


def _odd(function: str, cells: list[float], p: float | None) -> float | None:
    """An aggregate of sorted numbers of which some are infinite or NaN, as IEEE 754 adds them."""
    if function == "stddev":
        return math.nan if len(cells) > 1 else None
    if function in ("sum", "avg"):
        return math.nan if {math.inf, -math.inf} <= set(cells) else math.fsum(cells)
    place = (Fraction(1, 2) if p is None else Fraction(str(p))) * (len(cells) - 1)
    low, high = cells[math.floor(place)], cells[math.ceil(place)]
    return low if math.floor(place) == math.ceil(place) else low + float(place % 1) * (high - low)


def numbers(kind: Kind, odd: bool) -> st.SearchStrategy[Any]:
    """Numbers whose sums are exact; with `odd` some that are none."""
    plain = DYADIC if kind in (DOUBLE, REAL) else st.integers(-1000, 1000) if kind in WHOLE else decimals(2)
    return st.one_of(plain, plain, st.sampled_from(ODD_NUMBERS[kind.name])) if odd and kind.name in ODD_NUMBERS else plain


@rule_type("aggregate")
def aggregate(draft: Draft, wish: str) -> Tested:
    function = draft.choose(*FUNCTIONS)
    if function in ("min", "max") and draft.choose(False, True):
        return extreme(draft, wish, function)
    kind = draft.choose(*(EVERY if function in RATIOS else NUMBERS))
    values = numbers(kind, draft.chance()) if kind in NUMBERS else kind.values
    cells = draft.plain_cells(values)
    column = draft.add(kind, cells)
    if wish == "free" and draft.choose(*range(6)) == 5:
        return no_such_function(draft, function)
    p = draft.choose(0, 0.25, 0.5, 0.9, 1) if function == "percentile" else None
    value = measure(function, kind, cells, p)
    whole = function == "distinct_count" or (function in ("min", "max", "sum") and kind in WHOLE)
    exact = function in EXACT
    known = 0 if value is None or not math.isfinite(value) else value
    known = Decimal(0) if known == 0 and exact and not whole else known
    bounds = draw_bounds(draft, wish, known, whole, exact)
    warn = draw_bounds(draft, wish if wish == "pass" else "free", known, whole, exact) if draft.chance() else {}
    for found in (bounds, warn):
        assume(not ({"min", "max"} <= set(found) and found["min"] > found["max"]))
    assume(wish not in ("pass", "fail") or value is None or math.isfinite(value) or broken(value, bounds) is (wish == "fail"))
    if wish == "free" and warn and draft.chance():
        bounds = {}
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


def no_such_function(draft: Draft, function: str) -> Tested:
    """PostgreSQL has the function for no such type; of values that are not equal to each other none are distinct."""
    kinds = {"min": [BOOLEAN, JSONB, POINT], "max": [BOOLEAN, JSONB, POINT], "distinct_count": UNEQUAL, "distinct_ratio": UNEQUAL}
    kind = draft.choose(*kinds.get(function, [TEXT, DATE, UUID, JSONB, MOOD]))
    if function == "null_ratio":
        function = "sum"
    column = draft.add(kind, draft.plain_cells(kind.values))
    return undecided("aggregate", [column], {"function": function, "max": 2} | ({"p": 0.5} if function == "percentile" else {}))


def extreme(draft: Draft, wish: str, function: str) -> Tested:
    """The first or last date, time or text."""
    kind = draft.choose(DATE, TIMESTAMP, TIMESTAMPTZ, TEXT, TIME, INTERVAL)
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
        told = str(found) if isinstance(found, Endless) else shown(kind, found) if kind in (TIME, INTERVAL) else found
        return Measured(told, len(scope.rows), broken(found, bounds, kind.key), False, True)

    return Tested("aggregate", [column], arguments, truth)


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
    if not math.isfinite(difference):
        return True
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
        if not exact and math.isfinite(found):
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
