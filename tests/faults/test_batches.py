"""Batches of checks whose worker is killed, sleeps, is asked to end; of which one is canceled, or is slow: every check has one result,
and it is the right one."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.faults.accounting import accounting
from tests.faults.test_workers import RECOVERY_S, gone, kill
from tests.support.installation import Installation
from tests.support.processes import Process, eventually
from tests.support.tables import CheckedTable


@pytest.fixture(scope="module")
def patient(shared: Installation) -> Iterator[Installation]:
    """With a first worker that lets batches run for as long as a test holds them."""
    worker = shared.of_role("worker")[0]
    usual, worker.program = worker.program, ("tests.support.patient_worker",)
    worker.end()
    yield shared
    worker.program = usual
    worker.end()


@pytest.fixture
def installation(patient: Installation, turn: int) -> Installation:
    """The shared one, whole again, with such a worker, which is warm."""
    patient.heal()
    patient.wait_warm(patient.of_role("worker")[0])
    return patient


def small_tables(installation: Installation, number: int = 4) -> list[CheckedTable]:
    return [installation.table(kind, 100) for kind in ("clean", "dirty", "warned", "clean", "dirty", "warned")[:number]]


def gathered(installation: Installation, tables: Sequence[CheckedTable], number: int = 0) -> tuple[list[str], Process]:
    """Checks of these tables that are all there when this worker comes; their requests, and the worker."""
    worker = installation.of_role("worker")[number]
    for each in installation.of_role("worker"):
        each.pause()
    asked = [installation.ask(table, mode="async", timeout_s=120) for table in tables]
    eventually(lambda: all(waits(installation, request) for request in asked), 60, "the checks in the queue")
    worker.resume()
    return asked, worker


def waits(installation: Installation, request: str) -> bool:
    return bool(installation.rows("select 1 as one from dataops.checks where request_id = %s and status = 'queued'", [request]))


def batch_runs(installation: Installation, size: int) -> None:
    """Until a batch of so many has a query on the target."""
    together = "select 1 as one from dataops.checks where status = 'running' and batch is not null"
    on_target = "select 1 as one from pg_stat_activity where application_name like 'stringx batch %' and state = 'active'"

    def look() -> bool:
        return len(installation.rows(together)) == size and bool(installation.checked.rows("postgres", on_target))

    eventually(look, 60, f"a batch of {size} on the target")


def test_checks_that_wait_share_a_run(installation: Installation) -> None:
    tables = small_tables(installation, 6)
    asked, _ = gathered(installation, tables)
    results = installation.results(asked)
    assert len({result["snapshot_at"] for result in results}) == 1
    assert [result["attempt"] for result in results] == [1] * 6
    accounting(installation)


@pytest.mark.parametrize("who", ["child", "parent"])
def test_a_batch_whose_process_is_killed_runs_again_one_by_one_and_has_not_crashed(installation: Installation, who: str) -> None:
    tables = [*small_tables(installation), installation.table("dirty", held=True)]
    with tables[-1].held(1):
        asked, worker = gathered(installation, tables)
        batch_runs(installation, 5)
        installation.of_role("worker")[1].resume()
        victims = kill(worker, who)
        assert victims
        eventually(lambda: gone(victims), 30, "the end of what was killed")
        results = installation.results(asked, RECOVERY_S)
    assert [result["attempt"] for result in results] == [2] * 5
    assert len({result["snapshot_at"] for result in results}) == 5
    checks = accounting(installation)
    assert {row["crashes"] for row in checks.values()} == {0}


def test_a_worker_that_wakes_up_after_the_lease_of_its_batch_changes_nothing(installation: Installation) -> None:
    tables = [*small_tables(installation), installation.table("warned", held=True)]
    with tables[-1].held(1) as held:
        asked, zombie = gathered(installation, tables)
        batch_runs(installation, 5)
        zombie.pause(family=False)
        installation.of_role("worker")[1].resume()
        held.let_go()
        results = installation.results(asked, RECOVERY_S)
        zombie.resume()
        installation.wait_warm(zombie)
    assert [result["attempt"] for result in results] == [2] * 5
    assert {row["attempt"] for row in accounting(installation).values()} == {2}


def test_a_worker_told_twice_to_end_hands_its_batch_back(installation: Installation) -> None:
    tables = [*small_tables(installation), installation.table("dirty", held=True)]
    with tables[-1].held(1):
        asked, worker = gathered(installation, tables)
        batch_runs(installation, 5)
        installation.of_role("worker")[1].resume()
        for _ in range(2):
            worker.send(signal.SIGTERM)
        assert worker.wait(30) == 0
        installation.results(asked)
    assert {(row["attempt"], row["crashes"]) for row in accounting(installation).values()} == {(2, 0)}


def test_one_of_a_batch_is_canceled_at_once_and_the_others_are_decided_together(installation: Installation) -> None:
    tables = [*small_tables(installation), installation.table("dirty", held=True)]
    with tables[-1].held() as held:
        asked, _ = gathered(installation, tables)
        batch_runs(installation, 5)
        url = f"{installation.to_backend.url}/api/v1/requests/{asked[1]}/cancel"
        assert installation.call("POST", url).status_code in (200, 202)
        canceled = installation.result(asked[1])
        assert (canceled["status"], canceled["attempt"]) == ("canceled", 1)
        held.let_go()
        decided = installation.results([asked[0], *asked[2:]])
    assert [result["verdict"] for result in decided] == ["pass", "warn", "pass", "fail"]
    assert len({result["snapshot_at"] for result in decided}) == 1
    accounting(installation, otherwise={asked[1]: {"canceled"}})


def test_one_of_a_batch_that_is_slow_keeps_nobody_waiting(installation: Installation) -> None:
    tables = [*small_tables(installation), installation.table("dirty", held=True)]
    installation.wait_warm(installation.of_role("worker")[1])
    with tables[-1].held() as held:
        asked, _ = gathered(installation, tables, 1)
        decided = installation.results(asked[:4], RECOVERY_S)
        assert [result["verdict"] for result in decided] == ["pass", "fail", "warn", "pass"]
        installation.executing(asked[4], attempt=2)
        held.let_go()
        assert installation.result(asked[4])["verdict"] == "fail"
    accounting(installation)


def test_a_member_that_ends_the_session_is_an_error_and_the_others_are_decided(installation: Installation) -> None:
    tables = small_tables(installation)
    bad = installation.table("clean", 50)
    installation.load(
        "create function ends_its_session() returns boolean language sql volatile as 'select pg_terminate_backend(pg_backend_pid())';"
        f" create view ends_{bad.name} as select * from {bad.base} where ends_its_session()"
    )
    bad = replace(bad, name=f"ends_{bad.name}")
    installation.tables[bad.relation] = bad
    installation.configure(bad)
    asked, _ = gathered(installation, [*tables, bad])
    assert [result["verdict"] for result in installation.results(asked)] == ["pass", "fail", "warn", "pass", "error"]
    checks = accounting(installation, otherwise={asked[-1]: {"errored"}})
    assert {row["attempt"] for row in checks.values()} == {2}


@pytest.mark.long  # by default those of test_workers.py
def test_kills_at_random_moments_of_batches_lose_nothing(installation: Installation, dice: Random) -> None:
    tables = small_tables(installation, 6)
    for who in dice.sample(["child", "parent"], 2):
        gathered(installation, tables)
        worker = installation.of_role("worker")[0]
        victims = kill(worker, who)
        eventually(lambda victims=victims: gone(victims), 30, "the end of what was killed")
        installation.supervise(resume=True)
    accounting(installation)
