"""What keeps the history true beside the results that come in: states whose configuration changed or whose check became too old,
results of earlier releases, partitions, daily sums, retention. Every step may run in several processes at once."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from backend.configuration.versions import read_stored
from backend.gates import facts
from backend.gates.decision import Facts
from backend.history import recording
from backend.history.state import state_of
from database.loops import Loop, Loops
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import NotFound
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
STATES, RESULTS = 50, 8  # in a transaction; a result may have 8 MiB
BATCH = 1000
_MONTHS_AHEAD = 2
_LOOK_S = 1.0
_SUMMED = timedelta(days=400)  # days that are summed again if a late result comes


def start(database: Database, settings: Settings, loops: Loops) -> None:
    """States are looked at every second, the rest every few minutes, both in daemon threads."""

    def look(loop: Loop) -> float:
        while refresh_states(database) == STATES:
            loop.alive()
        return _LOOK_S

    def keep(loop: Loop) -> float:
        keep_partitions(database, settings.retention_points_days)
        take_up(database, settings.retention_points_days, loop.alive)
        sum_days(database, settings.retention_points_days, loop.alive)
        if settings.retention_days_years:
            forget_days(database, settings.retention_days_years, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    loops.start("states", look)
    loops.start("history", keep)


def refresh_states(database: Database) -> int:
    """Look again at states that are due, at most STATES of them; how many there were."""
    with database.transaction() as cursor:
        due = cursor.all(SQL["due"], {"batch": STATES})
        for row in sorted(due, key=lambda row: (row["kind"] != "table", row["name"])):
            _refresh(cursor, row)
    return len(due)


def _refresh(cursor: Cursor, row: Row) -> None:
    named = {name: row[name] for name in ("kind", "target", "name")}
    try:
        found = _facts(cursor, row)
    except NotFound:
        cursor.run(SQL["forget_state"], named)
        return
    except ValidationError:  # of a newer release, which runs beside this one and looks at it, too
        cursor.run(SQL["look_later"], named)
        return
    check, state = found.check, state_of(found.subject, found.check)
    cursor.run(
        SQL["refresh"],
        named
        | {
            "state": state.name,
            "rank": state.rank,
            "gate": state.gate,
            "reasons": state.reasons,
            "stale_at": state.stale_at,
            "verdict": check.verdict if check else None,
            "rules_hash": check.rules_hash if check else None,
            "check_id": check.check_id if check else None,
            "request_id": check.request_id if check else None,
            "decided_at": check.decided_at if check else None,
            "snapshot_at": check.snapshot_at if check else None,
            "recent": recording.RECENT,
        },
    )


def _facts(cursor: Cursor, row: Row) -> Facts:
    if row["kind"] == "table":
        return facts.of_table_with(cursor, row["target"], row["name"])
    return facts.of_dataset_with(cursor, row["name"])


def take_up(database: Database, days: int, alive: Callable[[], None] = lambda: None) -> None:
    """Write the points of results that have none, as earlier releases stored them: the newest first, and those that are younger
    than points are kept. It may be interrupted at any time."""
    since = _oldest(days)
    months: set[date] = set()
    while _take_up_some(database, since, months) == RESULTS:
        alive()
    with database.transaction() as cursor:
        cursor.run(SQL["skip_points"], {"since": since, "batch": BATCH})


def _take_up_some(database: Database, since: datetime, months: set[date]) -> int:
    with database.transaction() as cursor:
        rows = cursor.all(SQL["without_points"], {"since": since, "batch": RESULTS})
        for row in rows:
            result = read_stored(CheckResult, row["result"])
            if result is None:
                continue
            month = (result.snapshot_at or row["finished_at"]).astimezone(UTC).date().replace(day=1)
            if month not in months:
                cursor.run(SQL["make_partitions"], {"month": month})
                months.add(month)
            recording.record(cursor, result, row["result"], is_new=False)
            for kind, name in recording.subjects_of(result):
                cursor.run(recording.SQL["look_again"], {"kind": kind, "target": result.target, "name": name})
        cursor.run(SQL["mark_points"], {"check_ids": [row["check_id"] for row in rows]})
    return len(rows)


def keep_partitions(database: Database, days: int) -> None:
    """Make those of this month and the next, delete those whose points are all older than `days`."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["now"])
        assert row is not None
        today = row["now"].astimezone(UTC).date()
        month = today.replace(day=1)
        for _ in range(_MONTHS_AHEAD):
            cursor.run(SQL["make_partitions"], {"month": month})
            month = _next(month)
        names = [row["name"] for row in cursor.all(SQL["partitions"])]
    oldest = _oldest(days).date().replace(day=1)
    for name in names:
        if (month_of := _month_of(name)) is not None and month_of < oldest:
            with database.transaction() as cursor:
                cursor.run(f"drop table {name}")  # a name of ours, as the catalog quotes it
    if days:
        with database.transaction() as cursor:
            cursor.run(SQL["forget_rest"], {"days": days})


def sum_days(database: Database, days: int, alive: Callable[[], None] = lambda: None) -> None:
    """Sum up the points of each day that is over and not summed yet."""
    with database.transaction() as cursor:
        first = max(_oldest(days), datetime.now(UTC) - _SUMMED).date()
        missing = [row["day"] for row in cursor.all(SQL["days_to_sum"], {"first": first})]
    for day in missing:
        with database.transaction() as cursor:
            cursor.run(SQL["sum_alone"])
            cursor.run(SQL["sum_day"], {"day": day})
            cursor.run(SQL["summed"], {"day": day})
        alive()


def forget_days(database: Database, years: int, alive: Callable[[], None] = lambda: None) -> None:
    """Delete daily sums that are older than `years`."""
    while True:
        with database.transaction() as cursor:
            if cursor.run(SQL["forget_days"], {"years": years, "batch": BATCH}) < BATCH:
                return
        alive()


def _oldest(days: int) -> datetime:
    """The oldest time whose points are kept; 0 days are for ever."""
    return datetime.now(UTC) - timedelta(days=days) if days else datetime(2000, 1, 1, tzinfo=UTC)


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _month_of(partition: str) -> date | None:
    """Of a partition by its name, such as stringx.rule_points_2026_11; None for the default one."""
    parts = partition.rsplit("_", 2)
    try:
        return date(int(parts[1]), int(parts[2]), 1)
    except (ValueError, IndexError):
        return None
