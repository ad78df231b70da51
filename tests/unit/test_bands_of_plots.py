"""The band in a rule's plot: as it was at each point, interrupted where it is not known or moved; and the shapes of points."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from backend.dashboard import bands, judged, views
from backend.dashboard.bands import Usual
from backend.dashboard.plots import Plot, Value

START = datetime(2026, 3, 1, tzinfo=UTC)
BAND = Usual(1000, 900, 1100)


def plot(*usual: Usual | None, value: float = 1000.0) -> str:
    found = [Value(START + timedelta(days=day), value, "pass", usual=each) for day, each in enumerate(usual)]
    return Plot("x", found, START, START + timedelta(days=len(found))).svg()


def paths(drawn: str, kind: str) -> list[list[tuple[float, float]]]:
    """The corners of each path of a class."""
    found = re.findall(rf'<path class="{kind}" d="([^"]+)"', drawn)
    return [[(float(x), float(y)) for x, y in re.findall(r"([0-9.]+) ([0-9.]+)", path)] for path in found]


def heights(drawn: str) -> dict[float, float]:
    """The height of each line of the grid, by its value."""
    lines = [float(y) for y in re.findall(r'class="grid" x1="[^"]+" x2="[^"]+" y1="([^"]+)"', drawn)]
    words = re.findall(r'class="axis" x="58" y="[^"]+" text-anchor="end">([^<]+)<', drawn)
    return {float(word): y for word, y in zip(words, lines, strict=True)}


def test_the_band_is_drawn_as_it_was_at_each_point() -> None:
    drawn = plot(Usual(1000, 800, 1200), Usual(1000, 900, 1100))
    ET.fromstring(drawn)
    (band,), (center,) = paths(drawn, "band"), paths(drawn, "center")
    grid = heights(drawn)
    first, second = 64.0, band[1][0]
    assert band == [(first, grid[1200]), (second, grid[1100]), (second, grid[900]), (first, grid[800])]
    assert center == [(first, grid[1000]), (second, grid[1000])]
    assert len(paths(drawn, "edge")) == 2
    assert ">usual ≥ 900</text>" in drawn
    assert ">usual ≤ 1100</text>" in drawn


def test_a_band_is_interrupted_where_it_is_not_known_and_where_it_moved() -> None:
    learning = Usual(None, None, None)
    assert paths(plot(learning, learning), "band") == []
    assert len(paths(plot(BAND, BAND, None, BAND, learning, BAND), "band")) == 3
    moved = Usual(1400, 1300, 1500, START)
    drawn = plot(BAND, BAND, moved, moved)
    assert (len(paths(drawn, "band")), drawn.count('class="moved"')) == (2, 1)
    assert "the band moved to values since 2026-03-01 00:00:00 UTC" in drawn
    assert plot(moved, moved).count('class="moved"') == 0, "it moved before the plot begins"


def test_an_open_side_reaches_to_the_end_of_the_plot_without_an_edge() -> None:
    drawn = plot(Usual(1000, None, 1100), Usual(1000, None, 1100))
    (band,) = paths(drawn, "band")
    assert max(y for _, y in band) == 212.0
    assert len(paths(drawn, "edge")) == 1
    assert "usual ≥" not in drawn
    assert len(paths(plot(Usual(1000, None, 1100), Usual(1000, 900, None)), "band")) == 2


def test_the_whole_band_is_within_the_plot() -> None:
    (band,) = paths(plot(Usual(1000, -5000, 90_000), Usual(1000, -5000, 90_000)), "band")
    assert all(12.0 <= y <= 212.0 for _, y in band)


@pytest.mark.parametrize(("point", "kind"), [
    ({"status": "pass"}, None), ({"status": "warn"}, "warn"), ({"status": "fail"}, "fail"),
    ({"status": "warn", "waived": True}, "waived"), ({"status": "warn", "mark": "expected"}, "expected"),
    ({"status": "fail", "waived": True, "mark": "exclude"}, "exclude"), ({"status": "pass", "mark": "exclude"}, "exclude"),
    ({"status": "pass", "baseline": {"learning": {"have": 1, "need": 20}}}, "learning"), ({"status": "warn", "baseline": None}, None),
])  # fmt: skip
def test_a_point_has_a_shape_and_a_word_for_what_it_counts_for(point: dict[str, object], kind: bands.Kind | None) -> None:
    whole = {"waived": False, "mark": None, "baseline": {"learning": None}} | point
    assert judged.kind_of(whole) == kind
    if kind is not None:
        assert bands.shape(kind, 1, 1)
        words = {
            str(bands.legend([kind], has_band=False, as_they_are=as_they_are)).split("</svg>")[1] for as_they_are in (True, False)
        }
        assert all(word != "</span></p>" for word in words)


def test_every_shape_is_another_one() -> None:
    kinds: list[bands.Kind] = ["learning", "expected", "exclude", "warn", "fail"]
    assert len({bands.shape(kind, 9, 9) for kind in kinds}) == len(kinds)


def test_marked_and_learning_points_are_drawn_among_very_many() -> None:
    baseline = {
        "center": 1000,
        "low": 900,
        "high": 1100,
        "learning": None,
        "moved_at": None,
        "points": 9,
        "season": "none",
        "words": "",
    }
    point = {
        "status": "pass",
        "failures": None,
        "total": None,
        "failure_ratio": None,
        "measured": 1000,
        "fail_at": {"max": 5},
        "warn_at": None,
    }
    points = [
        point
        | {
            "at": (START + timedelta(hours=n)).isoformat(),
            "waived": False,
            "baseline": baseline,
            "mark": None,
            "marked_by": "ada",
        }
        for n in range(200, 0, -1)
    ]
    points[7]["mark"] = "exclude"
    drawn = views.plot_of("r", points, views.Span(START, START + timedelta(hours=201)), [], is_share=False)
    assert drawn.count('class="dot') == drawn.count('class="dot exclude"') == 1
    assert "1,000; usual 900 to 1,100; marked exclude by ada</title>" in drawn
    assert "threshold" not in drawn, "the bounds are the band"
