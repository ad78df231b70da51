"""Batches of small checks: which checks a worker claims together, what the target's limit counts, and how their ends are stored."""

from pathlib import Path
from typing import Any

import pytest

from api import retention
from api.checks import audit, claims, lifecycle
from api.checks.lifecycle import Check
from api.delivery.sender import Credentials
from api.notifications import CHANNEL
from api.worker.attempt import Batch
from api.worker.worker import Worker
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import read_settings
from tests.support.queue import CATALOGUE, TABLES, ask, claimed, end, found, read

MOST = 16


def batch(database: Database, most: int = MOST, worker: str = "w") -> list[Check]:
    return claims.claim_batch(database, worker, most).checks


def result(database: Database, check: Check, verdict: str = "pass", **changes: Any) -> CheckResult:
    with database.transaction() as cursor:
        moment = cursor.now()
    ended = {"status": "succeeded", "verdict": verdict, "finished_at": moment, "snapshot_at": moment, "started_at": moment}
    return CheckResult.model_validate(check.pending().as_json() | ended | changes)


def counters(database: Database, target: str = "north") -> tuple[int, int, int]:
    """Waiting, running, sessions; a count of the checks finds the same."""
    statement = f"select waiting, running, sessions from dataops.targets where target = '{target}'"
    [before] = read(database, statement)
    audit.audit(database)
    [after] = read(database, statement)
    assert before == after
    return before["waiting"], before["running"], before["sessions"]


def expect(database: Database, **tables: int) -> None:
    """How long checks of tables are likely to take."""
    with database.transaction() as cursor:
        for table, took_ms in tables.items():
            cursor.run("select dataops.expect('north', %(table)s, true, %(ms)s)", {"table": f"public.{table}", "ms": took_ms})


def names(checks: list[Check]) -> list[str]:
    return [check.tables[0] for check in checks]


@pytest.fixture
def known(queue: Database) -> Database:
    """All tables have been checked, and took 50 ms."""
    expect(queue, a=50, b=50, c=50, d=50)
    return queue


def test_checks_of_one_target_that_wait_are_claimed_together_and_count_as_one_session(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    south = ask(known, "south")
    taken = batch(known)
    assert names(taken) == list(TABLES)
    assert {(check.attempt, check.worker, check.status) for check in taken} == {(1, "w", "running")}
    assert counters(known) == (0, 4, 1)
    assert [check.check_id for check in batch(known)] == [south.check_id]


def test_a_check_that_waits_alone_has_no_company(known: Database) -> None:
    ask(known)
    assert names(batch(known)) == ["public.a"]
    assert read(known, "select batch from dataops.checks") == [{"batch": None}]


def test_a_batch_has_a_limited_size_and_1_turns_it_off(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    assert names(batch(known, 1)) == ["public.a"]
    assert names(batch(known, 2)) == ["public.b", "public.c"]
    assert names(batch(known)) == ["public.d"]
    assert counters(known) == (0, 4, 3)
    ask(known, table=None, dataset="of-north")
    assert batch(known) == [], "three sessions are the limit"


def test_two_checks_of_one_table_are_never_in_one_batch(known: Database) -> None:
    for kinds in (["business"], ["engineering"]):
        ask(known, kinds=kinds)
    assert names(batch(known)) == ["public.a"]
    assert batch(known) == []


def test_the_session_of_a_batch_lasts_until_its_last_check_has_ended_whichever_ends_first(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    first, *others = batch(known)
    assert end(known, first)
    assert counters(known) == (0, 3, 1), "the next one leads"
    assert claims.hand_back(known, others[1], why="it was tried")
    assert end(known, others[0])
    assert counters(known) == (1, 1, 1)
    assert end(known, others[2])
    assert counters(known) == (1, 0, 0)


def test_what_is_expected_to_be_long_is_not_in_a_batch_neither_as_its_lead(known: Database) -> None:
    expect(known, a=5_000, c=5_000)
    for table in TABLES:
        ask(known, table=table)
    assert names(batch(known)) == ["public.a"]
    assert names(batch(known)) == ["public.b", "public.d"]
    assert names(batch(known)) == ["public.c"]


def test_who_waits_sync_waits_for_little_else(known: Database) -> None:
    expect(known, b=200, c=200, d=200)
    for table in TABLES:
        ask(known, table=table, mode="sync")
    assert names(batch(known)) == ["public.a", "public.b", "public.c"], "half a second of others"
    for table in ("public.a", "public.b", "public.c"):
        ask(known, table=table, mode="async")
    assert names(batch(known)) == ["public.d"], "the others' tables are in use"


def test_a_table_that_nobody_has_checked_is_in_a_small_batch(queue: Database) -> None:
    for table in TABLES:
        ask(queue, table=table, mode="sync")
    assert names(batch(queue)) == ["public.a", "public.b", "public.c"]


def test_one_slow_run_is_enough_to_run_alone_and_several_fast_ones_to_come_back(queue: Database) -> None:
    expect(queue, a=50)
    expect(queue, a=60_000)
    runs = 0
    while (ms := read(queue, "select expected_ms as ms from dataops.durations")[0]["ms"]) > 1000:
        expect(queue, a=50)
        runs += 1
        assert runs < 20, ms
    assert runs > 3


def test_what_is_expected_is_forgotten_where_nobody_checks_the_table_any_more(known: Database, tmp_path: Path) -> None:
    with known.transaction() as cursor:
        cursor.run("update dataops.durations set seen_at = now() - interval '91 days' where table_name <> 'public.a'")
    retention.clean(known, read_settings({"STRINGX_HOME": str(tmp_path)}))
    assert read(known, "select table_name from dataops.durations") == [{"table_name": "public.a"}]


def test_a_narrowed_check_is_expected_to_take_as_long_as_a_full_one_until_one_has_run(known: Database) -> None:
    expect(known, b=5_000)
    ask(known, table="public.a")
    ask(known, table="public.b", kinds=["business"])
    ask(known, table="public.c")
    assert names(batch(known)) == ["public.a", "public.c"]
    assert end(known, batch(known)[0])
    narrowed = read(known, "select target, table_name, is_full from dataops.durations where not is_full")
    assert narrowed == [], "a result that says nothing about its duration changes nothing"


@pytest.mark.parametrize("changes", [{"timeout_s": 59}, {"dataset": "of-north"}])
def test_short_budgets_and_datasets_run_alone(known: Database, changes: dict[str, Any]) -> None:
    ask(known, table="public.c")
    ask(known, **({"table": "public.a"} if "dataset" not in changes else {}) | changes)
    ask(known, table="public.d")
    assert names(batch(known)) == ["public.c", "public.d"]
    assert len(batch(known)) == 1


def test_who_was_claimed_before_runs_alone(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    first, *_ = taken = batch(known)
    for check in reversed(taken):
        assert claims.hand_back(known, check, why="it was tried")
    assert [names(batch(known)) for _ in range(3)] == [[table] for table in TABLES[:3]]
    assert found(known, first)["earlier_attempts"][0]["why"] == "it was tried"


def test_a_lost_batch_does_not_count_as_a_crash_and_a_lost_lone_run_does(known: Database) -> None:
    for table in TABLES[:2]:
        ask(known, table=table)
    assert len(batch(known)) == 2
    for crashes in (0, 1):
        with known.transaction() as cursor:
            cursor.run("update dataops.checks set lease_expires_at = now() - interval '1 s' where status = 'running'")
        assert len(claims.rescue(known, 0)) == 2
        assert {row["crashes"] for row in read(known, "select crashes from dataops.checks")} == {crashes}
        assert counters(known) == (2, 0, 0)
        assert [len(batch(known)) for _ in range(2)] == [1, 1]


def test_the_session_of_a_check_that_the_release_before_has_rescued_from_a_batch_counts(known: Database) -> None:
    for table in TABLES[:2]:
        ask(known, table=table)
    _, other = batch(known)
    for status in ("queued", "running"):  # as the release before writes them, which knows no batches
        with known.transaction() as cursor:
            lifecycle.lock_target(cursor, "north")
            cursor.run("update dataops.checks set status = %(s)s where check_id = %(id)s", {"s": status, "id": other.check_id})
    assert counters(known) == (0, 2, 2)


def test_the_ends_of_a_batch_are_stored_at_once_each_fenced_by_itself(known: Database) -> None:
    asked = [ask(known, table=table) for table in TABLES]
    joined = ask(known, table="public.b", request_id="joined")
    taken = batch(known)
    assert claims.hand_back(known, taken[2], why="its lease has run out")
    ends = [
        (check, result(known, check, verdict)) for check, verdict in zip(taken, ("pass", "fail", "pass", "warn"), strict=True)
    ]
    stored = claims.finish_several(known, ends, "http://backend")
    assert stored == {taken[place].check_id for place in (0, 1, 3)}
    assert [found(known, check).get("verdict") for check in asked] == ["pass", "fail", None, "warn"]
    assert found(known, joined)["verdict"] == "fail"
    posted = read(known, "select check_id::text, body::jsonb ->> 'verdict' as verdict from dataops.outbox")
    assert {(row["check_id"], row["verdict"]) for row in posted} == {
        (asked[0].check_id, "pass"), (asked[1].check_id, "fail"), (joined.check_id, "fail"), (asked[3].check_id, "warn"),
    }  # fmt: skip
    assert counters(known) == (1, 0, 0)
    assert claims.finish_several(known, ends[:1], "http://backend") == set(), "once"


def test_a_member_of_a_batch_is_canceled_by_itself(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    taken = batch(known)
    lifecycle.cancel(known, taken[0].check_id, "http://backend")
    assert claims.checks_to_cancel(known, "w") == {taken[0].check_id}
    assert end(known, taken[0], "canceled", "error")
    ends = [(check, result(known, check)) for check in taken]
    assert claims.finish_several(known, ends, "http://backend") == {check.check_id for check in taken[1:]}
    assert found(known, taken[0])["status"] == "canceled"


def test_the_last_one_that_is_canceled_ends_with_the_session_of_its_batch(known: Database, tmp_path: Path) -> None:
    worker = Worker(
        settings=read_settings({"STRINGX_HOME": str(tmp_path)}), database=known, catalogue=CATALOGUE,
        listener=Listener(known, CHANNEL), name="w", credentials=Credentials("w", "key", []),
    )  # fmt: skip
    checks = [ask(known, table=table) for table in TABLES[:2]]
    attempts = worker._claim(worker.slots[0])
    assert attempts is not None
    together = Batch(attempts, 60)
    seen = []
    for check in checks:
        lifecycle.cancel(known, check.check_id, "http://backend")
        worker._stop_canceled()
        seen.append((together.stopped, found(known, check)["status"], counters(known)))
    assert seen == [(None, "canceled", (0, 1, 1)), ("canceled", "running", (0, 1, 1))]


def test_leases_of_a_batch_are_renewed_and_a_row_that_is_being_finished_is_not_waited_for(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    ids = [check.check_id for check in batch(known)]
    with known.transaction() as cursor:
        cursor.run("select from dataops.checks where check_id = %(id)s for update", {"id": ids[0]})
        assert claims.renew(known, "w", ids) == set(ids)
    assert claims.renew(known, "other", ids) == set()


def test_the_next_check_alone_is_claimed_as_before(known: Database) -> None:
    for table in TABLES:
        ask(known, table=table)
    assert claimed(known).tables == ["public.a"]
    assert counters(known) == (3, 1, 1)
