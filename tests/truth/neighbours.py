"""Rules that hold each row against the others: outliers, monotonic."""

import itertools
import math
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.kinds import (
    BIGINT,
    DATE,
    DOUBLE,
    DYADIC,
    INTEGER,
    MONEY,
    NUMERIC,
    ODD_NUMBERS,
    ORDERED,
    REAL,
    TEXT,
    TIMESTAMPTZ,
    decimals,
)
from tests.truth.tables import Draft, Row, Table
from tests.truth.truth import Counted, Scope, Tested, rule_type


@rule_type("outliers")
def outliers(draft: Draft, wish: str) -> Tested:
    method = draft.choose("zscore", "iqr")
    limit = draft.choose(0.5, 1, 1.5, 2, 2.5, 3) if wish != "pass" else draft.choose(5, 10)
    kind = draft.choose(INTEGER, BIGINT, NUMERIC, DOUBLE, MONEY, REAL, NUMERIC, DOUBLE)
    values = {
        "numeric": decimals(2),
        "double": st.one_of(DYADIC, st.sampled_from([0.1, 0.3, 1e6 + 0.1])),
        "real": DYADIC,
        "money": decimals(2),
    }.get(kind.name, st.integers(-1000, 1000))
    narrow = st.sampled_from(draft.draw(st.lists(values, min_size=1, max_size=4)))
    cells = [draft.draw(narrow if wish == "pass" or draft.chance() else values) for _ in range(draft.size)]
    if wish == "pass" and draft.chance():
        cells = [draft.choose(*cells)] * draft.size  # one value is never far from itself, whatever binary makes of its mean
    if wish == "fail":
        limit, base = draft.choose(0.5, 1), cells[0]
        cells = [base for _ in cells]
        cells[-1] = draft.choose(base + 10_000, *ODD_NUMBERS.get(kind.name, []))
        draft.maybe_null(cells, keep=[0, 1, 2, len(cells) - 1])
    elif wish == "free":
        odd = [None, None, *ODD_NUMBERS.get(kind.name, [])]
        cells = [draft.choose(*odd) if draft.choose(*range(5)) == 4 else cell for cell in cells]
    else:
        draft.maybe_null(cells)
    column = draft.add(kind, cells)

    def far(scope_cells: list[Any]) -> tuple[int, bool]:
        """How many are too far, and whether one lies so near the limit that rounding may decide. What is no finite number is too far, and
        the limits are those of the others."""
        exact = sorted(Fraction(value) for value in scope_cells if math.isfinite(value))
        odd = len(scope_cells) - len(exact)
        edge = Fraction(str(limit))
        if method == "zscore":
            if len(exact) < 2:
                return odd, False
            mean = sum(exact) / len(exact)
            variance = sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)
            sides = [((value - mean) ** 2, edge**2 * variance) for value in exact]
        else:
            if not exact:
                return odd, False
            low, high = (quantile(exact, Fraction(part, 4)) for part in (1, 3))
            sides = [(max(low - value, value - high), edge * (high - low)) for value in exact]
        close = any(a != b and abs(a - b) < Fraction(1, 10**9) * max(abs(a), abs(b)) for a, b in sides)
        if method == "zscore" or kind.name in ("numeric", "money", "double"):  # quartiles are of double precision
            close = close or any(a == b != 0 for a, b in sides)
        return odd + sum(a > b for a, b in sides), close

    def truth(scope: Scope) -> Counted:
        found, close = far(scope.cells(column))
        assume(not close)
        return Counted(found, len(scope.rows))

    if wish in ("pass", "fail"):
        assume((far([cell for cell in cells if cell is not None])[0] > 0) is (wish == "fail"))
    return Tested("outliers", [column], {"method": method, "limit": limit}, truth)


def quantile(values: list[Fraction], part: Fraction) -> Fraction:
    """The continuous one of sorted values."""
    place = part * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


@rule_type("monotonic")
def monotonic(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(INTEGER, NUMERIC, DATE, TIMESTAMPTZ, TEXT, DOUBLE, *ORDERED)
    falling, strict = draft.choose(None, "increasing", "decreasing"), draft.choose(None, True, False)
    down = falling == "decreasing"
    pool = draft.pool(kind, max(draft.size, 3)) if wish == "pass" else draft.pool(kind, 3, 6)
    cells = draft.plain_cells(st.sampled_from(pool)) if wish != "pass" else sorted(pool[: draft.size], key=kind.key, reverse=down)
    order = draft.draw(st.permutations(range(draft.size)))
    places: list[Any] = list(range(draft.size))
    if wish == "free":
        places = [draft.draw(st.one_of(st.integers(0, draft.size), st.none())) for _ in range(draft.size)]
        cells = [draft.draw(st.one_of(st.sampled_from(pool), st.none())) for _ in range(draft.size)]
    elif wish == "fail":
        cells[0], cells[1] = sorted(pool, key=kind.key, reverse=not down)[:: len(pool) - 1][:2]
    else:
        draft.maybe_null(cells)
    column = draft.add(kind, [cells[index] for index in order])
    by = [draft.add(INTEGER, [places[index] for index in order])]
    arguments: dict[str, Any] = {}
    partitions: list[str] = []
    if wish != "fail" and draft.chance():
        groups = [draft.draw(st.sampled_from(["x", "y", None])) for _ in range(draft.size)]
        partitions = [draft.add(TEXT, groups)]
        arguments["partition_by"] = partitions if draft.chance() else partitions[0]
    if wish == "free" and draft.chance():
        by.append(draft.add(DATE, draft.plain_cells(st.sampled_from(draft.pool(DATE, 2)))))
    arguments["order_by"] = by if len(by) > 1 or draft.chance() else by[0]
    if falling:
        arguments["direction"] = falling
    if strict is not None:
        arguments["strict"] = strict

    def truth(scope: Scope) -> Counted:
        groups: dict[Any, list[Row]] = {}
        for row in scope.rows:
            if row[column] is not None:
                groups.setdefault(tuple(row[name] for name in partitions), []).append(row)
        failures = 0
        for rows in groups.values():
            ranked = sorted(rows, key=lambda row: kind.key(row[column]), reverse=down)  # ties: in the wanted direction
            ranked.sort(key=lambda row: tuple(_place(scope.table, name, row) for name in by))
            values = [kind.key(row[column]) for row in ranked]
            for before, after in itertools.pairwise(values):
                out = after > before if down else after < before
                failures += out or (strict is True and after == before)
        return Counted(failures, len(scope.rows))

    return Tested("monotonic", [column], arguments, truth)


def _place(table: Table, name: str, row: Row) -> tuple[int, Any]:
    return (1, 0) if row[name] is None else (0, table.kind_of(name).key(row[name]))  # NULLS LAST
