"""What a change is compared with, and its bounds, against plain arithmetic."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.baselines import band
from api.baselines.change import judge_change
from api.baselines.earlier import Bounds, Earlier, Made, json_number, number_of_json
from api.baselines.places import WHOLE, place_of
from api.baselines.unusual import judge_unusual
from stringx_dataops.contract.messages.windows import Window

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)  # a Monday


def points(*values: str | int, every: timedelta = timedelta(days=1), **changes: Any) -> list[Earlier]:
    """The last one `every` before NOW."""
    return [Earlier(NOW - every * n, f"c{n}", Decimal(value), **changes) for n, value in enumerate(reversed(values), 1)]


def judged(found: list[Earlier], **arguments: Any) -> Made:
    return judge_change(found, NOW, ZoneInfo("UTC"), arguments)


def test_whole_numbers_may_be_written_with_a_point() -> None:
    """JSON Schema takes 7.0 for an integer, and JSON keeps it."""
    found = points(*range(100, 140))
    whole, written = (judged(found, of="row_count", against={"average": number}, max_increase=1) for number in (7, 7.0))
    assert whole == written
    moved = [*found, *points(*[900] * 8, status="warn")]
    settings = ({"learn": 20, "adapt": 7}, {"learn": 20.0, "adapt": 7.0})
    whole, written = (judge_unusual(moved, NOW, ZoneInfo("UTC"), {"of": "row_count"} | each, False) for each in settings)
    assert whole == written


@pytest.mark.parametrize(
    ("before", "arguments", "low", "high"),
    [
        ("100", {"max_increase": 20, "max_decrease": "50%"}, "50", "120"),
        ("100", {"max_increase": "20 %"}, None, "120"),
        ("-100", {"max_increase": "10%", "max_decrease": "10%"}, "-110", "-90"),
        ("0", {"max_increase": "50%", "max_decrease": "50%"}, "0", "0"),
        ("0", {"max_increase": 5}, None, "5"),
        ("0.1", {"max_increase": "0.2"}, None, "0.3"),
        (
            "123456789012345678901234567890.123456789",
            {"max_decrease": "0.1%"},
            "123333332223333333222333333322.233333332211",
            None,
        ),
        ("1e60", {"max_increase": "0.0000001%"}, None, str(10**60 + 10**51)),
    ],
)
def test_bounds_are_exact(before: str, arguments: dict[str, Any], low: str | None, high: str | None) -> None:
    found = judged(points("7", before), **arguments)
    assert found.fails == Bounds(None if low is None else Decimal(low), None if high is None else Decimal(high))
    assert (found.facts()["low"], found.facts()["high"]) == (low, high)
    assert [point.measured for point in found.shown.compared_with] == [json_number(Decimal(before))]


def test_warnings_have_bounds_of_their_own() -> None:
    found = judged(points(100), max_decrease="50%", warn={"max_decrease": "20%", "max_increase": 1})
    assert (found.fails, found.warns) == (Bounds(Decimal(50)), Bounds(Decimal(80), Decimal(101)))
    only = judged(points(100), warn={"max_decrease": "20%"})
    assert (only.fails, only.warns, only.shown.low) == (Bounds(), Bounds(Decimal(80)), 80)


def test_an_average_takes_the_newest_and_learns_while_there_are_too_few() -> None:
    dice = random.Random(7)
    for _ in range(50):
        values = [dice.randint(-1000, 1000) for _ in range(dice.randint(0, 12))]
        size = dice.randint(2, 9)
        found = judged(points(*values), against={"average": size}, max_increase=0)
        assert found.shown.points == min(size, len(values))
        if len(values) < size:
            assert found.shown.learning is not None
            assert (found.shown.words, found.fails) == (f"learning {len(values)} of {size}", Bounds())
        else:
            mean = Fraction(sum(values[-size:]), size)
            assert found.fails.high is not None
            assert abs(Fraction(found.fails.high) - mean) <= Fraction(1, 10**6)


def test_a_point_is_taken_as_it_is_unless_somebody_has_excluded_it() -> None:
    good, bad = points(100, 10)[1], Earlier(NOW - timedelta(hours=1), "bad", Decimal(10), "fail", waived=True)
    assert judged([good, bad], max_increase=0).fails.high == 10
    excluded = Earlier(bad.at, "bad", bad.value, "fail", mark="exclude")
    assert judged([good, excluded], max_increase=0).fails.high == 100


def test_the_same_weekday_is_that_of_the_documents_zone_and_of_an_earlier_day() -> None:
    moment = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)  # Sunday evening, 22:00, in New York
    at = {
        "today": datetime(2026, 11, 30, 2, 30, tzinfo=UTC),
        "a week ago, far off": datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
        "a week ago": datetime(2026, 11, 23, 3, 20, tzinfo=UTC),
        "a week ago, later": datetime(2026, 11, 23, 4, 0, tzinfo=UTC),
        "two weeks ago": datetime(2026, 11, 16, 3, 0, tzinfo=UTC),
        "a Monday there": datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
    }
    found = [Earlier(moment_of, name, Decimal(number)) for number, (name, moment_of) in enumerate(at.items())]
    made = judge_change(found, moment, NEW_YORK, {"against": "same_weekday", "max_increase": 0})
    assert [point.check_id for point in made.shown.compared_with] == ["a week ago"]
    assert made.shown.words == "compared with 2 of 2026-11-22 22:20 America/New_York, the last Sunday before"
    average = judge_change(found, moment, NEW_YORK, {"against": {"average": 2}, "max_increase": 0}).shown.words
    assert average == "compared with 2.5, the average of 2 points from 2026-11-23 02:00 to 2026-11-29 21:30 America/New_York"
    assert judge_change(found[:1], moment, NEW_YORK, {"against": "same_weekday", "max_increase": 0}).shown.learning is not None


@pytest.mark.parametrize(
    ("begin", "end", "like_begin", "like_end"),
    [
        ("2026-03-07", "2026-03-08", "2026-03-08", "2026-03-09"),
        ("2026-03-08T00:00", "2026-03-09T00:00", "2026-10-31T00:00-04:00", "2026-11-01T00:00-04:00"),
        ("2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", "2026-11-02T05:00Z", "2026-11-03T05:00Z"),
        ("2026-02-01", "2026-03-01", "2026-07-01", "2026-08-01"),
        ("2026-02-01T10:00", "2026-02-01T11:00", "2026-02-01T16:00Z", "2026-02-01T17:00Z"),
    ],
)
def test_windows_of_one_length_by_the_clock_on_the_wall_are_alike(begin: str, end: str, like_begin: str, like_end: str) -> None:
    one, other = (
        place_of(Window.model_validate({"from": low, "to": high}), "at", NEW_YORK)
        for low, high in ((begin, end), (like_begin, like_end))
    )
    assert one.window_key == other.window_key != ""
    assert one.at != other.at
    assert place_of(Window.model_validate({"from": begin, "to": end}), "other", NEW_YORK).window_key != one.window_key


def test_windows_that_are_like_no_other_are_a_fault() -> None:
    assert place_of(None, None, NEW_YORK) == WHOLE
    for window in ({"from": "2026-01-01"}, {"to": "2026-01-01"}, {"from": 1, "to": 2}, {"from": "a", "to": "b"}):
        assert place_of(Window.model_validate(window), "at", NEW_YORK).fault is not None


def test_numbers_are_kept_as_they_were_measured() -> None:
    for value in (0, -7, 10**15, 12.5, "12345678901234567890", "0.1234567890123456789", 1e300, -0.0):
        read = number_of_json(value)
        assert read == Decimal(str(value))
        assert Decimal(str(json_number(read))) == read
    assert [number_of_json(value) for value in (None, True, "NaN", "Infinity", "12,5", "abc", "1e1000", "1e-1000")] == [None] * 8


def test_what_is_unusual_is_asked_of_the_band_with_the_rules_arguments() -> None:
    dice = random.Random(3)
    values = [str(dice.randint(90, 110)) for _ in range(30)]
    found = points(*values)
    found[3] = Earlier(found[3].at, "odd", Decimal(500), "warn")
    found[4] = Earlier(found[4].at, "waived", Decimal(500), "warn", waived=True)
    found[5] = Earlier(found[5].at, "expected", Decimal(120), "fail", mark="expected")
    found[6] = Earlier(found[6].at, "excluded", Decimal(7), mark="exclude")
    arguments = {
        "season": "none", "sensitivity": 5, "min_change": 12, "learn": 9, "adapt": 4, "direction": "increase", "holidays": ["2026-11-05"],
    }  # fmt: skip
    left_out = ("odd", "waived", "excluded")
    usable = [
        band.Point(each.at, float(each.value), each.check_id not in left_out, each.check_id == "odd", each.check_id)
        for each in found
    ]
    settings = band.Settings("none", 5, 0.0, 12.0, 9, 4, "increase", (date(2026, 11, 5),))
    wanted = band.judge(usable, NOW, NEW_YORK, settings)
    assert wanted.high is not None
    for may_fail in (False, True):
        made = judge_unusual(found, NOW, NEW_YORK, arguments, may_fail)
        assert made.shown.words == wanted.words
        decides, other = (made.fails, made.warns) if may_fail else (made.warns, made.fails)
        assert (decides, other) == (Bounds(None, Decimal(repr(wanted.high))), Bounds())
    assert band.Settings() == band.Settings("auto", 3.5, 0.05, 0.0, 20, 7, "both", ())
    plain = judge_unusual(found, NOW, NEW_YORK, {"min_change": "5%"}, False)
    assert plain.shown == judge_unusual(found, NOW, NEW_YORK, {}, False).shown
