"""Workers and their dbt processes that are killed, that wake up too late, that are asked to end."""

import signal
import time
from contextlib import suppress
from random import Random
from typing import Any

import psutil
import pytest

from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import Process, eventually, is_alive

RECOVERY_S = 120.0  # how long to wait, not how long it may take: the campaign measures that


def kill(worker: Process, who: str) -> list[psutil.Process]:
    """-9 to the worker, to its dbt processes or to both; what was killed."""
    children = worker.dbt_children() if who == "child" else worker.dbt_processes()
    victims = children if who != "parent" else []
    if who in ("parent", "both"):
        victims = [psutil.Process(worker.pid), *victims]
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # it ended with one of the others
            victim.kill()
    return victims


def gone(processes: list[psutil.Process]) -> bool:
    return not any(is_alive(process) for process in processes)


def held_by(installation: Installation, check_id: str) -> Process:
    worker = installation.worker_of(check_id)
    assert worker is not None
    return worker


# both: by default at random moments alone
@pytest.mark.parametrize(
    "who",
    ["child", pytest.param("loader and child", marks=pytest.mark.long), "parent", pytest.param("both", marks=pytest.mark.long)],
)
def test_a_check_whose_worker_is_killed_runs_again_and_has_one_result(installation: Installation, who: str) -> None:
    table = installation.table("dirty", held=True)
    with table.held() as held:
        request = installation.ask(table, timeout_s=120)
        check_id = installation.executing(request)
        victims = kill(held_by(installation, check_id), who)
        assert victims
        eventually(lambda: gone(victims), 30, "the end of what was killed")
        eventually(
            lambda: not [s for s in installation.on_target(check_id) if s["application_name"].endswith(" 1")],
            30,
            "the end of its query",
        )
        installation.executing(request, RECOVERY_S, attempt=2)
        held.let_go()
        result = installation.result(request)
    assert (result["verdict"], result["attempt"]) == ("fail", 2)
    assert accounting(installation)[request]["crashes"] == 1


def test_with_the_default_lease_a_check_runs_again_within_45_seconds(installation: Installation) -> None:
    table = installation.table("dirty", held=True)
    worker = installation.run_extra(installation.make("worker-default", "worker", LEASE_SECONDS=""))
    installation.wait_warm(worker)
    for other in installation.of_role("worker"):
        other.pause()
    with table.held() as held:
        request = installation.ask(table, timeout_s=300)
        check_id = installation.executing(request)
        for other in installation.of_role("worker"):
            other.resume()
        assert held_by(installation, check_id) is worker
        worker.end()
        killed_at = time.monotonic()
        installation.executing(request, RECOVERY_S, attempt=2)
        assert time.monotonic() - killed_at > 10, "the lease was not the default one"
        held.let_go()
        assert installation.result(request)["verdict"] == "fail"
    accounting(installation)


def test_a_worker_that_keeps_no_dbt_process_has_equal_results(installation: Installation) -> None:
    """Each of its checks is a run of the dbt executable."""
    tables = [installation.table("dirty"), installation.table("warned")]
    by_child = installation.results([installation.ask(table) for table in tables])
    for other in installation.of_role("worker"):
        other.pause()
    cold = installation.run_extra(installation.make("worker-cold", "worker", WORKER_MAX_CHECKS="1"))
    by_executable = installation.results([installation.ask(table, timeout_s=300) for table in tables], 240)
    assert not cold.dbt_processes()
    for other in installation.of_role("worker"):
        other.resume()
    assert [outcome(result) for result in by_executable] == [outcome(result) for result in by_child]
    assert {result["dbt"]["invocation_id"] for result in by_executable}.isdisjoint(
        result["dbt"]["invocation_id"] for result in by_child
    )
    accounting(installation)


def outcome(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    keys = ("id", "status", "failures", "total", "measured", "message")
    return [tuple(rule[key] for key in keys) for rule in result["rules"]]


def test_kills_at_random_moments_lose_nothing(installation: Installation, dice: Random) -> None:
    tables = [installation.table(dice.choice(["clean", "dirty", "warned"])) for _ in range(4)]
    for who in dice.sample(["child", "parent", "both"], 3):
        for table in tables:
            installation.ask(table, dice.choice(["api", "backend"]), mode=dice.choice(["sync", "async"]), wait_s=0)
        time.sleep(dice.uniform(0.0, 0.3))
        victims = kill(installation[dice.choice(["worker-1", "worker-2"])], who)
        eventually(lambda victims=victims: gone(victims), 30, "the end of what was killed")
        installation.supervise()
    accounting(installation)


def test_a_check_that_kills_its_worker_is_an_error_after_three_crashes_and_others_go_on(installation: Installation) -> None:
    rules = [{"id": "fatal", "type": "dbt", "arguments": {"test": "ends_its_process"}}]  # of the user's dbt project
    poison, others = installation.table(rules=rules), [installation.table(), installation.table("dirty")]
    before = [child for worker in installation.of_role("worker") for child in worker.dbt_children()]
    fatal = installation.ask(poison)
    harmless = [installation.ask(table) for table in others * 2]
    for result in installation.results(harmless):
        assert result["verdict"] in ("pass", "fail")
    result = installation.result(fatal, 120)
    assert any(not child.is_running() for child in before), "no dbt process has died"
    assert (result["status"], result["verdict"]) == ("errored", "error")
    assert accounting(installation, otherwise={fatal: {"errored"}})[fatal]["crashes"] == 3


@pytest.mark.parametrize("successor", ["has finished", "still runs"])
def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(installation: Installation, successor: str) -> None:
    """Its dbt process has answered meanwhile: the result lies in the pipe when it goes on."""
    table = installation.table("warned", held=True)
    with table.held() as held:
        request = installation.ask(table, timeout_s=120)
        check_id = installation.executing(request)
        zombie = held_by(installation, check_id)
        zombie.pause(family=False)
        held.let_go(1)
        eventually(lambda: not installation.on_target(check_id), 30, "the answer to the one that sleeps")
        installation.executing(request, RECOVERY_S, attempt=2)
        assert held_by(installation, check_id) is not zombie, "the lease has not run out"
        if successor == "has finished":
            held.let_go(2)
            installation.result(request)
        zombie.resume()
        installation.wait_warm(zombie)
        time.sleep(1)  # to do what it must not
        if successor == "still runs":
            row = installation.check(check_id)
            assert (row["status"], row["attempt"]) == ("running", 2)
            held.let_go(2)
        result = installation.result(request)
    assert (result["verdict"], result["attempt"]) == ("warn", 2)
    accounting(installation)


def test_a_worker_that_is_asked_to_end_finishes_what_it_runs_and_takes_nothing_new(installation: Installation) -> None:
    table, others = installation.table(held=True), [installation.table("dirty") for _ in range(4)]
    with table.held() as held:
        request = installation.ask(table, timeout_s=120)
        check_id = installation.executing(request)
        worker = held_by(installation, check_id)
        name = installation.check(check_id)["worker"]
        worker.send(signal.SIGTERM)
        time.sleep(0.5)
        more = [installation.ask(other) for other in others]
        installation.results(more)
        assert worker.runs, "it did not wait for its check"
        running = installation.rows("select check_id::text from dataops.checks where worker = %s and status = 'running'", [name])
        assert [row["check_id"] for row in running] == [check_id]
        held.let_go()
        assert worker.wait(30) == 0
    assert installation.result(request)["attempt"] == 1
    accounting(installation)


def test_a_worker_that_cannot_finish_hands_back_within_30_seconds(installation: Installation) -> None:
    _hands_back(installation, ("TERM",), 30)


def test_a_worker_told_twice_hands_back_at_once(installation: Installation) -> None:
    _hands_back(installation, ("TERM", "TERM"), 10)


def _hands_back(installation: Installation, signals: tuple[str, ...], within_s: float) -> None:
    table = installation.table(held=True)
    installation.wait_warm()  # the other one is to take it over at once
    with table.held() as held:
        request = installation.ask(table, timeout_s=120)
        worker = held_by(installation, installation.executing(request))
        for name in signals:
            worker.send(signal.Signals[f"SIG{name}"])
            time.sleep(0.3)
        assert worker.wait(within_s) == 0
        installation.executing(request, attempt=2)
        held.let_go()
        installation.result(request)
    assert accounting(installation)[request]["crashes"] == 0, "nobody has crashed"


@pytest.mark.parametrize("role", ["api", "backend"])
def test_a_service_that_is_asked_to_end_under_load_exits_with_0(installation: Installation, role: str) -> None:
    tables = [installation.table(), installation.table("dirty")]
    service = installation[f"{role}-1"]
    for table in tables * 3:
        installation.ask(table, role, url=service.url)
    assert service.stop(within_s=30) == 0
    for table in tables:  # the other one serves
        installation.ask(table, role)
    accounting(installation)
