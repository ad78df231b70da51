"""Clients: the same request many times, one that waits when its web process dies, more than the queue takes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psutil
import psycopg2
import pytest
import requests

from api.app import THREADS
from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import Process, eventually

MEMORY_BYTES = 400 << 20  # that a web service may take in all


@pytest.fixture
def burst(request: pytest.FixtureRequest) -> int:
    """How many ask at once."""
    return 10_000 if request.config.getoption("long") else 600


def test_fifty_at_once_with_one_key_make_one_request(installation: Installation, turn: int) -> None:
    table = installation.table("dirty")
    urls = [(service, installation[f"{service}-{number}"].url) for service in ("backend", "api") for number in (1, 2)]
    together = threading.Barrier(50)

    def ask(number: int) -> requests.Response:
        service, url = urls[number % 4]
        together.wait()
        return installation.post(table, service, url=url, request_id=f"once {turn}", mode=None)

    with ThreadPoolExecutor(50) as many:
        answers = list(many.map(ask, range(50)))
    assert {answer.status_code for answer in answers} == {202}, [a.text for a in answers if a.status_code != 202][:3]
    assert {answer.json()["request_id"] for answer in answers} == {f"once {turn}"}
    found = installation.rows("select count(*) as n from dataops.checks where request_id = %s", [f"once {turn}"])
    assert found[0]["n"] == 1
    for service, url in urls:
        other = installation.post(table, service, url=url, request_id=f"once {turn}", rule_ids=["rows"])
        assert other.status_code == 409, other.text
    installation.result(f"once {turn}")
    assert installation.post(table, request_id=f"once {turn}").json()["verdict"] == "fail"
    accounting(installation)


def test_two_services_that_are_asked_different_things_under_one_key_take_one_of_them(
    installation: Installation, turn: int
) -> None:
    table = installation.table("dirty")
    together = threading.Barrier(12)

    def ask(number: int) -> tuple[str, int]:
        asked: dict[str, Any] = {"rule_ids": ["value_small"]} if number % 2 else {}
        together.wait()
        answer = installation.post(table, ("api", "backend")[number // 2 % 2], request_id=f"either {turn}", **asked)
        return ("narrowed" if asked else "full", answer.status_code)

    with ThreadPoolExecutor(12) as many:
        answers = set(many.map(ask, range(12)))
    assert {status for _, status in answers} == {202, 409}, installation["backend-1"].output()[-3000:]
    assert len({kind for kind, status in answers if status == 202}) == 1, answers
    assert installation.result(f"either {turn}")["verdict"] == "fail"
    accounting(installation, changing=[table])


@pytest.mark.parametrize("role", ["api", "backend"])
def test_a_check_outlives_the_web_process_that_its_client_waits_at(installation: Installation, role: str, turn: int) -> None:
    table, service = installation.table("dirty", held=True), installation[f"{role}-1"]
    request = f"outlives {role} {turn}"
    with table.held() as held, ThreadPoolExecutor(1) as one:
        waiting = one.submit(
            installation.post, table, role, service.url, request_id=request, mode="sync", wait_s=60, timeout_s=120
        )
        installation.executing(request)
        killed = service.web_workers()
        for process in killed:
            process.kill()
        assert killed
        with pytest.raises(requests.ConnectionError):
            waiting.result(30)
        held.let_go()
        path = f"requests/{request}" if role == "backend" else f"quality-checks/{installation.check_of(request)}"

        def fetched() -> bool:
            answer = installation.call("GET", f"{service.url}/api/v1/{path}", params={"wait": 5})
            return answer.status_code == 200 and answer.json()["verdict"] == "fail"

        eventually(fetched, 45, "the result, from the process that took its place")
    installation.accepted[request] = table.relation
    accounting(installation)


@pytest.mark.timeout(1800)
def test_a_burst_below_the_cap_is_taken_whole(installation: Installation, burst: int, dice: Random) -> None:
    tables = [installation.table(kind) for kind in ("clean", "dirty", "warned") for _ in range(4)]
    before = len(installation.rows("select 1 from dataops.checks"))
    api, backend = installation["api-1"], installation["backend-1"]
    started = time.monotonic()
    answers = _all_at_once(burst, lambda n: installation.post(dice.choice(tables), *_either(api, backend, n)))
    assert set(answers) == {202}
    assert time.monotonic() - started < 120, "accepted within two minutes"
    assert len(installation.rows("select 1 from dataops.checks")) - before == burst
    assert max(_memory(api), _memory(backend)) < MEMORY_BYTES
    accounting(installation, within_s=60 + burst / 5)


@pytest.mark.timeout(1800)
def test_beyond_the_cap_a_client_is_told_when_to_come_again_and_gets_in(installation: Installation, burst: int) -> None:
    cap = max(5, burst // 40)
    tables = [installation.table(kind) for kind in ("clean", "dirty", "warned")]
    small = installation.run_extra(installation.make("api-small", "api", QUEUE_LIMIT=str(cap)))
    installation.wait_served(small)
    refused: list[float] = []
    most: list[int] = []
    one_looks = threading.Lock()  # the server has no place for a connection of each

    def ask(number: int) -> int:
        while True:
            answer = installation.post(
                tables[number % 3], "api", small.url, rule_ids=[["rows", "id_unique", "value_known"][number // 3 % 3]]
            )
            if answer.status_code != 429:
                return answer.status_code
            assert answer.headers["Content-Type"] == "application/problem+json"
            refused.append(float(answer.headers["Retry-After"]))
            with one_looks:
                most.append(installation.rows("select sum(waiting)::integer as n from dataops.targets")[0]["n"])
            time.sleep(refused[-1])

    for worker in installation.of_role("worker"):
        worker.pause()

    def resume() -> None:  # so that the cap is reached, however fast the machine is
        until = time.monotonic() + 60
        while not refused and time.monotonic() < until:
            time.sleep(0.1)
        for worker in installation.of_role("worker"):
            worker.resume()

    threading.Thread(target=resume, daemon=True).start()
    answers = _all_at_once(burst // 10, ask)
    assert set(answers) == {202}
    assert refused, "the cap was not reached"
    assert max(most) <= cap + THREADS, "a place for each thread of the service, at most"
    assert _memory(small) < MEMORY_BYTES
    accounting(installation, changing=tables, within_s=120)


def _either(api: Process, backend: Process, number: int) -> tuple[str, str]:
    return ("api", api.url) if number % 2 else ("backend", backend.url)


def _all_at_once(number: int, ask: Callable[[int], requests.Response | int]) -> list[int]:
    """By 64 threads, each asking again only where the service has no room to listen."""

    def one(index: int) -> int:
        while True:
            try:
                answer = ask(index)
            except requests.ConnectionError:
                time.sleep(0.2)
                continue
            return answer if isinstance(answer, int) else answer.status_code

    with ThreadPoolExecutor(64) as many:
        return list(many.map(one, range(number)))


def _memory(process: Process) -> int:
    return sum(each.memory_info().rss for each in [psutil.Process(process.pid), *process.family()])


def test_a_request_says_truly_how_far_it_is(installation: Installation, turn: int) -> None:
    target = f"single-{turn}"
    installation.configure_target(target, max_concurrent_checks=1)
    held, other = installation.table("clean", held=True, target=target), installation.table("clean", target=target)
    backend = installation["backend-1"].url

    def progress(request_id: str) -> dict[str, Any]:
        found: dict[str, Any] = installation.call("GET", f"{backend}/api/v1/requests/{request_id}").json().get("progress", {})
        return found

    def reaches(request_id: str, phase: str) -> None:
        eventually(lambda: progress(request_id).get("phase") == phase, 60, f"{request_id} is {phase}: {progress(request_id)}")

    with held.held():
        first = installation.ask(held)
        installation.executing(first)
        answer = installation.post(other)
        assert answer.status_code == 202
        assert (answer.json()["progress"]["phase"], answer.json()["progress"]["position"]) == ("queued", 1)
        second = answer.json()["request_id"]
        reaches(first, "reading")
        assert progress(first)["position"] is None
        installation.to_backend.refuse()
    reaches(first, "delivering")
    reaches(second, "delivering")
    installation.to_backend.forward()
    assert {installation.result(each)["verdict"] for each in (first, second)} == {"pass"}
    assert progress(first) == {}
    with held.held():
        assert progress(installation.ask(held))["expected_s"] > 0
    accounting(installation)


def test_a_check_that_waits_for_its_lock_has_reached_its_target(installation: Installation) -> None:
    table = installation.table("clean")
    loader = psycopg2.connect(installation.target.loader_url)
    try:
        loader.cursor().execute(f"lock table {table.base} in access exclusive mode")
        request = installation.ask(table)
        url = f"{installation['backend-1'].url}/api/v1/requests/{request}"
        eventually(lambda: installation.call("GET", url).json()["progress"]["phase"] == "reading", 60, "its session")
    finally:
        loader.close()
    assert installation.result(request)["verdict"] == "pass"
    accounting(installation)
