"""Zones in which a check fails, and the threshold, bounds or SQL that says the same."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from stringx_dataops.exchange.zones import Zone, before_rounding, bounds, count_above, count_bounds, share_above


def below(high: Any, is_open: bool = True) -> Zone:
    """Fails for what is not below."""
    return Zone(high=Decimal(str(high)), high_open=is_open, outside=True)


def above(low: Any, is_open: bool = True) -> Zone:
    """Fails above."""
    return Zone(low=Decimal(str(low)), low_open=is_open)


@pytest.mark.parametrize(
    ("failing", "count"),
    [
        (below(5), 4),
        (below(5, is_open=False), 5),
        (below("4.5"), 4),
        (above(0), 0),
        (above(1, is_open=False), 0),
        (Zone(Decimal(0), Decimal(0), outside=True), 0),
        (Zone(Decimal(-3), Decimal(7), outside=True), 7),
        (below(0), None),
        (Zone(Decimal(1), Decimal(5), outside=True), None),
        (Zone(Decimal(1), Decimal(5)), None),
        (Zone(high=Decimal(3)), None),
        (Zone(Decimal(0), Decimal(5), low_open=True, outside=True), None),
    ],
)
def test_a_count_above_which_it_fails(failing: Zone, count: int | None) -> None:
    assert count_above(failing) == count
    if count is not None:
        assert [failing.holds(number) for number in range(count + 3)] == [number > count for number in range(count + 3)]


@pytest.mark.parametrize(
    ("failing", "share"),
    [
        (above(5), "5%"),
        (above(5, is_open=False), "4.999999999999%"),
        (below("2.5"), "2.499999999999%"),
        (below("2.5", is_open=False), "2.5%"),
        (above("0.0000000000001"), None),
        (below(101, is_open=False), None),
        (Zone(Decimal(1), Decimal(5), outside=True), None),
    ],
)
def test_a_share_above_which_it_fails(failing: Zone, share: str | None) -> None:
    assert share_above(failing) == share


@pytest.mark.parametrize(
    "failing",
    [above(5), above(5, is_open=False), below("14.29"), Zone(Decimal("28.57"), Decimal("28.57")), below(0, is_open=False)],
)
def test_a_percentage_is_judged_as_after_rounding(failing: Zone) -> None:
    exact = before_rounding(failing)
    for total in (7, 8, 40, 240, 1000, 20_000):
        for count in range(0, total + 1, max(1, total // 300)):
            rounded = round(count * 100 / total, 2)
            share = Fraction(count * 100, total)
            assert failing.holds(Decimal(str(rounded))) == exact.holds(share), (count, total)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (below(5), {"max": 5, "exclusive_max": True}),
        (above("2.5"), {"max": "2.5"}),
        (Zone(high=Decimal(2)), {"min": 2, "exclusive_min": True}),
        (Zone(Decimal(1), Decimal(3), low_open=True, outside=True), {"min": 1, "exclusive_min": True, "max": 3}),
        (Zone(Decimal(1), Decimal(3)), None),
    ],
)
def test_bounds_of_a_measure(failing: Zone, said: Any) -> None:
    assert bounds(failing) == said


def test_bounds_of_rows_are_whole() -> None:
    assert count_bounds(Zone(Decimal("0.5"), Decimal("9.5"), outside=True)) == {"min": 1, "max": 9}
    assert count_bounds(below(5)) == {"max": 4}
    assert count_bounds(Zone(high=Decimal(0))) == {"min": 1}
    assert count_bounds(below(0)) is None
    assert count_bounds(Zone(Decimal("1.2"), Decimal("1.8"), outside=True)) is None


def test_a_zone_in_sql() -> None:
    assert below("0.5").sql("m") == "not (m < 0.5)"
    assert Zone(Decimal("1E+3"), Decimal("-2.50")).inverse().sql("m") == "not (m >= 1000 and m <= -2.5)"
