"""The queue: who is first in line, who shares a run, which target is served next; and that it all holds whatever happens."""

import random
from pathlib import Path
from typing import Any

import pytest

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.delivery.sender import Credentials
from api.notifications import CHANNEL
from api.worker.claiming import Claiming
from api.worker.worker import Worker
from database.loops import Loops
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.problems import Busy, Unavailable
from stringx_dataops.contract.settings import read_settings
from tests.support.processes import eventually
from tests.support.queue import CATALOGUE, TABLES, TARGETS, ask, claimed, end, found, read

# -- sharing a run


def test_what_asks_the_same_shares_the_run_of_what_waits_and_keeps_its_ids(queue: Database) -> None:
    leader, second, third = (ask(queue, request_id=name) for name in ("one", "two", "three"))
    other = ask(queue, kinds=["business"])
    assert (leader.joined, second.joined, third.joined, other.joined) == (None, leader.check_id, leader.check_id, None)
    run = claimed(queue)
    assert run.check_id == leader.check_id
    late = ask(queue, request_id="four")
    assert late.joined is None, "the run has begun: what it sees may be older than this request"
    assert end(queue, run, verdict="fail")
    for check, name in ((leader, "one"), (second, "two"), (third, "three")):
        result = found(queue, check)
        assert (result["status"], result["verdict"], result["check_id"], result["request_id"]) == (
            "succeeded",
            "fail",
            check.check_id,
            name,
        )
    assert found(queue, late)["status"] == "queued"
    assert found(queue, third)["joined"] == leader.check_id
    posted = read(queue, "select check_id::text, body::jsonb ->> 'request_id' as name from dataops.outbox order by message_id")
    assert [(row["check_id"], row["name"]) for row in posted] == [
        (leader.check_id, "one"),
        (second.check_id, "two"),
        (third.check_id, "three"),
    ]


def test_no_thread_asks_while_it_is_known_that_nothing_waits(queue: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.worker.claiming._RELY_S", 3600)
    asked, ask_database = [], claims.claim_batch
    monkeypatch.setattr("api.worker.claiming.claims.claim_batch", lambda *some: asked.append(1) or ask_database(*some))
    listener = Listener(queue, CHANNEL)
    claiming = Claiming(queue, listener, "w", most=1, lease_s=20)

    def notified(times: int) -> None:
        eventually(lambda: listener.notifications(lifecycle.QUEUE) >= times or None, 30, "the notification")
        assert listener.notifications(lifecycle.QUEUE) == times

    assert claiming.next() == claiming.next() == []
    assert len(asked) == 2, "it does not listen yet, so it does not rely on that"
    listener.start(Loops())
    try:
        eventually(lambda: listener.listens or None, 30, "LISTEN")
        before = listener.notifications(lifecycle.QUEUE)
        assert claiming.next() == claiming.next() == []
        assert len(asked) == 3
        ask(queue)
        notified(before + 1)
        [first] = claiming.next()
        assert claiming.next() == []
        assert len(asked) == 4, "nothing waits behind it"
        assert end(queue, first.check)  # nobody is told of the place
        ask(queue), ask(queue, "south")
        notified(before + 3)
        [second] = claiming.next()
        notified(before + 4)  # of the other target, by itself
        [third] = claiming.next()
        assert {second.check.request.target, third.check.request.target} == {"north", "south"}
        assert (claiming.next(), len(asked)) == ([], 6)
        ask(queue, second.check.request.target)  # waits for its line
        notified(before + 5)
        assert (claiming.next(), len(asked)) == ([], 7)
        assert end(queue, second.check)  # now it may be claimed
        notified(before + 6)
        assert len(claiming.next()) == 1
    finally:
        listener.stop()


def test_a_check_that_another_thread_of_the_worker_has_claimed_again_is_not_forgotten(queue: Database, tmp_path: Path) -> None:
    worker = Worker(
        settings=read_settings({"STRINGX_HOME": str(tmp_path)}), database=queue, catalogue=CATALOGUE,
        listener=Listener(queue, CHANNEL), name="w", credentials=Credentials("w", "key", []),
    )  # fmt: skip
    ask(queue)
    [first] = worker._claim(worker.slots[0])
    assert claims.hand_back(queue, first.check, why="it was tried")
    [second] = worker._claim(worker.slots[1])
    worker._forget(first)
    assert worker.attempts == {second.check.check_id: second}
    worker._forget(second)
    assert worker.attempts == {}


def test_a_run_is_shared_by_a_limited_number(queue: Database) -> None:
    asked = [ask(queue) for _ in range(103)]
    assert sum(check.joined == asked[0].check_id for check in asked) == 100
    assert [check.joined for check in asked[-2:]] == [None, asked[-2].check_id]


def test_canceling_one_that_others_share_leaves_the_others(queue: Database) -> None:
    leader, second, third = (ask(queue) for _ in range(3))
    assert lifecycle.cancel(queue, leader.check_id, "http://backend").status == "canceled"
    run = claimed(queue)
    assert run.check_id == second.check_id
    assert lifecycle.cancel(queue, third.check_id, "http://backend").status == "canceled"
    assert end(queue, run)
    assert [found(queue, check)["status"] for check in (leader, second, third)] == ["canceled", "succeeded", "canceled"]


def test_a_run_that_is_canceled_is_made_again_for_those_that_shared_it(queue: Database) -> None:
    leader, second, third = (ask(queue) for _ in range(3))
    run = claimed(queue)
    canceled = lifecycle.cancel(queue, leader.check_id, "http://backend")
    assert canceled.status == "running"
    assert claims.checks_to_cancel(queue, "w") == {leader.check_id}
    assert end(queue, run, "canceled", "error")
    again = claimed(queue)
    assert again.check_id == second.check_id
    assert end(queue, again)
    assert [found(queue, check)["status"] for check in (leader, second, third)] == ["canceled", "succeeded", "succeeded"]
    assert lifecycle.cancel(queue, second.check_id, "http://backend").status == "succeeded", "what has ended stays as it is"


def test_nobody_shares_the_run_of_a_check_that_has_ended_a_worker(queue: Database) -> None:
    ask(queue)
    run = claimed(queue)
    assert claims.hand_back(queue, run, why="it was tried", crashed=True)
    assert ask(queue).joined is None


def test_a_cancel_survives_the_worker_that_should_have_seen_it(queue: Database) -> None:
    ask(queue)
    run = claimed(queue)
    lifecycle.cancel(queue, run.check_id, "http://backend")
    assert claims.hand_back(queue, run, why="it was tried", crashed=True)
    assert claimed(queue).cancel_requested


# -- order


def test_targets_take_turns_whoever_asked_first(queue: Database) -> None:
    for table in TABLES:
        ask(queue, "north", table)
    for table in TABLES:
        ask(queue, "south", table)
    order = []
    for _ in range(8):
        run = claimed(queue)
        order.append(run.request.target)
        assert end(queue, run)
    assert order == ["north", "south"] * 4


def test_a_sync_check_of_any_target_goes_first_but_not_before_what_has_waited_a_minute(queue: Database) -> None:
    patient, old = ask(queue, "north", "public.a"), ask(queue, "north", "public.b")
    with queue.transaction() as cursor:
        cursor.run(
            "update dataops.checks set due_at = due_at - interval '2 minutes' where check_id = %(id)s", {"id": old.check_id}
        )
    urgent = ask(queue, "south", mode="sync")
    late = ask(queue, "north", "public.c", mode="sync")
    order = []
    for _ in range(4):
        run = claimed(queue)
        order.append(run.check_id)
        assert end(queue, run)
    assert order == [old.check_id, urgent.check_id, late.check_id, patient.check_id]


def test_what_gave_way_waits_for_a_moment_and_lets_others_go_first(queue: Database) -> None:
    ask(queue)
    run = claimed(queue)
    assert claims.hand_back(queue, run, why="it was tried", yielded=True, delay_s=60)
    assert claims.claim(queue, "w") is None
    other = ask(queue, kinds=["business"])
    assert claimed(queue).check_id == other.check_id


def test_a_full_queue_counts_what_shares_a_run_too(queue: Database) -> None:
    for _ in range(3):
        ask(queue, limit=3)
    with pytest.raises(Busy):
        ask(queue, "south", limit=3)


# -- whatever happens


@pytest.mark.parametrize("seed", range(4))
def test_the_books_are_right_after_any_number_of_events(queue: Database, seed: int) -> None:
    """Claims, ends, crashes, cancels and lost workers in any order; then every line, flag and counter is computed anew."""
    chance = random.Random(seed)
    running: list[Check] = []
    for _ in range(120):
        match chance.choice(("ask", "ask", "ask", "claim", "claim", "end", "back", "cancel", "lose")):
            case "ask":
                target = chance.choice(TARGETS)
                which = {"dataset": f"of-{target}"} if chance.random() < 0.2 else {"table": chance.choice(TABLES)}
                narrowed = chance.choice(({}, {}, {"kinds": ["business"]}))
                ask(queue, target, **(which | narrowed), mode=chance.choice(("sync", "async")))
            case "claim":
                if (run := claims.claim(queue, "w")) is not None:
                    running.append(run)
            case "end" if running:
                end(
                    queue,
                    running.pop(chance.randrange(len(running))),
                    *chance.choice((("succeeded", "pass"), ("canceled", "error"))),
                )
            case "back" if running:
                claims.hand_back(
                    queue, running.pop(), why="it was tried", crashed=chance.random() < 0.5, delay_s=chance.choice((0, 0, 30))
                )
            case "cancel":
                rows = read(queue, "select check_id::text as id from dataops.checks where status in ('queued', 'running')")
                if rows:
                    lifecycle.cancel(queue, chance.choice(rows)["id"], "http://backend")
            case "lose" if running:
                with queue.transaction() as cursor:
                    lost = {"id": running.pop().check_id}
                    cursor.run("update dataops.checks set lease_expires_at = now() - interval '1s' where check_id = %(id)s", lost)
                claims.rescue(queue, lease_s=0)
        require_right_books(queue)
    assert len({check.check_id for check in running}) == len(running)


def require_right_books(database: Database) -> None:
    """Counters, lines and flags against what the checks say themselves, computed here."""
    rows = read(database, "select *, check_id::text as id, joined::text as leader from dataops.checks")
    counted = {row["target"]: (row["waiting"], row["running"]) for row in read(database, "select * from dataops.targets")}
    for target in TARGETS:
        of_target = [row for row in rows if row["target"] == target]
        numbers = tuple(sum(row["status"] == status for row in of_target) for status in ("queued", "running"))
        assert counted.get(target, (0, 0)) == numbers
        standing = [row for row in of_target if row["status"] in ("queued", "running") and row["leader"] is None]
        lines: dict[str, list[tuple[bool, Any, str]]] = {}
        for row in standing:
            for table in row["tables"]:
                lines.setdefault(table, []).append((row["status"] == "queued", row["due_at"], row["id"]))
        for line in lines.values():
            line.sort()
            assert sum(not waits for waits, _, _ in line) <= 1, "one check at a time on a table"
        for row in standing:
            if row["status"] == "queued":
                assert row["is_first"] == all(lines[table][0][2] == row["id"] for table in row["tables"])
        for row in of_target:
            if row["status"] == "queued" and row["leader"] is not None:
                leads = next(other for other in rows if other["id"] == row["leader"])
                assert leads["status"] in ("queued", "running"), "it would wait for ever"
                assert leads["leader"] is None


# -- a process that sleeps


def test_a_process_that_falls_asleep_in_a_transaction_keeps_nobody_waiting_for_ever(queue: Database) -> None:
    """A stopped container, a machine that is moved: its connection stays, and with it the lock of a target."""
    asleep = Database(queue.url, size=1)

    def sleep() -> None:
        with asleep.transaction() as cursor:
            lifecycle.lock_target(cursor, "north")
            assert ask(queue).status == "queued"
            lifecycle.lock_target(cursor, "south")

    with pytest.raises(Unavailable):
        sleep()
    with asleep.transaction() as cursor:
        lifecycle.lock_target(cursor, "north")
    asleep.close()
