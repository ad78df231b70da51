"""Measured rules about how values are spread: quantiles, correlation."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.support.engine import rule
from tests.truth.kinds import (
    BIGINT,
    DATE,
    DOUBLE,
    DYADIC,
    INTEGER,
    NUMERIC,
    ODD_NUMBERS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Kind,
    decimals,
)
from tests.truth.measures import Bounds, able, as_json, broken, draw_bounds, near
from tests.truth.neighbours import quantile
from tests.truth.tables import Draft
from tests.truth.truth import Measured, Scope, Tested, rule_type

PLACES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)


def value_at(kind: Kind, cells: Sequence[Any], p: float, continuous: bool) -> Any:
    """The quantile of the values that are there; None without any."""
    there = sorted((cell for cell in cells if cell is not None), key=kind.key)
    if not there:
        return None
    share = Fraction(str(p))
    if not continuous:
        return there[max(0, math.ceil(share * len(there)) - 1)]
    if all(map(math.isfinite, there)):
        return quantile([Fraction(cell) for cell in there], share)
    place = share * (len(there) - 1)
    low, high = float(there[math.floor(place)]), float(there[math.ceil(place)])
    return low if place.denominator == 1 else low + float(place % 1) * (high - low)


@rule_type("quantiles")
def quantiles(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(INTEGER, BIGINT, NUMERIC, DOUBLE, DATE, TIMESTAMP, TIMESTAMPTZ, TIME)
    if kind in (DATE, TIMESTAMP, TIMESTAMPTZ, TIME):
        return quantiles_of_moments(draft, wish, kind)
    plain = DYADIC if kind is DOUBLE else decimals(2) if kind is NUMERIC else st.integers(-1000, 1000)
    odd = ODD_NUMBERS.get(kind.name, []) if wish == "free" and draft.chance() else []
    cells = draft.plain_cells(st.one_of(plain, plain, st.sampled_from(odd)) if odd else plain)
    column = draft.add(kind, cells)
    method = draft.choose(None, "continuous", "discrete")
    continuous = method != "discrete"
    chosen = draft.draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
    bounds: list[tuple[float, Bounds, Bounds]] = []
    for number, p in enumerate(chosen):
        value = value_at(kind, cells, p, continuous)
        known = value if value is not None and math.isfinite(value) else 0
        whole = not continuous and kind in (INTEGER, BIGINT)
        aim = wish if wish != "fail" or not number else "free"
        fails = draw_bounds(draft, aim, known, whole, exact=whole)
        warns = draw_bounds(draft, aim if aim == "pass" else "free", known, whole, exact=whole) if draft.chance() else {}
        assume(all(not {"min", "max"} <= set(each) or each["min"] <= each["max"] for each in (fails, warns)))
        if wish == "free" and warns and draft.chance():
            fails = {}
        warns = able(warns, fails)
        assume(fails or warns)
        bounds.append((p, fails, warns))
    assume(wish not in ("pass", "fail") or (_outside(kind, cells, bounds, continuous)[1]) is (wish == "fail"))
    arguments = {"bounds": [_entry(draft, p, as_json(draft, f), as_json(draft, w)) for p, f, w in bounds]}

    def truth(scope: Scope) -> Measured:
        found = [row[column] for row in scope.rows]
        for p, fails, warns in bounds:
            value = value_at(kind, found, p, continuous)
            limits = [side.get(name) for side in (fails, warns) for name in ("min", "max")]
            assume(not continuous or value is None or not near(value, *limits))
        number, fail, warn = _outside(kind, found, bounds, continuous)
        return Measured(number, len(scope.rows), fail, warn, any(fails for _, fails, _ in bounds))

    return Tested("quantiles", [column], arguments | ({"method": method} if method else {}), truth)


def _outside(
    kind: Kind, cells: Sequence[Any], bounds: list[tuple[float, Bounds, Bounds]], continuous: bool
) -> tuple[int | None, bool, bool]:
    """How many quantiles are out of bounds, and whether one fails, or warns."""
    values = [value_at(kind, cells, p, continuous) for p, _, _ in bounds]
    if values[0] is None:
        return None, False, False
    fails = [broken(value, each) for value, (_, each, _) in zip(values, bounds, strict=True)]
    warns = [broken(value, each) for value, (_, _, each) in zip(values, bounds, strict=True)]
    return sum(a or b for a, b in zip(fails, warns, strict=True)), any(fails), any(warns)


def _entry(draft: Draft, p: float, fails: Bounds, warns: Bounds) -> dict[str, Any]:
    return {"p": draft.choose(p, str(p))} | fails | ({"warn": warns} if warns else {})


def quantiles_of_moments(draft: Draft, wish: str, kind: Kind) -> Tested:
    """One bound of one or two quantiles, which are values that occur."""
    pool = sorted(draft.pool(kind, 5), key=kind.key)
    cells = draft.plain_cells(st.sampled_from(pool[1:-1]))
    column = draft.add(kind, cells)
    chosen = draft.draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True))
    limits: list[tuple[float, str, Any, bool]] = []
    for number, p in enumerate(chosen):
        side = draft.choose("min", "max")
        inside, beyond = (pool[0], pool[-1]) if side == "min" else (pool[-1], pool[0])
        limit = beyond if wish == "fail" and not number else draft.choose(*pool) if wish == "free" else inside
        limits.append((p, side, limit, bool(draft.chance() and wish == "free")))
    bounds = [
        {"p": p, side: draft.as_argument(kind, limit)} | ({f"exclusive_{side}": True} if strict else {})
        for p, side, limit, strict in limits
    ]

    def truth(scope: Scope) -> Measured:
        found = [row[column] for row in scope.rows]
        if all(cell is None for cell in found):
            return Measured(None, len(scope.rows), False, False, True)
        wrong = 0
        for p, side, limit, strict in limits:
            value, edge = kind.key(value_at(kind, found, p, continuous=False)), kind.key(limit)
            wrong += (value < edge if side == "min" else value > edge) or (strict and value == edge)
        return Measured(wrong, len(scope.rows), wrong > 0, False, True)

    return Tested("quantiles", [column], {"bounds": bounds}, truth)


def ranks(values: Sequence[Fraction]) -> list[Fraction]:
    """The ranks; equal values share the mean of theirs."""
    return [
        Fraction(sum(other < value for other in values) * 2 + sum(other == value for other in values) + 1, 2) for value in values
    ]


def coefficient(pairs: Sequence[tuple[Any, Any]], method: str) -> float | None:
    """The correlation of the pairs that are whole; None where one side has a single value."""
    whole = [pair for pair in pairs if None not in pair]
    odd = math.isnan if method == "spearman" else lambda value: not math.isfinite(value)
    if len({a if a == a else "NaN" for a, _ in whole}) < 2 or len({b if b == b else "NaN" for _, b in whole}) < 2:
        return math.nan if method == "spearman" and any(odd(value) for pair in whole for value in pair) else None
    if any(odd(value) for pair in whole for value in pair):
        return math.nan
    sides = [[Fraction(value) if math.isfinite(value) else value for value in side] for side in zip(*whole, strict=True)]
    one, other = (ranks(side) for side in sides) if method == "spearman" else sides
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    together = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)
    return float(together) / math.sqrt(spread)


# Of a table with x = NaN, NaN; y = NaN, 1; n = 1, 2; c = 3, 3: what each measures on every engine.
MEASURES_OF_NAN = {"same": None, "constant": None, "nan": "NaN", "ranks": "NaN"}
CORRELATIONS_OF_NAN = [
    rule("same", "correlation", "x", other_column="n", min=0),
    rule("constant", "correlation", "y", other_column="c", min=0),
    rule("nan", "correlation", "y", other_column="n", min=0),
    rule("ranks", "correlation", "x", other_column="n", method="spearman", min=0),
]


@rule_type("correlation")
def correlation(draft: Draft, wish: str) -> Tested:
    method = draft.choose("pearson", "spearman")
    odd = wish == "free" and draft.chance()

    def side() -> tuple[str, list[Any]]:
        kind = draft.choose(INTEGER, NUMERIC, DOUBLE, BIGINT)
        plain = DYADIC if kind is DOUBLE else decimals(2) if kind is NUMERIC else st.integers(-20, 20)
        extra = ODD_NUMBERS.get(kind.name, []) if odd else []
        cells = draft.plain_cells(st.one_of(plain, plain, st.sampled_from(extra)) if extra else plain)
        if wish == "free" and draft.choose(*range(5)) == 4:
            cells = [0.1 if kind is DOUBLE else 3] * draft.size
        return draft.add(kind, cells), cells

    (column, cells), (other, others) = side(), side()
    value = coefficient(list(zip(cells, others, strict=True)), method)
    assume(wish not in ("pass", "fail") or (value is not None and math.isfinite(value)))
    step = draft.choose(Fraction(1, 10), Fraction(1, 100), Fraction(1, 2))
    known = Fraction(str(round(value, 3))) if value is not None and math.isfinite(value) else Fraction(0)
    name = draft.choose("min", "max")
    up = draft.chance() if wish == "free" else (name == "max") is (wish != "fail")
    limit = max(Fraction(-1), min(Fraction(1), known + step if up else known - step))
    bound = float(limit)
    only_warns = wish == "free" and draft.chance()
    assume(wish not in ("pass", "fail") or value is None or broken(value, {name: bound}) is (wish == "fail"))
    arguments: dict[str, Any] = {"other_column": other, "method": method} | (
        {"warn": {name: bound}} if only_warns else {name: bound}
    )

    def truth(scope: Scope) -> Measured:
        found = coefficient([(row[column], row[other]) for row in scope.rows], method)
        if found is None:
            return Measured(None, len(scope.rows), False, False, not only_warns)
        assume(not near(found, bound))
        outside = broken(found, {name: bound})
        return Measured(found, len(scope.rows), outside and not only_warns, outside and only_warns, not only_warns)

    return Tested("correlation", [column], arguments, truth)
