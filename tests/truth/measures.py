"""Measured rules: counts and aggregates against bounds."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

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
from tests.truth.neighbours import quantile
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
