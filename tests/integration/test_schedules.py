"""Schedules: their runs are made once, when they are due, and ask for checks."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import retention
from backend.schedules import firing, upkeep
from database.loops import Loop
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import CATALOGUE, apply, now, table
from tests.support.schedules import finish, items, put, requests, runs, schedule, turn

STORED = datetime(2024, 3, 1, 12, tzinfo=UTC)
SIX = datetime(2024, 3, 2, 6, tzinfo=UTC)
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)


def test_a_run_asks_for_a_check_of_each_table_that_matches_when_it_is_due(shop: Database) -> None:
    put(shop, schedule(), STORED)
    turn(shop, SIX - SECOND)
    assert (runs(shop), requests(shop)) == ([], [])
    turn(shop, SIX)
    (run,) = runs(shop)
    assert (run["due_at"], run["kind"], run["skipped_because"], run["target"]) == (SIX, "cron", None, "shop")
    turn(shop, SIX + MINUTE)
    found = requests(shop)
    assert sorted((each["table_name"], each["mode"], each["is_full"]) for each in found) == [
        ("public.a", "async", True), ("public.b", "async", True),
    ]  # fmt: skip
    assert {(each["requested_by"], each["schedule"], each["source"]) for each in found} == {
        ("schedule nightly", "nightly", "http")
    }
    refused = {each["name"]: each["refused_because"] for each in items(shop)}
    assert refused["public.a"] is None
    assert "no active rule" in refused["public.c"]
    assert runs(shop)[0]["ended_at"] is None
    finish(shop)
    turn(shop, SIX + 2 * MINUTE)
    assert runs(shop)[0]["ended_at"] is not None
    turn(shop, SIX + DAY)
    assert [each["due_at"] for each in runs(shop)] == [SIX, SIX + DAY]


def test_tables_are_found_when_the_run_begins(shop: Database) -> None:
    put(shop, schedule(tables=["public.[d-z]*", "public.a"]), STORED)
    turn(shop, SIX - SECOND)
    apply(shop, table("public.daily", "id"))
    turn(shop, SIX)
    assert sorted(each["name"] for each in items(shop)) == ["public.a", "public.daily"]


def test_a_dataset_or_a_table_is_checked_at_once(shop: Database) -> None:
    put(shop, schedule("of-dataset", dataset="sales"), STORED)
    put(shop, schedule("of-table", table="public.b"), STORED)
    turn(shop, SIX)
    assert {(each["dataset"], each["table_name"]) for each in requests(shop)} == {("sales", None), (None, "public.b")}


def test_a_run_of_what_is_no_longer_configured_says_so(shop: Database) -> None:
    put(shop, schedule(tables=["nothing.*"]), STORED)
    put(shop, schedule("of-table", table="public.gone"), STORED)
    turn(shop, SIX)
    assert runs(shop)[0]["skipped_because"] == "no configured table of shop matches nothing.*"
    assert "no configuration for table public.gone" in items(shop)[0]["refused_because"]
    assert runs(shop, "of-table")[0]["ended_at"] is not None


@pytest.mark.parametrize("days", [1, 9])
def test_runs_that_were_missed_happen_once(shop: Database, days: int) -> None:
    put(shop, schedule(table="public.a"), STORED)
    turn(shop, SIX - SECOND)
    turn(shop, SIX + days * DAY + 3 * MINUTE)
    assert [(each["due_at"], each["kind"]) for each in runs(shop)] == [(SIX + days * DAY, "missed")]
    assert len(requests(shop)) == 1


def test_a_run_that_is_due_before_the_one_before_has_ended_is_skipped(shop: Database) -> None:
    put(shop, schedule(cron="* * * * *", table="public.a"), STORED)
    turn(shop, SIX)
    turn(shop, SIX + MINUTE)
    second = runs(shop)[1]
    assert second["skipped_because"] == f"the run that was due at {SIX:%Y-%m-%dT%H:%M:%SZ} had not ended"
    assert second["ended_at"] is not None
    finish(shop)
    turn(shop, SIX + 2 * MINUTE)
    assert [each["skipped_because"] is None for each in runs(shop)] == [True, False, True]
    assert len(requests(shop)) == 2


def test_a_window_is_relative_to_when_the_run_was_due_in_calendar_days(shop: Database) -> None:
    apply(shop, table("public.a", "a", window_column="ordered_at"))
    window = {"last": "1d", "lag": "2h"}
    put(shop, schedule(table="public.a", timezone="Europe/Berlin", window=window), datetime(2026, 3, 28, 12, tzinfo=UTC))
    put(shop, schedule("unfit", table="public.b", window=window), datetime(2026, 3, 28, 12, tzinfo=UTC))
    turn(shop, datetime(2026, 3, 29, 4, 0, 7, tzinfo=UTC))  # six o'clock in Berlin, on the day when clocks are put forward
    (request,) = requests(shop)
    assert request["body"]["window"] == {"from": "2026-03-28T03:00:00Z", "to": "2026-03-29T02:00:00Z"}
    assert not request["is_full"]
    turn(shop, datetime(2026, 3, 29, 6, 0, 7, tzinfo=UTC))
    assert "/window/column" in next(each for each in items(shop) if each["name"] == "public.b")["refused_because"]


def test_a_changed_document_keeps_its_runs_and_counts_from_the_change_if_its_times_change(shop: Database) -> None:
    put(shop, schedule(table="public.a"), STORED)
    turn(shop, SIX)
    finish(shop)
    put(shop, schedule(table="public.b"), SIX + MINUTE)
    turn(shop, SIX + DAY + 3 * MINUTE)  # the run of the second day was missed
    put(shop, schedule(table="public.b", cron="30 5 * * *"), SIX + DAY + 4 * MINUTE)
    turn(shop, SIX + DAY + 5 * MINUTE)
    assert [(each["due_at"], each["kind"]) for each in runs(shop)] == [(SIX, "cron"), (SIX + DAY, "missed")]
    finish(shop)
    turn(shop, SIX + 2 * DAY)
    assert runs(shop)[-1]["due_at"] == SIX + 2 * DAY - 30 * MINUTE


def test_an_inactive_schedule_starts_nothing_more_and_later_makes_up_for_nothing(shop: Database) -> None:
    apply(shop, *(table(f"public.more_{number}", "id") for number in range(100)))
    put(shop, schedule(), STORED)
    turn(shop, SIX)
    assert len(requests(shop)) < 60
    put(shop, schedule(active=False), SIX + SECOND)
    turn(shop, SIX + DAY + MINUTE)
    left = [each for each in items(shop) if each["started_at"] is None]
    assert {each["refused_because"] for each in left} == {"the schedule was made inactive"}
    put(shop, schedule(), SIX + DAY + 2 * MINUTE)
    turn(shop, SIX + DAY + 3 * MINUTE)
    assert [each["due_at"] for each in runs(shop)] == [SIX]


def test_a_deleted_schedule_starts_nothing_more(shop: Database) -> None:
    put(shop, schedule(table="public.a"), STORED)
    turn(shop, SIX - SECOND)
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.watch_documents")
    turn(shop, SIX)
    assert runs(shop) == []


def test_the_checks_of_a_large_run_begin_over_a_minute_and_wait_for_dataops(shop: Database) -> None:
    tables = [table(f"public.t{number:04}", "id") for number in range(1500)]
    apply(shop, *tables)
    put(shop, schedule(tables=["public.t*"]), STORED)
    firing.sync(shop, SIX)
    assert firing.fire_due(shop, SIX) == 1
    seconds = [(each["start_at"] - SIX).total_seconds() for each in items(shop)]
    assert (len(seconds), min(seconds) >= 0, max(seconds) < 60) == (1500, True, True)
    per_second = [sum(1 for each in seconds if second <= each < second + 1) for second in range(60)]
    assert max(per_second) < 60
    assert firing.start_items(shop, CATALOGUE, SIX + MINUTE) == firing.ITEMS
    turn(shop, SIX + MINUTE)
    assert len(requests(shop)) == firing.MOST_UNSENT, "DataOps has accepted none of them"


def test_a_schedule_that_fails_holds_up_no_other(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, schedule("a-broken", table="public.a"), STORED)
    put(shop, schedule("well", table="public.b"), STORED)
    whole = firing.run

    def run(cursor: Any, document: Any, *further: Any, **named: Any) -> Any:
        if document.name == "a-broken":
            raise RuntimeError("a fault")
        return whole(cursor, document, *further, **named)

    monkeypatch.setattr(firing, "run", run)
    turn(shop, SIX)
    assert [each["schedule"] for each in requests(shop)] == ["well"]
    monkeypatch.undo()
    turn(shop, SIX + SECOND)
    assert [each["schedule"] for each in requests(shop)] == ["well", "a-broken"]


def test_several_processes_make_each_run_and_each_request_once(shop: Database) -> None:
    for number in range(10):
        put(shop, schedule(f"every-{number}", cron="* * * * *", tables=["public.[ab]"]), STORED)
    firing.sync(shop, STORED)
    together = threading.Barrier(6, timeout=60)

    def process() -> None:
        for minute in range(1, 4):
            together.wait()  # as for all it is the same minute: one that is ahead would find the minute before missed
            turn(shop, STORED + minute * MINUTE)

    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(process) for _ in range(6)]:
            each.result()
    made = [run for number in range(10) for run in runs(shop, f"every-{number}")]
    assert len(made) == len({(run["name"], run["due_at"]) for run in made}) == 30
    started = [item for item in items(shop) if item["started_at"] is not None]
    assert sorted(each["request_id"] for each in requests(shop)) == sorted(each["request_id"] for each in started)


def _dying(url: str, statements: int) -> None:
    """A process that is killed within its transactions, after so many statements."""
    database = Database(url, size=2)
    from database.pool import Cursor

    whole, left = Cursor._execute, [statements]

    def execute(self: Cursor, sql: str, parameters: Any) -> None:
        whole(self, sql, parameters)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Cursor._execute = execute  # type: ignore[method-assign]
    turn(database, SIX + MINUTE)


def test_a_process_that_is_killed_at_any_statement_leaves_nothing_out_and_nothing_twice(shop: Database) -> None:
    put(shop, schedule(tables=["public.[ab]"]), STORED)
    fork, killed = multiprocessing.get_context("fork"), 0
    for statement in range(1, 40):
        process = fork.Process(target=_dying, args=(shop.url, statement))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
    assert killed > 10
    turn(shop, SIX + 2 * MINUTE)
    assert [(each["due_at"], each["kind"]) for each in runs(shop)] == [(SIX, "cron")]
    assert sorted(each["table_name"] for each in requests(shop)) == ["public.a", "public.b"]


def test_runs_are_kept_as_long_as_results(shop: Database) -> None:
    put(shop, schedule(table="public.a"), STORED)
    turn(shop, SIX)

    def cleaned(days: int) -> int:
        settings = replace(read_settings({}), retention_results_days=days)
        retention.clean(shop, settings)
        return len(items(shop)) + len(runs(shop))

    assert cleaned(1) == 2, "it has not ended"
    finish(shop)
    turn(shop, SIX + MINUTE)
    assert (cleaned(36500), cleaned(1)) == (2, 0)


def test_the_loop_takes_up_documents_and_runs_them_by_the_databases_clock(shop: Database) -> None:
    loop = Loop("schedules", lambda _: None)
    turns = upkeep.Turns(shop, CATALOGUE)
    put(shop, schedule(cron="* * * * *", table="public.a"), now(shop) - 5 * MINUTE)
    for _ in range(3):
        turns.look(loop)
    (request,) = requests(shop)
    assert (request["table_name"], runs(shop)[0]["kind"]) == ("public.a", "missed")
    put(shop, schedule(cron="* * * * *", table="public.a", active=False), now(shop))
    turns.look(loop)
    assert turns.look(loop) == upkeep.LOOK_S
