"""What keeps the history true beside the results that come in: states whose configuration changed or whose check became too old,
results of earlier releases, partitions, daily sums, retention. Every step may run in several processes at once."""

import logging
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from backend.configuration.versions import read_stored
from backend.gates import facts
from backend.gates.decision import Facts
from backend.history import recording
from backend.history.state import state_of
from database.loops import Loop, Loops
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.sizes import messages
from stringx_dataops.contract.problems import NotFound, StringXError, Unavailable
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
STATES, RESULTS = 200, 50  # in a turn
BATCH = 1000
SUMMED_RULES = 50_000  # in a statement: it must end in the time that a statement has, whatever the number of rules
_MONTHS_AHEAD = 2
_LOOK_S = 1.0
_SUMMED = timedelta(days=400)  # days that are summed, at most
_LATE = timedelta(days=30)  # those that are summed again after a late result are younger

log = logging.getLogger(__name__)


def start(database: Database, settings: Settings, loops: Loops) -> None:
    """States, and results without points, are looked at every second, the rest every few minutes, both in daemon threads."""

    def look(loop: Loop) -> float | None:
        refreshed = refresh_states(database, loop.alive)
        taken = take_up(database, settings.retention_points_days, loop.alive)
        return None if refreshed == STATES or taken == RESULTS else _LOOK_S

    def keep(loop: Loop) -> float:
        sum_days(database, loop.alive)
        keep_partitions(database, settings.retention_points_days)
        if settings.retention_days_years:
            forget_days(database, settings.retention_days_years, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    loops.start("states", look)
    loops.start("history", keep)


def refresh_states(database: Database, alive: Callable[[], None] = lambda: None) -> int:
    """Look again at states that are due, at most STATES of them; how many there were. Each has its transaction, and one that
    cannot be read holds up no other."""
    for number in range(STATES):
        with database.transaction() as cursor:
            row = cursor.one(SQL["due"])
            if row is None:
                return number
            named = {name: row[name] for name in ("kind", "target", "name")}
            try:
                with cursor.savepoint():
                    _refresh(cursor, named)
            except Unavailable:
                raise
            except Exception:  # such as a document of a newer release, which runs beside this one and looks at it, too
                about = f"{row['kind']} {row['name']} of {row['target']}"
                log.exception("the state of %s cannot be looked at; again in a minute", about)
                cursor.run(SQL["look_later"], named)
        alive()
    return STATES


def _refresh(cursor: Cursor, named: dict[str, str]) -> None:
    try:
        found = _facts(cursor, named)
    except NotFound:
        cursor.run(SQL["forget_state"], named)
        return
    check, state = found.check, state_of(found)
    present = {
        "state": state.name,
        "rank": state.rank,
        "gate": state.gate,
        "reasons": recording.cut(state.reasons),
        "stale_at": state.stale_at,
        "verdict": check.verdict if check else None,
        "rules_hash": check.rules_hash if check else None,
        "check_id": check.check_id if check else None,
        "request_id": check.request_id if check else None,
        "decided_at": check.decided_at if check else None,
        "snapshot_at": check.snapshot_at if check else None,
        "by_window": found.subject.settings.by_window,
        "recent": recording.RECENT,
    }
    cursor.run(SQL["refresh"], named | present)


def _facts(cursor: Cursor, named: dict[str, str]) -> Facts:
    if named["kind"] == "table":
        return facts.of_table_with(cursor, named["target"], named["name"])
    return facts.of_dataset_with(cursor, named["name"])


def take_up(database: Database, days: int, alive: Callable[[], None] = lambda: None) -> int:
    """Write the points of results that have none, as earlier releases stored them: the newest first, those that are younger than
    points are kept, at most RESULTS of them; how many there were. It may be interrupted at any time."""
    since = _oldest(days)
    for number in range(RESULTS):
        with database.transaction() as cursor:
            found = cursor.one(SQL["without_points"], {"since": since})
        if found is None:
            with database.transaction() as cursor:
                cursor.run(SQL["skip_points"], {"since": since, "batch": BATCH})
            return number
        with database.transaction() as cursor:
            month = found["at"].astimezone(UTC).date().replace(day=1)
            cursor.run(SQL["make_partitions"], {"month": month})
        _take_up(database, str(found["check_id"]))
        alive()
    return RESULTS


def _take_up(database: Database, check_id: str) -> None:
    """One that cannot be read stays without points, and holds up no other."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["lock_without_points"], {"check_id": check_id})
        if row is None:
            return  # another process has it
        result = read_stored(CheckResult, row["result"])
        is_window, words = (result.is_window, messages(row["result"])) if result is not None else (False, {})
        cursor.run(SQL["mark_points"], {"check_id": check_id, "is_window": is_window, "messages": json_value(words)})
        if result is None:
            log.warning("the result of check %s is of another release: it has no history", check_id)
            return
        cursor.run(SQL["keep_rules"], {"check_id": check_id, "rule_ids": recording.rule_ids(result)})
        recording.record(cursor, result, row["result"], is_new=False)
        recording.look_again(cursor, result)


def keep_partitions(database: Database, days: int) -> None:
    """Make those of this month and the next, delete those whose points are all older than `days`."""
    with database.transaction() as cursor:
        today = cursor.now().astimezone(UTC).date()
        month = today.replace(day=1)
        for _ in range(_MONTHS_AHEAD):
            cursor.run(SQL["make_partitions"], {"month": month})
            month = _next(month)
        names = [row["name"] for row in cursor.all(SQL["partitions"])]
    oldest = _oldest(days).date().replace(day=1)
    for name in names:
        if (month_of := _month_of(name)) is not None and month_of < oldest:
            try:
                with database.transaction() as cursor:
                    cursor.run(f"set local lock_timeout = '2s'; drop table if exists {name}")  # as the catalog quotes it
            except StringXError as error:  # it is in use; others that need the table must not queue up behind
                log.info("%s is not deleted yet: %s", name, error)
    if days:
        with database.transaction() as cursor:
            cursor.run(SQL["forget_rest"], {"days": days, "month": oldest})


def sum_days(database: Database, alive: Callable[[], None] = lambda: None) -> None:
    """Sum up the points of each day that is over and not summed yet, or not since a late result came."""
    with database.transaction() as cursor:
        today = datetime.now(UTC).date()
        month = (cursor.one(SQL["oldest_month"]) or {}).get("month") or date.min
        first = max(today - _SUMMED, min(month, today - _LATE))  # all points of these days are there
        missing = [row["day"] for row in cursor.all(SQL["days_to_sum"], {"first": first})]
    for day in missing:
        with database.transaction() as cursor:
            cursor.run(SQL["sum_alone"])
            last = (cursor.one(SQL["last_rule"]) or {}).get("rule_key") or 0
            for first_rule in range(0, last + 1, SUMMED_RULES):
                cursor.run(SQL["sum_day"], {"day": day, "from": first_rule, "to": first_rule + SUMMED_RULES})
                alive()
            cursor.run(SQL["summed"], {"day": day})


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
