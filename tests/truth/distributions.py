"""The rule type `distribution`: divergence, chi-square and Kolmogorov-Smirnov, by other formulas than the engine's."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.kinds import BOOLEAN, DATE, DOUBLE, DYADIC, INTEGER, MOOD, NUMERIC, ODD_NUMBERS, TEXT, UUID, Kind, decimals
from tests.truth.measures import near
from tests.truth.tables import Draft
from tests.truth.truth import Measured, Scope, Tested, rule_type

Shares = list[tuple[int, Fraction]]  # of each cell how often it occurs, and the weight that it is expected with


def chi_square_p(statistic: float, freedom: int) -> float:
    """By the series of the lower incomplete gamma function."""
    if math.isinf(statistic):
        return 0.0
    if statistic <= 0 or freedom < 1:
        return 1.0
    a, x = freedom / 2, statistic / 2
    terms = [math.exp(-x + (a + k) * math.log(x) - math.lgamma(a + k + 1)) for k in range(400)]
    return 1 - math.fsum(terms)


def kolmogorov_p(n: int, d: float) -> float:
    """By the recursion of Noe: the chance that n uniform values, in order, stay within the distance, exactly."""
    if n * d <= 0.5:
        return 1.0
    distance = Fraction(d)
    edges = sorted(
        {Fraction(0), Fraction(1)}
        | {min(Fraction(1), max(Fraction(0), Fraction(k, n) + s * distance)) for k in range(n + 1) for s in (-1, 1)}
    )
    ways = {0: Fraction(1)}  # by how many values are below the edge, divided by the factorials of those between edges
    for low, high in pairwise(edges):
        width, found = high - low, dict[int, Fraction]()
        for count, way in ways.items():
            for more in range(n - count + 1):
                middle = (low + high) / 2  # between edges, the same numbers lie within the distance everywhere
                if Fraction(count + more, n) - middle <= distance and middle - Fraction(count, n) <= distance:
                    found[count + more] = found.get(count + more, Fraction(0)) + way * width**more / math.factorial(more)
        ways = found
    return float(1 - math.factorial(n) * ways.get(n, Fraction(0)))


def divergence(cells: Shares) -> float:
    total, all_weights = sum(count for count, _ in cells), sum(weight for _, weight in cells)
    if any(count and not weight for count, weight in cells):
        return math.inf
    shares = [(Fraction(count, total), weight / all_weights) for count, weight in cells if count]
    return max(0.0, math.fsum(float(p) * math.log(p / q) for p, q in shares))


def chi_square(cells: Shares) -> tuple[float, int]:
    total, all_weights = sum(count for count, _ in cells), sum(weight for _, weight in cells)
    there = [(count, total * weight / all_weights) for count, weight in cells if count or weight]
    if any(not wanted for _, wanted in there):
        return math.inf, len(there) - 1
    return float(sum((count - wanted) ** 2 / wanted for count, wanted in there)), len(there) - 1


def distance(values: Sequence[Fraction], low: Fraction, high: Fraction) -> float:
    """From the uniform distribution."""
    n, found = len(values), [Fraction(0)]
    for value in set(values):
        share = min(Fraction(1), max(Fraction(0), (value - low) / (high - low)))
        found += [
            Fraction(sum(each <= value for each in values), n) - share,
            share - Fraction(sum(each < value for each in values), n),
        ]
    return float(max(found))


def of_values(kind: Kind, cells: Sequence[Any], weights: list[tuple[Any, int]], held_out: Fraction) -> Shares:
    counts = Counter(kind.key(cell) for cell in cells)
    listed = {kind.key(value): weight for value, weight in weights}
    others = [count for key, count in counts.items() if key not in listed]
    all_weights = sum(listed.values())
    rest = 1 - held_out if others else 1
    return [(counts[key], Fraction(weight, all_weights) * rest) for key, weight in listed.items()] + [
        (count, held_out / len(others)) for count in others
    ]


def of_bins(cells: Sequence[Any], edges: list[Fraction], weights: list[int], held_out: Fraction) -> Shares:
    counts = Counter[int]()
    for cell in cells:
        if cell != cell:
            counts[-1] += 1
        elif cell == edges[-1]:
            counts[len(weights)] += 1
        else:
            counts[sum(edge <= cell for edge in edges)] += 1
    inner = [(counts[number], Fraction(weight, sum(weights)) * (1 - held_out)) for number, weight in enumerate(weights, 1)]
    return [(counts[-1], Fraction(0)), (counts[0], held_out / 2), (counts[len(edges)], held_out / 2), *inner]


@rule_type("distribution")
def distribution(draft: Draft, wish: str) -> Tested:
    held_out = draft.choose(Fraction(0), Fraction(1, 4)) if wish == "free" else Fraction(1, 4)
    form = draft.choose("values", "bins", "ks")
    arguments: dict[str, Any] = {}
    if form == "values":
        kind = draft.choose(TEXT, INTEGER, BOOLEAN, MOOD, DATE, UUID)
        pool = draft.draw(st.lists(kind.values, min_size=2, max_size=2 if kind is BOOLEAN else 4, unique_by=kind.key))
        cells = draft.plain_cells(st.sampled_from(pool))
        weights = [(value, draft.choose(1, 2, 3, 5)) for value in pool[: draft.choose(1, len(pool))]]
        arguments["weights"] = {str(kind.text(value)): weight for value, weight in weights}
        if held_out:
            arguments["tail_weight_holdout"] = float(held_out)
    else:
        kind = draft.choose(INTEGER, NUMERIC, DOUBLE)
        plain = DYADIC if kind is DOUBLE else decimals(2) if kind is NUMERIC else st.integers(-20, 20)
        narrow = draft.draw(st.lists(plain, min_size=2, max_size=4))
        odd = ODD_NUMBERS.get(kind.name, []) if wish == "free" and draft.chance() and form == "bins" else []
        cells = draft.plain_cells(st.sampled_from([*narrow, *narrow, *odd]))
        edges = sorted(draft.draw(st.lists(st.one_of(st.sampled_from(narrow), plain), min_size=2, max_size=4, unique=True)))
        numbers = [draft.choose(1, 2, 4) for _ in edges[1:]]
        arguments |= {"bins": [str(edge) for edge in edges], "weights": numbers}
        if form == "ks":
            edges, numbers = [edges[0], edges[-1]], [1]
            arguments = (
                {"expected": {"uniform": {"min": float(edges[0]), "max": float(edges[1])}}}
                if draft.chance()
                else {"bins": [str(edge) for edge in edges], "weights": [3]}
            )
        elif held_out:
            arguments["tail_weight_holdout"] = float(held_out)
    column = draft.add(kind, cells)
    test = "ks" if form == "ks" else draft.choose("kl", "chi_square")
    by_p = test != "kl" and draft.chance()

    def value_of(there: Sequence[Any]) -> float | None:
        if not there:
            return None
        if form == "ks":
            found = distance([Fraction(cell) for cell in there], Fraction(edges[0]), Fraction(edges[1]))
            return kolmogorov_p(len(there), found) if by_p else found
        shares = (
            of_values(kind, there, weights, held_out)
            if form == "values"
            else of_bins(there, [Fraction(edge) for edge in edges], numbers, held_out)
        )
        if test == "kl":
            return divergence(shares)
        statistic, freedom = chi_square(shares)
        return chi_square_p(statistic, freedom) if by_p else statistic

    value = value_of([cell for cell in cells if cell is not None])
    assume(wish not in ("pass", "fail") or (value is not None and value > 1e-6 and (not by_p or wish != "fail" or value < 0.9)))
    known = value if value is not None and math.isfinite(value) else 0.5
    up = draft.chance() if wish == "free" else by_p is (wish == "fail")
    bound = round(known * 1.5 + 0.01, 6) if up else round(known / 2, 6)
    if by_p:
        bound = min(1.0, max(1e-6, bound))
    elif form == "ks":  # a distance is at most 1, and such a bound is refused
        bound = min(bound, 0.999)
        assume(wish != "pass" or known < 0.99)
    only_warns = wish == "free" and draft.chance()
    limit = {"min_p" if by_p else "max": bound}
    arguments |= {"test": test} | ({"warn": limit} if only_warns else limit)

    def truth(scope: Scope) -> Measured:
        found = value_of(scope.cells(column))
        if found is None:
            return Measured(None, len(scope.rows), False, False, not only_warns)
        assume(not near(found, bound))
        outside = found < bound if by_p else found > bound
        return Measured(found, len(scope.rows), outside and not only_warns, outside and only_warns, not only_warns)

    return Tested("distribution", [column], arguments, truth)
