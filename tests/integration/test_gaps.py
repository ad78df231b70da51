"""Gaps in time: clock changes, values that lie ahead, infinite ones, and columns that are no moments."""

from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

NEW_YORK = "America/New_York"


def gaps(engine: Engine, target: Target, column: str, every: str, timezone: str = "UTC", **scope: Any) -> dict[str, Any]:
    return engine.rules(target, gate("t", rule("r", "no_gaps", column, every=every, **scope), timezone=timezone))["r"]


def counted(found: dict[str, Any]) -> tuple[int, int, list[str]]:
    assert found["reason"] is None
    return found["failures"], found["total"], found["found"]["missing"] or []


def hours(target: Target, *texts: str) -> None:
    """The same local times as timestamps without a zone, and as dates."""
    values = ", ".join(f"('{text}', '{text}')" for text in texts)
    target.execute(f"create table t (at timestamp, day date); insert into t values {values}")


SPRING = ["2024-03-10 00:00", "2024-03-10 01:00", "2024-03-10 03:00", "2024-03-10 04:00"]
FALL = ["2024-11-03 00:10", "2024-11-03 01:10", "2024-11-03 02:10", "2024-11-03 03:10"]
CLOCKS = [
    (NEW_YORK, "1h", SPRING, (0, 4, [])),
    (NEW_YORK, "30m", SPRING, (3, 7, ["2024-03-10 00:30-05:00", "2024-03-10 01:30-05:00", "2024-03-10 03:30-04:00"])),
    (NEW_YORK, "1h", SPRING[:2] + SPRING[3:], (1, 4, ["2024-03-10 03:00-04:00"])),
    (NEW_YORK, "1h", FALL, (0, 5, [])),
    (NEW_YORK, "1h", [*FALL, "2024-11-03 01:50"], (0, 5, [])),
    (NEW_YORK, "1h", [FALL[0], *FALL[2:]], (2, 5, ["2024-11-03 01:00-04:00 to 2024-11-03 01:00-05:00"])),
    (NEW_YORK, "30m", FALL[1:3], (2, 5, ["2024-11-03 01:30-04:00", "2024-11-03 01:30-05:00"])),  # 01:10 stands for both, 01:30 for neither
    (NEW_YORK, "1h", ["2023-11-05 00:00", "2023-11-05 01:00", "2023-11-05 02:00", "2023-11-05 04:00"], (1, 6, ["2023-11-05 03:00-05:00"])),
    ("Australia/Lord_Howe", "30m", ["2024-04-07 01:00", "2024-04-07 01:30", "2024-04-07 02:00"], (0, 4, [])),
    ("Europe/Berlin", "6h", ["2024-10-26 20:00", "2024-10-27 00:30", "2024-10-27 05:30", "2024-10-27 11:30"], (0, 3, [])),
    ("UTC", "1h", SPRING, (1, 5, ["2024-03-10 02:00+00:00"])),
]  # fmt: skip


@pytest.mark.parametrize(("timezone", "every", "texts", "wanted"), CLOCKS)
def test_hours_are_counted_in_absolute_time_where_clocks_change(
    engine: Engine, target: Target, timezone: str, every: str, texts: list[str], wanted: tuple[int, int, list[str]]
) -> None:
    hours(target, *texts)
    found = counted(gaps(engine, target, "at", every, timezone))
    assert found == wanted
    assert counted(gaps(engine, target, "day", "1d", timezone)) == (0, 1 + (timezone == "Europe/Berlin"), [])


def test_a_day_is_a_day_of_the_zone_however_many_hours_it_has(engine: Engine, target: Target) -> None:
    hours(target, "2024-03-09 23:30", "2024-03-10 23:30", "2024-03-11 00:10", "2024-03-13 10:00")
    assert counted(gaps(engine, target, "at", "day", NEW_YORK)) == (1, 5, ["2024-03-12"])
    assert counted(gaps(engine, target, "at", "12h", "UTC"))[:2] == (4, 8)


def test_periods_of_several_days_begin_at_a_monday(engine: Engine, target: Target) -> None:
    hours(target, "1999-12-26 10:00", "2000-01-03 10:00", "2026-01-04 10:00", "2026-01-05 10:00")
    found = counted(gaps(engine, target, "day", "week", where="day > '2026-01-01'"))
    assert found == (0, 2, [])  # a Sunday and a Monday
    assert counted(gaps(engine, target, "day", "7d", where="day < '2001-01-01'")) == (1, 3, ["1999-12-27"])
    months = counted(gaps(engine, target, "day", "quarter", where="day < '2001-01-01'"))
    assert months == (0, 2, [])
    assert counted(gaps(engine, target, "day", "month", where="day <> '2000-01-03'"))[2] == ["2000-01 to 2025-12"]


def test_what_lies_ahead_and_what_is_infinite_proves_nothing_and_is_told(engine: Engine, target: Target) -> None:
    target.execute(
        """create table t (z timestamptz, n timestamp, d date);
        insert into t select now() - h * interval '1 hour', (now() at time zone 'UTC') - h * interval '1 hour', (now() at time zone 'UTC')::date - h
        from unnest(array[0, 1, 2, -50, -51]) h;
        insert into t values ('infinity', 'infinity', 'infinity'), ('-infinity', '-infinity', '-infinity'), (null, null, null)"""
    )
    for column, every in (("z", "1h"), ("n", "1h"), ("d", "1d")):
        found = gaps(engine, target, column, every)
        assert counted(found) == (0, 3, [])
        assert (found["found"]["ahead"], found["found"]["infinite"]) == (2, 2)


def test_only_values_that_lie_ahead_leave_nothing_to_look_at(engine: Engine, target: Target) -> None:
    target.execute("create table t as select timestamptz '2999-01-01' as at")
    found = gaps(engine, target, "at", "month")
    assert (counted(found), found["found"]["ahead"], found["status"]) == ((0, 0, []), 1, "pass")


@pytest.mark.parametrize("declared", ["text", "integer", "time", "interval", "jsonb", "timestamp[]", "varchar(20)"])
def test_a_column_that_is_no_moment_is_an_error_with_the_reason(engine: Engine, target: Target, declared: str) -> None:
    target.execute(f"create table t (at {declared})")
    found = gaps(engine, target, "at", "1d")
    assert found["status"] == "error"
    assert found["reason"].startswith("no_gaps means nothing for a column of type ")


def test_a_domain_is_what_it_is_made_of(engine: Engine, target: Target) -> None:
    target.execute(
        "create domain moment as timestamptz; create table t as select x::moment as at from unnest(array['2026-01-01', '2026-01-03']) x"
    )
    assert counted(gaps(engine, target, "at", "1d")) == (1, 3, ["2026-01-02"])


def test_many_gaps_are_counted_and_few_named(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t as select timestamptz '2026-01-01 00:00Z' + n * interval '2 seconds' as at from generate_series(0, 30) n"
    )
    failures, total, missing = counted(gaps(engine, target, "at", "1s"))
    assert (failures, total, len(missing), missing[0]) == (30, 61, 11, "2026-01-01 00:00:01+00:00")
    assert counted(gaps(engine, target, "at", "500ms"))[0] == 90
