"""A rule's plot: what it says in words, and that an error is never drawn as a value."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backend.dashboard.plots import Plot, Value, moments, sparkline

START = datetime(2026, 3, 1, tzinfo=UTC)


def plot(*values: tuple[float | None, str], **thresholds: float) -> str:
    """The SVG of these values and statuses, one a day."""
    found = [
        Value(START + timedelta(days=day), value, status, label=f"{status} on day {day}", **thresholds)
        for day, (value, status) in enumerate(values)
    ]
    return Plot("x", found, START, START + timedelta(days=len(found)), is_share=True).svg()


def test_thresholds_and_the_last_value_stand_beside_the_plot() -> None:
    drawn = plot((0.01, "pass"), (0.0245, "fail"), high=0.02)
    assert ">2.45%</text>" in drawn
    assert ">fails &gt; 2%</text>" in drawn
    assert "fails &lt; 1%" in plot((0.01, "pass"), low=0.01)
    both = plot((0.0201, "warn"), high=0.0202, warn_high=0.02)
    assert ">warns &gt; 2%</text>" in both
    assert both.count('class="threshold warns"') == both.count('class="threshold"') == 1
    heights = sorted(float(y) for y in re.findall(r'class="note [^"]+" x="[^"]+" y="([^"]+)"', both))
    assert all(after - before >= 20 for before, after in pairwise(heights)), "none covers another"


@pytest.mark.parametrize("highest", [0.0301, 0.07, 0.19, 0.5, 1.0])
def test_no_value_is_above_the_grid(highest: float) -> None:
    drawn = plot((highest, "fail"), (0.001, "pass"))
    lines = [float(y) for y in re.findall(r'class="grid" x1="[^"]+" x2="[^"]+" y1="([^"]+)"', drawn)]
    dots = [float(y) for y in re.findall(r'class="near" cx="[^"]+" cy="([^"]+)"', drawn)]
    assert min(lines) == 12.0
    assert min(lines) <= min(dots)
    assert len(lines) <= 7


def test_times_are_even_and_at_midnight() -> None:
    start = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert [words for _, words in moments(start, start + timedelta(days=7))] == [f"Nov {day}" for day in (24, 26, 28)]
    assert [words for _, words in moments(start, start + timedelta(days=1))] == ["18:00", "00:00", "06:00", "12:00"]
    year = [words for _, words in moments(start - timedelta(days=365), start)]
    assert year == ["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026"]
    half = moments(start - timedelta(days=182), start)
    assert [words for _, words in half] == ["Jul 2026", "Sep 2026", "Nov 2026"]
    assert 4 <= len(moments(start - timedelta(days=30), start)) <= 6


def test_an_error_is_a_band_and_no_value() -> None:
    drawn = plot((0.01, "pass"), (None, "error"), (0.01, "pass"))
    assert drawn.count('class="gap"') == 1
    assert "<title>error on day 1</title>" in drawn
    assert drawn.count('class="dot') == 2
    line = drawn.split('class="line" d="')[1].split('"')[0]
    assert line.count("M") == 2, "the line is interrupted"


def test_statuses_differ_in_shape() -> None:
    shapes = {plot((0.01, status)).split(f'class="dot {status}" d="')[1].split('"')[0] for status in ("pass", "warn", "fail")}
    assert len(shapes) == 3


def test_a_small_line_ends_with_its_last_status_even_without_a_value() -> None:
    drawn = sparkline([1.0, None, 2.0, None], ["pass", "error", "pass", "error"], "x")
    assert 'class="dot error" cx="116.0" cy="14.0"' in drawn
    assert drawn.count("h0") == 2, "a lone value is a dot"
    assert "x: no value" in sparkline([None], ["error"], "x")


def test_a_span_without_points_has_a_plot() -> None:
    svg = ET.fromstring(Plot("a", (), START - timedelta(days=1), START).svg())
    assert svg.findtext("desc") == "No values."
