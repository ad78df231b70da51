"""The internal database crashes, or the network to it swallows what is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import CheckedTable

BACK_WITHIN_S = 90.0  # how long to wait, not how long it may take
LONGEST_WAIT_S = 150.0  # well above the wait for a thread and for a place in the pool, a statement's time, and that of a login; TCP alone would wait for a quarter of an hour


class Clients:
    """Ask one after the other until they are told to stop; what each was answered."""

    def __init__(self, installation: Installation, tables: list[CheckedTable]) -> None:
        self._installation, self._tables = installation, tables
        self._stop = threading.Event()
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._ask, args=(service,), daemon=True) for service in ("api", "backend")]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, service: str) -> None:
        number = 0
        while not self._stop.wait(0.1):
            number += 1
            url = self._installation[f"{service}-{1 + number % 2}"].url
            try:
                answer = self._installation.post(self._tables[number % len(self._tables)], service, url=url)
            except requests.RequestException:
                self.statuses.append(0)
                continue
            self.statuses.append(answer.status_code)
            if answer.status_code == 503:
                assert answer.headers["Content-Type"] == "application/problem+json", answer.text


def test_a_crash_of_the_internal_database_loses_nothing_that_was_accepted(installation: Installation) -> None:
    tables = [installation.table("clean"), installation.table("dirty")]
    held_table = installation.table("warned", held=True)
    with held_table.held() as held, Clients(installation, tables) as clients:
        running = installation.ask(held_table, timeout_s=120)
        installation.executing(running)
        installation.internal.crash()
        assert not installation.internal.process.runs
        before = len(clients.statuses)
        held.let_go()  # its result has nowhere to go
        eventually(lambda: clients.statuses[before:].count(503) >= 4, 30, "answers of 503")
        assert not {200, 202} & set(clients.statuses[before + 2 :]), "accepted by nobody knows whom"
        installation.internal.start()
        seen = len(clients.statuses)
        eventually(lambda: 202 in clients.statuses[seen:], BACK_WITHIN_S, "the first request that is accepted again")
        eventually(lambda: clients.statuses[-4:] == [202] * 4, BACK_WITHIN_S, "all of them")
    assert installation.result(running)["verdict"] == "warn"
    accounting(installation, within_s=90)
    assert 0 not in clients.statuses


def test_a_network_that_swallows_what_goes_to_the_internal_database_holds_nobody_for_long(installation: Installation) -> None:
    table = installation.table("dirty", held=True)
    api, backend, worker = (installation[f"{role}-2"] for role in ("api", "backend", "worker"))
    installation["worker-1"].pause()
    with table.held() as held:
        with ThreadPoolExecutor(8) as many:  # several connections lie in the pool of each service
            for service in (api, backend):
                list(many.map(lambda _, service=service: installation.post(table, service.role, url=service.url), range(8)))
        request = installation.ask(table, "api", url=api.url, timeout_s=120)
        eventually(lambda: installation.rows("select 1 from dataops.checks where status = 'running'"), 60, "a check that runs")
        first = installation.rows("select check_id::text, request_id, attempt from dataops.checks where status = 'running'")[0]
        assert installation.worker_of(first["check_id"]) is worker
        installation.to_internal.swallow()
        installation["worker-1"].resume()
        with ThreadPoolExecutor(6) as many:
            asked = [
                many.submit(installation.post, table, service.role, url=service.url, timeout=LONGEST_WAIT_S)
                for service in (api, backend)
                for _ in range(2)
            ]
            asked += [
                many.submit(installation.call, "GET", f"{service.url}/readyz", timeout=LONGEST_WAIT_S)
                for service in (api, backend)
            ]
            # meanwhile the first of each role, whose network is whole, does the work of both
            installation.ask(table, "api", url=installation["api-1"].url)
            installation.executing(first["request_id"], LONGEST_WAIT_S, attempt=first["attempt"] + 1)
            assert installation.worker_of(first["check_id"]) is installation["worker-1"]
            assert {answer.result().status_code for answer in asked} == {503}
        held.let_go()
        installation.to_internal.forward()
        eventually(
            lambda: installation.post(table, "api", url=api.url).status_code == 202, BACK_WITHIN_S, "service by the second api"
        )
        eventually(
            lambda: installation.post(table, url=backend.url).status_code == 202, BACK_WITHIN_S, "service by the second Backend"
        )
        installation.result(request)
    accounting(installation)
