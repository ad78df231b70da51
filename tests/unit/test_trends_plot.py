"""The plot of a table's checks: a column per check, gaps for what is not known."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from backend.dashboard.trends import Column, trends

START = datetime(2026, 3, 28, tzinfo=UTC)


def column(number: int, **changes: object) -> Column:
    known = {"verdict": "pass", "counts": {"pass": 3}, "rows": 1000, "duration_ms": 40, "version": 1}
    return Column(at=START + timedelta(days=number), **(known | changes))  # type: ignore[arg-type]


def drawn(*columns: Column) -> ET.Element:
    return ET.fromstring(trends(columns))


def titles(svg: ET.Element) -> list[str]:
    return [rect.findtext("title", "") for rect in svg.iter("rect")]


def test_each_check_says_what_it_found() -> None:
    failed = column(1, verdict="fail", counts={"fail": 1, "error": 1, "pass": 1}, rows=None, duration_ms=1500)
    assert titles(drawn(column(0), failed)) == [
        "2026-03-28 00:00:00 UTC: pass; 3 pass; 1,000 rows; 40\N{NARROW NO-BREAK SPACE}ms",
        "2026-03-29 00:00:00 UTC: fail; 1 fail, 1 error, 1 pass; 1.5\N{NARROW NO-BREAK SPACE}s",
    ]


def test_stacks_are_as_high_as_their_counts() -> None:
    svg = drawn(column(0, counts={"pass": 4}), column(1, counts={"fail": 1, "pass": 1}))
    paths = {path.get("class"): path.get("d", "") for path in svg.iter("path")}
    assert paths["fail"].count("M") == 1
    assert paths["pass"].count("M") == 2
    assert "V89.0" in paths["fail"], "one of four: a quarter of the lane's 84 above its bottom at 110"


def test_what_is_not_known_is_a_gap_or_says_so() -> None:
    svg = drawn(column(0), column(1, rows=None), column(2))
    assert next(path.get("d", "") for path in svg.iter("path") if path.get("class") == "line").count("M") == 2
    words = [text.text for text in drawn(column(0, rows=None, duration_ms=None)).iter("text")]
    assert words.count("not known") == 2


def test_a_new_version_is_marked_once() -> None:
    svg = drawn(column(0), column(1), column(2, version=2), column(3, version=2), column(4, version=None))
    assert len([line for line in svg.iter("line") if line.get("class") == "mark"]) == 1


def test_equal_and_zero_numbers_are_drawn() -> None:
    for each in (column(0, rows=0, duration_ms=0, counts={}), column(0)):
        assert "nan" not in trends([each, each])
